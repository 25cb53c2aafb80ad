//! What an operator may set, and which combinations make no sense.

use stratagem_sdk::prelude::*;

/// When the first wave is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Timing {
    /// After the same silence for everyone.
    Fixed,
    /// After a multiple of the customer's own purchase interval.
    Personal,
}

/// The parameters, in the order in which they are shown.
#[derive(Debug, Parameters)]
pub struct Settings {
    /// Days without an order before the first wave.
    #[parameter(default = 21, min = 1, max = 365, unit = "days")]
    pub silence_days: i64,
    /// Days from the first wave to the second.
    #[parameter(default = 7, min = 1, max = 90, unit = "days")]
    pub second_wave_days: i64,
    /// Days from the second wave to the third.
    #[parameter(default = 7, min = 1, max = 90, unit = "days")]
    pub third_wave_days: i64,
    /// Days from the third wave until the customer is filed as silent.
    #[parameter(default = 14, min = 1, max = 365, unit = "days")]
    pub observe_days: i64,
    /// Do not begin with customers who have been silent for longer than this: they are gone, and recalling them
    /// costs more than it brings.
    #[parameter(default = 90, min = 2, max = 3_650, unit = "days")]
    pub enter_max_days: i64,
    /// Local hour at which waves go out.
    #[parameter(default = 10, min = 0, max = 23, unit = "hours")]
    pub hour: i64,
    /// `fixed`: the first wave comes after `silence-days`; `personal`: after a multiple of the customer's own
    /// purchase interval, and after `silence-days` for those with too few intervals.
    #[parameter(default = Timing::Fixed)]
    pub timing: Timing,
    /// Personal timing: the silence as a share of the median of the customer's own purchase intervals.
    #[parameter(default = 1_500_000, min = 500_000, max = 10_000_000, unit = "ppm")]
    pub interval_share_ppm: i64,
    /// Personal timing: fewest intervals for a median to be trusted.
    #[parameter(default = 3, min = 1, max = 100, unit = "count")]
    pub interval_count_min: i64,
    /// Personal timing: never before this many days.
    #[parameter(default = 14, min = 1, max = 365, unit = "days")]
    pub personal_min_days: i64,
    /// Personal timing: never after this many days.
    #[parameter(default = 60, min = 1, max = 365, unit = "days")]
    pub personal_max_days: i64,
    /// Channel of the waves.
    #[parameter(default = "app-push", max_bytes = 40)]
    pub channel: String,
    /// Cost of one contact.
    #[parameter(default = 5, min = 0, max = 100_000, unit = "minor")]
    pub contact_cost: i64,
    /// Second wave: face value of the coupon.
    #[parameter(default = 500, min = 1, max = 1_000_000, unit = "minor")]
    pub coupon_value: i64,
    /// Second wave: order value from which the coupon can be redeemed.
    #[parameter(default = 0, min = 0, max = 10_000_000, unit = "minor")]
    pub coupon_minimum_spend: i64,
    /// Third wave: value of the gift pack.
    #[parameter(default = 2_000, min = 1, max = 1_000_000, unit = "minor")]
    pub gift_value: i64,
    /// Third wave: order value that earns the gift pack.
    #[parameter(default = 5_000, min = 0, max = 10_000_000, unit = "minor")]
    pub gift_minimum_spend: i64,
    /// The most that one customer may cost over all three waves: three contacts, coupon and gift pack.
    #[parameter(default = 3_000, min = 0, max = 10_000_000, unit = "minor")]
    pub cost_ceiling: i64,
    /// Days for which coupon and gift pack can be redeemed.
    #[parameter(default = 7, min = 1, max = 365, unit = "days")]
    pub valid_days: i64,
    /// Ask again after every order. Needed where orders become known days after they were made; where each is known
    /// at once, `false` gives the same decisions with fewer evaluations.
    #[parameter(default = true)]
    pub late_orders: bool,
}

impl Settings {
    /// The most that a customer who gets all three waves and redeems everything can cost, minor units.
    fn worst_case_cost(&self) -> i64 {
        3 * self.contact_cost + self.coupon_value + self.gift_value
    }

    /// Combinations that make no sense.
    pub fn check(&self) -> Result<(), Vec<ParameterError>> {
        let mut errors = vec![];
        let cost = self.worst_case_cost();
        if cost > self.cost_ceiling {
            let message = format!(
                "three contacts, coupon and gift pack can cost {cost}, more than the ceiling of {}; raise it to at \
                 least {cost}, or lower `gift-value` or `coupon-value`",
                self.cost_ceiling
            );
            errors.push(ParameterError::new("cost-ceiling", message));
        }
        let is_personal = self.timing == Timing::Personal;
        if is_personal && self.personal_min_days > self.personal_max_days {
            let message = format!(
                "{} is more than `personal-max-days`, which is {}",
                self.personal_min_days, self.personal_max_days
            );
            errors.push(ParameterError::new("personal-min-days", message));
        }
        let latest =
            if is_personal { self.silence_days.max(self.personal_max_days) } else { self.silence_days };
        if self.enter_max_days <= latest {
            let message = format!(
                "the first wave can be due on day {latest}; to begin at all, this must be at least {}",
                latest + 1
            );
            errors.push(ParameterError::new("enter-max-days", message));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}
