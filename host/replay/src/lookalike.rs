//! Look-alike days: how often customers who had been silent as long, with about as many orders, came back by
//! themselves.
//!
//! Every customer-day of the run's period is a look-alike of the contacts made after the same number of silent
//! days in the same band of order counts. A gap between two orders contributes all its days at once, through
//! differences, so the cost is per order and not per day.

use stratagem_insight::Timelines;
use stratagem_model::time::DAY_MS;

use crate::outcome::Measured;

/// Silences of this many days and more are one class.
const DAYS_MAX: usize = 400;
/// Bands of order counts: 1, 2-4, 5-9, 10 and more.
const BANDS: usize = 4;

/// Counts by order band and silent days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SilenceCounts {
    /// Customer-days, or contacts.
    days: Vec<i64>,
    /// How many of them were followed by an order within the window.
    returned: Vec<i64>,
}

impl Default for SilenceCounts {
    fn default() -> Self {
        Self { days: vec![0; BANDS * (DAYS_MAX + 1)], returned: vec![0; BANDS * (DAYS_MAX + 1)] }
    }
}

fn cell(orders: u32, day: i64) -> usize {
    let band = match orders {
        0..=1 => 0,
        2..=4 => 1,
        5..=9 => 2,
        _ => 3,
    };
    band * (DAYS_MAX + 1) + day.clamp(0, DAYS_MAX as i64) as usize
}

impl SilenceCounts {
    pub(crate) fn add(&mut self, orders: u32, day: i64, count: i64) {
        self.days[cell(orders, day)] += count;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.days.iter_mut().zip(&other.days).for_each(|(mine, theirs)| *mine += theirs);
        self.returned.iter_mut().zip(&other.returned).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// The differences summed up, by band.
    pub(crate) fn cumulated(mut self) -> Self {
        for list in [&mut self.days, &mut self.returned] {
            for band in list.chunks_mut(DAYS_MAX + 1) {
                for day in 1..band.len() {
                    band[day] += band[day - 1];
                }
            }
        }
        self
    }

    /// The share of these contacts that would have returned by themselves at the rates of `population`, which has
    /// been cumulated. `None` if there are no contacts, or too few look-alikes for some of them.
    pub(crate) fn expected_return(&self, population: &Self) -> Option<f64> {
        let mut contacts = 0;
        let mut expected = 0.0;
        for (cell, count) in self.days.iter().enumerate().filter(|(_, count)| **count > 0) {
            let days = population.days[cell];
            if days == 0 {
                return None;
            }
            contacts += count;
            expected += *count as f64 * population.returned[cell] as f64 / days as f64;
        }
        (contacts > 0).then(|| expected / contacts as f64)
    }
}

/// Adds a row's gaps between orders, as differences.
pub(crate) fn count(
    timelines: &Timelines,
    row: usize,
    measured: &Measured,
    scratch: &mut Vec<usize>,
    out: &mut SilenceCounts,
) {
    timelines.oldest_first(row, scratch);
    for (so_far, order) in (1..).zip(&*scratch) {
        let last = timelines.order_time(*order).0;
        let next = scratch.get(so_far as usize).map_or(i64::MAX, |next| timelines.order_time(*next).0);
        // A silent day is looked at in its middle: steps fall anywhere in it.
        let day_at_or_after = |at: i64| {
            (at - last - DAY_MS / 2).div_euclid(DAY_MS)
                + i64::from((at - last - DAY_MS / 2).rem_euclid(DAY_MS) != 0)
        };
        let first_day = day_at_or_after(measured.from.0).max(0);
        let stop = next.min(measured.last_step.0 + 1);
        let end_day = day_at_or_after(stop).min(DAYS_MAX as i64);
        if first_day >= end_day {
            continue;
        }
        add_range(&mut out.days, so_far, first_day, end_day);
        if next != i64::MAX {
            let from_day = day_at_or_after(next - measured.window_ms + 1).max(first_day);
            if from_day < end_day {
                add_range(&mut out.returned, so_far, from_day, end_day);
            }
        }
    }
}

fn add_range(differences: &mut [i64], orders: u32, first: i64, end: i64) {
    differences[cell(orders, first)] += 1;
    differences[cell(orders, end)] -= 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_weighted_by_the_rates_of_their_own_days() {
        let mut population = SilenceCounts::default();
        add_range(&mut population.days, 1, 0, 10);
        add_range(&mut population.days, 1, 0, 10);
        add_range(&mut population.returned, 1, 5, 10);
        let population = population.cumulated();
        let mut contacts = SilenceCounts::default();
        contacts.add(1, 4, 1);
        contacts.add(1, 9, 3);
        assert_eq!(contacts.expected_return(&population), Some(3.0 * 0.5 / 4.0));
        contacts.add(1, 10, 1);
        assert_eq!(contacts.expected_return(&population), None, "nobody else was silent for 10 days");
        assert_eq!(SilenceCounts::default().expected_return(&population), None);
    }
}
