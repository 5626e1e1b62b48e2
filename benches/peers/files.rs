//! Many small programs by a key in SoftHSM.

use std::fs;
use std::path::Path;
use std::process::Command;

use chancery_testkit::softhsm::SoftHsm;
use chancery_testkit::workspace;

use crate::contest::Course;
use crate::measure::time;
use crate::table::Table;
use crate::world::{P_256, PIN, RSA_2048, World, chancery, text};

const COUNT: usize = 500;
const LEN: u64 = 64 << 10;

/// How many of them osslsigncode signs a round: one process each is the same for the first and the last.
const LOOP: usize = 100;

const ENGINE: &str = "/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so";

pub(crate) fn run(course: &Course) {
    let mut table = Table::new(
        "files",
        &[
            "key",
            "bare C_Sign, 1 thread",
            "chancery, 1 session",
            "of bare",
            "chancery, 8 sessions",
            "of bare",
            "processor a file",
            "osslsigncode in a loop",
            "ratio",
        ],
    );
    for (name, kind, bare) in [("RSA 2048", RSA_2048, true), ("P-256", P_256, false)] {
        let world = World::make();
        world.issue("signer", kind);
        let hsm = world.token("signer");
        let programs = world.programs("programs", COUNT, LEN);
        let mut cpu = 0.0;
        let rounds = course.rounds(|| {
            let loop_rate = if bare { bare_rate(&hsm) } else { f64::NAN };
            let one = sign(&world, &hsm, &programs, "1").0;
            let (eight, used) = sign(&world, &hsm, &programs, "8");
            cpu = used;
            [loop_rate, one, eight, osslsigncode(&world, &hsm, &programs)]
        });
        let of_bare =
            |of| if bare { format!("{:.2}", rounds.ratio(of, 0)) } else { "-".to_owned() };
        let rate = |of| format!("{:.0}/s", rounds.median(of));
        table.row([
            name.to_owned(),
            if bare { rate(0) } else { "-".to_owned() },
            rate(1),
            of_bare(1),
            rate(2),
            of_bare(2),
            format!("{:.2} ms", cpu * 1000.0 / COUNT as f64),
            rate(3),
            format!("{:.1}", rounds.ratio(2, 3)),
        ]);
    }
    course.publish(&table);
}

/// Signatures a second in one thread that does nothing else.
fn bare_rate(hsm: &SoftHsm) -> f64 {
    let script = workspace::root().join("benches/peers/bare_sign.py");
    let count = COUNT.to_string();
    let mut python = hsm.command("python3");
    python.arg(script).arg(hsm.module()).args([PIN, "signer", &count]);
    let output = python.output().expect("python3 is here");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

/// Files a second, and seconds of processor for all.
fn sign(world: &World, hsm: &SoftHsm, programs: &Path, sessions: &str) -> (f64, f64) {
    let folder = world.fresh(programs, "ours");
    let mut sign = chancery(&["sign", "--recursive", "--sessions", sessions]);
    sign.args(["--key", "pkcs11:token=peers;object=signer", "--no-timestamp", "--module"]);
    sign.arg(hsm.module()).arg("--cert").arg(world.at("signer.pem")).arg("--chain");
    sign.arg(world.at("root.pem")).arg("--pin-file").arg(world.at("pin")).arg(folder);
    let (name, value) = hsm.environment();
    let taken = time(sign.env(name, value));
    (COUNT as f64 / taken.wall, taken.cpu)
}

fn osslsigncode(world: &World, hsm: &SoftHsm, programs: &Path) -> f64 {
    let out = world.at("theirs");
    let _ = fs::remove_dir_all(&out);
    fs::create_dir(&out).unwrap();
    let mut seconds = 0.0;
    let (name, value) = hsm.environment();
    for number in 0..LOOP {
        let file = format!("{number}.exe");
        let mut sign = Command::new("osslsigncode");
        sign.args(["sign", "-pkcs11engine", ENGINE, "-pkcs11module"]).arg(hsm.module());
        sign.args(["-key", "pkcs11:token=peers;object=signer;type=private", "-pass", PIN]);
        sign.args(["-h", "sha256", "-certs", text(&world.at("signer.pem"))]);
        sign.arg("-in").arg(programs.join(&file)).arg("-out").arg(out.join(&file));
        seconds += time(sign.env(name, &value)).wall;
    }
    LOOP as f64 / seconds
}
