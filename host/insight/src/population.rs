//! What depends on all customers, as of each scheduled instant: RFM cuts, category pairs, repurchase models.
//!
//! A first pass over the shards adds up what each contributes; nothing here looks at an event that was not known
//! before the instant it is used for.

use std::sync::{Arc, Mutex, MutexGuard};

use rayon::prelude::*;
use stratagem_model::Table;
use stratagem_model::plan::Schedule;
use stratagem_model::time::{DAY_MS, Day, Time, Zone, monday};

use crate::pairs::{PairCounts, PairTables};
use crate::repurchase::{FittedOn, Repurchase};
use crate::timelines::Timelines;
use crate::{FREQUENCY_BIT, MONETARY_BIT, RECENCY_BIT};

/// Sums over customers with at least one known order; a class compares with their means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RfmCuts {
    pub customers: i128,
    pub recency_days: i128,
    pub orders: i128,
    pub monetary: i128,
}

impl RfmCuts {
    fn add(&mut self, other: &Self) {
        self.customers += other.customers;
        self.recency_days += other.recency_days;
        self.orders += other.orders;
        self.monetary += other.monetary;
    }

    fn class(&self, recency_days: i64, orders: u32, monetary: i64) -> u32 {
        let n = self.customers;
        let mut class = 0;
        if i128::from(recency_days) * n < self.recency_days {
            class |= RECENCY_BIT;
        }
        if i128::from(orders) * n > self.orders {
            class |= FREQUENCY_BIT;
        }
        if i128::from(monetary) * n > self.monetary {
            class |= MONETARY_BIT;
        }
        class
    }
}

/// Which tables of the population a run needs, and at which instants.
#[derive(Debug, Clone)]
pub struct PopulationNeeds {
    /// Local midnights of the Mondays that the run's steps fall after, ascending.
    pub(crate) weeks: Vec<Time>,
    /// Local midnights of the days that the run's steps fall in, ascending.
    pub(crate) days: Vec<Time>,
    pub(crate) pairs: Option<Schedule>,
    /// The local days of the weeks, if repurchase models are fitted each week.
    fitted: Option<Vec<Day>>,
}

impl PopulationNeeds {
    /// The instants for a run over these local days.
    pub fn new(zone: &Zone, first: Day, last: Day, pairs: Option<Schedule>) -> Self {
        let weeks = (monday(first)..=last).step_by(7).map(|day| zone.at(day, 0)).collect();
        let days = (first..=last).map(|day| zone.at(day, 0)).collect();
        Self { weeks, days, pairs, fitted: None }
    }

    /// With repurchase models, fitted each week. Needs days.
    #[must_use]
    pub fn with_repurchase(self, zone: &Zone) -> Self {
        let days = self.weeks.iter().map(|week| zone.day(*week)).collect();
        Self { fitted: Some(days), ..self }
    }

    fn pair_instants(&self) -> &[Time] {
        match self.pairs {
            Some(Schedule::Weekly) => &self.weeks,
            Some(Schedule::Daily) => &self.days,
            None => &[],
        }
    }

    /// What one shard contributes. `below` says by week, where it is known, from which id on no customer is drawn.
    fn contribution(&self, timelines: &Timelines, below: &[u64]) -> Contribution {
        let mut cuts = vec![RfmCuts::default(); self.weeks.len()];
        let mut fitted_on: Vec<_> = below.iter().map(|below| FittedOn::new(*below)).collect();
        for row in 0..timelines.rows() {
            let (mut known, customer) = (0, timelines.customer(row));
            for (week, (instant, cuts)) in self.weeks.iter().zip(&mut cuts).enumerate() {
                known = timelines.advance(row, known, *instant);
                if let Some((fitted_on, days)) = fitted_on.get_mut(week).zip(self.fitted.as_ref())
                    && fitted_on.wants(customer)
                    && let Some(days) = timelines.purchase_days(row, known, days[week])
                {
                    fitted_on.add(customer, days);
                }
                let Some(last) = timelines.last_order_time(row, known) else { continue };
                cuts.customers += 1;
                cuts.recency_days += i128::from((instant.0 - last.0).div_euclid(DAY_MS));
                cuts.orders += i128::from(known);
                cuts.monetary += i128::from(timelines.monetary(row, known));
            }
        }
        let mut pairs = PairCounts::new(self.pair_instants());
        if self.pairs.is_some() {
            pairs.count(timelines);
        }
        Contribution { cuts, pairs, fitted_on }
    }
}

/// What shards add to the tables of the population.
#[derive(Debug)]
struct Contribution {
    cuts: Vec<RfmCuts>,
    pairs: PairCounts,
    /// By week; empty where no models are fitted.
    fitted_on: Vec<FittedOn>,
}

/// All shards added up, from any number of threads. The order makes no difference, and what is kept does not grow with
/// the shards.
#[derive(Debug)]
pub struct Census<'a> {
    needs: &'a PopulationNeeds,
    sum: Mutex<Contribution>,
}

impl<'a> Census<'a> {
    /// Of nobody yet.
    pub fn new(needs: &'a PopulationNeeds) -> Self {
        let weeks = if needs.fitted.is_some() { needs.weeks.len() } else { 0 };
        let sum = Contribution {
            cuts: vec![RfmCuts::default(); needs.weeks.len()],
            pairs: PairCounts::new(needs.pair_instants()),
            fitted_on: (0..weeks).map(|_| FittedOn::new(u64::MAX)).collect(),
        };
        Self { needs, sum: Mutex::new(sum) }
    }

    fn sum(&self) -> MutexGuard<'_, Contribution> {
        self.sum.lock().expect("no code panics while it holds the lock")
    }

    /// Takes in a shard.
    pub fn add(&self, timelines: &Timelines) {
        let below: Vec<_> = self.sum().fitted_on.iter().map(FittedOn::below).collect();
        let shard = self.needs.contribution(timelines, &below);
        let mut sum = self.sum();
        for (cuts, other) in sum.cuts.iter_mut().zip(&shard.cuts) {
            cuts.add(other);
        }
        sum.pairs.merge(shard.pairs);
        for (fitted_on, other) in sum.fitted_on.iter_mut().zip(shard.fitted_on) {
            fitted_on.merge(other);
        }
    }

    /// The tables.
    pub fn population(self) -> Population {
        let sum = self.sum.into_inner().expect("no code panics while it holds the lock");
        Population {
            weeks: self.needs.weeks.clone(),
            cuts: sum.cuts,
            pairs: PairTables::new(self.needs.pair_instants().to_vec(), sum.pairs),
            repurchase: sum.fitted_on.into_par_iter().map(FittedOn::fit).collect(),
        }
    }
}

/// The tables of the population at each scheduled instant.
#[derive(Debug)]
pub struct Population {
    weeks: Vec<Time>,
    cuts: Vec<RfmCuts>,
    pub(crate) pairs: PairTables,
    /// By week; empty where no column needs them.
    repurchase: Vec<Option<Repurchase>>,
}

impl Population {
    /// The last scheduled week not after `now`.
    fn week(&self, now: Time) -> Option<usize> {
        self.weeks.partition_point(|week| *week <= now).checked_sub(1)
    }

    /// The repurchase models of the week, if they could be fitted.
    pub(crate) fn repurchase(&self, now: Time) -> Option<&Repurchase> {
        self.repurchase.get(self.week(now)?)?.as_ref()
    }

    /// The RFM class of a row at `now` against the cuts of the week; `None` without an order.
    pub fn rfm_class(&self, timelines: &Timelines, row: usize, known: u32, now: Time) -> Option<u32> {
        let last = timelines.last_order_time(row, known)?;
        let cuts = &self.cuts[self.week(now)?];
        let recency_days = (now.0 - last.0).div_euclid(DAY_MS);
        Some(cuts.class(recency_days, known, timelines.monetary(row, known)))
    }

    pub(crate) fn pairs_at(&self, slot: usize, now: Time) -> Arc<Table> {
        self.pairs.at(slot, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_compare_strictly_with_the_means() {
        // Two customers: recency 10 and 30 days, 2 and 4 orders, 100 and 300.
        let cuts = RfmCuts { customers: 2, recency_days: 40, orders: 6, monetary: 400 };
        assert_eq!(cuts.class(19, 4, 201), 7);
        assert_eq!(cuts.class(20, 3, 200), 0, "equal to the mean is not better");
        assert_eq!(cuts.class(21, 3, 201), 1);
        assert_eq!(cuts.class(21, 4, 201), 3);
        assert_eq!(cuts.class(0, 1, 1), 4);
    }
}
