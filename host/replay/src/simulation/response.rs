//! What an action does in a simulated world: the declared response model.
//!
//! A contact causes one order more with a declared probability, at any time of the attribution window with equal
//! probability, of a value drawn from the customer's own spend. Everything else goes on as without it.

use rand::RngExt;
use stratagem_insight::{AddedOrder, Basket, OwnTouch};
use stratagem_measure::random::stream;
use stratagem_measure::repurchase::{GammaGamma, Spending, order_value};
use stratagem_model::time::Time;
use stratagem_model::{CustomerId, Money};

/// The response of all customers of one world.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    /// Seeds the world.
    pub(crate) world: u64,
    /// Orders a contact causes on average, by action: a probability.
    pub(crate) effects: Vec<f64>,
    pub(crate) window_ms: i64,
    /// The probability that an order which came by itself redeems a coupon it could redeem.
    pub(crate) redemption: f64,
    pub(crate) spend: GammaGamma,
}

impl Response {
    /// The order that a contact causes, if it causes one. The same contact of the same world always answers alike,
    /// and one that answers a weak effect answers a stronger one.
    pub(crate) fn to(
        &self,
        customer: CustomerId,
        row: u32,
        spend: Option<&Spending>,
        touch: &OwnTouch,
    ) -> Option<AddedOrder> {
        let mut generator = self.generator(customer, touch.when, touch.action);
        let effect = self.effects[touch.action as usize];
        if generator.random::<f64>() >= effect {
            return None;
        }
        let delay = (generator.random::<f64>() * self.window_ms as f64) as i64;
        let gross = order_value(&self.spend, spend, &mut generator).round().max(1.0) as Money;
        let time = Time(touch.when.0 + delay.clamp(1, self.window_ms - 1));
        Some(AddedOrder { row, time, gross, discount: 0, basket: Basket::Item(touch.item) })
    }

    /// Whether an order that came by itself redeems a coupon it could redeem.
    pub(crate) fn redeems(&self, customer: CustomerId, order: Time) -> bool {
        self.redemption >= 1.0 || self.generator(customer, order, u32::MAX).random::<f64>() < self.redemption
    }

    fn generator(&self, customer: CustomerId, at: Time, action: u32) -> impl rand::Rng {
        // Streams of one seed are told apart by all 64 bits.
        let draw = customer.0 ^ (at.0 as u64).rotate_left(20) ^ u64::from(action).rotate_left(52);
        stream(self.world, draw)
    }
}
