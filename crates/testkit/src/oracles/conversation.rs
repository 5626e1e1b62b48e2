//! A process that answers one line for one line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long an answer may take. The slowest oracle reads a 512 MiB file in a tenth of it.
const ANSWER_LIMIT: Duration = Duration::from_secs(100);

/// Makes the command anew for each start.
type Recipe = Box<dyn Fn() -> Command + Send + Sync>;

/// A process that is started again where it died.
pub(super) struct Conversation {
    recipe: Recipe,
    greeting: String,
    running: Mutex<Option<Running>>,
}

struct Running {
    child: Child,
    questions: ChildStdin,
    answers: Receiver<String>,
}

impl Conversation {
    /// Starts the process and waits for the line with which it says that it is ready.
    pub(super) fn start(recipe: Recipe) -> Result<Self, String> {
        let (running, greeting) = Running::start(&recipe)?;
        Ok(Self { recipe, greeting, running: Mutex::new(Some(running)) })
    }

    /// Returns the first line the process wrote.
    pub(super) fn greeting(&self) -> &str {
        &self.greeting
    }

    /// Asks for the answer to one line.
    ///
    /// A process that dies or does not answer is an error for this question; the next one gets a new
    /// process.
    pub(super) fn ask(&self, question: &str) -> Result<String, String> {
        if question.contains(['\n', '\r']) {
            return Err("a question is one line".into());
        }
        let mut slot = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut running = match slot.take() {
            Some(running) => running,
            None => Running::start(&self.recipe)?.0,
        };
        let answer = running.ask(question)?;
        *slot = Some(running);
        Ok(answer)
    }
}

impl std::fmt::Debug for Conversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conversation").field("greeting", &self.greeting).finish_non_exhaustive()
    }
}

impl Running {
    fn start(recipe: &Recipe) -> Result<(Self, String), String> {
        let mut command = recipe();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {:?}: {error}", command.get_program()))?;
        let (Some(questions), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the process has no pipes".into());
        };
        let (sender, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut running = Self { child, questions, answers };
        let greeting = running.next_line()?;
        Ok((running, greeting))
    }

    fn ask(&mut self, question: &str) -> Result<String, String> {
        // A process that died gives no answer either, and that says how it ended.
        let _ = writeln!(self.questions, "{question}").and_then(|()| self.questions.flush());
        self.next_line()
    }

    fn next_line(&mut self) -> Result<String, String> {
        match self.answers.recv_timeout(ANSWER_LIMIT) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("no answer within {} seconds", ANSWER_LIMIT.as_secs()))
            }
            Err(RecvTimeoutError::Disconnected) => match self.child.wait() {
                Ok(status) => Err(format!("the process ended with {status}")),
                Err(error) => Err(format!("the process is gone: {error}")),
            },
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &'static str) -> Result<Conversation, String> {
        Conversation::start(Box::new(move || {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        }))
    }

    #[test]
    fn greets_and_answers_line_by_line() {
        let echo = shell("echo hello; while read -r line; do echo \"got $line\"; done").unwrap();
        assert_eq!(echo.greeting(), "hello");
        assert_eq!(echo.ask("one").unwrap(), "got one");
        assert_eq!(echo.ask("two").unwrap(), "got two");
        assert!(echo.ask("two\nlines").is_err());
    }

    #[test]
    fn a_death_costs_one_answer_and_no_more() {
        let frail = shell(
            "echo hello; while read -r line; do [ \"$line\" = die ] && exit 7; echo ok; done",
        )
        .unwrap();
        assert_eq!(frail.ask("live").unwrap(), "ok");
        assert!(frail.ask("die").unwrap_err().contains("exit status: 7"));
        assert_eq!(frail.ask("live").unwrap(), "ok");
    }

    #[test]
    fn a_process_that_never_greets_is_an_error() {
        assert!(shell("exit 3").unwrap_err().contains("exit status: 3"));
        let missing = Conversation::start(Box::new(|| Command::new("no-such-program-here")));
        assert!(missing.unwrap_err().contains("cannot start"));
    }
}
