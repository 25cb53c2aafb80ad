//! Before the experiment: how large an effect it can see, how likely it sees one, how many customers it needs.
//!
//! The three are one equation solved for different unknowns. With δ the absolute effect, z the normal quantiles of the
//! confidence (two-sided) and of the power (one-sided), s₀ the standard error of the difference if there is no effect
//! and s₁ if there is: δ = z_confidence s₀ + z_power s₁. The chance of a significant result of the wrong sign is left out.
//!
//! For means s₀ = s₁ = σ √(1/n_t + 1/n_c), σ alike in both arms. For proportions s₀² = p̄(1 − p̄)(1/n_t + 1/n_c) with p̄ that
//! of both arms together, s₁² = p_t(1 − p_t)/n_t + p_c(1 − p_c)/n_c. Source: J. L. Fleiss, B. Levin, M. C. Paik, "Statistical
//! Methods for Rates and Proportions", 3rd edition (2003), chapter 4.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use super::distribution::{above_zero, normal_quantile, probability};
use crate::Refusal;

/// What is measured, as it is without the treatment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Outcome {
    Mean { mean: f64, standard_deviation: f64 },
    Proportion { rate: f64 },
}

/// The treated arm's mean or rate less the control's, as it is or relative to the control's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    Absolute(f64),
    Relative(f64),
}

/// Customers of each arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ArmSizes {
    pub treated: u64,
    pub control: u64,
}

/// The smallest increase that would be seen with the power asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Detectable {
    pub absolute: f64,
    /// Relative to the control's mean or rate; none if that is not above 0.
    pub relative: Option<f64>,
}

impl Outcome {
    /// The probability that a two-sided test finds the effect.
    ///
    /// # Errors
    /// The outcome, the effect or the confidence is impossible, or an arm is empty.
    pub fn power(&self, effect: Effect, sizes: ArmSizes, confidence: f64) -> Result<f64, Refusal> {
        let effect = self.absolute(effect)?;
        let [null, alternative] = self.standard_errors(effect, sizes.per_arm()?);
        let beyond = effect.abs() - normal_quantile(confidence)? * null;
        Ok(Normal::standard().cdf(beyond / alternative))
    }

    /// The customers needed to find the effect with this power, of whom `treated_share` are treated; each arm is
    /// rounded up.
    ///
    /// # Errors
    /// The outcome, the effect, the share, the power or the confidence is impossible, or the effect is 0.
    pub fn required(
        &self,
        effect: Effect,
        treated_share: f64,
        power: f64,
        confidence: f64,
    ) -> Result<ArmSizes, Refusal> {
        let effect = self.absolute(effect)?;
        if effect == 0.0 {
            return Err(Refusal::BadValue {
                what: "the effect to be found".into(),
                value: 0.0,
                must: "other than 0",
            });
        }
        let treated_share = probability("the share of customers treated", treated_share)?;
        let [null, alternative] = self.standard_errors(effect, [treated_share, 1.0 - treated_share]);
        let needed = normal_quantile(confidence)? * null + power_quantile(power)? * alternative;
        let customers = (needed / effect).powi(2);
        // An arm of one customer has no variance.
        let arm = |share: f64| ((customers * share).ceil() as u64).max(2);
        Ok(ArmSizes { treated: arm(treated_share), control: arm(1.0 - treated_share) })
    }

    /// The smallest increase found with this power.
    ///
    /// # Errors
    /// The outcome, the power or the confidence is impossible, an arm is empty, or no rate up to 1 is found.
    pub fn detectable(&self, sizes: ArmSizes, power: f64, confidence: f64) -> Result<Detectable, Refusal> {
        let baseline = self.baseline()?;
        let (z, z_power, customers) =
            (normal_quantile(confidence)?, power_quantile(power)?, sizes.per_arm()?);
        let lacking = |effect: f64| {
            let [null, alternative] = self.standard_errors(effect, customers);
            z * null + z_power * alternative - effect
        };
        let absolute = match self {
            // The standard errors do not depend on the effect.
            Self::Mean { .. } => lacking(0.0),
            // What is lacking is concave in the effect and above 0 at none, so that it crosses 0 once at most.
            Self::Proportion { rate } if lacking(1.0 - rate) > 0.0 => {
                let what = format!("{} treated and {} control customers", sizes.treated, sizes.control);
                let why = format!("{what} would show no rate up to 1");
                return Err(Refusal::Undefined { what: "the smallest effect".into(), why });
            }
            Self::Proportion { rate } => bisect(lacking, 1.0 - rate),
        };
        Ok(Detectable { absolute, relative: (baseline > 0.0).then(|| absolute / baseline) })
    }

    /// The mean or rate without treatment.
    fn baseline(&self) -> Result<f64, Refusal> {
        match *self {
            Self::Mean { mean, standard_deviation } => {
                above_zero("the standard deviation", standard_deviation)?;
                let finite = mean.is_finite().then_some(mean);
                finite.ok_or(Refusal::BadValue { what: "the mean".into(), value: mean, must: "finite" })
            }
            Self::Proportion { rate } => probability("the rate without treatment", rate),
        }
    }

    fn absolute(&self, effect: Effect) -> Result<f64, Refusal> {
        let baseline = self.baseline()?;
        let effect = match effect {
            Effect::Absolute(effect) => effect,
            Effect::Relative(effect) => {
                above_zero("the mean or rate an effect is relative to", baseline)? * effect
            }
        };
        let possible = match self {
            Self::Mean { .. } => effect.is_finite(),
            Self::Proportion { .. } => (0.0..=1.0).contains(&(baseline + effect)),
        };
        let must = "finite, with a rate between 0 and 1";
        possible.then_some(effect).ok_or(Refusal::BadValue { what: "the effect".into(), value: effect, must })
    }

    /// Standard errors of the difference without and with the effect, for so many customers treated and control.
    fn standard_errors(&self, effect: f64, [treated, control]: [f64; 2]) -> [f64; 2] {
        match *self {
            Self::Mean { standard_deviation, .. } => {
                [standard_deviation * (1.0 / treated + 1.0 / control).sqrt(); 2]
            }
            Self::Proportion { rate } => {
                let with = rate + effect;
                let pooled = (treated * with + control * rate) / (treated + control);
                let null = pooled * (1.0 - pooled) * (1.0 / treated + 1.0 / control);
                [null, with * (1.0 - with) / treated + rate * (1.0 - rate) / control]
                    .map(|squared| squared.max(0.0).sqrt())
            }
        }
    }
}

impl ArmSizes {
    fn per_arm(self) -> Result<[f64; 2], Refusal> {
        match self.treated.min(self.control) {
            0 => Err(Refusal::TooFew { what: "an arm".into(), unit: "customers", have: 0, need: 1 }),
            _ => Ok([self.treated as f64, self.control as f64]),
        }
    }
}

/// The z with P(Z ≤ z) = power, of a power from one half: below that an experiment is a bad coin.
fn power_quantile(power: f64) -> Result<f64, Refusal> {
    if (0.5..1.0).contains(&power) {
        return Ok(Normal::standard().inverse_cdf(power));
    }
    Err(Refusal::BadValue { what: "the power".into(), value: power, must: "at least 0.5 and below 1" })
}

/// Where a function that is above 0 at 0 and not above at the end crosses, to the last digit.
fn bisect(lacking: impl Fn(f64) -> f64, end: f64) -> f64 {
    let (mut low, mut high) = (0.0, end);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if lacking(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: Outcome = Outcome::Proportion { rate: 0.5 };
    const SPEND: Outcome = Outcome::Mean { mean: 10.0, standard_deviation: 40.0 };

    #[test]
    fn required_customers_agree_with_published_ones() {
        // R 4: power.prop.test(p1 = .50, p2 = .75, power = .90) gives n = 76.7 of each.
        let sizes = RATE.required(Effect::Absolute(0.25), 0.5, 0.9, 0.95).unwrap();
        assert_eq!(sizes, ArmSizes { treated: 77, control: 77 });
        // 2 (1.959964 + 0.841621)² σ²/δ² = 15.698 σ²/δ².
        let sizes = SPEND.required(Effect::Relative(0.2), 0.5, 0.8, 0.95).unwrap();
        assert_eq!(sizes, ArmSizes { treated: 6_280, control: 6_280 });
        // Three controls to one treated: 7.849 (1 + 1/3) σ²/δ² treated, and three times that.
        let sizes = SPEND.required(Effect::Absolute(2.0), 0.25, 0.8, 0.95).unwrap();
        assert_eq!(sizes, ArmSizes { treated: 4_187, control: 12_559 });
    }

    proptest! {
        #[test]
        fn power_size_and_effect_are_one_equation(
            rate in 0.001..0.9_f64, lift in 0.05..0.5_f64, share in 0.1..0.9_f64, power in 0.5..0.99_f64, mean in any::<bool>(),
        ) {
            let outcome = match mean {
                true => Outcome::Mean { mean: rate, standard_deviation: 3.0 * rate },
                false => Outcome::Proportion { rate },
            };
            let effect = Effect::Absolute((lift * rate).min(0.9 * (1.0 - rate)));
            let sizes = outcome.required(effect, share, power, 0.95).unwrap();
            prop_assert!(outcome.power(effect, sizes, 0.95).unwrap() >= power - 1e-9);
            prop_assume!(sizes.treated.min(sizes.control) > 20);
            let fewer = ArmSizes { treated: sizes.treated - 2, control: sizes.control - 2 };
            prop_assert!(outcome.power(effect, fewer, 0.95).unwrap() < power);
            let seen = outcome.detectable(fewer, power, 0.95).unwrap();
            let again = outcome.power(Effect::Absolute(seen.absolute), fewer, 0.95).unwrap();
            prop_assert!((again - power).abs() < 1e-9, "{again}");
            let relative = Effect::Relative(seen.relative.unwrap());
            prop_assert!((outcome.power(relative, fewer, 0.95).unwrap() - power).abs() < 1e-9);
        }
    }

    #[test]
    fn decreases_are_found_as_well() {
        let sizes = ArmSizes { treated: 500, control: 500 };
        let [up, down] = [0.1, -0.1].map(|effect| RATE.power(Effect::Absolute(effect), sizes, 0.95).unwrap());
        assert!((up - down).abs() < 1e-12 && up > 0.8);
    }

    #[test]
    fn impossible_designs_are_refused() {
        let sizes = ArmSizes { treated: 5, control: 5 };
        assert!(RATE.power(Effect::Absolute(0.6), sizes, 0.95).is_err());
        assert!(RATE.power(Effect::Absolute(0.1), ArmSizes { treated: 0, control: 5 }, 0.95).is_err());
        assert!(RATE.required(Effect::Absolute(0.0), 0.5, 0.8, 0.95).is_err());
        assert!(RATE.required(Effect::Absolute(0.1), 1.0, 0.8, 0.95).is_err());
        assert!(RATE.required(Effect::Absolute(0.1), 0.5, 0.3, 0.95).is_err());
        assert!(Outcome::Proportion { rate: 1.2 }.required(Effect::Absolute(-0.5), 0.5, 0.8, 0.95).is_err());
        let refusal = Outcome::Proportion { rate: 0.7 }.detectable(sizes, 0.9, 0.95).unwrap_err();
        assert!(refusal.to_string().contains("no rate up to 1"), "{refusal}");
        let loss = Outcome::Mean { mean: -1.0, standard_deviation: 2.0 };
        assert_eq!(loss.detectable(sizes, 0.8, 0.95).unwrap().relative, None);
    }
}
