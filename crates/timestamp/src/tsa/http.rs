//! The little of HTTP/1.1 that a timestamp server needs (RFC 3161 section 3.4).

use std::io::{self, Read};
use std::time::Instant;

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

/// Reads a request, all of it before `deadline`; the stream's own time-out bounds each read.
pub(super) fn read_request(stream: &mut impl Read, deadline: Instant) -> Result<Request, Refusal> {
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    let mut more = |received: &mut Vec<u8>| -> Result<(), Refusal> {
        if Instant::now() >= deadline {
            return Err(Refusal::Status("408 Request Timeout"));
        }
        match stream.read(&mut buffer)? {
            0 => Err(Refusal::Gone),
            count => {
                received.extend_from_slice(buffer.get(..count).unwrap_or_default());
                Ok(())
            }
        }
    };
    let end = loop {
        let searched = received.get(..MAX_HEAD.min(received.len())).unwrap_or_default();
        if let Some(end) = searched.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if received.len() >= MAX_HEAD {
            return Err(Refusal::Status("431 Request Header Fields Too Large"));
        }
        more(&mut received)?;
    };
    let (head, rest) = received.split_at(end);
    let (kind, length) = read_head(head).map_err(Refusal::Status)?;
    let mut body = rest.get(4..).unwrap_or_default().to_vec();
    while body.len() < length {
        more(&mut body)?;
    }
    body.truncate(length);
    Ok(Request { kind, body })
}

/// Reads request line and headers: what kind of body follows, and how long it is.
fn read_head(head: &[u8]) -> Result<(Kind, usize), &'static str> {
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
            "transfer-encoding" => return Err("411 Length Required"),
            _ => {}
        }
    }
    let length = length.ok_or("411 Length Required")?;
    if length > MAX_BODY {
        return Err("413 Content Too Large");
    }
    Ok((kind.ok_or("415 Unsupported Media Type")?, length))
}

/// Writes a response; the connection is closed after it.
pub(super) fn response(status: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(text: &str) -> Result<Request, &'static str> {
        let deadline = Instant::now() + Duration::from_secs(60);
        read_request(&mut text.as_bytes(), deadline).map_err(|refusal| match refusal {
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
            assert_eq!(request, Request { kind, body: b"ab".to_vec() });
        }
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
        let late = read_request(&mut &b"POST"[..], Instant::now());
        assert!(matches!(late, Err(Refusal::Status("408 Request Timeout"))));
    }
}
