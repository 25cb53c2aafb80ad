//! What an operator may set, and what the presets stand for.

use stratagem_sdk::prelude::*;

/// A number that has been found to make a habit, with its starter pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Preset {
    /// Five purchases, with five coupons of 2.00 at the start: vending and other small purchases.
    Habit5,
    /// Four purchases within 30 days, without a starter pack: retail.
    Month4,
    /// As the other parameters say.
    Custom,
}

/// The parameters, in the order in which they are shown.
#[derive(Debug, Parameters)]
pub struct Settings {
    /// `habit-5`: 5 purchases within 30 days and five 2.00 coupons at the start; `month-4`: 4 purchases within 30 days;
    /// `custom`: `purchases`, `within-days`, `coupon-count` and `coupon-value`, which count for nothing otherwise.
    #[parameter(default = Preset::Month4)]
    pub preset: Preset,
    /// Custom: purchases to be reached.
    #[parameter(default = 4, min = 2, max = 50, unit = "count")]
    pub purchases: i64,
    /// Custom: days within which they are to be reached; day 0 is the one that begins with the registration, or with
    /// the first order after a dormancy.
    #[parameter(default = 30, min = 1, max = 365, unit = "days")]
    pub within_days: i64,
    /// Custom: coupons in the starter pack; 0 for no pack.
    #[parameter(default = 0, min = 0, max = 20, unit = "count")]
    pub coupon_count: i64,
    /// Custom: face value of each coupon in the starter pack.
    #[parameter(default = 200, min = 1, max = 100_000, unit = "minor")]
    pub coupon_value: i64,
    /// Last day on which the starter pack is still given.
    #[parameter(default = 1, min = 0, max = 365, unit = "days")]
    pub pack_until_day: i64,
    /// Days without an order after which a customer who orders again is treated like a new one; 0 for never.
    #[parameter(default = 90, min = 0, max = 3_650, unit = "days")]
    pub dormancy_days: i64,
    /// First nudge: day.
    #[parameter(default = 2, min = 1, max = 365, unit = "days")]
    pub first_nudge_day: i64,
    /// First nudge: sent to those with fewer purchases than this; 0 for nobody.
    #[parameter(default = 1, min = 0, max = 50, unit = "count")]
    pub first_nudge_below: i64,
    /// Second nudge: day.
    #[parameter(default = 3, min = 1, max = 365, unit = "days")]
    pub second_nudge_day: i64,
    /// Second nudge: sent to those with fewer purchases than this; 0 for nobody.
    #[parameter(default = 1, min = 0, max = 50, unit = "count")]
    pub second_nudge_below: i64,
    /// Third nudge: day.
    #[parameter(default = 7, min = 1, max = 365, unit = "days")]
    pub third_nudge_day: i64,
    /// Third nudge: sent to those with fewer purchases than this; 0 for nobody.
    #[parameter(default = 2, min = 0, max = 50, unit = "count")]
    pub third_nudge_below: i64,
    /// Fourth nudge: day.
    #[parameter(default = 30, min = 1, max = 365, unit = "days")]
    pub fourth_nudge_day: i64,
    /// Fourth nudge: sent to those with fewer purchases than this, 50 for all who are still short; 0 for nobody.
    #[parameter(default = 50, min = 0, max = 50, unit = "count")]
    pub fourth_nudge_below: i64,
    /// Face value of the coupon in the third and fourth nudge; 0 for messages without one.
    #[parameter(default = 200, min = 0, max = 100_000, unit = "minor")]
    pub nudge_value: i64,
    /// Days for which coupons can be redeemed.
    #[parameter(default = 7, min = 1, max = 365, unit = "days")]
    pub valid_days: i64,
    /// Local hour at which packs and nudges go out.
    #[parameter(default = 10, min = 0, max = 23, unit = "hours")]
    pub hour: i64,
    /// Channel of packs and nudges.
    #[parameter(default = "app-push", max_bytes = 40)]
    pub channel: String,
    /// Cost of one contact.
    #[parameter(default = 5, min = 0, max = 100_000, unit = "minor")]
    pub contact_cost: i64,
}

/// What is to be reached and what is given for a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The magic number.
    pub purchases: i64,
    /// The last day that counts.
    pub within_days: i64,
    /// 0 for no starter pack.
    pub coupon_count: i64,
    /// Minor units each.
    pub coupon_value: i64,
}

impl Settings {
    /// What the preset stands for.
    pub fn target(&self) -> Target {
        match self.preset {
            Preset::Habit5 => Target { purchases: 5, within_days: 30, coupon_count: 5, coupon_value: 200 },
            Preset::Month4 => Target { purchases: 4, within_days: 30, coupon_count: 0, coupon_value: 0 },
            Preset::Custom => Target {
                purchases: self.purchases,
                within_days: self.within_days,
                coupon_count: self.coupon_count,
                coupon_value: self.coupon_value,
            },
        }
    }

    /// Day and bound of each nudge.
    pub fn nudges(&self) -> [(i64, i64); 4] {
        [
            (self.first_nudge_day, self.first_nudge_below),
            (self.second_nudge_day, self.second_nudge_below),
            (self.third_nudge_day, self.third_nudge_below),
            (self.fourth_nudge_day, self.fourth_nudge_below),
        ]
    }

    /// Combinations that make no sense.
    pub fn check(&self) -> Result<(), Vec<ParameterError>> {
        const NAMES: [&str; 4] =
            ["first-nudge-day", "second-nudge-day", "third-nudge-day", "fourth-nudge-day"];
        let (nudges, target) = (self.nudges(), self.target());
        let mut errors = vec![];
        for i in 1..nudges.len() {
            let (before, day) = (nudges[i - 1].0, nudges[i].0);
            if day <= before {
                let message = format!("{day} is not after `{}`, which is {before}", NAMES[i - 1]);
                errors.push(ParameterError::new(NAMES[i], message));
            }
        }
        let is_used = |(_, below): &(i64, i64)| *below > 0;
        if let Some(late) = nudges.iter().rposition(|n| is_used(n) && n.0 > target.within_days) {
            let message = format!(
                "day {} is past the last day that counts, {}; choose an earlier day, or 0 for the bound of this nudge",
                nudges[late].0, target.within_days
            );
            errors.push(ParameterError::new(NAMES[late], message));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}
