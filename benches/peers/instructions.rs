//! What a signing costs in instructions, which no other work on the machine changes.

use std::process::Command;

use crate::contest::Course;
use crate::table::Table;
use crate::world::{P_256, RSA_2048, World, chancery, program, text};

pub(crate) fn run(course: &Course) {
    let mut table = Table::new("instructions", &["1 MiB", "instructions"]);
    for (name, kind) in [("RSA 2048", RSA_2048), ("P-256", P_256)] {
        let world = World::make();
        world.issue("signer", kind);
        let (file, signed) = (world.at("program.exe"), world.at("signed.exe"));
        program(&file, 1 << 20, 1);
        let key = format!("file:{}", text(&world.at("signer.key")));
        let mut sign = chancery(&["sign", "--no-timestamp", "--key", &key, "--cert"]);
        sign.arg(world.at("signer.pem")).arg("--chain").arg(world.at("root.pem"));
        sign.arg(&file).arg("--out").arg(&signed);
        table.row([format!("sign, {name} key in a file"), count(&world, &sign)]);
        let mut verify = chancery(&["verify", "--roots"]);
        verify.arg(world.at("root.pem")).arg(&signed);
        table.row([format!("verify, {name}"), count(&world, &verify)]);
    }
    course.publish(&table);
}

/// Counts what a command executes, in millions.
fn count(world: &World, command: &Command) -> String {
    let mut valgrind = Command::new("valgrind");
    valgrind.arg("--tool=callgrind");
    valgrind.arg(format!("--callgrind-out-file={}", text(&world.at("callgrind.out"))));
    valgrind.arg(command.get_program()).args(command.get_args());
    let output = valgrind.output().expect("valgrind is here: apt-get install valgrind");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let collected = said.lines().find_map(|line| line.split("Collected : ").nth(1));
    let count: f64 = collected.and_then(|count| count.trim().parse().ok()).expect("a count");
    format!("{:.1} million", count / 1e6)
}
