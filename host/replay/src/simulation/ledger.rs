//! What the actions of a world caused and cost, known exactly because the world was made up.

use stratagem_model::time::{DAY_MS, Time};
use stratagem_model::{Money, Plan};

use super::response::Response;
use crate::curve::Periods;
use crate::shard::Shard;

/// Sums over the treated customers of a world. Money in minor units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// Orders that contacts caused, and their value before discounts.
    pub(crate) caused_orders: u64,
    pub(crate) caused_gmv: Money,
    /// Coupons redeemed, by any order, and their face value.
    pub(crate) redemptions: u64,
    pub(crate) redeemed: Money,
    /// Coupons redeemed by orders that came by themselves.
    pub(crate) cannibalised: u64,
    /// By period of the run: value caused, and face value redeemed.
    pub(crate) periods: Vec<(Money, Money)>,
}

impl Ledger {
    pub(crate) fn new(periods: usize) -> Self {
        Self { periods: vec![(0, 0); periods], ..Self::default() }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.caused_orders += other.caused_orders;
        self.caused_gmv += other.caused_gmv;
        self.redemptions += other.redemptions;
        self.redeemed += other.redeemed;
        self.cannibalised += other.cannibalised;
        for (mine, theirs) in self.periods.iter_mut().zip(&other.periods) {
            mine.0 += theirs.0;
            mine.1 += theirs.1;
        }
    }

    /// Takes in one treated customer.
    pub(crate) fn count(
        &mut self,
        shard: &Shard<'_>,
        row: usize,
        plan: &Plan,
        response: &Response,
        periods: &Periods,
    ) {
        let first = shard.caused.partition_point(|order| (order.row as usize) < row);
        let caused = shard.caused[first..].iter().take_while(|order| order.row as usize == row);
        for order in caused.clone() {
            self.caused_orders += 1;
            self.caused_gmv += order.gross;
            self.periods[periods.index(order.time)].0 += order.gross;
        }
        let timelines = &shard.timelines;
        let mut is_used = vec![];
        for touch in shard.touches.of(row) {
            let Some(offer) = plan.actions[touch.action as usize].offer else { continue };
            let until = Time(touch.when.0 + i64::from(offer.valid_days) * DAY_MS);
            let redeeming = timelines.orders(row).find(|order| {
                let at = timelines.order_time(*order);
                let fits =
                    touch.when <= at && at < until && timelines.order_value(*order).0 >= offer.minimum_spend;
                let is_caused = || caused.clone().any(|caused| caused.time == at);
                fits && !is_used.contains(order)
                    && (is_caused() || response.redeems(timelines.customer(row), at))
            });
            let Some(order) = redeeming else { continue };
            is_used.push(order);
            let at = timelines.order_time(order);
            self.redemptions += 1;
            self.redeemed += offer.face_value;
            self.periods[periods.index(at)].1 += offer.face_value;
            self.cannibalised += u64::from(!caused.clone().any(|caused| caused.time == at));
        }
    }
}
