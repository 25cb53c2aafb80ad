//! The steps of a run.

use stratagem_model::time::{Day, Time, Zone};

/// A step's number.
pub(crate) type Step = u32;

/// No further step.
pub(crate) const NEVER: Step = Step::MAX;

/// The instants at which a strategy is asked, ascending.
#[derive(Debug, Clone)]
pub struct Clock {
    times: Vec<Time>,
    steps_a_day: u32,
}

impl Clock {
    /// The steps at these local minutes of each day from `first` to `last`, both included.
    pub fn new(zone: &Zone, first: Day, last: Day, daily_at: &[u32]) -> Self {
        let mut times: Vec<_> = (first..=last)
            .flat_map(|day| daily_at.iter().map(move |minutes| zone.at(day, *minutes)))
            .collect();
        // Where a change to summer time skips an hour, two steps may fall together.
        times.dedup();
        Self { times, steps_a_day: daily_at.len() as u32 }
    }

    /// All steps.
    pub fn times(&self) -> &[Time] {
        &self.times
    }

    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    pub(crate) fn time(&self, step: Step) -> Time {
        self.times[step as usize]
    }

    /// The first step at or after an instant, or [`NEVER`].
    pub(crate) fn at_or_after(&self, at: Time) -> Step {
        self.numbered(self.times.partition_point(|time| *time < at))
    }

    /// The first step after an instant, or [`NEVER`].
    pub(crate) fn after(&self, at: Time) -> Step {
        self.numbered(self.times.partition_point(|time| *time <= at))
    }

    /// The first step at or after each of some instants, ascending; instants after the last step have none.
    pub(crate) fn first_after_each(&self, instants: &[Time]) -> Vec<Step> {
        let mut steps: Vec<_> = instants.iter().map(|at| self.at_or_after(*at)).collect();
        steps.retain(|step| *step != NEVER);
        steps.dedup();
        steps
    }

    /// The step so many days later.
    pub(crate) fn days_later(&self, step: Step, days: u32) -> Step {
        let later = step as usize + (days * self.steps_a_day).max(1) as usize;
        self.numbered(later)
    }

    fn numbered(&self, step: usize) -> Step {
        if step < self.times.len() { step as Step } else { NEVER }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_found_on_and_between_instants() {
        let clock = Clock::new(&Zone::utc(), 10, 12, &[600]);
        let ten = clock.time(0);
        assert_eq!(clock.len(), 3);
        assert_eq!(clock.at_or_after(ten), 0);
        assert_eq!(clock.after(ten), 1, "an event of the same instant is seen a step later");
        assert_eq!(clock.at_or_after(Time(ten.0 + 1)), 1);
        assert_eq!(clock.after(clock.time(2)), NEVER);
        assert_eq!(clock.days_later(0, 2), 2);
        assert_eq!(clock.days_later(0, 3), NEVER);
        let instants = [-5, 1, 2, 200].map(|hours| Time(ten.0 + hours * 3_600_000));
        assert_eq!(clock.first_after_each(&instants), [0, 1], "in order, each once, none after the end");
    }
}
