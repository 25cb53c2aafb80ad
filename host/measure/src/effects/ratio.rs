//! Ratio metrics: a sum over a sum of the same customers, such as GMV per order.

use super::PairedSample;
use super::means::normal_estimate;
use crate::{Estimate, Refusal};

/// The ratio R = A/B of the means of two values of the same customers, first over second, by the delta method.
///
/// Its variance is (s_A² − 2 R s_AB + R² s_B²) / (n B²): the covariance s_AB counts, because who orders more often spends
/// more. The customer is the unit, so that orders of one customer need not be independent. Source: A. Deng,
/// U. Knoblich, J. Lu, "Applying the Delta Method in Metric Analytics", KDD 2018.
///
/// # Errors
/// The second mean is 0, the ratio does not vary, or the confidence is not between 0 and 1.
pub fn ratio(paired: &PairedSample, confidence: f64) -> Result<Estimate, Refusal> {
    let (value, variance) = value_and_variance(paired)?;
    if variance <= 0.0 {
        return Err(Refusal::NoVariation { what: "the ratio".into() });
    }
    normal_estimate(value, variance.sqrt(), confidence)
}

/// The difference of one ratio metric between two arms, first less second: each by [`ratio`], the arms independent.
///
/// # Errors
/// As for [`ratio`].
pub fn ratio_difference(
    first: &PairedSample,
    second: &PairedSample,
    confidence: f64,
) -> Result<Estimate, Refusal> {
    let ((one, one_variance), (two, two_variance)) =
        (value_and_variance(first)?, value_and_variance(second)?);
    if one_variance + two_variance <= 0.0 {
        return Err(Refusal::NoVariation { what: "the ratio in both arms".into() });
    }
    normal_estimate(one - two, (one_variance + two_variance).sqrt(), confidence)
}

fn value_and_variance(paired: &PairedSample) -> Result<(f64, f64), Refusal> {
    let (numerator, denominator) = (&paired.first, &paired.second);
    if denominator.mean == 0.0 {
        let what = "the mean of the denominator".into();
        return Err(Refusal::BadValue { what, value: 0.0, must: "other than 0" });
    }
    let value = numerator.mean / denominator.mean;
    let spread = numerator.variance - 2.0 * value * paired.covariance + value * value * denominator.variance;
    // The spread is that of A − R B, hence never below 0 but by rounding.
    let variance = spread.max(0.0) / (paired.count() as f64 * denominator.mean * denominator.mean);
    Ok((value, variance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_error_is_that_of_the_linearised_values() {
        // The delta method says: the ratio varies as the mean of (a − R b) / B.
        let (a, b) = ([10.0, 0.0, 35.0, 12.0, 7.0], [1.0, 0.0, 3.0, 1.0, 1.0]);
        let found = ratio(&PairedSample::of(&a, &b).unwrap(), 0.95).unwrap();
        let linear: Vec<f64> = a.iter().zip(b).map(|(a, b)| (a - found.value * b) / 1.2).collect();
        let expected = crate::Sample::of(&linear).unwrap().standard_error();
        assert!((found.value - 64.0 / 6.0).abs() < 1e-12);
        assert!((found.standard_error - expected).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn a_ratio_without_orders_or_spread_is_refused() {
        let of = |a: &[f64], b: &[f64]| PairedSample::of(a, b).unwrap();
        assert!(ratio(&of(&[0.0, 0.0], &[0.0, 0.0]), 0.95).is_err());
        let constant = of(&[5.0, 10.0], &[1.0, 2.0]);
        assert!(ratio(&constant, 0.95).is_err() && ratio_difference(&constant, &constant, 0.95).is_err());
    }
}
