//! `docs/compat-*.md` are the tables by which command lines are read, with what of each tool there is.

mod documented;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use self::documented::DOCUMENTED;
use super::page::Page;
use crate::support::chancery;

const TOOLS: [&str; 6] =
    ["signtool", "certreq", "certutil", "import_key", "key_mgmt_util", "openssl"];

/// What becomes of a verb or an option, by a tool's help.
#[derive(Clone, Copy, PartialEq)]
enum Status {
    Done,
    Refused,
}

/// Reads a help: verbs, and their options as `verb option`.
fn statuses(help: &str) -> BTreeMap<String, Status> {
    let (mut all, mut verb, mut last) = (BTreeMap::new(), String::new(), String::new());
    for line in help.lines().skip_while(|line| !line.is_empty()) {
        let name =
            |line: &str| line.split(' ').next().unwrap().trim_start_matches(['/', '-']).to_owned();
        if line.starts_with("  - ") {
            break;
        }
        match line.strip_prefix("  ") {
            None if line.is_empty() => {}
            None => {
                verb = name(line);
                last.clone_from(&verb);
                all.insert(last.clone(), Status::Done);
            }
            Some(option) if option.starts_with(['/', '-']) => {
                last = format!("{verb} {}", name(option)).trim().to_owned();
                all.insert(last.clone(), Status::Done);
            }
            Some(text) if text.contains("Not done") => {
                all.insert(last.clone(), Status::Refused);
            }
            Some(_) => {}
        }
    }
    all
}

/// Writes how much of what is documented of a tool there is.
fn counts(tool: &str, help: &str) -> String {
    let known = statuses(help);
    let mut text = String::from(
        "| | documented | done | refused, with what to do instead |\n|---|---|---|---|\n",
    );
    let mut rows: Vec<(String, [usize; 3])> = Vec::new();
    let of_tool = DOCUMENTED.iter().filter(|(name, _, _)| *name == tool);
    let verbs: Vec<_> = of_tool.clone().map(|(_, verb, _)| (*verb).to_owned()).collect();
    let count = |names: &[String]| {
        let count =
            |wanted: Status| names.iter().filter(|name| known.get(*name) == Some(&wanted)).count();
        for name in names {
            assert!(known.contains_key(name), "{tool} {name} is documented, and not known here");
        }
        [names.len(), count(Status::Done), count(Status::Refused)]
    };
    if verbs != [""] {
        rows.push(("verbs".to_owned(), count(&verbs)));
    }
    for (_, verb, options) in of_tool {
        let options: Vec<_> = options
            .split_whitespace()
            .map(|name| format!("{verb} {name}").trim().to_owned())
            .collect();
        if !options.is_empty() {
            let what =
                if verb.is_empty() { "options".to_owned() } else { format!("options of `{verb}`") };
            rows.push((what, count(&options)));
        }
    }
    let sum = |column: usize| rows.iter().map(|(_, counts)| counts[column]).sum();
    rows.push(("all".to_owned(), [sum(0), sum(1), sum(2)]));
    for (what, [documented, done, refused]) in rows {
        let _ = writeln!(text, "| {what} | {documented} | {done} | {refused} |");
    }
    text
}

#[test]
fn every_page_is_the_help_of_its_tool() {
    for tool in TOOLS {
        let help = chancery([tool, "/?"]).ends_with(0).stdout;
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        let counts = counts(tool, &help);
        println!("{tool}\n{counts}");
        let page = format!(
            "# {tool}, as Chancery understands it\n\nThe documented verbs and options, by the list in \
             `tests/e2e/compat/documentation/documented.rs`; each of them is known:\n\n{counts}\n\
             This is what `chancery {tool} /?` prints. A link of the name `{tool}` to the command does the same\n\
             as `chancery {tool}`.\n\n```text\n{help}```\n"
        );
        Page::open(&format!("docs/compat-{}.md", tool.replace('_', "-"))).is(&page);
    }
}
