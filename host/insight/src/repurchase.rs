//! Repurchase models as of an instant, in local days: orders of one day are one.

use stratagem_measure::Refusal;
use stratagem_measure::repurchase::{GammaGamma, History, Kind, Model, Spending};
use stratagem_model::time::Day;
use stratagem_model::{CustomerId, PPM};

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
        let orders = self.orders(row);
        let orders = || orders.start..orders.start + known as usize;
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
const FITTED_ON_MAX: u64 = 20_000;

/// Which customers models are fitted on: a fixed share by hash, the same in every shard and at every instant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FittedOn {
    ppm: u32,
}

impl FittedOn {
    pub(crate) fn new(customers: u64) -> Self {
        let ppm = (FITTED_ON_MAX * u64::from(PPM)).checked_div(customers).unwrap_or(0).min(u64::from(PPM));
        Self { ppm: ppm as u32 }
    }

    pub(crate) fn has(self, customer: CustomerId) -> bool {
        customer.draw_ppm("repurchase") < self.ppm
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
    pub(crate) fn fit(customers: &mut [PurchaseDays]) -> Option<Self> {
        // In an order that does not depend on the shards: sums of floats do.
        customers.sort_unstable_by_key(|days| (days.repeats, days.last, days.observed, days.repeat_value));
        let histories: Vec<_> = customers.iter().filter_map(|days| days.history().ok()).collect();
        let spends: Vec<_> = customers.iter().filter_map(PurchaseDays::spend).collect();
        let orders = Kind::BgNbd.fit(&histories).ok()?.model;
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
