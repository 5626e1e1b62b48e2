//! Tables, in the terminal and in documents.

use std::fmt;
use std::fs;

use chancery_testkit::workspace;

/// The documents that have tables of ours, between marks.
const DOCUMENTS: [&str; 2] = ["docs/performance.md", "README.md"];

/// A Markdown table; the first cell of a row is its name.
#[derive(Debug)]
pub(crate) struct Table {
    name: &'static str,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(name: &'static str, head: &[&str]) -> Self {
        Self { name, head: head.iter().map(|cell| (*cell).to_owned()).collect(), rows: Vec::new() }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    /// Puts the rows in the place of those of the same name, or where their number belongs, in whichever document has
    /// the mark `<!-- peers NAME -->`, or `<!-- peers NAME aws-lc-rs -->` where AWS-LC verifies.
    pub(crate) fn write(&self) {
        let feature = if cfg!(feature = "aws-lc-rs") { " aws-lc-rs" } else { "" };
        for document in DOCUMENTS {
            let path = workspace::root().join(document);
            let text = fs::read_to_string(&path).unwrap();
            let mark = format!("<!-- peers {}{feature} -->\n", self.name);
            let Some((before, rest)) = text.split_once(&mark) else { continue };
            let there = rest.split_inclusive('\n').take_while(|line| line.starts_with('|'));
            let after = &rest[there.clone().map(str::len).sum()..];
            let mut rows: Vec<Vec<String>> = there.skip(2).map(cells).collect();
            for new in &self.rows {
                match rows.iter_mut().find(|old| old[0] == new[0]) {
                    Some(old) => old.clone_from(new),
                    None => rows.push(new.clone()),
                }
            }
            rows.sort_by_key(|row| number(&row[0]));
            let merged = Self { name: self.name, head: self.head.clone(), rows };
            fs::write(&path, format!("{before}{mark}{merged}{after}")).unwrap();
        }
    }
}

/// The number that a name starts with.
fn number(name: &str) -> Option<u64> {
    let digits = name.find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len());
    name[..digits].parse().ok()
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
    inner.split('|').map(|cell| cell.trim().to_owned()).collect()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {} |", self.head.join(" | "))?;
        writeln!(f, "|{}", "---|".repeat(self.head.len()))?;
        self.rows.iter().try_for_each(|row| writeln!(f, "| {} |", row.join(" | ")))
    }
}
