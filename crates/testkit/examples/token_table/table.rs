//! The table as Markdown.

use std::fmt;

use crate::outcome::Outcome;

/// Rows by columns.
#[derive(Debug)]
pub(crate) struct Table {
    rows: &'static [&'static str],
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    name: &'static str,
    /// What the module says of itself.
    is: String,
    outcomes: Vec<Outcome>,
}

impl Table {
    pub(crate) const fn new(rows: &'static [&'static str]) -> Self {
        Self { rows, columns: Vec::new() }
    }

    pub(crate) fn add(&mut self, name: &'static str, is: String, outcomes: Vec<Outcome>) {
        self.columns.push(Column { name, is, outcomes });
    }

    /// Lists what is wrong, in whole sentences.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let cells = self.columns.iter().flat_map(|column| {
            let rows = self.rows.iter().zip(&column.outcomes);
            rows.map(move |(row, outcome)| (column.name, row, outcome))
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
    /// Writes Markdown that can be read as it is, and below it what the modules say of themselves.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = vec![self.rows.iter().map(|row| row.len()).max().unwrap_or(0)];
        let mut lines = vec![vec![String::new()]];
        lines.extend(self.rows.iter().map(|row| vec![(*row).to_owned()]));
        for column in &self.columns {
            let cells = std::iter::once(column.name.to_owned())
                .chain(column.outcomes.iter().map(ToString::to_string))
                .collect::<Vec<_>>();
            widths.push(cells.iter().map(String::len).max().unwrap_or(0));
            for (line, cell) in lines.iter_mut().zip(cells) {
                line.push(cell);
            }
        }
        for (number, line) in lines.into_iter().enumerate() {
            let cells: Vec<_> =
                line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            writeln!(f, "| {} |", cells.join(" | "))?;
            if number == 0 {
                let rules: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
                writeln!(f, "| {} |", rules.join(" | "))?;
            }
        }
        writeln!(f)?;
        for column in &self.columns {
            writeln!(f, "- {}: {}", column.name, column.is)?;
        }
        Ok(())
    }
}
