//! Says what killed runs left, and what became of that.

use chancery::batch::{LeftOver, LeftOverFate, LeftOvers};

use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

/// Clears away what may go, and names all of it.
pub(super) fn settle(left_overs: &LeftOvers, ui: &mut Ui) {
    for left_over in left_overs.settle() {
        if ui.is_json() {
            ui.result(&json::LeftOver::new(&left_over), String::new);
            continue;
        }
        let text = text(&left_over);
        match left_over.fate {
            LeftOverFate::Removed | LeftOverFate::TakenBack(_) => ui.note(&text),
            _ => ui.warn(&text),
        }
    }
}

fn text(left_over: &LeftOver) -> String {
    let path = shown(&left_over.path);
    match &left_over.fate {
        LeftOverFate::Removed => format!("removed {path}, which a run left that was killed"),
        LeftOverFate::TakenBack(target) => format!(
            "took back what a run that was killed had begun to write into {}, by {path}",
            shown(target)
        ),
        LeftOverFate::Unfinished(target) => format!(
            "{} was being written in place by a run that was killed; the next that signs, stamps or removes takes that \
             back, by {path}",
            shown(target)
        ),
        LeftOverFate::Orphaned => format!(
            "{path} is of a run that was killed while it wrote into a file that is not there any more; give that its \
             name back and sign it, or remove both"
        ),
        LeftOverFate::OtherMachine => format!(
            "{path} was left by a run on another machine, or on this one before it was started anew; remove it when no \
             run is at work there"
        ),
        LeftOverFate::NoLocks => format!(
            "{path} may be of a run that goes on: its file system has no locks to tell; remove it when none does"
        ),
        LeftOverFate::Stuck(error) => {
            format!("{path} is left over and cannot be removed: {error}")
        }
        _ => format!("{path} was left by a run that was killed"),
    }
}
