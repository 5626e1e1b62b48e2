//! A folder of signed programs.

use std::process::Command;

use crate::contest::Course;
use crate::measure::time;
use crate::table::Table;
use crate::world::{RSA_2048, World, chancery, text};

const COUNT: usize = 1000;
const LEN: u64 = 64 << 10;

/// How many of them osslsigncode verifies a round: one process each is the same for the first and the last.
const LOOP: usize = 100;

pub(crate) fn run(course: &Course) {
    let world = World::make();
    world.issue("signer", RSA_2048);
    let folder = world.programs("programs", COUNT, LEN);
    let key = format!("file:{}", text(&world.at("signer.key")));
    let mut sign = chancery(&["sign", "--recursive", "--no-timestamp", "--key", &key, "--cert"]);
    sign.arg(world.at("signer.pem")).arg("--chain").arg(world.at("root.pem")).arg(&folder);
    time(&mut sign);
    let root = world.at("root.pem");
    let mut cpu = 0.0;
    let rounds = course.rounds(|| {
        let rates = ["1", "2"].map(|jobs| {
            let mut verify = chancery(&["verify", "--recursive", "--jobs", jobs, "--roots"]);
            let taken = time(verify.arg(&root).arg(&folder));
            cpu = taken.cpu;
            COUNT as f64 / taken.wall
        });
        let mut seconds = 0.0;
        for number in 0..LOOP {
            let mut verify = Command::new("osslsigncode");
            verify.args(["verify", "-CAfile", text(&root), "-in"]);
            seconds += time(verify.arg(folder.join(format!("{number}.exe")))).wall;
        }
        [rates[0], rates[1], LOOP as f64 / seconds]
    });
    let mut table = Table::new(
        "verify",
        &[
            "files",
            "chancery, 1 job",
            "chancery, 2 jobs",
            "processor a file",
            "osslsigncode in a loop",
            "ratio",
        ],
    );
    let rate = |of| format!("{:.0}/s", rounds.median(of));
    table.row([
        format!("{COUNT} of 64 KiB"),
        rate(0),
        rate(1),
        format!("{:.2} ms", cpu * 1000.0 / COUNT as f64),
        rate(2),
        format!("{:.1}", rounds.ratio(1, 2)),
    ]);
    course.publish(&table);
}
