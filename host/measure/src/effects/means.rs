//! Two arms' means compared: their difference by Welch, their ratio less one by the delta method.

use super::distribution::{normal_quantile, student_p_value, student_quantile};
use crate::{Estimate, Refusal, Sample};

/// The difference of two means, first less second, with Welch's interval.
///
/// The standard error is √(s₁²/n₁ + s₂²/n₂), its degrees of freedom by Welch-Satterthwaite. Source: B. L. Welch,
/// "The generalization of 'Student's' problem when several different population variances are involved",
/// Biometrika 34 (1947).
///
/// # Errors
/// A sample has fewer than two values or moments that are not finite, neither varies, or the confidence is not
/// between 0 and 1.
pub fn welch(first: &Sample, second: &Sample, confidence: f64) -> Result<Estimate, Refusal> {
    let (value, standard_error, freedom) = difference(first, second)?;
    let half = student_quantile(confidence, freedom)? * standard_error;
    Ok(Estimate { value, standard_error, low: value - half, high: value + half })
}

/// The two-sided p-value of Welch's test that two means are equal: at or below 1 − confidence exactly if the interval
/// of [`welch`] excludes 0.
///
/// # Errors
/// As for [`welch`].
pub fn welch_p_value(first: &Sample, second: &Sample) -> Result<f64, Refusal> {
    let (value, standard_error, freedom) = difference(first, second)?;
    student_p_value(value / standard_error, freedom)
}

/// The lift of the treated arm's mean T relative to the control's C, T/C − 1, by the delta method.
///
/// The arms are independent, so the variance is v_T/C² + T² v_C/C⁴, with v the squared standard error of a mean; the
/// interval is normal and symmetric. It needs a control mean many standard errors above 0: where that is in doubt read
/// [`fieller`](super::fieller()). Source: A. Deng, U. Knoblich, J. Lu, "Applying the Delta Method in Metric Analytics",
/// KDD 2018.
///
/// # Errors
/// As for [`welch`], or the control's mean is not above 0.
pub fn relative_lift(treated: &Sample, control: &Sample, confidence: f64) -> Result<Estimate, Refusal> {
    let (treated_variance, control_variance) = variances_of_means(treated, control)?;
    if control.mean <= 0.0 {
        let what = "the mean of the control arm".into();
        return Err(Refusal::BadValue { what, value: control.mean, must: "above 0 for a relative lift" });
    }
    let ratio = treated.mean / control.mean;
    let standard_error = (treated_variance + ratio * ratio * control_variance).sqrt() / control.mean;
    normal_estimate(ratio - 1.0, standard_error, confidence)
}

/// A value with its normal interval.
pub(super) fn normal_estimate(value: f64, standard_error: f64, confidence: f64) -> Result<Estimate, Refusal> {
    let half = normal_quantile(confidence)? * standard_error;
    Ok(Estimate { value, standard_error, low: value - half, high: value + half })
}

/// The squared standard errors of two arms' means, at least one above 0.
pub(super) fn variances_of_means(first: &Sample, second: &Sample) -> Result<(f64, f64), Refusal> {
    for sample in [first, second] {
        if sample.count < 2 {
            return Err(Refusal::TooFew {
                what: "an arm".into(),
                unit: "customers",
                have: sample.count,
                need: 2,
            });
        }
        if let Some(value) = [sample.mean, sample.variance].into_iter().find(|moment| !moment.is_finite()) {
            return Err(Refusal::BadValue { what: "a moment of an arm".into(), value, must: "finite" });
        }
    }
    let variances = (first.variance / first.count as f64, second.variance / second.count as f64);
    if variances.0 + variances.1 <= 0.0 {
        return Err(Refusal::NoVariation { what: "the outcome in both arms".into() });
    }
    Ok(variances)
}

/// First mean less second, its standard error and its degrees of freedom.
fn difference(first: &Sample, second: &Sample) -> Result<(f64, f64, f64), Refusal> {
    let (one, two) = variances_of_means(first, second)?;
    let squared = one + two;
    let freedom =
        squared * squared / (one * one / (first.count - 1) as f64 + two * two / (second.count - 1) as f64);
    Ok((first.mean - second.mean, squared.sqrt(), freedom))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[f64]) -> Sample {
        Sample::of(values).unwrap()
    }

    #[test]
    fn welch_agrees_with_a_worked_example() {
        // Means 5 and 8, variances 2.5 and 10, five values each: SE = sqrt(2.5), 5.882 degrees of freedom.
        let (first, second) = (sample(&[3.0, 4.0, 5.0, 6.0, 7.0]), sample(&[4.0, 6.0, 8.0, 10.0, 12.0]));
        let difference = welch(&first, &second, 0.95).unwrap();
        assert_eq!(difference.value, -3.0);
        assert!((difference.standard_error - 2.5_f64.sqrt()).abs() < 1e-12);
        assert!((difference.low - -6.8876).abs() < 1e-3, "{difference:?}");
        // The p-value and the interval are one statement.
        let p_value = welch_p_value(&first, &second).unwrap();
        let edge = welch(&first, &second, 1.0 - p_value).unwrap();
        assert!(edge.high.abs() < 1e-9, "{p_value}, {edge:?}");
    }

    #[test]
    fn what_has_no_spread_or_no_values_is_refused() {
        assert!(welch(&sample(&[1.0]), &sample(&[1.0, 2.0]), 0.95).is_err());
        assert!(welch(&sample(&[1.0, 1.0]), &sample(&[1.0, 1.0]), 0.95).is_err());
        assert!(welch(&sample(&[1.0, f64::NAN]), &sample(&[1.0, 2.0]), 0.95).is_err());
        assert!(welch(&sample(&[1.0, 3.0]), &sample(&[1.0, 2.0]), 95.0).is_err());
        assert!(relative_lift(&sample(&[1.0, 3.0]), &sample(&[0.0, 0.0]), 0.95).is_err());
    }

    #[test]
    fn a_relative_lift_does_not_depend_on_the_currency() {
        let (treated, control) = (sample(&[3.0, 4.0, 9.0]), sample(&[2.0, 2.5, 4.0]));
        let cents =
            |sample: Sample| Sample { mean: sample.mean * 100.0, variance: sample.variance * 1e4, ..sample };
        let one = relative_lift(&treated, &control, 0.95).unwrap();
        let other = relative_lift(&cents(treated), &cents(control), 0.95).unwrap();
        assert!((one.value - other.value).abs() < 1e-12 && (one.low - other.low).abs() < 1e-12);
    }
}
