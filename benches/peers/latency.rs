//! A token that takes its time, and a timestamp server that does.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use chancery_testkit::faulty::FaultyToken;
use serde_json::Value;

use crate::contest::Course;
use crate::measure::{Taken, time};
use crate::table::Table;
use crate::world::{P_256, World, chancery};

const COUNT: usize = 2000;
const LEN: u64 = 64 << 10;

const SESSIONS: usize = 16;
const SIGNATURE: Duration = Duration::from_millis(20);
const STAMP: Duration = Duration::from_millis(50);

/// How many timestamps are under way at once: 800 files a second, 50 ms each, and some more for what the server itself
/// needs.
const STAMPS: usize = 64;

pub(crate) fn run(course: &Course) {
    let world = World::make();
    world.issue("signer", P_256);
    world.issue("tsa", P_256);
    let (hsm, stamping_hsm) = (world.token("signer"), world.token("tsa"));
    let (token, stamping_token) = (FaultyToken::over(&hsm), FaultyToken::over(&stamping_hsm));
    token.follow(&format!("delay C_Sign {}", SIGNATURE.as_millis()));
    stamping_token.follow(&format!("delay C_Sign {}", STAMP.as_millis()));
    let programs = world.programs("programs", COUNT, LEN);
    let server = Server::start(&world, &stamping_token);
    let sign = |stamped: bool| -> Taken {
        let folder = world.fresh(&programs, "ours");
        let mut sign =
            chancery(&["sign", "--recursive", "--key", "pkcs11:token=peers;object=signer"]);
        sign.arg("--sessions").arg(SESSIONS.to_string()).arg("--module").arg(token.module());
        sign.arg("--cert").arg(world.at("signer.pem")).arg("--chain").arg(world.at("root.pem"));
        sign.arg("--pin-file").arg(world.at("pin")).arg(&folder);
        if stamped {
            sign.arg("--timestamp").arg(&server.url).arg("--require-timestamp");
            sign.arg("--timestamp-jobs").arg(STAMPS.to_string());
        } else {
            sign.arg("--no-timestamp");
        }
        sign.envs(unrecorded(&token));
        let taken = time(&mut sign);
        let mut verify = chancery(&["verify", "--recursive", "--roots"]);
        time(verify.arg(world.at("root.pem")).arg(&folder));
        taken
    };
    let mut busy = [0.0; 2];
    let rounds = course.rounds(|| {
        let [plain, stamped] = [false, true].map(sign);
        busy = [plain.cpu / plain.wall, stamped.cpu / stamped.wall];
        [COUNT as f64 / plain.wall, COUNT as f64 / stamped.wall]
    });
    let best = SESSIONS as f64 / SIGNATURE.as_secs_f64();
    let mut table = Table::new(
        "latency",
        &["", "files/s", "of 800", "of without timestamps", "processors busy with chancery sign"],
    );
    for (index, name) in ["signed", "signed and timestamped"].into_iter().enumerate() {
        let rate = rounds.median(index);
        table.row([
            name.to_owned(),
            format!("{rate:.0}"),
            format!("{:.2}", rate / best),
            format!("{:.2}", rounds.ratio(index, 0)),
            format!("{:.1}", busy[index]),
        ]);
    }
    course.publish(&table);
}

/// `chancery tsa serve`, with its key in a token that takes its time as well.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(world: &World, token: &FaultyToken<'_>) -> Self {
        let mut serve = chancery(&["tsa", "serve", "--format", "json", "--listen", "127.0.0.1:0"]);
        serve.args(["--key", "pkcs11:token=peers;object=tsa", "--module"]).arg(token.module());
        serve.arg("--sessions").arg(STAMPS.to_string());
        serve.arg("--pin-file").arg(world.at("pin")).arg("--cert").arg(world.at("tsa.pem"));
        serve.envs(unrecorded(token));
        let mut child = serve.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let object: Value = serde_json::from_str(&line).unwrap();
        Self { child, url: object["url"].as_str().unwrap().to_owned() }
    }
}

/// What a process needs for this token. Writing every call down would be a part of what is measured.
fn unrecorded(token: &FaultyToken<'_>) -> impl Iterator<Item = (&'static str, PathBuf)> {
    token.environment().into_iter().filter(|(name, _)| *name != "CHANCERY_FAULTY_RECORD")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
