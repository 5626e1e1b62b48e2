//! Running a command by the watch.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Clock ticks a second in `/proc`: what Linux shows to programs, whatever it counts in itself.
const TICKS: f64 = 100.0;

/// How often a process is asked how much memory it has had.
const LOOK: Duration = Duration::from_micros(500);

/// What a command took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    /// From its start to its end, in seconds.
    pub(crate) wall: f64,
    /// Of processors, in seconds, to the hundredth; zero where the system does not tell.
    pub(crate) cpu: f64,
}

/// Runs a command to its good end.
pub(crate) fn time(command: &mut Command) -> Taken {
    attempt(command).unwrap_or_else(|said| panic!("{command:?}: {said}"))
}

/// Runs a command; what it said where it ends badly.
pub(crate) fn attempt(command: &mut Command) -> Result<Taken, String> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let before = children();
    let began = Instant::now();
    let output = command.output().map_err(|error| error.to_string())?;
    let wall = began.elapsed().as_secs_f64();
    let cpu = children() - before;
    match output.status.success() {
        true => Ok(Taken { wall, cpu }),
        false => Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr))),
    }
}

/// Runs a command again, and tells how much memory it had at most, in MiB; `None` where the system does not tell, or
/// it was over too soon to be asked.
pub(crate) fn peak(command: &mut Command) -> Option<f64> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = None;
    while child.try_wait().unwrap().is_none() {
        peak = high_water(&fs::read_to_string(&status).unwrap_or_default()).or(peak);
        thread::sleep(LOOK);
    }
    peak
}

fn high_water(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib / 1024.0)
}

/// The seconds of processors that children had which are over (`cutime` and `cstime` of proc(5)).
fn children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks =
        fields.split_whitespace().skip(13).take(2).filter_map(|one| one.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}
