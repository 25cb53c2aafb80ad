//! When tables of the whole population are made, and from when on they are used.
//!
//! A table is made as of a local midnight, of what was known before it, and is in use from a lag after that on until the
//! next one is: a host that runs live needs that long to make it, and history must not be quicker.

use stratagem_model::plan::Schedule;
use stratagem_model::time::{DAY_MS, Day, Time, Zone, monday};

const MINUTE_MS: i64 = 60_000;

/// The tables of one schedule that a run may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Publication {
    /// As of when each is made, ascending.
    instants: Vec<Time>,
    lag_ms: i64,
}

impl Publication {
    /// For a run over these local days. The earliest table is already in use when the first day begins.
    pub(crate) fn new(zone: &Zone, schedule: Schedule, days: (Day, Day), lag_minutes: u32) -> Self {
        let (first, last) = days;
        let lag_ms = i64::from(lag_minutes) * MINUTE_MS;
        // The first midnight that lies the lag before the first day, though days of a change of time are shorter.
        let early = first - 1 - lag_ms.div_euclid(DAY_MS) as Day - Day::from(lag_ms % DAY_MS > 0);
        let (begin, every) = match schedule {
            Schedule::Daily => (early, 1),
            Schedule::Weekly => (monday(early), 7),
        };
        let instants = (begin..=last).step_by(every).map(|day| zone.at(day, 0)).collect();
        Self { instants, lag_ms }
    }

    pub(crate) fn instants(&self) -> &[Time] {
        &self.instants
    }

    /// Which table is in use at an instant.
    pub(crate) fn in_use(&self, now: Time) -> Option<usize> {
        self.instants.partition_point(|made| made.0 + self.lag_ms <= now.0).checked_sub(1)
    }

    /// From when on each table is used.
    pub(crate) fn effective(&self) -> impl Iterator<Item = Time> {
        self.instants.iter().map(|made| Time(made.0 + self.lag_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn a_table_is_used_from_the_lag_after_its_instant_on() {
        // Day 4 is a Monday.
        let weekly = Publication::new(&Zone::utc(), Schedule::Weekly, (4, 20), 60);
        let monday = 4 * DAY_MS;
        let made_for = |now: i64| weekly.instants()[weekly.in_use(Time(now)).unwrap()].0;
        assert_eq!(made_for(monday), monday - 7 * DAY_MS);
        assert_eq!(made_for(monday + HOUR_MS - 1), monday - 7 * DAY_MS);
        assert_eq!(made_for(monday + HOUR_MS), monday);
        assert_eq!(made_for(monday + 7 * DAY_MS + HOUR_MS), monday + 7 * DAY_MS);
        assert!(weekly.effective().any(|at| at.0 == monday + HOUR_MS));
    }

    #[test]
    fn a_run_begins_with_the_table_that_is_in_use_whatever_the_lag_and_the_change_of_time() {
        let zone = Zone::new("America/New_York").unwrap();
        // Around 2024-03-10 and 2024-11-03, when clocks change.
        for first in (19_785..19_800).chain(20_025..20_035) {
            for schedule in [Schedule::Daily, Schedule::Weekly] {
                for lag_minutes in [0, 1, 60, 1_439, 1_440, 3_000] {
                    let run = Publication::new(&zone, schedule, (first, first + 3), lag_minutes);
                    // As if the run had begun long before.
                    let earlier = Publication::new(&zone, schedule, (first - 30, first + 3), lag_minutes);
                    let now = zone.at(first, 0);
                    let of = |of: &Publication| of.in_use(now).map(|table| of.instants()[table]);
                    assert_eq!(of(&run), of(&earlier), "day {first}, {schedule:?}, lag {lag_minutes}");
                    assert!(of(&run).is_some());
                }
            }
        }
    }
}
