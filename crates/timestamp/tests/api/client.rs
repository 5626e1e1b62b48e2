//! The client, and servers that do everything wrong.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use chancery_chain::TrustAnchors;
use chancery_key::DigestAlgorithm;
use chancery_timestamp::http::{HttpSettings, HttpTimestamper, TimestampServer};
use chancery_timestamp::tsa::Authority;
use chancery_timestamp::{
    Failure, LegacyRequest, Nonce, Stamp, StampError, StampErrorKind, TimeStampRequest,
    TimeStampResponse, TimestampKind, Timestamper,
};

use super::forge::{Maker, TokenMaker, VALUE, World, info, stamped, time};

/// What a server does with one request: its path and body come in, the bytes of the answer go out. `None` keeps
/// the connection open and says nothing.
type Answer = Box<dyn Fn(&str, &[u8]) -> Option<Vec<u8>> + Send + Sync>;

/// A server on the loopback interface for as long as the process lives.
struct Fake {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Fake {
    fn new(answer: impl Fn(&str, &[u8]) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let (count, answer): (_, Arc<Answer>) = (requests.clone(), Arc::new(Box::new(answer)));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, answer) = (stream.unwrap(), answer.clone());
                count.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || serve(stream, &answer));
            }
        });
        Self { address, requests }
    }

    /// Answers by an authority; `change` may spoil the answer.
    fn authority(
        world: &World,
        change: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let authority = Authority::new(world.identity()).unwrap();
        Self::new(move |_, body| {
            let answer = authority.respond(body, stamped()).to_der();
            Some(reply("200 OK", &change(answer)))
        })
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn url(&self) -> String {
        format!("http://{}/tsa", self.address)
    }
}

fn serve(mut stream: TcpStream, answer: &Answer) {
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    let (head, length) = loop {
        let count = stream.read(&mut buffer).unwrap_or(0);
        if count == 0 {
            return;
        }
        received.extend_from_slice(&buffer[..count]);
        let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8(received[..end].to_vec()).unwrap();
        let mut lines = head.lines();
        let length = lines.find_map(|line| {
            line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned)
        });
        received.drain(..end + 4);
        break (head, length.map_or(0, |length| length.parse().unwrap()));
    };
    while received.len() < length {
        let count = stream.read(&mut buffer).unwrap();
        received.extend_from_slice(&buffer[..count]);
    }
    let path = head.split(' ').nth(1).unwrap();
    match answer(path, &received) {
        // The other side may hang up in the middle, and is right to.
        Some(bytes) => drop(stream.write_all(&bytes)),
        // Until the other side hangs up.
        None => drop(stream.read(&mut buffer)),
    }
}

fn reply(status: &str, body: &[u8]) -> Vec<u8> {
    with_headers(status, "Content-Type: application/timestamp-reply", body)
}

fn with_headers(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Short times, and two attempts.
fn settings() -> HttpSettings {
    let mut settings = HttpSettings::default();
    settings.attempts = 2;
    settings.first_pause = Duration::from_millis(5);
    settings.longest_pause = Duration::from_millis(10);
    settings.clock = || Ok(time("2026-06-01T12:00:30Z"));
    settings
}

fn client_of(urls: &[String], settings: HttpSettings) -> HttpTimestamper {
    let servers =
        urls.iter().map(|url| TimestampServer::new(url, TimestampKind::Rfc3161).unwrap()).collect();
    HttpTimestamper::new(servers, settings).unwrap()
}

fn ask(server: &Fake) -> Result<Stamp, StampError> {
    client_of(&[server.url()], settings()).stamp(VALUE)
}

/// Insists that there is no stamp, and that the server was asked so often.
fn assert_fails(server: &Fake, kind: StampErrorKind, requests: usize, why: &str) {
    let error = ask(server).unwrap_err();
    assert_eq!((error.kind(), server.requests()), (kind, requests), "{error}");
    assert!(error.to_string().contains(why), "{error}");
    assert!(error.to_string().contains(&server.url()), "{error}");
}

#[test]
fn a_good_server_is_asked_once() {
    let world = World::new();
    let server = Fake::authority(&world, |answer| answer);
    let stamp = ask(&server).unwrap();
    let (_, token) = stamp.attribute();
    assert!(world.verifier().token(token, VALUE, &[]).is_valid());
    assert_eq!(server.requests(), 1);
}

#[test]
fn the_path_above_the_server_is_checked_where_anchors_are_given() {
    let world = World::new();
    let server = Fake::authority(&world, |answer| answer);
    let with = |anchors: TrustAnchors| {
        let mut settings = settings();
        settings.anchors = anchors;
        client_of(&[server.url()], settings).stamp(VALUE)
    };
    with(world.anchors()).unwrap();
    let error = with(World::new().anchors()).unwrap_err();
    assert_eq!(error.kind(), StampErrorKind::Invalid);
    assert!(error.to_string().contains("chain-untrusted"), "{error}");
}

#[test]
fn a_server_that_is_down_is_tried_again() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{closed}/");
    let error = client_of(std::slice::from_ref(&url), settings()).stamp(VALUE).unwrap_err();
    assert_eq!(error.kind(), StampErrorKind::Unavailable);
    assert!(
        error.to_string().contains("(2 attempts)") && error.to_string().contains(&url),
        "{error}"
    );
}

#[test]
fn a_server_that_hangs_is_left_for_the_next() {
    let world = World::new();
    let hangs = Fake::new(|_, _| None);
    let works = Fake::authority(&world, |answer| answer);
    let mut settings = settings();
    settings.request_timeout = Duration::from_millis(300);
    settings.first_pause = Duration::from_secs(600);
    settings.longest_pause = Duration::from_secs(600);
    let client = client_of(&[hangs.url(), works.url()], settings);
    for _ in 0..3 {
        client.stamp(VALUE).unwrap();
    }
    // It is not asked for the second and third file.
    assert_eq!((hangs.requests(), works.requests()), (1, 3));
}

#[test]
fn the_deadline_ends_all_attempts() {
    let hangs = Fake::new(|_, _| None);
    let mut settings = settings();
    settings.attempts = u32::MAX;
    settings.request_timeout = Duration::from_millis(50);
    settings.deadline = Duration::from_millis(300);
    let error = client_of(&[hangs.url()], settings).stamp(VALUE).unwrap_err();
    assert_eq!(error.kind(), StampErrorKind::Unavailable);
    assert!(error.to_string().contains("no time is left"), "{error}");
}

#[test]
fn a_busy_server_is_asked_again_and_may_recover() {
    for status in ["500 Oops", "503 Busy", "429 Too Many", "408 Slow"] {
        let server = Fake::new(move |_, _| Some(reply(status, b"busy")));
        assert_fails(&server, StampErrorKind::Unavailable, 2, &status[..3]);
    }
    let world = World::new();
    let authority = Authority::new(world.identity()).unwrap();
    let asked = AtomicUsize::new(0);
    let server = Fake::new(move |_, body| {
        Some(match asked.fetch_add(1, Ordering::SeqCst) {
            0 => with_headers("503 Busy", "Retry-After: 0", b""),
            _ => reply("200 OK", &authority.respond(body, stamped()).to_der()),
        })
    });
    ask(&server).unwrap();
    assert_eq!(server.requests(), 2);
}

#[test]
fn retry_after_is_respected() {
    let server = Fake::new(|_, _| Some(with_headers("503 Busy", "Retry-After: 3000", b"")));
    let error = ask(&server).unwrap_err();
    assert!(error.to_string().contains("no time is left"), "{error}");
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_server_that_does_not_serve_us_is_asked_once() {
    for status in ["404 Not Found", "403 Forbidden", "501 Not Implemented", "204 No Content"] {
        let server = Fake::new(move |_, _| Some(reply(status, b"")));
        assert_fails(&server, StampErrorKind::Unavailable, 1, &status[..3]);
    }
}

#[test]
fn what_is_no_answer_is_invalid() {
    let server = Fake::new(|_, _| {
        Some(with_headers(
            "200 OK",
            "Content-Type: text/html",
            b"<html>Sign in to the network</html>",
        ))
    });
    assert_fails(&server, StampErrorKind::Invalid, 1, "no timestamp response");
    let world = World::new();
    let server = Fake::authority(&world, |answer| answer[..answer.len() / 2].to_vec());
    assert_fails(&server, StampErrorKind::Invalid, 1, "no timestamp response");
    let server = Fake::new(|_, _| Some(b"garbage\r\n\r\n".to_vec()));
    assert_eq!(ask(&server).unwrap_err().kind(), StampErrorKind::Unavailable);
}

#[test]
fn an_answer_of_100_megabytes_is_not_read() {
    let server = Fake::new(|_, _| {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\nConnection: close\r\n\r\n";
        let mut answer = head.as_bytes().to_vec();
        answer.resize(answer.len() + (100 << 20), b'x');
        Some(answer)
    });
    assert_fails(&server, StampErrorKind::Invalid, 1, "longer than 1048576 bytes");
}

#[test]
fn a_rejection_is_final_unless_the_server_is_out_of_order() {
    let rejects = |failure| {
        let answer = TimeStampResponse::rejected(failure, "no").to_der();
        Fake::new(move |_, _| Some(reply("200 OK", &answer)))
    };
    for failure in [Failure::BadAlgorithm, Failure::BadRequest, Failure::UnacceptedPolicy] {
        assert_fails(&rejects(failure), StampErrorKind::Rejected, 1, failure.name());
    }
    for failure in [Failure::TimeNotAvailable, Failure::SystemFailure] {
        assert_fails(&rejects(failure), StampErrorKind::Unavailable, 2, failure.name());
    }
}

/// Answers with a token that is like the right one but for a change of its `TSTInfo`.
fn forger(
    world: &World,
    change: impl Fn(&mut chancery_timestamp::TstInfo) + Send + Sync + 'static,
) -> Fake {
    let world = world.clone();
    Fake::new(move |_, body| {
        let request = TimeStampRequest::from_der(body).unwrap();
        let mut info = info();
        info.nonce = request.nonce;
        change(&mut info);
        let token = TokenMaker::new(&world).info(&info).sign(&world.server);
        Some(reply("200 OK", &TimeStampResponse::granted(token).to_der()))
    })
}

#[test]
fn stamps_over_something_else_are_never_handed_out() {
    let world = World::new();
    ask(&forger(&world, |_| {})).unwrap();
    let invalid = StampErrorKind::Invalid;
    let nonce = forger(&world, |info| info.nonce = Some(Nonce::from_unsigned(&[7])));
    assert_fails(&nonce, invalid, 1, "nonce of another request");
    let no_nonce = forger(&world, |info| info.nonce = None);
    assert_fails(&no_nonce, invalid, 1, "no nonce");
    let imprint = forger(&world, |info| info.imprint.hash[0] ^= 1);
    assert_fails(&imprint, invalid, 1, "over something else");
    let future = forger(&world, |info| info.gen_time = time("2026-06-01T12:11:00Z").into());
    assert_fails(&future, invalid, 1, "time-in-the-future");
    let unfit = World::with(&Maker { purposes: None, ..Maker::server() });
    assert_fails(&forger(&unfit, |_| {}), invalid, 1, "chain-wrong-usage");
    // The next server of the list is asked.
    let works = Fake::authority(&world, |answer| answer);
    client_of(&[imprint.url(), works.url()], settings()).stamp(VALUE).unwrap();
    assert_eq!(works.requests(), 1);
}

#[test]
fn every_attempt_has_a_nonce_of_its_own() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let nonces = Arc::clone(&seen);
    let server = Fake::new(move |_, body| {
        let request = TimeStampRequest::from_der(body).unwrap();
        assert!(request.certificate_wanted);
        nonces.lock().unwrap().push(request.nonce.unwrap());
        Some(reply("500 Oops", b""))
    });
    ask(&server).unwrap_err();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0], seen[1]);
}

#[test]
fn redirections_are_followed_a_few_times() {
    let world = World::new();
    let authority = Authority::new(world.identity()).unwrap();
    let redirecting = |status: &'static str, times: usize| {
        let authority = authority.clone();
        Fake::new(move |path, body| {
            // Still a POST with its body after any number of redirections.
            let step = path.strip_prefix("/step").map_or(0, |number| number.parse().unwrap());
            Some(if step < times {
                with_headers(status, &format!("Location: /step{}", step + 1), b"")
            } else {
                reply("200 OK", &authority.respond(body, stamped()).to_der())
            })
        })
    };
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let server = redirecting(status, 3);
        ask(&server).unwrap();
        assert_eq!(server.requests(), 4);
    }
    let unavailable = StampErrorKind::Unavailable;
    assert_fails(&redirecting("307 Temporary", 4), unavailable, 4, "too many redirections");
    assert_fails(&redirecting("303 See Other", 1), unavailable, 1, "303");
    let away =
        Fake::new(|_, _| Some(with_headers("302 Found", "Location: file:///etc/passwd", b"")));
    assert_fails(&away, unavailable, 1, "where we do not follow");
}

#[test]
fn legacy_servers_are_asked_in_base64() {
    let world = World::new();
    let authority = Authority::new(world.identity()).unwrap();
    let server = Fake::new(move |_, body| {
        assert_eq!(LegacyRequest::from_base64(body).unwrap().signature_value(), VALUE);
        let answer = authority.respond_legacy(body, stamped()).unwrap();
        Some(with_headers("200 OK", "Content-Type: application/octet-stream", answer.as_bytes()))
    });
    let servers = vec![TimestampServer::new(&server.url(), TimestampKind::Legacy).unwrap()];
    let stamp = HttpTimestamper::new(servers, settings()).unwrap().stamp(VALUE).unwrap();
    let certificates = stamp.certificates();
    let report = world.verifier().counter_signature(stamp.attribute().1, certificates, VALUE);
    assert!(report.is_valid(), "{:?}", report.reasons);
}

#[test]
fn a_client_without_servers_is_none() {
    let error = HttpTimestamper::new(Vec::new(), settings()).unwrap_err();
    assert_eq!(error.kind(), StampErrorKind::Settings);
    assert_eq!(HttpSettings::default().digest, DigestAlgorithm::Sha256);
}
