//! Which server is asked next, and when.

use std::time::{Duration, Instant};

use super::HttpSettings;

/// The longest a server may ask to be left alone; past that it is as good as gone.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// How a server is, for as long as the client lives.
#[derive(Clone, Copy, Debug, Default)]
struct Health {
    /// Not to be asked before.
    rested_until: Option<Instant>,
    failures_in_a_row: u32,
    /// Since when there was nothing else.
    failing_since: Option<Instant>,
}

impl Health {
    /// Tells for how long it has been failing.
    fn failing_for(&self, now: Instant) -> Duration {
        self.failing_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

/// The servers by their places in the list.
#[derive(Clone, Debug)]
pub(super) struct Roster {
    servers: Vec<Health>,
}

impl Roster {
    pub(super) fn new(servers: usize) -> Self {
        Self { servers: vec![Health::default(); servers] }
    }

    /// Chooses among those that may be asked: the first that is ready, else the one that is ready first; and says
    /// when. Its next turn is at least `interval` later. One that has been failing for longer than `patience` is asked
    /// when it has rested, by whoever comes then, and not waited for.
    pub(super) fn next(
        &mut self,
        now: Instant,
        interval: Duration,
        patience: Duration,
        may_be_asked: impl Fn(usize) -> bool,
    ) -> Option<(usize, Instant)> {
        let ready = |health: &Health| health.rested_until.unwrap_or(now).max(now);
        let is_open = |(index, health): &(usize, &Health)| {
            let is_worth_it = ready(health) <= now || health.failing_for(now) < patience;
            is_worth_it && may_be_asked(*index)
        };
        let open = self.servers.iter().enumerate().filter(is_open);
        let (index, at) =
            open.map(|(index, health)| (index, ready(health))).min_by_key(|(_, at)| *at)?;
        if let Some(health) = self.servers.get_mut(index) {
            health.rested_until = at.checked_add(interval);
        }
        Some((index, at))
    }

    pub(super) fn succeeded(&mut self, index: usize) {
        if let Some(health) = self.servers.get_mut(index) {
            health.failures_in_a_row = 0;
            health.failing_since = None;
        }
    }

    /// Tells for how long a server has been failing.
    pub(super) fn failing_for(&self, index: usize, now: Instant) -> Duration {
        self.servers.get(index).map_or(Duration::ZERO, |health| health.failing_for(now))
    }

    /// Rests a server: twice as long each time, with jitter so that many clients do not come back together, and
    /// as long as it asks.
    pub(super) fn failed(
        &mut self,
        index: usize,
        now: Instant,
        settings: &HttpSettings,
        retry_after: Option<Duration>,
    ) {
        let Some(health) = self.servers.get_mut(index) else { return };
        let doubled = 1_u32.checked_shl(health.failures_in_a_row).unwrap_or(u32::MAX);
        health.failures_in_a_row = health.failures_in_a_row.saturating_add(1);
        health.failing_since.get_or_insert(now);
        let pause = settings.first_pause.saturating_mul(doubled).min(settings.longest_pause);
        let asked = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
        let until = now.checked_add(jittered(pause).max(asked));
        health.rested_until = until.max(health.rested_until);
    }
}

/// Takes between half and all of a pause.
fn jittered(pause: Duration) -> Duration {
    let mut octet = [0xff];
    // Without randomness the pause is the whole one.
    let _ = getrandom::fill(&mut octet);
    let [octet] = octet;
    pause.mul_f64(0.5 + f64::from(octet) / 510.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_first_that_is_ready_is_asked() {
        let (now, settings) = (Instant::now(), HttpSettings::default());
        let mut roster = Roster::new(2);
        let all = |_| true;
        assert_eq!(roster.next(now, Duration::ZERO, SECOND, all), Some((0, now)));
        roster.failed(0, now, &settings, None);
        assert_eq!(roster.next(now, Duration::ZERO, SECOND, all), Some((1, now)));
        // The second works: it is asked until the first has rested.
        assert_eq!(
            roster.next(now + SECOND / 4, Duration::ZERO, SECOND, all),
            Some((1, now + SECOND / 4))
        );
        assert_eq!(
            roster.next(now + SECOND, Duration::ZERO, 9 * SECOND, all),
            Some((0, now + SECOND))
        );
        assert_eq!(roster.next(now, Duration::ZERO, SECOND, |_| false), None);
    }

    #[test]
    fn rests_double_up_to_the_longest() {
        let (now, settings) = (Instant::now(), HttpSettings::default());
        let mut roster = Roster::new(1);
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            roster.servers[0].rested_until = None;
            roster.failed(0, now, &settings, None);
            let (_, at) = roster.next(now, Duration::ZERO, SECOND, |_| true).unwrap();
            let rest = at - now;
            assert!(rest >= SECOND * seconds / 2 && rest <= SECOND * seconds, "{rest:?}");
        }
        roster.failed(0, now, &settings, Some(SECOND * 90));
        assert_eq!(
            roster.next(now, Duration::ZERO, SECOND, |_| true),
            Some((0, now + SECOND * 90))
        );
        roster.servers[0].rested_until = None;
        roster.succeeded(0);
        roster.failed(0, now, &settings, Some(Duration::from_secs(u64::MAX)));
        let (_, at) = roster.next(now, Duration::ZERO, SECOND, |_| true).unwrap();
        assert_eq!(at, now + LONGEST_RETRY_AFTER);
    }

    #[test]
    fn one_that_has_been_failing_for_long_is_not_waited_for() {
        let (now, settings) = (Instant::now(), HttpSettings::default());
        let mut roster = Roster::new(1);
        let next = |roster: &mut Roster, at| roster.next(at, Duration::ZERO, 9 * SECOND, |_| true);
        roster.failed(0, now, &settings, Some(8 * SECOND));
        assert_eq!(next(&mut roster, now), Some((0, now + 8 * SECOND)));
        roster.failed(0, now + 8 * SECOND, &settings, Some(8 * SECOND));
        assert_eq!(next(&mut roster, now + 8 * SECOND), Some((0, now + 16 * SECOND)));
        // Past the patience it is none's turn, until it has rested.
        assert_eq!(next(&mut roster, now + 9 * SECOND), None);
        assert_eq!(roster.failing_for(0, now + 9 * SECOND), 9 * SECOND);
        assert_eq!(next(&mut roster, now + 16 * SECOND), Some((0, now + 16 * SECOND)));
        roster.succeeded(0);
        roster.failed(0, now + 20 * SECOND, &settings, Some(8 * SECOND));
        assert_eq!(next(&mut roster, now + 20 * SECOND), Some((0, now + 28 * SECOND)));
    }

    #[test]
    fn requests_keep_their_distance() {
        let now = Instant::now();
        let mut roster = Roster::new(1);
        for number in 0..3 {
            let (_, at) = roster.next(now, SECOND, SECOND, |_| true).unwrap();
            assert_eq!(at, now + SECOND * number);
        }
    }
}
