//! A world: each customer's future without any action, drawn from the fitted models and appended to the history.

use rand::RngExt;
use stratagem_insight::{AddedOrder, Basket, Timelines};
use stratagem_measure::Refusal;
use stratagem_measure::random::stream;
use stratagem_measure::repurchase::{self, Customer, GammaGamma, Model, Order, Spending};
use stratagem_model::time::{Day, Zone};

/// Domain separation: a world's futures and its responses are drawn from different seeds.
const FUTURES: u64 = 0x6675_7475_7265_7300;

/// What no-action futures are drawn from.
#[derive(Debug)]
pub(crate) struct Futures<'a> {
    pub(crate) repurchase: &'a Model,
    pub(crate) spend: &'a GammaGamma,
    pub(crate) zone: &'a Zone,
    /// The first day that is not known.
    pub(crate) cut: Day,
    /// Days that are simulated.
    pub(crate) days: u32,
}

impl Futures<'_> {
    /// A shard's history, continued by one world.
    pub(crate) fn continued(
        &self,
        history: &Timelines,
        spends: &[Option<Spending>],
        world: u64,
    ) -> Result<Timelines, Refusal> {
        let mut added = vec![];
        let mut future = vec![];
        for (row, spending) in spends.iter().enumerate() {
            let known = history.known_at_the_end(row);
            let Some(days) = history.purchase_days(row, known, self.cut) else { continue };
            let orders: Vec<_> = history.orders(row).collect();
            let mut generator = stream(world ^ FUTURES, history.customer(row).0);
            let customer = Customer { history: days.history()?, spending: *spending };
            let horizon = f64::from(self.days);
            repurchase::future(self.repurchase, self.spend, &customer, horizon, &mut generator, &mut future)?;
            for order in &future {
                let like = orders[generator.random_range(0..orders.len())];
                added.push(self.order(history, row, order, like));
            }
        }
        Ok(history.with_orders(&mut added, self.zone))
    }

    /// An order so many days after the cut, at the time of day, with the categories and at the discount of an earlier
    /// one.
    fn order(&self, history: &Timelines, row: usize, order: &Order, like: usize) -> AddedOrder {
        let gross = order.value.round().max(1.0) as i64;
        let of_day = history.order_time(like);
        let minutes = (of_day.0 - self.zone.at(self.zone.day(of_day), 0).0).div_euclid(60_000);
        let day = self.cut + (order.after.floor() as Day).min(self.days as Day - 1);
        let (its_gross, its_discount) = history.order_value(like);
        let discount =
            if its_gross > 0 { gross as f64 * its_discount as f64 / its_gross as f64 } else { 0.0 };
        AddedOrder {
            row: row as u32,
            time: self.zone.at(day, minutes.clamp(0, 1_439) as u32).max(self.zone.at(self.cut, 0)),
            gross,
            discount: discount.round() as i64,
            basket: Basket::Like(like as u32),
        }
    }
}

/// What is known of each row's spend before the cut.
pub(crate) fn spends(history: &Timelines, cut: Day) -> Vec<Option<Spending>> {
    let spend = |row| {
        let days = history.purchase_days(row, history.known_at_the_end(row), cut);
        days.and_then(|days| days.spend())
    };
    (0..history.rows()).map(spend).collect()
}
