//! What a customer is still worth.

use serde::{Deserialize, Serialize};

use super::history::History;
use super::model::Model;
use crate::Refusal;

/// How future orders are turned into money of today.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Terms {
    /// Share of an order's value that is left after its costs.
    pub margin: f64,
    /// Length of a period in the model's time unit: the orders of a period are discounted from its end.
    pub period: f64,
    /// Number of periods: what comes later counts for nothing.
    pub periods: u32,
    /// Length of a year in the model's time unit, such as 365.25 days or 52.18 weeks.
    pub year: f64,
    /// Discount rate for a year, such as 0.1.
    pub discount_rate: f64,
}

impl Model {
    /// The residual lifetime value of a customer whose orders are worth `spend` on average, see
    /// [`GammaGamma::expected_spend`](super::GammaGamma::expected_spend).
    ///
    /// Σ_k margin · spend · (E[Y(k)] − E[Y(k − 1)]) / (1 + rate)^(k · period / year), with E[Y(k)] the expected
    /// orders within k periods from now. Spend is taken as independent of the number of orders, as in P. Fader, B.
    /// Hardie, K. L. Lee, "RFM and CLV: Using Iso-Value Curves for Customer Base Analysis", Journal of Marketing
    /// Research 42 (2005).
    ///
    /// # Errors
    /// `spend` or a term is negative or not finite, a length is 0, or the horizon is one that
    /// [`expected_orders`](Self::expected_orders) refuses.
    pub fn residual_lifetime_value(
        &self,
        history: &History,
        spend: f64,
        terms: &Terms,
    ) -> Result<f64, Refusal> {
        let &Terms { margin, period, periods, year, discount_rate } = terms;
        for (what, value) in
            [("the spend", spend), ("the margin", margin), ("the discount rate", discount_rate)]
        {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Refusal::BadValue { what: what.into(), value, must: "finite and not negative" });
            }
        }
        for (what, value) in [("the period", period), ("the year", year)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Refusal::BadValue { what: what.into(), value, must: "finite and above 0" });
            }
        }
        let (mut value, mut orders_before) = (0.0, 0.0);
        for index in 1..=periods {
            let time = f64::from(index) * period;
            let orders = self.expected_orders(history, time)?;
            value += (orders - orders_before) / (1.0 + discount_rate).powf(time / year);
            orders_before = orders;
        }
        Ok(margin * spend * value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repurchase::Kind;

    #[test]
    fn value_is_the_discounted_sum_over_periods() {
        let model = Model::new(Kind::BgNbd, [0.243, 4.414, 0.793, 2.426]).unwrap();
        let history = History::new(2, 30.43, 38.86).unwrap();
        let terms = Terms { margin: 0.3, period: 4.0, periods: 13, year: 52.0, discount_rate: 0.1 };
        // By the published formulas in 50 digits (mpmath).
        let value = model.residual_lifetime_value(&history, 35.0, &terms).unwrap();
        assert!((value / 15.605961562151588 - 1.0).abs() < 1e-12, "{value}");
        let undiscounted = Terms { discount_rate: 0.0, ..terms };
        let value = model.residual_lifetime_value(&history, 35.0, &undiscounted).unwrap();
        assert!((value / (0.3 * 35.0 * model.expected_orders(&history, 52.0).unwrap()) - 1.0).abs() < 1e-12);
        for bad in [
            Terms { margin: f64::NAN, ..terms },
            Terms { discount_rate: -0.1, ..terms },
            Terms { period: 0.0, ..terms },
            Terms { year: f64::INFINITY, ..terms },
        ] {
            assert!(model.residual_lifetime_value(&history, 35.0, &bad).is_err(), "{bad:?}");
        }
    }
}
