//! What depends on all customers, as of each scheduled instant: RFM cuts, category pairs, repurchase models.
//!
//! A first pass over the shards adds up what each contributes; nothing here looks at an event that was not known
//! before the instant it is used for.

use std::sync::{Arc, Mutex, MutexGuard};

use rayon::prelude::*;
use stratagem_model::Table;
use stratagem_model::plan::Schedule;
use stratagem_model::time::{DAY_MS, Day, Time, Zone};

use crate::pairs::{PairCounts, PairRequest, PairTables};
use crate::publication::Publication;
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

/// Which tables of the population a run needs, as of which instants.
#[derive(Debug, Clone)]
pub struct PopulationNeeds {
    weekly: Publication,
    daily: Publication,
    /// As of when category pairs are counted: the instants of all schedules that are asked for, ascending.
    pair_instants: Vec<Time>,
    /// The local days of the weeks, if repurchase models are fitted each week.
    fitted: Option<Vec<Day>>,
}

impl PopulationNeeds {
    /// For a run over these local days. Each table is used from `lag_minutes` after its instant on.
    pub fn new(zone: &Zone, first: Day, last: Day, lag_minutes: u32) -> Self {
        let publication = |schedule| Publication::new(zone, schedule, (first, last), lag_minutes);
        let (weekly, daily) = (publication(Schedule::Weekly), publication(Schedule::Daily));
        Self { weekly, daily, pair_instants: vec![], fitted: None }
    }

    /// With repurchase models, fitted each week. Needs days.
    #[must_use]
    pub fn with_repurchase(self, zone: &Zone) -> Self {
        let days = self.weekly.instants().iter().map(|week| zone.day(*week)).collect();
        Self { fitted: Some(days), ..self }
    }

    /// With category pairs on each of these schedules. Needs categories.
    #[must_use]
    pub fn with_pairs(self, schedules: impl Iterator<Item = Schedule>) -> Self {
        let of = |schedule| self.publication(schedule).instants();
        let mut instants: Vec<_> = schedules.flat_map(of).copied().collect();
        instants.sort_unstable();
        instants.dedup();
        Self { pair_instants: instants, ..self }
    }

    /// When tables of these schedules come into use, ascending.
    pub fn effective(&self, schedules: impl Iterator<Item = Schedule>) -> Vec<Time> {
        let mut instants: Vec<_> =
            schedules.flat_map(|schedule| self.publication(schedule).effective()).collect();
        instants.sort_unstable();
        instants.dedup();
        instants
    }

    fn publication(&self, schedule: Schedule) -> &Publication {
        match schedule {
            Schedule::Weekly => &self.weekly,
            Schedule::Daily => &self.daily,
        }
    }

    /// What one shard contributes. `below` says by week, where it is known, from which id on no customer is drawn.
    fn contribution(&self, timelines: &Timelines, below: &[u64]) -> Contribution {
        let mut cuts = vec![RfmCuts::default(); self.weekly.instants().len()];
        let mut fitted_on: Vec<_> = below.iter().map(|below| FittedOn::new(*below)).collect();
        for row in 0..timelines.rows() {
            let (mut known, customer) = (0, timelines.customer(row));
            for (week, (instant, cuts)) in self.weekly.instants().iter().zip(&mut cuts).enumerate() {
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
                cuts.orders += i128::from(timelines.order_count(row, known));
                cuts.monetary += i128::from(timelines.monetary(row, known));
            }
        }
        let mut pairs = PairCounts::new(&self.pair_instants);
        if !self.pair_instants.is_empty() {
            pairs.count(timelines);
        }
        let mut firsts = Firsts::default();
        for entry in 0..timelines.known.len() {
            let (known, time) = (timelines.known[entry], timelines.time[entry]);
            match timelines.replaced.later(entry).filter(|later| timelines.time[*later] != time) {
                Some(later) => firsts.corrected.push((known, timelines.known[later], time)),
                None => firsts.add(known, time),
            }
        }
        Contribution { cuts, pairs, fitted_on, firsts }
    }
}

/// The earliest order there is, as of any instant: each time that it becomes an earlier one, with when that is known.
#[derive(Debug, Clone, Default)]
struct Firsts {
    /// Known times ascend, event times descend.
    records: Vec<(i64, i64)>,
    /// Orders of which another time became known: from when to when each was thought to have happened then.
    corrected: Vec<(i64, i64, i64)>,
}

impl Firsts {
    fn add(&mut self, known: i64, time: i64) {
        let at = self.records.partition_point(|(earlier, _)| *earlier <= known);
        if at > 0 && self.records[at - 1].1 <= time {
            return;
        }
        // Those that are known no earlier and are no earlier themselves are records no more.
        let from = self.records.partition_point(|(earlier, _)| *earlier < known);
        let beaten = self.records[from..].iter().take_while(|(_, other)| *other >= time).count();
        self.records.splice(from..from + beaten, [(known, time)]);
    }

    fn merge(&mut self, other: &Self) {
        other.records.iter().for_each(|(known, time)| self.add(*known, *time));
        self.corrected.extend_from_slice(&other.corrected);
    }

    fn before(&self, now: Time) -> Option<Time> {
        let known = self.records.partition_point(|(known, _)| *known < now.0);
        let record = known.checked_sub(1).map(|last| self.records[last].1);
        let corrected = self.corrected.iter().filter(|(known, until, _)| *known < now.0 && now.0 <= *until);
        record.into_iter().chain(corrected.map(|(_, _, time)| *time)).min().map(Time)
    }
}

/// What shards add to the tables of the population.
#[derive(Debug)]
struct Contribution {
    cuts: Vec<RfmCuts>,
    pairs: PairCounts,
    /// By week; empty where no models are fitted.
    fitted_on: Vec<FittedOn>,
    firsts: Firsts,
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
        let weeks = needs.weekly.instants().len();
        let fitted = if needs.fitted.is_some() { weeks } else { 0 };
        let sum = Contribution {
            cuts: vec![RfmCuts::default(); weeks],
            pairs: PairCounts::new(&needs.pair_instants),
            fitted_on: (0..fitted).map(|_| FittedOn::new(u64::MAX)).collect(),
            firsts: Firsts::default(),
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
        sum.firsts.merge(&shard.firsts);
    }

    /// The tables.
    pub fn population(self) -> Population {
        let sum = self.sum.into_inner().expect("no code panics while it holds the lock");
        Population {
            weekly: self.needs.weekly.clone(),
            daily: self.needs.daily.clone(),
            cuts: sum.cuts,
            pairs: PairTables::new(sum.pairs),
            repurchase: sum.fitted_on.into_par_iter().map(FittedOn::fit).collect(),
            firsts: sum.firsts,
        }
    }
}

/// The tables of the population at each scheduled instant.
#[derive(Debug)]
pub struct Population {
    weekly: Publication,
    daily: Publication,
    cuts: Vec<RfmCuts>,
    pairs: PairTables,
    /// By week; empty where no column needs them.
    repurchase: Vec<Option<Repurchase>>,
    firsts: Firsts,
}

impl Population {
    /// The repurchase models that are in use, if they could be fitted.
    pub(crate) fn repurchase(&self, now: Time) -> Option<&Repurchase> {
        self.repurchase.get(self.weekly.in_use(now)?)?.as_ref()
    }

    /// Event time of the first of all orders known before `now`.
    pub fn first_order(&self, now: Time) -> Option<Time> {
        self.firsts.before(now)
    }

    /// The RFM class of a row at `now` against the cuts that are in use; `None` without an order.
    pub fn rfm_class(&self, timelines: &Timelines, row: usize, known: u32, now: Time) -> Option<u32> {
        let last = timelines.last_order_time(row, known)?;
        let cuts = &self.cuts[self.weekly.in_use(now)?];
        let recency_days = (now.0 - last.0).div_euclid(DAY_MS);
        let orders = timelines.order_count(row, known);
        Some(cuts.class(recency_days, orders, timelines.monetary(row, known)))
    }

    /// Makes the pair tables of these requests, each as of the instants of its own schedule.
    pub(crate) fn make_pairs(&mut self, requests: &[PairRequest]) {
        let publication = |schedule| match schedule {
            Schedule::Weekly => self.weekly.clone(),
            Schedule::Daily => self.daily.clone(),
        };
        self.pairs.make(requests, publication);
    }

    pub(crate) fn pairs_at(&self, slot: usize, now: Time) -> Arc<Table> {
        self.pairs.at(slot, now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_order_is_the_earliest_that_counts(
            orders in prop::collection::vec((0..20_i64, 0..6_i64, 0..20_i64), 0..30),
        ) {
            let (mut whole, mut halves) = (Firsts::default(), [Firsts::default(), Firsts::default()]);
            for (n, (known, corrected_after, time)) in orders.iter().enumerate() {
                for firsts in [&mut whole, &mut halves[n % 2]] {
                    match corrected_after {
                        0 => firsts.add(*known, *time),
                        after => firsts.corrected.push((*known, known + after, *time)),
                    }
                }
            }
            let [mut sum, other] = halves;
            sum.merge(&other);
            for now in 0..30 {
                let counts = |known: i64, after: i64| known < now && (after == 0 || now <= known + after);
                let counted = orders.iter().filter(|(known, after, _)| counts(*known, *after));
                let want = counted.map(|(.., time)| Time(*time)).min();
                prop_assert_eq!(whole.before(Time(now)), want);
                prop_assert_eq!(sum.before(Time(now)), want);
            }
        }
    }

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
