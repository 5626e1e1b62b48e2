//! The little of HTTP/1.1 that a timestamp server needs (RFC 3161 section 3.4).

use std::io::{self, Read};
use std::time::{Duration, Instant};

/// The longest request line and headers read, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// The longest body read, in bytes. A request has below a hundred; a legacy one is as long as an RSA modulus.
const MAX_BODY: usize = 64 << 10;

/// Which kind of request a body is, by its Content-Type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rfc3161,
    Legacy,
}

/// A request that was read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) kind: Kind,
    pub(super) body: Vec<u8>,
    /// Whether the client may ask again on the same connection (RFC 9112 section 9.3).
    pub(super) persists: bool,
}

/// Why a request is not answered otherwise than by a status.
#[derive(Debug)]
pub(super) enum Refusal {
    /// With this status line.
    Status(&'static str),
    /// The connection broke, or there was no time left: no answer at all.
    Gone,
}

impl From<io::Error> for Refusal {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// Reads the next request of a connection within `time` of its first byte; the stream's own time-out bounds each
/// read. `received` is what came beyond the request before it, and has afterwards what came beyond this one.
pub(super) fn read_request(
    stream: &mut impl Read,
    received: &mut Vec<u8>,
    time: Duration,
) -> Result<Request, Refusal> {
    let mut buffer = [0; 4096];
    let mut more = |received: &mut Vec<u8>| -> Result<(), Refusal> {
        match stream.read(&mut buffer)? {
            0 => Err(Refusal::Gone),
            count => {
                received.extend_from_slice(buffer.get(..count).unwrap_or_default());
                Ok(())
            }
        }
    };
    // A client that keeps its connection may be silent between two requests.
    if received.is_empty() {
        more(received)?;
    }
    let deadline = Instant::now().checked_add(time);
    let mut more_in_time = |received: &mut Vec<u8>| {
        if deadline.is_none_or(|deadline| Instant::now() >= deadline) {
            return Err(Refusal::Status("408 Request Timeout"));
        }
        more(received)
    };
    let end = loop {
        let searched = received.get(..MAX_HEAD.min(received.len())).unwrap_or_default();
        if let Some(end) = searched.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if received.len() >= MAX_HEAD {
            return Err(Refusal::Status("431 Request Header Fields Too Large"));
        }
        more_in_time(received)?;
    };
    let head = read_head(received.get(..end).unwrap_or_default()).map_err(Refusal::Status)?;
    let body = end.saturating_add(4);
    let all = body.saturating_add(head.length);
    while received.len() < all {
        more_in_time(received)?;
    }
    let beyond = received.split_off(all);
    let body = core::mem::replace(received, beyond).split_off(body);
    Ok(Request { kind: head.kind, body, persists: head.persists })
}

/// What request line and headers say.
struct Head {
    kind: Kind,
    /// How long the body is, in bytes.
    length: usize,
    persists: bool,
}

/// Reads request line and headers.
fn read_head(head: &[u8]) -> Result<Head, &'static str> {
    const BAD_REQUEST: &str = "400 Bad Request";
    let head = core::str::from_utf8(head).map_err(|_| BAD_REQUEST)?;
    let mut lines = head.split("\r\n");
    let mut parts = lines.next().unwrap_or_default().split(' ');
    let (method, _, version) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    if !version.starts_with("HTTP/1.") {
        return Err(BAD_REQUEST);
    }
    if method != Some("POST") {
        return Err("405 Method Not Allowed");
    }
    let (mut kind, mut length) = (None, None);
    // The older version has a header of its own for this, which nobody needs any more.
    let mut persists = version != "HTTP/1.0";
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(BAD_REQUEST)?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-type" => {
                let media_type = value.split(';').next().unwrap_or_default().trim();
                kind = match media_type.to_ascii_lowercase().as_str() {
                    "application/timestamp-query" => Some(Kind::Rfc3161),
                    "application/octet-stream" => Some(Kind::Legacy),
                    _ => None,
                };
            }
            // Two lengths are how requests are smuggled past proxies.
            "content-length" if length.is_some() => return Err(BAD_REQUEST),
            "content-length" => {
                length = Some(value.parse::<usize>().map_err(|_| BAD_REQUEST)?);
            }
            "connection" => {
                let mut options = value.split(',').map(str::trim);
                persists &= !options.any(|option| option.eq_ignore_ascii_case("close"));
            }
            "transfer-encoding" => return Err("411 Length Required"),
            _ => {}
        }
    }
    let length = length.ok_or("411 Length Required")?;
    if length > MAX_BODY {
        return Err("413 Content Too Large");
    }
    Ok(Head { kind: kind.ok_or("415 Unsupported Media Type")?, length, persists })
}

/// Writes a response, and says where the connection is closed after it.
pub(super) fn response(status: &str, content_type: &str, body: &[u8], persists: bool) -> Vec<u8> {
    let length = body.len();
    let close = if persists { "" } else { "Connection: close\r\n" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n{close}\r\n"
    );
    [head.as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Request, &'static str> {
        read_next(&mut text.as_bytes(), &mut Vec::new())
    }

    fn read_next(stream: &mut &[u8], received: &mut Vec<u8>) -> Result<Request, &'static str> {
        read_request(stream, received, Duration::from_secs(60)).map_err(|refusal| match refusal {
            Refusal::Status(status) => status,
            Refusal::Gone => "gone",
        })
    }

    fn post(headers: &str, body: &str) -> Result<Request, &'static str> {
        read(&format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n{body}"))
    }

    #[test]
    fn both_kinds_of_requests_are_read() {
        for (media_type, kind) in [
            ("application/timestamp-query", Kind::Rfc3161),
            ("Application/Timestamp-Query; x=y", Kind::Rfc3161),
            ("application/octet-stream", Kind::Legacy),
        ] {
            let headers = format!("content-type:{media_type}\r\nCONTENT-LENGTH: 2");
            let request = post(&headers, "abc").unwrap();
            assert_eq!(request, Request { kind, body: b"ab".to_vec(), persists: true });
        }
    }

    #[test]
    fn requests_follow_one_another_until_the_client_says_otherwise() {
        let query = "Content-Type: application/timestamp-query\r\nContent-Length: 2";
        let one = |version: &str, more: &str, body: &str| {
            format!("POST / {version}\r\n{query}{more}\r\n\r\n{body}")
        };
        let text = [
            one("HTTP/1.1", "", "ab"),
            one("HTTP/1.1", "\r\nConnection: keep-alive, Close", "cd"),
            one("HTTP/1.0", "\r\nConnection: keep-alive", "ef"),
        ]
        .concat();
        let (mut stream, mut received) = (text.as_bytes(), Vec::new());
        let requests: Vec<_> =
            (0..3).map(|_| read_next(&mut stream, &mut received).unwrap()).collect();
        let read: Vec<_> = requests.iter().map(|one| (one.body.as_slice(), one.persists)).collect();
        assert_eq!(read, [(&b"ab"[..], true), (b"cd", false), (b"ef", false)]);
        assert_eq!(read_next(&mut stream, &mut received), Err("gone"));
    }

    #[test]
    fn everything_else_is_refused_by_status() {
        let query = "Content-Type: application/timestamp-query";
        assert_eq!(read("GET / HTTP/1.1\r\n\r\n"), Err("405 Method Not Allowed"));
        assert_eq!(read("POST / SPDY\r\n\r\n"), Err("400 Bad Request"));
        assert_eq!(read("\r\n\r\n"), Err("400 Bad Request"));
        assert_eq!(post(query, ""), Err("411 Length Required"));
        for (length, status) in [
            ("65537", "413 Content Too Large"),
            ("99999999999999999999", "400 Bad Request"),
            ("-1", "400 Bad Request"),
            ("1\r\nContent-Length: 2", "400 Bad Request"),
            ("1\r\nTransfer-Encoding: chunked", "411 Length Required"),
            ("3", "gone"),
        ] {
            let headers = format!("{query}\r\nContent-Length: {length}");
            assert_eq!(post(&headers, "ab"), Err(status), "{length}");
        }
        assert_eq!(post("Content-Length: 2", "ab"), Err("415 Unsupported Media Type"));
        assert_eq!(post("no header", ""), Err("400 Bad Request"));
        let long = format!("X: {}", "x".repeat(MAX_HEAD));
        assert_eq!(post(&long, ""), Err("431 Request Header Fields Too Large"));
        let late = read_request(&mut &b"POST"[..], &mut Vec::new(), Duration::ZERO);
        assert!(matches!(late, Err(Refusal::Status("408 Request Timeout"))));
    }
}
