//! A timestamp server on the loopback interface that answers with what `openssl ts` says.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;

use crate::openssl::openssl;

/// The longest request that is read.
const MAX_REQUEST: u64 = 64 << 10;

/// A server that answers one request after the other, until the process ends.
#[derive(Debug)]
pub struct OpensslTsa {
    address: SocketAddr,
}

impl OpensslTsa {
    /// Listens on a free port. What `openssl` needs goes into `folder`, which has to be there as long as
    /// requests are sent; `certificate` and `key` are PEM.
    ///
    /// # Panics
    /// Where the folder cannot be written to, or no port is free.
    #[must_use]
    pub fn start(folder: &Path, certificate: &Path, key: &Path) -> Self {
        let state = State { folder: folder.to_owned() };
        fs::write(state.at("serial"), "01\n").unwrap();
        fs::write(state.at("cnf"), configuration(&state.at("serial"), certificate, key)).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that went away is no matter to the next one.
                let _ = state.answer(stream);
            }
        });
        Self { address }
    }

    /// The address to post queries to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

/// Where the server keeps its files.
struct State {
    folder: PathBuf,
}

impl State {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.join(format!("openssl-tsa-{name}"))
    }

    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut length = 0;
        let mut line = String::new();
        while reader.read_line(&mut line)? > 2 {
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0).min(MAX_REQUEST);
            }
            line.clear();
        }
        let mut query = Vec::new();
        reader.take(length).read_to_end(&mut query)?;
        let body = self.reply(&query)?;
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.into_bytes(), body].concat())
    }

    /// Asks `openssl`; a query it cannot read gets a rejection from it.
    fn reply(&self, query: &[u8]) -> std::io::Result<Vec<u8>> {
        let (asked, replied) = (self.at("query"), self.at("reply"));
        fs::write(&asked, query)?;
        let _ = fs::remove_file(&replied);
        openssl([
            "ts".as_ref(),
            "-reply".as_ref(),
            "-config".as_ref(),
            self.at("cnf").as_os_str(),
            "-queryfile".as_ref(),
            asked.as_os_str(),
            "-out".as_ref(),
            replied.as_os_str(),
        ]);
        fs::read(replied)
    }
}

fn configuration(serial: &Path, certificate: &Path, key: &Path) -> String {
    format!(
        "[tsa]\n\
         default_tsa = this\n\
         [this]\n\
         serial = {serial}\n\
         crypto_device = builtin\n\
         signer_cert = {certificate}\n\
         signer_key = {key}\n\
         signer_digest = sha256\n\
         default_policy = 1.3.6.1.4.1.32473.1.2\n\
         digests = sha256, sha384, sha512\n\
         accuracy = secs:1\n\
         ordering = no\n\
         tsa_name = no\n\
         ess_cert_id_chain = no\n\
         ess_cert_id_alg = sha256\n",
        serial = serial.display(),
        certificate = certificate.display(),
        key = key.display(),
    )
}
