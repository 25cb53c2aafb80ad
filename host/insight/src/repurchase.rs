//! Repurchase models as of an instant, in local days: orders of one day are one.

use stratagem_measure::Refusal;
use stratagem_measure::repurchase::{GammaGamma, History, Kind, Model, Spending};
use stratagem_model::CustomerId;
use stratagem_model::time::Day;

use crate::timelines::Timelines;

/// A customer's orders as repurchase and spend models see them, in days since the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurchaseDays {
    /// Days with orders after the first such day (x).
    pub repeats: u32,
    /// The last of them (t_x), and today (T), counted from the first.
    pub last: u32,
    pub observed: u32,
    /// Order value of the repeat days, minor units.
    pub repeat_value: i64,
}

impl PurchaseDays {
    /// As a history in days.
    ///
    /// # Errors
    /// There are none: days are whole and in order.
    pub fn history(&self) -> Result<History, Refusal> {
        History::new(self.repeats, f64::from(self.last), f64::from(self.observed))
    }

    /// Repeat days and their mean order value in minor units, as a spend model takes them; `None` without one, or where
    /// nothing was paid.
    pub fn spend(&self) -> Option<Spending> {
        let mean = self.repeat_value as f64 / f64::from(self.repeats.max(1));
        (self.repeats > 0).then(|| Spending::new(self.repeats, mean).ok()).flatten()
    }
}

impl Timelines {
    /// A row's purchase days before `today`, of its first `known` orders; `None` without one. Needs days.
    pub fn purchase_days(&self, row: usize, known: u32, today: Day) -> Option<PurchaseDays> {
        let orders = || self.counted(row, known);
        let first = orders().map(|order| self.day[order]).min()?;
        let mut repeat_value = 0;
        let (mut repeats, mut last, mut is_ascending) = (0, first, true);
        for order in orders() {
            let day = self.day[order];
            if day > first {
                repeat_value += self.order_value(order).0;
            }
            is_ascending &= day >= last;
            if day > last {
                repeats += 1;
                last = day;
            }
        }
        if !is_ascending {
            // An order that was known late: count the days in their own order.
            let mut days: Vec<_> = orders().map(|order| self.day[order]).collect();
            days.sort_unstable();
            days.dedup();
            repeats = days.len() as u32 - 1;
        }
        let since = |day: Day| u32::try_from(day - first).unwrap_or(0);
        Some(PurchaseDays { repeats, last: since(last), observed: since(today.max(last)), repeat_value })
    }
}

/// Most customers that models are fitted on: more would move no score by a step.
const FITTED_ON_MAX: usize = 20_000;

/// The customers that models are fitted on: of all that were added, those with the lowest ids. Ids are hashes, so that
/// these are drawn at random, and the same ones whatever the shards and whoever comes later.
#[derive(Debug)]
pub(crate) struct FittedOn {
    drawn: Vec<(CustomerId, PurchaseDays)>,
    /// Lower ids than this are drawn.
    below: u64,
}

impl FittedOn {
    /// None yet; customers with this id or a higher one are known not to be drawn.
    pub(crate) fn new(below: u64) -> Self {
        Self { drawn: vec![], below }
    }

    /// The lowest id of those known not to be drawn.
    pub(crate) fn below(&self) -> u64 {
        self.below
    }

    /// Whether a customer may be one of them.
    pub(crate) fn wants(&self, customer: CustomerId) -> bool {
        customer.0 < self.below
    }

    pub(crate) fn add(&mut self, customer: CustomerId, days: PurchaseDays) {
        if self.wants(customer) {
            self.drawn.push((customer, days));
        }
        // Seldom, and by so many at once that each customer is moved but a few times.
        if self.drawn.len() > FITTED_ON_MAX + FITTED_ON_MAX / 4 {
            self.shrink();
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        other.drawn.into_iter().for_each(|(customer, days)| self.add(customer, days));
    }

    fn shrink(&mut self) {
        if self.drawn.len() > FITTED_ON_MAX {
            let (_, first_out, _) = self.drawn.select_nth_unstable_by_key(FITTED_ON_MAX, |(id, _)| *id);
            self.below = first_out.0.0;
            self.drawn.truncate(FITTED_ON_MAX);
        }
    }

    /// The models fitted on them; `None` where orders cannot be fitted.
    pub(crate) fn fit(mut self) -> Option<Repurchase> {
        self.shrink();
        let mut days: Vec<_> = self.drawn.into_iter().map(|(_, days)| days).collect();
        Repurchase::fit(&mut days)
    }
}

/// Models fitted on what was known at an instant. What they say is rounded to steps, so that the last digits of a
/// fit, which may differ between machines, decide nothing.
#[derive(Debug, Clone)]
pub(crate) struct Repurchase {
    orders: Model,
    value: Option<GammaGamma>,
}

impl Repurchase {
    /// Fits both; `None` where orders cannot be fitted, as in the first weeks of a store.
    fn fit(customers: &mut [PurchaseDays]) -> Option<Self> {
        // In an order that does not depend on the shards: sums of floats do.
        customers.sort_unstable_by_key(|days| (days.repeats, days.last, days.observed, days.repeat_value));
        let histories: Vec<_> = customers.iter().filter_map(|days| days.history().ok()).collect();
        let spends: Vec<_> = customers.iter().filter_map(PurchaseDays::spend).collect();
        let orders = Kind::fit_leaving_or_not(&histories).ok()?.model;
        Some(Self { orders, value: GammaGamma::fit(&spends).ok().map(|fit| fit.model) })
    }

    pub(crate) fn p_alive_ppm(&self, days: &PurchaseDays) -> u32 {
        let alive = days.history().map_or(0.0, |history| self.orders.after(&history).alive);
        (alive * 1_000.0).round() as u32 * 1_000
    }

    pub(crate) fn orders_thousandths(&self, days: &PurchaseDays, horizon_days: u32) -> u32 {
        let expected = days.history().and_then(|h| self.orders.expected_orders(&h, f64::from(horizon_days)));
        expected.map_or(0, |orders| (orders * 1_000.0).round() as u32)
    }

    pub(crate) fn order_value(&self, days: &PurchaseDays) -> Option<i64> {
        let spent = self.value?.expected_spend(days.spend().as_ref());
        spent.ok().map(|value| value.round() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A customer with a hash for an id.
    fn customer(n: u64) -> (CustomerId, PurchaseDays) {
        let id = CustomerId::from_external(&n.to_string());
        (id, PurchaseDays { repeats: n as u32, last: 0, observed: 0, repeat_value: 0 })
    }

    fn drawn(mut of: FittedOn) -> Vec<u32> {
        of.shrink();
        let mut drawn: Vec<_> = of.drawn.iter().map(|(_, days)| days.repeats).collect();
        drawn.sort_unstable();
        drawn
    }

    #[test]
    fn the_same_customers_are_drawn_whatever_the_shards() {
        let all = 0..70_000_u64;
        let mut whole = FittedOn::new(u64::MAX);
        all.clone().map(customer).for_each(|(id, days)| whole.add(id, days));
        // Uneven shards in another order, each told what those before it know.
        let mut sum = FittedOn::new(u64::MAX);
        for shard in [5, 0, 3, 1, 4, 2] {
            let mut part = FittedOn::new(sum.below());
            all.clone()
                .filter(|n| n % 7 % 6 == shard)
                .map(customer)
                .for_each(|(id, days)| part.add(id, days));
            sum.merge(part);
        }
        let mut lowest: Vec<_> = all.map(customer).collect();
        lowest.sort_unstable_by_key(|(id, _)| *id);
        let mut lowest: Vec<_> = lowest[..FITTED_ON_MAX].iter().map(|(_, days)| days.repeats).collect();
        lowest.sort_unstable();
        assert!(drawn(whole) == lowest && drawn(sum) == lowest);
    }
}
