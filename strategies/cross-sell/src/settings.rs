//! What an operator may set.

use stratagem_sdk::prelude::*;

/// The parameters, in the order in which they are shown.
#[derive(Debug, Parameters)]
pub struct Settings {
    /// A category counts as just bought for this many days.
    #[parameter(default = 30, min = 1, max = 365, unit = "days")]
    pub bought_within_days: i64,
    /// Offer a category again to who last bought it this many days ago or more; 0: only what was never bought.
    #[parameter(default = 0, min = 0, max = 3_650, unit = "days")]
    pub again_after_days: i64,
    /// Fewest baskets with both categories for the pair to be trusted.
    #[parameter(default = 20, min = 1, max = 1_000_000, unit = "count")]
    pub min_baskets: i64,
    /// Least share of the baskets with the bought category that have the offered one too.
    #[parameter(default = 20_000, min = 0, max = 1_000_000, unit = "ppm")]
    pub min_confidence_ppm: i64,
    /// Least lift: 1,000,000 is what chance alone gives.
    #[parameter(default = 1_200_000, min = 1, max = 1_000_000_000, unit = "ppm")]
    pub min_lift_ppm: i64,
    /// Most categories that are considered for a bought one, those with the highest lift.
    #[parameter(default = 50, min = 1, max = 1_000, unit = "count")]
    pub per_category: i64,
    /// How many offers the draw is among: 1 always offers the highest lift; more are drawn in proportion to their
    /// lift, from which one can learn later what another choice would have earned.
    #[parameter(default = 1, min = 1, max = 8, unit = "count")]
    pub explore: i64,
    /// Most offers to a customer within `offers-window-days`.
    #[parameter(default = 2, min = 1, max = 100, unit = "count")]
    pub offers_max: i64,
    /// The rolling window of `offers-max`.
    #[parameter(default = 30, min = 1, max = 365, unit = "days")]
    pub offers_window_days: i64,
    /// Days a customer has to take an offer, and its coupon to be redeemed; after that it counts as refused. Nothing
    /// else is offered meanwhile.
    #[parameter(default = 14, min = 1, max = 365, unit = "days")]
    pub answer_days: i64,
    /// Days after a refusal for which the same category is not offered again.
    #[parameter(default = 90, min = 0, max = 3_650, unit = "days")]
    pub cool_down_days: i64,
    /// Days after any refusal for which nothing is offered.
    #[parameter(default = 7, min = 0, max = 365, unit = "days")]
    pub pause_days: i64,
    /// Face value of the coupon; 0 for a message without one.
    #[parameter(default = 300, min = 0, max = 1_000_000, unit = "minor")]
    pub coupon_value: i64,
    /// Order value from which the coupon can be redeemed.
    #[parameter(default = 0, min = 0, max = 10_000_000, unit = "minor")]
    pub coupon_minimum_spend: i64,
    /// Local hour at which offers go out.
    #[parameter(default = 10, min = 0, max = 23, unit = "hours")]
    pub hour: i64,
    /// Channel of the offers.
    #[parameter(default = "app-push", max_bytes = 40)]
    pub channel: String,
    /// Cost of one contact.
    #[parameter(default = 5, min = 0, max = 100_000, unit = "minor")]
    pub contact_cost: i64,
}

impl Settings {
    /// Combinations that make no sense.
    pub fn check(&self) -> Result<(), Vec<ParameterError>> {
        if self.coupon_value == 0 && self.coupon_minimum_spend > 0 {
            let message = format!(
                "there is no coupon to spend {} for; set `coupon-value`, or this to 0",
                self.coupon_minimum_spend
            );
            return Err(vec![ParameterError::new("coupon-minimum-spend", message)]);
        }
        Ok(())
    }

    /// How many days back touches still matter: the window of the cap, and the longest effect of a refusal.
    pub fn touch_days(&self) -> i64 {
        let refusal = self.answer_days + self.cool_down_days.max(self.pause_days);
        // A day more than needed, so that nothing depends on which side the window's edge falls.
        self.offers_window_days.max(refusal) + 1
    }
}
