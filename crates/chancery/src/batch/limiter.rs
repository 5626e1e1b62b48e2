//! How many may do something at once, and less for a while where that is too much.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Lends out a bounded number of permits.
///
/// Told that it was too much, it halves what it lends; each time as many went well as it lends, it lends one
/// more, up to where it began.
#[derive(Debug)]
pub(crate) struct Limiter {
    most: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    limit: usize,
    lent: usize,
    /// How many went well since the limit changed.
    well: usize,
}

/// One permit, given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a>(&'a Limiter);

impl Limiter {
    pub(crate) fn new(most: usize) -> Self {
        let most = most.max(1);
        let state = Mutex::new(State { limit: most, lent: 0, well: 0 });
        Self { most, state, changed: Condvar::new() }
    }

    /// Waits for a permit.
    pub(crate) fn take(&self) -> Permit<'_> {
        let mut state = self.state();
        while state.lent >= state.limit {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.lent += 1;
        Permit(self)
    }

    /// Lends half as many from now on.
    pub(crate) fn back_off(&self) {
        let mut state = self.state();
        state.limit = (state.limit / 2).max(1);
        state.well = 0;
    }

    /// Notes that it went well.
    pub(crate) fn went_well(&self) {
        let mut state = self.state();
        state.well += 1;
        if state.well >= state.limit && state.limit < self.most {
            state.limit += 1;
            state.well = 0;
            self.changed.notify_one();
        }
    }

    /// Returns how many permits are out.
    pub(crate) fn lent(&self) -> usize {
        self.state().lent
    }

    /// Returns how many may be out.
    pub(crate) fn limit(&self) -> usize {
        self.state().limit
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.state().lent -= 1;
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn never_more_permits_are_out_than_allowed() {
        let limiter = Limiter::new(3);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _permit = limiter.take();
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.into_inner()));
        assert_eq!(limiter.lent(), 0);
    }

    #[test]
    fn a_limit_falls_at_once_and_recovers_step_by_step() {
        let limiter = Limiter::new(8);
        limiter.back_off();
        limiter.back_off();
        assert_eq!(limiter.limit(), 2);
        for _ in 0..5 {
            limiter.back_off();
        }
        assert_eq!(limiter.limit(), 1, "one always goes on");
        limiter.went_well();
        assert_eq!(limiter.limit(), 2);
        for _ in 0..100 {
            limiter.went_well();
        }
        assert_eq!(limiter.limit(), 8, "and no more than at the beginning");
    }
}
