//! Our server, asked by our client and by hand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use chancery_key::DigestAlgorithm;
use chancery_timestamp::http::{HttpSettings, HttpTimestamper, TimestampServer};
use chancery_timestamp::tsa::{Authority, Server};
use chancery_timestamp::{TimeStampRequest, TimestampKind, Timestamper};

use super::forge::{VALUE, World, time};

fn start(world: &World) -> SocketAddr {
    let authority = Authority::new(world.identity()).unwrap();
    let clock = || Ok(time("2026-06-01"));
    let server = Server::bind(authority, "127.0.0.1:0".parse().unwrap(), clock).unwrap();
    let address = server.local_addr().unwrap();
    thread::spawn(move || server.serve());
    address
}

#[test]
fn the_client_gets_both_kinds_from_the_server() {
    let world = World::new();
    let url = format!("http://{}/", start(&world));
    for kind in [TimestampKind::Rfc3161, TimestampKind::Legacy] {
        let mut settings = HttpSettings::default();
        settings.anchors = world.anchors();
        settings.clock = || Ok(time("2026-06-01"));
        let server = TimestampServer::new(&url, kind).unwrap();
        let client = HttpTimestamper::new(vec![server], settings).unwrap();
        // More at a time than there are workers.
        thread::scope(|scope| {
            let asked: Vec<_> = (0..10).map(|_| scope.spawn(|| client.stamp(VALUE))).collect();
            for stamp in asked {
                assert_eq!(stamp.join().unwrap().unwrap().kind(), kind);
            }
        });
    }
}

#[test]
fn a_connection_serves_request_after_request_until_the_client_ends_it() {
    let address = start(&World::new());
    let mut stream = TcpStream::connect(address).unwrap();
    let body = TimeStampRequest::new(DigestAlgorithm::Sha256, VALUE).unwrap().to_der();
    let head = |more: &str| {
        format!(
            "POST / HTTP/1.1\r\nContent-Type: application/timestamp-query\r\n\
             Content-Length: {}\r\n{more}\r\n",
            body.len()
        )
    };
    // Two at once, and one after their answers.
    let first = [head("").as_bytes(), &body].concat().repeat(2);
    stream.write_all(&first).unwrap();
    let mut answers = Vec::new();
    while count(&answers, b"HTTP/1.1 200 OK") < 2 {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).unwrap();
        assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&answers));
        answers.extend_from_slice(&part[..read]);
    }
    stream.write_all(&[head("Connection: close\r\n").as_bytes(), &body].concat()).unwrap();
    stream.read_to_end(&mut answers).unwrap();
    assert_eq!(count(&answers, b"HTTP/1.1 200 OK"), 3);
    assert_eq!(count(&answers, b"Connection: close"), 1);
}

fn count(text: &[u8], part: &[u8]) -> usize {
    text.windows(part.len()).filter(|window| *window == part).count()
}

#[test]
fn what_is_no_request_is_answered_by_a_status() {
    let address = start(&World::new());
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "405"),
        ("POST / HTTP/1.1\r\nContent-Type: application/timestamp-query\r\n\r\n", "411"),
        (
            "POST / HTTP/1.1\r\nContent-Type: application/octet-stream\r\nContent-Length: 1\r\n\
             Connection: close\r\n\r\n!",
            "400",
        ),
    ] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}
