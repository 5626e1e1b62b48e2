//! How much memory this process had at most.

use std::fs;

/// Forgets what the process had so far, so that [`peak`] is about what follows. Linux alone can.
pub fn forget() {
    // Where it is refused the peak stays that of the whole run, which is never too small.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Returns the largest resident set since [`forget`], in KiB; `None` where the system does not say.
#[must_use]
pub fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
