//! A small server around an [`Authority`].

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use chancery_x509::Time;

use super::Authority;
use super::http::{Kind, Refusal, read_request, response};

/// How long a client may take for its whole request, and again for taking the answer.
const CONNECTION_TIME: Duration = Duration::from_secs(10);

/// How many requests are answered at the same time. More wait in the listener's queue.
const WORKERS: usize = 4;

/// How long a worker rests where connections cannot be accepted: out of file descriptors, mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers requests over HTTP, of either kind by their Content-Type, one connection each.
#[derive(Debug)]
pub struct Server {
    authority: Authority,
    listener: TcpListener,
    clock: fn() -> Result<Time, chancery_x509::Error>,
}

impl Server {
    /// Listens on an address, port 0 for any that is free; times come from a clock such as [`Time::now`].
    ///
    /// # Errors
    /// Where the address cannot be listened on.
    pub fn bind(
        authority: Authority,
        address: SocketAddr,
        clock: fn() -> Result<Time, chancery_x509::Error>,
    ) -> io::Result<Self> {
        Ok(Self { authority, listener: TcpListener::bind(address)?, clock })
    }

    /// Returns the address it listens on.
    ///
    /// # Errors
    /// Where the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers requests until the process ends.
    pub fn serve(&self) {
        thread::scope(|scope| {
            for _ in 1..WORKERS {
                scope.spawn(|| self.work());
            }
            self.work();
        });
    }

    fn work(&self) {
        loop {
            match self.listener.accept() {
                // Whatever becomes of one client is no matter to the others.
                Ok((stream, _)) => drop(self.answer(stream)),
                Err(_) => thread::sleep(ACCEPT_PAUSE),
            }
        }
    }

    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(CONNECTION_TIME))?;
        stream.set_write_timeout(Some(CONNECTION_TIME))?;
        let deadline = Instant::now().checked_add(CONNECTION_TIME);
        let plain = |status| response(status, "text/plain", status.as_bytes());
        let answer = match deadline.map(|deadline| read_request(&mut stream, deadline)) {
            None | Some(Err(Refusal::Gone)) => return Ok(()),
            Some(Err(Refusal::Status(status))) => plain(status),
            Some(Ok(request)) => match ((self.clock)(), request.kind) {
                (Err(_), _) => plain("503 Service Unavailable"),
                (Ok(now), Kind::Rfc3161) => {
                    let reply = self.authority.respond(&request.body, now.into()).to_der();
                    response("200 OK", "application/timestamp-reply", &reply)
                }
                (Ok(now), Kind::Legacy) => {
                    match self.authority.respond_legacy(&request.body, now.into()) {
                        Ok(reply) => {
                            response("200 OK", "application/octet-stream", reply.as_bytes())
                        }
                        Err(_) => plain("400 Bad Request"),
                    }
                }
            },
        };
        stream.write_all(&answer)?;
        stream.flush()
    }
}
