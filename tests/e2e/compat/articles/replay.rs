//! The lines of an article, run one after the other, and the table of what became of them.

use std::fmt::Write as _;

use super::shown::compare;
use super::steps::{Answer, Line, Step};
use crate::compat::machine::Machine;
use crate::support::{Run, run};

/// An article that is being replayed.
pub(super) struct Replay {
    article: &'static str,
    steps: std::slice::Iter<'static, Step>,
    placeholders: Vec<(String, String)>,
    rows: Vec<Row>,
}

/// What became of one step.
struct Row {
    what: String,
    code: Option<i32>,
    outcome: Outcome,
}

enum Outcome {
    Same,
    Differs(Vec<&'static str>),
    NotCompared(String),
}

impl Replay {
    pub(super) fn new(article: &'static str, steps: &'static [Step]) -> Self {
        Self { article, steps: steps.iter(), placeholders: Vec::new(), rows: Vec::new() }
    }

    /// Says what a placeholder stands for on this machine.
    pub(super) fn fill(&mut self, placeholder: &str, value: &str) {
        self.placeholders.push((placeholder.to_owned(), value.to_owned()));
    }

    /// Goes to the next line that is typed.
    fn next(&mut self) -> Line {
        loop {
            match self.steps.next().expect("the article goes on") {
                Step::Line(line) => return *line,
                Step::Aside { what, here, .. } => self.rows.push(Row {
                    what: format!("({what})"),
                    code: None,
                    outcome: Outcome::NotCompared(format!("no line of these tools: {here}")),
                }),
            }
        }
    }

    fn filled(&self, typed: &str) -> String {
        let filled = self
            .placeholders
            .iter()
            .fold(typed.to_owned(), |line, (from, to)| line.replace(from, to));
        assert!(!filled.contains('<'), "nobody filled {filled}");
        filled
    }

    /// Types the next line, calling the tool by its name as the article does, and returns what it prints.
    #[track_caller]
    pub(super) fn line(&mut self, machine: &Machine<'_>) -> String {
        let line = self.next();
        let ran = match line.answer {
            Answer::OfAnotherProgram { here } => here.to_owned(),
            _ => self.filled(line.typed),
        };
        let words = words(&ran);
        let (tool, args) = words.split_first().unwrap();
        let tool = tool.trim_start_matches(".\\");
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let Run { code, stdout, stderr } = run(machine.tool(tool, &args)).ends_with(0);
        assert!(!stderr.contains("error"), "{stderr}");
        self.judge(line, code, &stdout);
        stdout
    }

    /// Types the next lines at the prompt of a tool, and returns what it prints for each.
    #[track_caller]
    pub(super) fn prompt(
        &mut self,
        machine: &Machine<'_>,
        tool: &str,
        count: usize,
    ) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.len() < count {
            lines.push(self.next());
        }
        let typed = lines.iter().map(|line| format!("{}\n", self.filled(line.typed)));
        let input = typed.collect::<String>() + "exit\n";
        let run = machine.typed(tool, &input).ends_with(0);
        let answers: Vec<String> = run.stdout.split("Command:").map(str::to_owned).collect();
        assert_eq!(answers.len(), count + 2, "{run:?}");
        for (line, answer) in lines.into_iter().zip(&answers[1..]) {
            self.judge(line, run.code, answer);
        }
        answers[1..=count].to_vec()
    }

    /// Compares what was printed with what the article shows, but for what is known to differ.
    #[track_caller]
    fn judge(&mut self, line: Line, code: i32, printed: &str) {
        let outcome = match line.answer {
            Answer::Nothing => Outcome::NotCompared("the article shows nothing".to_owned()),
            Answer::OfAnotherProgram { here } => Outcome::NotCompared(format!(
                "a program of Windows, and no tool of ours; here: `{here}`"
            )),
            Answer::Shown { text, differences, .. } => {
                let expected = differences.iter().fold(text.to_owned(), |text, difference| {
                    assert!(text.contains(difference.there), "nothing differs: {}", difference.why);
                    text.replacen(difference.there, difference.here, 1)
                });
                if let Err(why) = compare(printed, &expected) {
                    panic!("{}\n{why}", line.typed);
                }
                match differences {
                    [] => Outcome::Same,
                    some => {
                        // An exception that is not needed is none.
                        assert!(compare(printed, text).is_err(), "{} differs not", line.typed);
                        Outcome::Differs(some.iter().map(|difference| difference.why).collect())
                    }
                }
            }
        };
        self.rows.push(Row { what: format!("`{}`", line.typed), code: Some(code), outcome });
    }
}

/// Splits a line as a command prompt does: blanks separate, quotation marks keep together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

/// Writes what became of every step, with the numbers of lines that were typed and went alike.
pub(super) fn table(articles: &[Replay]) -> String {
    let mut text = String::new();
    let rows = || articles.iter().flat_map(|article| &article.rows);
    let count = |which: fn(&Row) -> bool| rows().filter(|row| which(row)).count();
    let _ = writeln!(
        text,
        "Of the {} lines that the articles type, {} print what is shown there, {} print something else on purpose,\n\
         and for {} there is nothing to compare with. Values and dates are those of each run.\n",
        count(|row| row.code.is_some()),
        count(|row| matches!(row.outcome, Outcome::Same)),
        count(|row| matches!(row.outcome, Outcome::Differs(_))),
        count(|row| row.code.is_some() && matches!(row.outcome, Outcome::NotCompared(_))),
    );
    text.push_str("| step | typed | exit code | what is printed |\n|---|---|---|---|\n");
    for article in articles {
        assert_eq!(article.steps.len(), 0, "the {} article is not at its end", article.article);
        for (index, row) in article.rows.iter().enumerate() {
            let code = row.code.map(|code| code.to_string()).unwrap_or_default();
            let outcome = match &row.outcome {
                Outcome::Same => "same".to_owned(),
                Outcome::Differs(why) => format!("differs: {}", why.join("; ")),
                Outcome::NotCompared(why) => why.clone(),
            };
            let _ = writeln!(
                text,
                "| {} {} | {} | {code} | {outcome} |",
                article.article,
                index + 1,
                row.what
            );
        }
    }
    text
}
