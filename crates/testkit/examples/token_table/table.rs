//! The table as text.

use std::fmt;

use crate::outcome::Outcome;

/// Rows by columns.
#[derive(Debug)]
pub(crate) struct Table {
    rows: &'static [&'static str],
    columns: Vec<(&'static str, Vec<Outcome>)>,
}

impl Table {
    pub(crate) const fn new(rows: &'static [&'static str]) -> Self {
        Self { rows, columns: Vec::new() }
    }

    pub(crate) fn add(&mut self, name: &'static str, outcomes: Vec<Outcome>) {
        self.columns.push((name, outcomes));
    }

    /// Lists what is wrong, in whole sentences.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let cells = self.columns.iter().flat_map(|(name, outcomes)| {
            self.rows.iter().zip(outcomes).map(move |(row, outcome)| (name, row, outcome))
        });
        cells
            .filter_map(|(name, row, outcome)| match outcome {
                Outcome::Wrong(why) => Some(format!("{name}, {row}: {why}")),
                _ => None,
            })
            .collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = vec![self.rows.iter().map(|row| row.len()).max().unwrap_or(0)];
        let mut lines = vec![vec![String::new()]];
        lines.extend(self.rows.iter().map(|row| vec![(*row).to_owned()]));
        for (name, outcomes) in &self.columns {
            let cells = std::iter::once((*name).to_owned())
                .chain(outcomes.iter().map(ToString::to_string))
                .collect::<Vec<_>>();
            widths.push(cells.iter().map(String::len).max().unwrap_or(0));
            for (line, cell) in lines.iter_mut().zip(cells) {
                line.push(cell);
            }
        }
        for line in lines {
            let cells: Vec<_> =
                line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            writeln!(f, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}
