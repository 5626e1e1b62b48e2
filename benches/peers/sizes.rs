//! One program of some size.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

use crate::contest::Course;
use crate::measure::{attempt, peak, time};
use crate::table::Table;
use crate::world::{P_256, RSA_2048, World, chancery, program, settle, text};

pub(crate) fn run(course: &Course, sizes: &[u64]) {
    let mut seconds = Table::new(
        "sizes",
        &[
            "MiB, key",
            "openssl dgst",
            "verify",
            "of dgst",
            "in place",
            "of dgst",
            "to a new file",
            "osslsigncode",
            "ratio",
            "osslsigncode verify",
            "ratio",
        ],
    );
    let mut memory = Table::new(
        "memory",
        &[
            "MiB, key",
            "verify",
            "in place",
            "to a new file",
            "osslsigncode sign",
            "osslsigncode verify",
        ],
    );
    for (mib, key, kind) in rows(sizes) {
        let world = World::make();
        world.issue("signer", kind);
        let file = world.at("program.exe");
        program(&file, mib << 20, mib);
        let mut headers = vec![0; 512];
        File::open(&file).unwrap().read_exact(&mut headers).unwrap();
        let bench = Bench { world: &world, file: &file, len: mib << 20, headers };
        let rounds = course.rounds(|| bench.round());
        let s = |of| match rounds.median(of) {
            seconds if seconds.is_nan() => "refused".to_owned(),
            seconds if seconds < 0.1 => format!("{:.1} ms", seconds * 1000.0),
            seconds => format!("{seconds:.2} s"),
        };
        let ratio = |of, to| match rounds.ratio(of, to) {
            ratio if ratio.is_nan() => "-".to_owned(),
            ratio => format!("{ratio:.2}"),
        };
        seconds.row([
            format!("{mib}, {key}"),
            s(0),
            s(1),
            ratio(1, 0),
            s(2),
            ratio(2, 0),
            s(3),
            s(4),
            ratio(3, 4),
            s(5),
            ratio(1, 5),
        ]);
        let peaks = bench.peaks().map(|peak| match peak {
            Some(mib) => format!("{mib:.1} MiB"),
            None => "-".to_owned(),
        });
        let [verify, in_place, new, their_sign, their_verify] = peaks;
        memory.row([format!("{mib}, {key}"), verify, in_place, new, their_sign, their_verify]);
    }
    course.publish(&seconds);
    course.publish(&memory);
}

/// Every size with a key that signs in no time, so that what is compared is what is done to the file; and the smallest,
/// where the signature is a large part of the whole, with the slow one too.
fn rows(sizes: &[u64]) -> Vec<(u64, &'static str, &'static [&'static str])> {
    let slow = sizes.iter().min().map(|mib| (*mib, "RSA 2048", RSA_2048));
    let quick = sizes.iter().map(|mib| (*mib, "P-256", P_256));
    let mut rows: Vec<_> = slow.into_iter().chain(quick).collect();
    rows.sort_by_key(|(mib, key, _)| (*mib, *key != "P-256"));
    rows
}

struct Bench<'a> {
    world: &'a World,
    file: &'a Path,
    len: u64,
    headers: Vec<u8>,
}

impl Bench<'_> {
    /// Seconds of: bare hash, verify, in place, new file, osslsigncode's new file and verify.
    fn round(&self) -> [f64; 6] {
        settle();
        let mut dgst = Command::new("openssl");
        let dgst = time(dgst.args(["dgst", "-sha256"]).arg(self.file)).wall;
        let theirs = attempt(&mut self.their_sign()).map_or(f64::NAN, |taken| taken.wall);
        let their_verify = attempt(&mut self.their_verify()).map_or(f64::NAN, |taken| taken.wall);
        self.forget();
        settle();
        let new = time(&mut self.sign_new()).wall;
        let verify = time(&mut self.verify()).wall;
        self.forget();
        settle();
        let in_place = time(&mut self.sign_in_place()).wall;
        self.restore();
        [dgst, verify, in_place, new, theirs, their_verify]
    }

    /// MiB at most of: verify, in place, new file, osslsigncode's new file and verify.
    fn peaks(&self) -> [Option<f64>; 5] {
        let theirs = [peak(&mut self.their_sign()), peak(&mut self.their_verify())];
        self.forget();
        let new = peak(&mut self.sign_new());
        let verify = peak(&mut self.verify());
        self.forget();
        let in_place = peak(&mut self.sign_in_place());
        [verify, in_place, new, theirs[0], theirs[1]]
    }

    fn sign(&self) -> Command {
        let key = format!("file:{}", text(&self.world.at("signer.key")));
        let mut sign = chancery(&["sign", "--no-timestamp", "--key", &key, "--cert"]);
        sign.arg(self.world.at("signer.pem")).arg("--chain").arg(self.world.at("root.pem"));
        sign.arg(self.file);
        sign
    }

    fn sign_new(&self) -> Command {
        let mut sign = self.sign();
        sign.arg("--out").arg(self.world.at("signed.exe"));
        sign
    }

    fn sign_in_place(&self) -> Command {
        let mut sign = self.sign();
        sign.arg("--append-in-place");
        sign
    }

    fn verify(&self) -> Command {
        let mut verify = chancery(&["verify", "--roots"]);
        verify.arg(self.world.at("root.pem")).arg(self.world.at("signed.exe"));
        verify
    }

    fn their_sign(&self) -> Command {
        let mut sign = Command::new("osslsigncode");
        sign.args(["sign", "-h", "sha256", "-certs", text(&self.world.at("signer.pem"))]);
        sign.args(["-ac", text(&self.world.at("root.pem"))]);
        sign.args(["-key", text(&self.world.at("signer.key")), "-in"]).arg(self.file);
        sign.arg("-out").arg(self.world.at("signed.exe"));
        sign
    }

    fn their_verify(&self) -> Command {
        let mut verify = Command::new("osslsigncode");
        verify.args(["verify", "-CAfile", text(&self.world.at("root.pem")), "-in"]);
        verify.arg(self.world.at("signed.exe"));
        verify
    }

    /// Makes the next contestant write to a new file again.
    fn forget(&self) {
        let _ = fs::remove_file(self.world.at("signed.exe"));
    }

    /// Makes the program what it was: without its tail, and with its old headers.
    fn restore(&self) {
        let mut file = File::options().write(true).open(self.file).unwrap();
        file.set_len(self.len).unwrap();
        file.write_all(&self.headers).unwrap();
    }
}
