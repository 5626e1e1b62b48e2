//! Measuring on a machine that others share.
//!
//! The host of a virtual machine gives its processors to other guests at will, and says afterwards how much it gave
//! (`steal` of proc(5)). A round of a benchmark in which it gave much tells of the host, and is run again.

use std::fmt;
use std::fs;

/// The part of processor time that may go elsewhere during a round that counts.
const BEARABLE: f64 = 0.02;

/// How many rounds are run for each that is wanted, at most.
const PATIENCE: usize = 6;

/// Rounds that were run while the host left the processors alone, as far as it did.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a benchmark takes it apart")]
pub struct Calm<T> {
    /// What the rounds gave that count, in the order in which they were run.
    pub rounds: Vec<T>,
    /// How many rounds were run.
    pub run: usize,
    /// The greatest part of processor time that went elsewhere during one that counts.
    pub stolen: f64,
}

impl<T> fmt::Display for Calm<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, run, stolen } = self;
        let stolen = stolen * 100.0;
        write!(f, "{} of {run} rounds; the host took at most {stolen:.1} % of each", rounds.len())
    }
}

/// Runs rounds until there are `wanted` during which the host took no more than 2 % of the processors' time. After six
/// times as many, those count during which it took least.
pub fn rounds<T>(wanted: usize, round: impl FnMut() -> T) -> Calm<T> {
    rounds_by(Times::now, wanted, round)
}

fn rounds_by<T>(
    mut now: impl FnMut() -> Times,
    wanted: usize,
    mut round: impl FnMut() -> T,
) -> Calm<T> {
    let mut all = Vec::new();
    let calm = |all: &[(f64, usize, T)]| all.iter().filter(|one| one.0 <= BEARABLE).count();
    while calm(&all) < wanted && all.len() < wanted.saturating_mul(PATIENCE) {
        let before = now();
        let done = round();
        all.push((now().stolen_since(before), all.len(), done));
    }
    let run = all.len();
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    all.truncate(wanted);
    let stolen = all.last().map_or(0.0, |one| one.0);
    all.sort_by_key(|one| one.1);
    Calm { rounds: all.into_iter().map(|one| one.2).collect(), run, stolen }
}

/// What all processors did so far, in ticks.
#[derive(Clone, Copy, Debug)]
struct Times {
    all: u64,
    stolen: u64,
}

impl Times {
    /// Nothing is stolen where the system does not tell.
    fn now() -> Self {
        Self::read(&fs::read_to_string("/proc/stat").unwrap_or_default())
    }

    fn read(stat: &str) -> Self {
        let line = stat.lines().next().unwrap_or_default();
        // user nice system idle iowait irq softirq steal; guest time is counted under user already.
        let ticks: Vec<u64> =
            line.split_whitespace().skip(1).take(8).filter_map(|one| one.parse().ok()).collect();
        Self { all: ticks.iter().sum(), stolen: ticks.get(7).copied().unwrap_or_default() }
    }

    #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "ticks of one round")]
    fn stolen_since(self, before: Self) -> f64 {
        let all = self.all.saturating_sub(before.all).max(1);
        self.stolen.saturating_sub(before.stolen) as f64 / all as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds by number, of 100 ticks each, of which so many are stolen.
    fn run(wanted: usize, stolen: &[u64]) -> Calm<usize> {
        let mut numbers = 0..;
        let looks = stolen.iter().scan(Times { all: 0, stolen: 0 }, |at, stolen| {
            let before = *at;
            at.all += 100;
            at.stolen += stolen;
            Some([before, *at])
        });
        let mut looks = looks.flatten();
        rounds_by(|| looks.next().unwrap(), wanted, || numbers.next().unwrap())
    }

    #[test]
    fn rounds_that_the_host_disturbs_are_run_again() {
        let calm = run(2, &[0, 50, 3, 1]);
        assert_eq!((calm.rounds, calm.run, calm.stolen), (vec![0, 3], 4, 0.01));
    }

    #[test]
    fn where_it_never_stops_the_least_disturbed_count() {
        let calm = run(1, &[40, 30, 10, 20, 60, 50]);
        assert_eq!(calm.rounds, [2]);
        assert_eq!(calm.to_string(), "1 of 6 rounds; the host took at most 10.0 % of each");
    }

    #[test]
    fn what_linux_tells_is_read() {
        let times = Times::read("cpu  10 1 5 80 1 0 1 2 7 0\ncpu0 1 1 1 1");
        assert_eq!((times.all, times.stolen), (100, 2));
        assert_eq!(Times::read("").stolen_since(Times::read("")), 0.0);
    }
}
