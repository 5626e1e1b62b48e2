//! `docs/migrate.md`: every command in it runs, and prints what the page shows.

#![cfg(unix)]

use std::process::Command;

use super::articles::{TABLE, folded};
use super::machine::{Cluster, Machine, PIN};
use super::page::Page;
use crate::support::run;

/// Runs the commands of a page on two machines, and returns the page with what they print.
struct Reader<'a> {
    machines: [Machine<'a>; 2],
    /// Which of them the page is at.
    at: usize,
}

impl Reader<'_> {
    fn replay(&mut self, page: &str) -> String {
        let mut written = String::new();
        let mut printed = String::new();
        let mut lines = page.lines();
        while let Some(line) = lines.next() {
            written.push_str(line);
            written.push('\n');
            if line.starts_with("## On the second machine") {
                self.at = 1;
                for file in ["root.cer", "signed.cer"] {
                    self.machines[1].bring(&self.machines[0], file);
                }
            }
            let mut block = || {
                let text = lines.by_ref().take_while(|line| *line != "```");
                text.map(|line| format!("{line}\n")).collect::<String>()
            };
            match line {
                "```sh" => {
                    let commands = block();
                    printed = self.run(&commands);
                    written.push_str(&commands);
                }
                "```text" => {
                    block();
                    written.push_str(printed.trim_end());
                    written.push('\n');
                }
                _ => continue,
            }
            written.push_str("```\n");
        }
        written
    }

    /// Runs commands in a shell that finds the command, and nothing else of ours.
    fn run(&self, commands: &str) -> String {
        let machine = &self.machines[self.at];
        machine.linked("chancery");
        let path = format!("{}:{}", machine.home().display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        for (name, value) in machine.command(&[]).get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.env("PATH", path).env("n3fips_password", PIN).current_dir(machine.home());
        shell.args(["-euc", commands]);
        // Where the machine's home is, is the test's affair.
        let home = format!("{}/", machine.home().display());
        run(shell).ends_with(0).stdout.replace(&home, "")
    }
}

/// Takes out of a text what differs from run to run: dates, hashes, numbers.
fn without_values(text: &str) -> String {
    let value = |word: &str| {
        let word = word.split_once("id=").map_or(word, |(before, _)| before);
        let is_value = word.contains(|c: char| c.is_ascii_digit()) && !word.ends_with(".exe");
        match is_value || word == "AM" || word == "PM" {
            true => "#".to_owned(),
            false => word.to_owned(),
        }
    };
    folded(text).split(' ').map(value).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_command_of_the_page_about_migrating_prints_what_it_shows() {
    let Some(cluster) = Cluster::new() else { return };
    let machines = [Machine::new(&cluster), Machine::new(&cluster)];
    machines[0].make_authority();
    for machine in &machines {
        machine.program("setup.exe");
    }
    let page = Page::open("docs/migrate.md");
    let text = page.text();
    // What is below is another test's.
    let commands = text.split(&format!("\n## {TABLE}\n")).next().unwrap();
    let written = Reader { machines, at: 0 }.replay(commands);
    page.begins_with(&written, TABLE, without_values);
}
