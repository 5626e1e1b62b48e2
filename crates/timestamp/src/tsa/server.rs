//! A small server around an [`Authority`].

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use chancery_x509::Time;

use super::Authority;
use super::http::{Kind, Refusal, Request, read_request, response};

/// How long a client may take for its whole request, and again for taking the answer; and how long it may be silent
/// between two.
const CONNECTION_TIME: Duration = Duration::from_secs(10);

/// How many connections are open at the same time. More wait in the listener's queue. Most of what they do is waiting:
/// for their clients, and for a token where that has the key.
const WORKERS: usize = 64;

/// How long a worker rests where connections cannot be accepted: out of file descriptors, mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers requests over HTTP, of either kind by their Content-Type.
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
                Ok((stream, _)) => drop(self.converse(stream)),
                Err(_) => thread::sleep(ACCEPT_PAUSE),
            }
        }
    }

    /// Answers one request after the other until the client has enough, or does wrong.
    fn converse(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(CONNECTION_TIME))?;
        stream.set_write_timeout(Some(CONNECTION_TIME))?;
        // An answer is one write; nothing that follows it is worth waiting for.
        stream.set_nodelay(true)?;
        let mut received = Vec::new();
        loop {
            let (answer, persists) = match read_request(&mut stream, &mut received, CONNECTION_TIME)
            {
                Err(Refusal::Gone) => return Ok(()),
                Err(Refusal::Status(status)) => (plain(status, false), false),
                Ok(request) => (self.answer(&request), request.persists),
            };
            stream.write_all(&answer)?;
            if !persists {
                return Ok(());
            }
        }
    }

    fn answer(&self, Request { kind, body, persists }: &Request) -> Vec<u8> {
        let Ok(now) = (self.clock)() else { return plain("503 Service Unavailable", *persists) };
        let ok = |media_type, body| response("200 OK", media_type, body, *persists);
        match kind {
            Kind::Rfc3161 => {
                let reply = self.authority.respond(body, now.into()).to_der();
                ok("application/timestamp-reply", &reply)
            }
            Kind::Legacy => match self.authority.respond_legacy(body, now.into()) {
                Ok(reply) => ok("application/octet-stream", reply.as_bytes()),
                Err(_) => plain("400 Bad Request", *persists),
            },
        }
    }
}

fn plain(status: &str, persists: bool) -> Vec<u8> {
    response(status, "text/plain", status.as_bytes(), persists)
}
