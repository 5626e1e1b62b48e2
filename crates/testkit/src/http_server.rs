//! An HTTP server on the loopback interface that answers as a test wants, well or badly.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// What the server does with a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// A status and a body.
    Status {
        /// The status code.
        status: u16,
        /// The body.
        body: Vec<u8>,
    },
    /// Status 302 and another place.
    Redirect(String),
    /// Zeros for as long as the client takes them, at most 256 MiB.
    Endless {
        /// What Content-Length claims; without it the body ends with the connection.
        claimed: Option<u64>,
    },
    /// One byte now and then.
    Drip,
    /// Nothing, and the connection stays open.
    Silence,
}

impl Answer {
    /// Status 200.
    #[must_use]
    pub const fn ok(body: Vec<u8>) -> Self {
        Self::Status { status: 200, body }
    }
}

/// A server; it stops when it is dropped.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

impl HttpServer {
    /// Listens on a free port and answers each request by its path.
    pub fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stopped = Arc::new(AtomicBool::new(false));
        let (answer, ended) = (Arc::new(answer), Arc::clone(&stopped));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (answer, ended) = (Arc::clone(&answer), Arc::clone(&ended));
                thread::spawn(move || serve(stream.unwrap(), &*answer, &ended));
            }
        });
        Self { address, stopped }
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener, which then closes.
        drop(TcpStream::connect(self.address));
    }
}

/// Answers one request. A client that has gone away is no failure of the server.
fn serve(mut stream: TcpStream, answer: &dyn Fn(&str) -> Answer, stopped: &AtomicBool) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(request)) = lines.next() else { return };
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let path = request.split(' ').nth(1).unwrap_or_default();
    let head = |status: u16, more: &str| {
        format!("HTTP/1.1 {status} Told\r\nConnection: close\r\n{more}\r\n").into_bytes()
    };
    let _ = match answer(path) {
        Answer::Status { status, body } => {
            let length = format!("Content-Length: {}\r\n", body.len());
            stream.write_all(&[head(status, &length), body].concat())
        }
        Answer::Redirect(target) => {
            let more = format!("Location: {target}\r\nContent-Length: 0\r\n");
            stream.write_all(&head(302, &more))
        }
        Answer::Endless { claimed } => {
            let length = claimed.map(|claimed| format!("Content-Length: {claimed}\r\n"));
            let chunk = vec![0; 1 << 16];
            let mut sent = stream.write_all(&head(200, &length.unwrap_or_default()));
            for _ in 0..4096 {
                sent = sent.and_then(|()| stream.write_all(&chunk));
            }
            sent
        }
        Answer::Drip => {
            let mut sent = stream.write_all(&head(200, "Content-Length: 1000000\r\n"));
            while sent.is_ok() && !stopped.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(50));
                sent = stream.write_all(b"0");
            }
            sent
        }
        Answer::Silence => {
            while !stopped.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        }
    };
}
