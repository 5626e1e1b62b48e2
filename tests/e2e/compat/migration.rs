//! `docs/migrate.md`: every command in it runs, and prints what the page shows.

use std::fs;
use std::path::Path;

use super::machine::{Cluster, Machine, PIN, assert_as_shown};
use crate::support::run;

/// A block of commands and what they print, and on which machine.
struct Step {
    machine: usize,
    commands: String,
    shown: Option<String>,
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut machine = 0;
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("## On the second machine") {
            machine = 1;
        }
        let mut block = || {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            text.join("\n")
        };
        match line {
            "```sh" => steps.push(Step { machine, commands: block(), shown: None }),
            "```text" => steps.last_mut().unwrap().shown = Some(block()),
            _ => {}
        }
    }
    steps
}

#[cfg(unix)]
#[test]
fn every_command_of_the_page_about_migrating_prints_what_it_shows() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migrate.md");
    let steps = steps(&fs::read_to_string(page).unwrap());
    assert!(steps.len() > 10);
    let Some(cluster) = Cluster::new() else { return };
    let machines = [Machine::new(&cluster), Machine::new(&cluster)];
    machines[0].make_authority();
    machines[0].program("setup.exe");
    machines[1].program("setup.exe");
    let mut last = 0;
    for step in steps {
        let machine = &machines[step.machine];
        if step.machine != last {
            for file in ["root.cer", "signed.cer"] {
                machine.bring(&machines[0], file);
            }
            last = step.machine;
        }
        machine.linked("chancery");
        // The commands of the page by the names it has them, and nothing else of ours.
        let path = format!("{}:{}", machine.home().display(), std::env::var("PATH").unwrap());
        let mut shell = machine.command(&[]);
        let environment: Vec<_> = shell
            .get_envs()
            .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
            .collect();
        shell = std::process::Command::new("sh");
        for (name, value) in environment {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.env("PATH", path).env("n3fips_password", PIN).current_dir(machine.home());
        shell.args(["-euc", &step.commands]);
        let output = run(shell).ends_with(0).stdout;
        if let Some(shown) = step.shown {
            assert_as_shown(&output, &shown);
        }
    }
}
