//! The days on which customers ordered, and how a model fitted on the first of them foretells the rest.

use stratagem_measure::Refusal;
use stratagem_measure::repurchase::{History, Holdout, Model, Tracking};
use stratagem_model::time::Day;

use crate::timelines::Timelines;

/// The days with orders of every customer who has one.
#[derive(Debug, Default)]
pub struct PurchaseLog {
    /// Distinct and ascending.
    customers: Vec<Vec<Day>>,
    /// Days in the unit of the model's times.
    unit: f64,
}

impl PurchaseLog {
    /// Of all orders that the timelines hold, for models whose unit of time has so many days. Needs days.
    pub fn new<'a>(shards: impl IntoIterator<Item = &'a Timelines>, unit: f64) -> Self {
        let of = |shard: &'a Timelines| (0..shard.rows()).map(|row| shard.order_days(row));
        let customers = shards.into_iter().flat_map(of).filter(|days| !days.is_empty());
        Self { customers: customers.collect(), unit }
    }

    /// The first day with an order; `None` without one.
    pub fn first(&self) -> Option<Day> {
        self.customers.iter().map(|days| days[0]).min()
    }

    fn known(&self, until: Day) -> impl Iterator<Item = (&[Day], &[Day])> {
        let split = move |days: &'_ Vec<Day>| days.partition_point(|day| *day <= until);
        self.customers
            .iter()
            .map(move |days| days.split_at(split(days)))
            .filter(|(known, _)| !known.is_empty())
    }

    /// What was known at the end of a day of those who had come.
    ///
    /// # Errors
    /// There are none: days are whole and in order.
    pub fn histories(&self, until: Day) -> Result<Vec<History>, Refusal> {
        let time = |from: Day, to: Day| f64::from(to - from) / self.unit;
        let history = |known: &[Day]| {
            let (first, last) = (known[0], known[known.len() - 1]);
            History::new(known.len() as u32 - 1, time(first, last), time(first, until))
        };
        self.known(until).map(|(known, _)| history(known)).collect()
    }

    /// The orders after `until` and up to `end` of those who had come, beside what a model expected of them.
    ///
    /// # Errors
    /// As [`Holdout::compare`].
    pub fn holdout(&self, model: &Model, until: Day, end: Day) -> Result<Holdout, Refusal> {
        let actual: Vec<_> =
            self.known(until).map(|(_, later)| later.partition_point(|day| *day <= end) as u32).collect();
        Holdout::compare(model, &self.histories(until)?, &actual, f64::from(end - until) / self.unit)
    }

    /// Repeat orders week by week from the first day to `end`, of those who had come at `until`.
    ///
    /// # Errors
    /// As [`Tracking::of`].
    pub fn tracking(&self, model: &Model, until: Day, end: Day) -> Result<Vec<Tracking>, Refusal> {
        let Some(start) = self.first() else { return Ok(vec![]) };
        let since = |day: &Day| f64::from(day - start) / self.unit;
        let (mut firsts, mut repeats) = (vec![], vec![]);
        for (known, later) in self.known(until) {
            firsts.push(since(&known[0]));
            repeats.extend(known[1..].iter().chain(later).map(since));
        }
        // An order on the last day of a week is in it: the last week ends at or before `end`.
        let weeks = ((end - start) / 7).max(0) as u32;
        Tracking::of(model, &firsts, &repeats, 7.0 / self.unit, weeks)
    }
}

impl Timelines {
    /// The local days with orders of a row, distinct and ascending. Needs days.
    pub fn order_days(&self, row: usize) -> Vec<Day> {
        let mut days: Vec<_> = self.orders(row).map(|order| self.day[order]).collect();
        days.sort_unstable();
        days.dedup();
        days
    }
}
