//! What happens at a call: the script applied to the calls that were made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use cryptoki_sys::{
    CK_RV, CK_SESSION_HANDLE, CK_SLOT_ID, CKR_ARGUMENTS_BAD, CKR_DEVICE_REMOVED,
    CKR_SESSION_HANDLE_INVALID, CKR_TOKEN_NOT_PRESENT,
};

use crate::pin::EachTime;
use crate::record::Record;
use crate::script::{Effect, Script};

/// The equipment of one process.
pub(crate) struct Equipment {
    script: PathBuf,
    pub(crate) record: Record,
    state: Mutex<State>,
}

/// What is known of the calls so far.
#[derive(Default)]
pub(crate) struct State {
    stamp: Option<Stamp>,
    text: Option<String>,
    pub(crate) script: Script,
    /// For each fault of the script, how many of its calls there were and at how many it happened.
    counts: Vec<(u64, u64)>,
    pub(crate) sessions: BTreeMap<CK_SESSION_HANDLE, CK_SLOT_ID>,
    away: Away,
    pub(crate) each_time: EachTime,
}

/// What tells one script from the next without reading it: they replace each other by renaming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    len: u64,
    modified: SystemTime,
    file: u64,
}

impl Stamp {
    fn of(script: &Path) -> io::Result<Self> {
        let data = fs::metadata(script)?;
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(&data);
        #[cfg(not(unix))]
        let file = 0;
        Ok(Self { len: data.len(), modified: data.modified()?, file })
    }
}

/// Whether the token is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Away {
    #[default]
    No,
    For(u64),
    Ever,
}

/// What is to be done about a call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) delay: Duration,
    pub(crate) hang: bool,
    /// Slots whose sessions are closed first.
    pub(crate) close: Vec<CK_SLOT_ID>,
    /// The answer in place of the token's.
    pub(crate) answer: Option<CK_RV>,
    /// The token is not in its slot.
    pub(crate) absent: bool,
    pub(crate) corrupt: bool,
    pub(crate) shorten: bool,
}

/// Tells the person at the test what is wrong with the equipment itself.
#[expect(clippy::print_stderr, reason = "a module has no other way to say what no code means")]
pub(crate) fn complain(what: &str) {
    eprintln!("faulty-token: {what}");
}

impl Equipment {
    pub(crate) fn new(script: PathBuf, record: Option<PathBuf>) -> Self {
        Self { script, record: Record::new(record), state: Mutex::default() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call and finds out what is to go wrong with it.
    pub(crate) fn begin(&self, function: &'static str) -> Plan {
        // Outside the lock, and without reading: every thread comes by here at every call.
        let stamp = Stamp::of(&self.script);
        let mut state = self.state();
        if let Err(reason) = stamp
            .map_err(|error| self.unreadable(&error))
            .and_then(|stamp| self.take_up(&mut state, stamp))
        {
            complain(&reason);
            return Plan { answer: Some(CKR_ARGUMENTS_BAD), ..Plan::default() };
        }
        state.plan(function)
    }

    /// Reads the script where it is not the one that was read last.
    fn take_up(&self, state: &mut State, stamp: Stamp) -> Result<(), String> {
        if state.stamp == Some(stamp) {
            return Ok(());
        }
        let text = fs::read_to_string(&self.script).map_err(|error| self.unreadable(&error))?;
        state.follow(text)?;
        state.stamp = Some(stamp);
        Ok(())
    }

    fn unreadable(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.script.display())
    }
}

impl State {
    /// Takes up a script, unless it is the one that is being followed.
    fn follow(&mut self, text: String) -> Result<(), String> {
        if self.text.as_ref() == Some(&text) {
            return Ok(());
        }
        self.script = Script::parse(&text).map_err(|error| error.to_string())?;
        self.counts = vec![(0, 0); self.script.faults.len()];
        self.away = Away::No;
        self.text = Some(text);
        Ok(())
    }

    fn plan(&mut self, function: &'static str) -> Plan {
        let mut plan = Plan::default();
        let was_away = self.away != Away::No;
        if let Away::For(calls) = &mut self.away {
            *calls -= 1;
            if *calls == 0 {
                self.away = Away::No;
            }
        }
        for (fault, (calls, happened)) in self.script.faults.iter().zip(&mut self.counts) {
            if fault.function.as_deref().is_some_and(|name| name != function) {
                continue;
            }
            *calls += 1;
            if !fault.when.is_at(*calls, *happened) {
                continue;
            }
            *happened += 1;
            match fault.effect {
                Effect::Fail(rv) => plan.answer = plan.answer.or(Some(rv)),
                Effect::Delay(delay) => plan.delay += delay,
                Effect::Hang => plan.hang = true,
                Effect::Corrupt => plan.corrupt = true,
                Effect::Shorten => plan.shorten = true,
                Effect::LoseSessions => plan.close = close_all(&mut self.sessions),
                Effect::Remove(calls) => {
                    plan.close = close_all(&mut self.sessions);
                    plan.absent = true;
                    self.away = match calls {
                        Some(0) => Away::No,
                        Some(calls) => Away::For(calls),
                        None => Away::Ever,
                    };
                }
            }
        }
        plan.absent |= was_away;
        if plan.absent {
            plan.answer = plan.answer.or_else(|| answer_of_nobody(function));
        }
        plan
    }
}

fn close_all(sessions: &mut BTreeMap<CK_SESSION_HANDLE, CK_SLOT_ID>) -> Vec<CK_SLOT_ID> {
    let mut slots: Vec<_> = std::mem::take(sessions).into_values().collect();
    slots.dedup();
    slots
}

/// What a module says while the token is out; `None` where it does not need the token to answer.
fn answer_of_nobody(function: &str) -> Option<CK_RV> {
    match function {
        "C_Initialize" | "C_Finalize" | "C_GetInfo" | "C_GetFunctionList" | "C_GetSlotList"
        | "C_GetSlotInfo" | "C_WaitForSlotEvent" => None,
        "C_GetTokenInfo" | "C_GetMechanismList" | "C_GetMechanismInfo" | "C_OpenSession"
        | "C_InitToken" => Some(CKR_TOKEN_NOT_PRESENT),
        "C_CloseSession" | "C_CloseAllSessions" => Some(CKR_SESSION_HANDLE_INVALID),
        _ => Some(CKR_DEVICE_REMOVED),
    }
}

#[cfg(test)]
mod tests {
    use cryptoki_sys::{CKR_DEVICE_ERROR, CKR_SESSION_HANDLE_INVALID};

    use super::*;

    fn following(script: &str) -> State {
        let mut state = State::default();
        state.follow(script.to_owned()).unwrap();
        state
    }

    #[test]
    fn a_code_is_the_answer_at_its_calls_alone() {
        let mut state = following("fail C_Sign CKR_DEVICE_ERROR from 2 times 1");
        let answers: Vec<_> = ["C_Sign", "C_SignInit", "C_Sign", "C_Sign"]
            .map(|function| state.plan(function).answer)
            .into();
        assert_eq!(answers, [None, None, Some(CKR_DEVICE_ERROR), None]);
    }

    #[test]
    fn a_removed_token_comes_back_without_its_sessions() {
        let mut state = following("remove C_Sign for 3 times 1");
        state.sessions.insert(5, 77);
        let plan = state.plan("C_Sign");
        assert_eq!(plan.answer, Some(CKR_DEVICE_REMOVED));
        assert_eq!(plan.close, [77]);
        assert!(state.sessions.is_empty());
        assert_eq!(state.plan("C_GetTokenInfo").answer, Some(CKR_TOKEN_NOT_PRESENT));
        let list = state.plan("C_GetSlotList");
        assert!(list.absent && list.answer.is_none());
        assert_eq!(state.plan("C_CloseSession").answer, Some(CKR_SESSION_HANDLE_INVALID));
        assert_eq!(state.plan("C_Sign"), Plan::default());
    }

    #[test]
    fn a_token_removed_for_good_stays_away() {
        let mut state = following("remove C_Sign times 1");
        for _ in 0..50 {
            assert_eq!(state.plan("C_Sign").answer, Some(CKR_DEVICE_REMOVED));
        }
    }

    #[test]
    fn another_script_starts_counting_afresh() {
        let script = "fail C_Sign CKR_DEVICE_ERROR times 1";
        let mut state = following(script);
        assert!(state.plan("C_Sign").answer.is_some());
        state.follow(script.to_owned()).unwrap();
        assert!(state.plan("C_Sign").answer.is_none());
        state.follow(format!("{script}\n")).unwrap();
        assert!(state.plan("C_Sign").answer.is_some());
        assert!(state.follow("nonsense".to_owned()).is_err());
    }
}
