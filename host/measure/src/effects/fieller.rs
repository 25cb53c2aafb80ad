//! Fieller's interval of a ratio of means, which says so when the data do not bound the ratio.

use serde::{Deserialize, Serialize};

use super::PairedSample;
use super::distribution::normal_quantile;
use super::means::variances_of_means;
use crate::{Estimate, Refusal, Sample};

/// What the data say about a ratio: all values of it that they do not contradict.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ratio")]
pub enum FiellerInterval {
    /// The denominator differs from 0: an ordinary interval, with the delta method's standard error.
    Bounded(Estimate),
    /// The denominator may be 0 but the numerator is not: the ratio is at most this or at least that.
    Outside { at_most: f64, at_least: f64 },
    /// Both may be 0: no ratio is contradicted.
    Everything,
}

impl FiellerInterval {
    /// Whether the data contradict a value of the ratio.
    pub fn excludes(&self, value: f64) -> bool {
        match self {
            Self::Bounded(estimate) => estimate.excludes(value),
            Self::Outside { at_most, at_least } => *at_most < value && value < *at_least,
            Self::Everything => false,
        }
    }

    /// The same about the relative lift, the ratio less one.
    #[must_use]
    pub fn lift(self) -> Self {
        match self {
            Self::Bounded(ratio) => Self::Bounded(Estimate {
                value: ratio.value - 1.0,
                low: ratio.low - 1.0,
                high: ratio.high - 1.0,
                ..ratio
            }),
            Self::Outside { at_most, at_least } => {
                Self::Outside { at_most: at_most - 1.0, at_least: at_least - 1.0 }
            }
            Self::Everything => Self::Everything,
        }
    }
}

/// Fieller's interval of the ratio A/B of two independent arms' means, first over second.
///
/// It holds all ρ for which A − ρB is within z standard errors of 0: (B² − z²v_B)ρ² − 2(AB − z²v_AB)ρ + A² − z²v_A ≤ 0,
/// with v the variances and the covariance (here 0) of the means and z the normal quantile. Source: E. C. Fieller,
/// "Some Problems in Interval Estimation", Journal of the Royal Statistical Society B 16 (1954).
///
/// # Errors
/// An arm has fewer than two customers, neither varies, both means are 0 without doubt, or the confidence is not
/// between 0 and 1.
pub fn fieller(first: &Sample, second: &Sample, confidence: f64) -> Result<FiellerInterval, Refusal> {
    let (one, two) = variances_of_means(first, second)?;
    solve([first.mean, second.mean], [one, two, 0.0], confidence)
}

/// [`fieller`] of the ratio of the means of two values of the same customers, with their covariance.
///
/// # Errors
/// As for [`fieller`].
pub fn fieller_paired(paired: &PairedSample, confidence: f64) -> Result<FiellerInterval, Refusal> {
    let (one, two) = variances_of_means(&paired.first, &paired.second)?;
    solve([paired.first.mean, paired.second.mean], [one, two, paired.covariance_of_means()], confidence)
}

fn solve(
    [a, b]: [f64; 2],
    [a_variance, b_variance, covariance]: [f64; 3],
    confidence: f64,
) -> Result<FiellerInterval, Refusal> {
    let z2 = normal_quantile(confidence)?.powi(2);
    let square = b * b - z2 * b_variance;
    let half_linear = a * b - z2 * covariance;
    let constant = a * a - z2 * a_variance;
    let discriminant = half_linear * half_linear - square * constant;
    if square > 0.0 {
        // The parabola opens upwards and is not above 0 at a/b, so that it has roots but for rounding.
        let half = discriminant.max(0.0).sqrt();
        let value = a / b;
        let variance =
            (a_variance - 2.0 * value * covariance + value * value * b_variance).max(0.0) / (b * b);
        let (low, high) = ((half_linear - half) / square, (half_linear + half) / square);
        return Ok(FiellerInterval::Bounded(Estimate { value, standard_error: variance.sqrt(), low, high }));
    }
    if square < 0.0 && discriminant > 0.0 {
        let half = discriminant.sqrt();
        let (at_most, at_least) = ((half_linear + half) / square, (half_linear - half) / square);
        return Ok(FiellerInterval::Outside { at_most, at_least });
    }
    if b == 0.0 && b_variance == 0.0 {
        return Err(Refusal::BadValue {
            what: "the mean of the denominator".into(),
            value: 0.0,
            must: "other than 0",
        });
    }
    Ok(FiellerInterval::Everything)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(mean: f64, standard_error: f64) -> Sample {
        Sample { count: 100, mean, variance: standard_error * standard_error * 100.0 }
    }

    #[test]
    fn the_ends_are_where_the_difference_is_z_standard_errors_from_zero() {
        let (a, b) = (sample(3.0, 0.4), sample(2.0, 0.3));
        let FiellerInterval::Bounded(found) = fieller(&a, &b, 0.95).unwrap() else { panic!("it is bounded") };
        assert_eq!(found.value, 1.5);
        for end in [found.low, found.high] {
            let z = (3.0 - end * 2.0) / (0.16 + end * end * 0.09_f64).sqrt();
            assert!((z.abs() - 1.959963984540054).abs() < 1e-9, "{end}: z = {z}");
        }
        assert!(found.high - 1.5 > 1.5 - found.low, "a ratio is skewed: {found:?}");
    }

    #[test]
    fn a_precise_denominator_gives_the_delta_interval() {
        let (a, b) = (sample(3.0, 0.4), sample(2.0, 1e-6));
        let FiellerInterval::Bounded(found) = fieller(&a, &b, 0.95).unwrap() else { panic!("it is bounded") };
        assert!((found.high - (1.5 + 1.959963984540054 * found.standard_error)).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn a_denominator_that_may_be_zero_does_not_bound_the_ratio() {
        let outside = fieller(&sample(3.0, 0.4), &sample(0.3, 0.3), 0.95).unwrap();
        let FiellerInterval::Outside { at_most, at_least } = outside else { panic!("{outside:?}") };
        assert!(at_most < 0.0 && at_least > 0.0, "{outside:?}");
        for end in [at_most, at_least] {
            let z = (3.0 - end * 0.3) / (0.16 + end * end * 0.09_f64).sqrt();
            assert!((z.abs() - 1.959963984540054).abs() < 1e-9, "{end}: z = {z}");
        }
        assert!(outside.excludes(0.0) && !outside.excludes(10.0) && outside.lift().excludes(-1.0));
        assert_eq!(fieller(&sample(0.5, 0.4), &sample(0.3, 0.3), 0.95), Ok(FiellerInterval::Everything));
        assert!(fieller(&sample(0.5, 0.4), &sample(0.0, 0.0), 0.95).is_err());
    }

    #[test]
    fn values_that_move_together_narrow_their_ratio() {
        let first: Vec<f64> = (1..=50).map(f64::from).collect();
        let second: Vec<f64> = first.iter().map(|value| value + (value * 7.0) % 5.0).collect();
        let paired = PairedSample::of(&first, &second).unwrap();
        let width = |interval| match interval {
            Ok(FiellerInterval::Bounded(estimate)) => estimate.high - estimate.low,
            other => panic!("{other:?}"),
        };
        let independent = width(fieller(&paired.first, &paired.second, 0.95));
        assert!(width(fieller_paired(&paired, 0.95)) < 0.2 * independent);
    }
}
