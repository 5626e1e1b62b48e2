//! A list of timestamp servers, most of them in trouble.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chancery_testkit::http_server::{Answer, HttpServer};
use chancery_testkit::openssl::openssl;
use chancery_testkit::openssl_tsa::OpensslTsa;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Run, chancery, names, program, rsa};

/// How long one server may take in these tests.
const SECONDS: &str = "1";

/// A server that never answers, and one with a page for people.
fn trouble() -> HttpServer {
    HttpServer::start(|path| match path {
        "/hangs" => Answer::Silence,
        _ => Answer::ok(b"<html><body>Welcome to our timestamps</body></html>".to_vec()),
    })
}

/// A server by `openssl ts`, with the folder it needs.
fn good() -> (TempDir, OpensslTsa) {
    let folder = tempfile::tempdir().unwrap();
    let (key, certificate) = (folder.path().join("key.pem"), folder.path().join("tsa.pem"));
    let output = openssl(
        [
            "req -x509 -newkey rsa:2048 -noenc -days 30 -subj /CN=Stamps",
            "-addext extendedKeyUsage=critical,timeStamping",
            "-addext basicConstraints=critical,CA:FALSE",
            "-addext keyUsage=critical,digitalSignature",
        ]
        .iter()
        .flat_map(|words| words.split(' '))
        .chain(["-keyout", key.to_str().unwrap(), "-out", certificate.to_str().unwrap()]),
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let server = OpensslTsa::start(folder.path(), &certificate, &key);
    (folder, server)
}

/// Signs with these servers, and tells how long it took: for whoever reads, since time proves nothing.
fn sign(file: &Path, servers: &[String], more: &[&str]) -> Run {
    let mut args = vec![file.to_str().unwrap(), "--timestamp-timeout", SECONDS];
    args.extend(servers.iter().flat_map(|url| ["--timestamp", url]));
    args.extend(more);
    let begun = Instant::now();
    let run = rsa().sign(args);
    let seconds = begun.elapsed().as_secs_f32();
    println!("{seconds:.1} s, time-out {SECONDS} s, exit code {}: {}", run.code, run.stderr.trim());
    run
}

fn stamps(file: &Path) -> Vec<Value> {
    let run = chancery(["verify", "--format", "json", file.to_str().unwrap()]);
    run.object()["signatures"][0]["timestamps"].as_array().unwrap().clone()
}

#[test]
fn the_third_server_stamps_where_the_first_hangs_and_the_second_has_a_page_for_people() {
    let (bad, (_state, good)) = (trouble(), good());
    let (folder, program) = program();
    let servers = [bad.url("/hangs"), bad.url("/page"), good.url()];
    sign(&program, &servers, &["--require-timestamp"]).ends_with(0);
    let stamps = stamps(&program);
    assert_eq!(stamps.len(), 1);
    assert_eq!(stamps[0]["kind"], "rfc3161");
    assert_eq!(names(folder.path()), ["program.exe"]);
}

#[test]
fn a_file_is_untouched_where_every_server_is_bad_and_a_timestamp_required() {
    let bad = trouble();
    let (folder, program) = program();
    let before = fs::read(&program).unwrap();
    let servers = [bad.url("/hangs"), bad.url("/page")];
    let refused = sign(&program, &servers, &["--require-timestamp"]).ends_with(7);
    for server in &servers {
        assert!(refused.stderr.contains(server.as_str()), "{}", refused.stderr);
    }
    assert_eq!(fs::read(&program).unwrap(), before);
    assert_eq!(names(folder.path()), ["program.exe"]);
}

#[test]
fn a_file_is_signed_with_a_warning_where_every_server_is_bad_and_none_required() {
    let bad = trouble();
    let (folder, program) = program();
    let warned = sign(&program, &[bad.url("/hangs"), bad.url("/page")], &[]).ends_with(0);
    assert!(warned.stderr.contains("not timestamped"), "{}", warned.stderr);
    assert_eq!(stamps(&program), [Value::Null; 0]);
    assert_eq!(names(folder.path()), ["program.exe"]);
}

/// Signs three files with so many stamps asked for at a time, and tells how many there were. The server waits with its
/// answer, which is no good, for as many to come, and then a while for one too many.
fn most_at_a_time(jobs: usize) -> usize {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let server = HttpServer::start(move |_| {
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let begun = Instant::now();
        while most.load(Ordering::SeqCst) < jobs && begun.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(300));
        now.fetch_sub(1, Ordering::SeqCst);
        Answer::Status { status: 400, body: Vec::new() }
    });
    let (folder, program) = program();
    for copy in ["second.exe", "third.exe"] {
        fs::copy(&program, folder.path().join(copy)).unwrap();
    }
    let (url, jobs) = (server.url("/"), jobs.to_string());
    let folder = folder.path().to_str().unwrap();
    rsa()
        .sign(["--recursive", folder, "--timestamp", &url, "--timestamp-jobs", &jobs])
        .ends_with(0);
    seen.load(Ordering::SeqCst)
}

#[test]
fn no_more_timestamps_are_asked_for_at_a_time_than_was_said() {
    assert_eq!(most_at_a_time(1), 1);
    assert_eq!(most_at_a_time(2), 2);
}
