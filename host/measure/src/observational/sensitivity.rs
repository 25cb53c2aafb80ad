//! How strong an unmeasured confounder would have to be to explain an effect away: E-values.

use serde::{Deserialize, Serialize};

use crate::{Estimate, Refusal};

/// The E-value of an effect and of the limit of its interval nearer to none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EValue {
    /// The effect as a risk ratio.
    pub risk_ratio: f64,
    /// The risk ratio that a confounder would need with the treatment and with the outcome, beyond the covariates, to
    /// explain the effect away; at least 1.
    pub value: f64,
    /// The same to move the interval to include no effect; 1 where it does already.
    pub limit: f64,
}

/// The E-value of a risk ratio with its interval.
///
/// R + √(R (R − 1)) for R ≥ 1, of 1 / R below. Source: T. J. VanderWeele and P. Ding, "Sensitivity analysis in
/// observational research: introducing the E-value", Annals of Internal Medicine 167 (2017).
///
/// # Errors
/// A ratio is not positive and finite, or lies outside its interval.
pub fn e_value_of_risk_ratio(risk_ratio: f64, low: f64, high: f64) -> Result<EValue, Refusal> {
    for (what, value) in [("the risk ratio", risk_ratio), ("its lower limit", low), ("its upper limit", high)]
    {
        if !(value > 0.0 && value.is_finite()) {
            return Err(Refusal::BadValue { what: what.into(), value, must: "positive" });
        }
    }
    if !(low <= risk_ratio && risk_ratio <= high) {
        let what = "the risk ratio".into();
        return Err(Refusal::BadValue { what, value: risk_ratio, must: "within its interval" });
    }
    let limit = if low > 1.0 {
        e_value(low)
    } else if high < 1.0 {
        e_value(high)
    } else {
        1.0
    };
    Ok(EValue { risk_ratio, value: e_value(risk_ratio), limit })
}

/// The E-value of a difference of means, in units of the outcome, given the outcome's standard deviation.
///
/// With d the difference and s its standard error, both over the deviation, the risk ratio is about exp(0.91 d), its
/// interval exp(0.91 d ± 1.78 s), 95 % whatever the estimate's own. Source: as [`e_value_of_risk_ratio`].
///
/// # Errors
/// The deviation is not positive, or the ratio is too large for a number.
pub fn e_value_of_difference(effect: &Estimate, standard_deviation: f64) -> Result<EValue, Refusal> {
    if !(standard_deviation > 0.0 && standard_deviation.is_finite()) {
        let what = "the standard deviation of the outcome".into();
        return Err(Refusal::BadValue { what, value: standard_deviation, must: "positive" });
    }
    let (d, s) = (effect.value / standard_deviation, effect.standard_error / standard_deviation);
    e_value_of_risk_ratio((0.91 * d).exp(), (0.91 * d - 1.78 * s).exp(), (0.91 * d + 1.78 * s).exp())
}

fn e_value(ratio: f64) -> f64 {
    let ratio = if ratio < 1.0 { 1.0 / ratio } else { ratio };
    ratio + (ratio * (ratio - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_values_agree_with_published_ones() {
        // VanderWeele and Ding (2017): smoking and lung cancer, RR 10.73 (8.02 to 14.36); maternal education.
        let smoking = e_value_of_risk_ratio(10.73, 8.02, 14.36).unwrap();
        assert!((smoking.value - 20.95).abs() < 0.01 && (smoking.limit - 15.52).abs() < 0.01, "{smoking:?}");
        let feeding = e_value_of_risk_ratio(3.9, 1.8, 8.7).unwrap();
        assert!((feeding.value - 7.26).abs() < 0.01 && (feeding.limit - 3.0).abs() < 0.01, "{feeding:?}");
        // The same protective ratio, turned around.
        let protective = e_value_of_risk_ratio(1.0 / 3.9, 1.0 / 8.7, 1.0 / 1.8).unwrap();
        assert!(
            (protective.value - feeding.value).abs() < 1e-12
                && (protective.limit - feeding.limit).abs() < 1e-12
        );
    }

    #[test]
    fn an_interval_that_includes_none_needs_no_confounder() {
        let effect = Estimate { value: 1.0, standard_error: 1.0, low: -0.96, high: 2.96 };
        let found = e_value_of_difference(&effect, 2.0).unwrap();
        assert_eq!(found.limit, 1.0);
        assert!((found.risk_ratio - 0.455_f64.exp()).abs() < 1e-12);
        // Of 4 with a standard error of 1: d = 2 and s = ½, so the limit is that of exp(1.82 − 0.89).
        let found = e_value_of_difference(&Estimate { value: 4.0, ..effect }, 2.0).unwrap();
        assert!((found.limit - e_value(0.93_f64.exp())).abs() < 1e-12, "{found:?}");
        assert!(
            e_value_of_difference(&effect, 0.0).is_err() && e_value_of_risk_ratio(2.0, 2.5, 3.0).is_err()
        );
    }
}
