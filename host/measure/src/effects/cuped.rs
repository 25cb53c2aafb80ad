//! CUPED: a difference of means with what was known before taken out.

use serde::{Deserialize, Serialize};

use super::{PairedSample, welch};
use crate::{Estimate, Refusal, Sample};

/// A difference of means adjusted for a covariate, and what the adjustment was worth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cuped {
    /// Outcome units per unit of the covariate.
    pub theta: f64,
    /// First arm less second, adjusted, with Welch's interval.
    pub difference: Estimate,
    /// By which share the adjusted interval is narrower than Welch's of the plain outcome; below 0 if it is wider.
    pub narrower: f64,
}

/// The difference of the arms' mean outcomes, first less second, adjusted for a covariate measured before the
/// experiment. In each pair the outcome comes first, the covariate second.
///
/// Each customer's outcome y becomes y − θ(x − mean x), with θ = cov(y, x) / var(x) over all customers of both arms
/// together; Welch's interval of the adjusted outcomes takes θ as known. Source: A. Deng, Y. Xu, R. Kohavi, T. Walker,
/// "Improving the Sensitivity of Online Controlled Experiments by Utilizing Pre-Experiment Data", WSDM 2013. The
/// covariate must not be touched by the treatment, or the adjustment takes out a part of the effect.
///
/// # Errors
/// As for [`welch`], or the covariate does not vary.
pub fn cuped(first: &PairedSample, second: &PairedSample, confidence: f64) -> Result<Cuped, Refusal> {
    let plain = welch(&first.first, &second.first, confidence)?;
    let (covariance, variance) = pooled(first, second);
    if variance <= 0.0 {
        return Err(Refusal::NoVariation { what: "the covariate in both arms".into() });
    }
    let theta = covariance / variance;
    let adjusted = |arm: &PairedSample| Sample {
        count: arm.count(),
        mean: arm.first.mean - theta * arm.second.mean,
        variance: (arm.first.variance - 2.0 * theta * arm.covariance + theta * theta * arm.second.variance)
            .max(0.0),
    };
    let difference = welch(&adjusted(first), &adjusted(second), confidence)?;
    let narrower = 1.0 - (difference.high - difference.low) / (plain.high - plain.low);
    Ok(Cuped { theta, difference, narrower })
}

/// Covariance of outcome and covariate, and variance of the covariate, over both arms: up to a common factor.
fn pooled(first: &PairedSample, second: &PairedSample) -> (f64, f64) {
    let (n, m) = (first.count() as f64, second.count() as f64);
    let between = n * m / (n + m);
    let outcome = first.first.mean - second.first.mean;
    let covariate = first.second.mean - second.second.mean;
    let products =
        (n - 1.0) * first.covariance + (m - 1.0) * second.covariance + between * outcome * covariate;
    let squares = (n - 1.0) * first.second.variance
        + (m - 1.0) * second.second.variance
        + between * covariate * covariate;
    (products, squares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theta_is_the_regression_over_all_customers() {
        let (y, x) = ([3.0, 5.0, 9.0, 2.0, 4.0], [1.0, 2.0, 5.0, 1.0, 4.0]);
        let of = |range: std::ops::Range<usize>| PairedSample::of(&y[range.clone()], &x[range]).unwrap();
        let all = of(0..5);
        let found = cuped(&of(0..3), &of(3..5), 0.95).unwrap();
        assert!((found.theta - all.covariance / all.second.variance).abs() < 1e-12, "{found:?}");
        let adjusted = |range: std::ops::Range<usize>| -> Vec<f64> {
            range.map(|i| y[i] - found.theta * x[i]).collect()
        };
        let expected =
            welch(&Sample::of(&adjusted(0..3)).unwrap(), &Sample::of(&adjusted(3..5)).unwrap(), 0.95)
                .unwrap();
        assert!((found.difference.value - expected.value).abs() < 1e-12);
        assert!((found.difference.high - expected.high).abs() < 1e-10, "{found:?}, {expected:?}");
    }

    #[test]
    fn a_covariate_that_tells_much_narrows_by_its_correlation() {
        // A correlation of r leaves √(1 − r²) of the width.
        let x: Vec<f64> = (0..400).map(|i| f64::from(i % 20)).collect();
        let y: Vec<f64> = (0..400).map(|i| f64::from(i % 20) + f64::from(i / 20 % 20)).collect();
        let half = PairedSample::of(&y, &x).unwrap();
        let found = cuped(&half, &half, 0.95).unwrap();
        let expected = 1.0 - 0.5_f64.sqrt();
        assert!((found.narrower - expected).abs() < 1e-3, "{found:?}");
    }

    #[test]
    fn a_constant_covariate_is_refused() {
        let arm = PairedSample::of(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0]).unwrap();
        let refusal = cuped(&arm, &arm, 0.95).unwrap_err();
        assert_eq!(refusal, Refusal::NoVariation { what: "the covariate in both arms".into() });
    }
}
