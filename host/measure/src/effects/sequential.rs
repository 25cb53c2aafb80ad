//! An interval that stays valid however often one looks at a running experiment.

use super::distribution::{above_zero, probability};
use super::means::variances_of_means;
use crate::{Estimate, Refusal, Sample};

/// The difference of two means, first less second, with an always-valid interval: looked at after every customer, it
/// misses the truth at any time with a probability of at most 1 − confidence.
///
/// With N the customers of both arms, α = 1 − confidence, ρ² = (−2 ln α + ln(1 − 2 ln α)) / `tuning_customers` and SE
/// Welch's standard error, the half width is SE √((Nρ² + 1)/(Nρ²) · ln((Nρ² + 1)/α²)). Source: I. Waudby-Smith,
/// D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas, "Time-uniform central limit theory and asymptotic confidence
/// sequences", Annals of Statistics 52 (2024), theorem 2.2 with ρ of its appendix.
///
/// `tuning_customers` is the N at which the interval is to be narrowest relative to a fixed one; it must be chosen before
/// the data are seen. The guarantee is asymptotic: begin to look when each arm has outcomes of some tens of customers.
///
/// # Errors
/// As for [`welch`](super::welch), or `tuning_customers` is not above 0.
pub fn sequential(
    first: &Sample,
    second: &Sample,
    confidence: f64,
    tuning_customers: f64,
) -> Result<Estimate, Refusal> {
    let (one, two) = variances_of_means(first, second)?;
    let alpha = 1.0 - probability("the confidence", confidence)?;
    let tuning_customers = above_zero("the number of customers tuned for", tuning_customers)?;
    let rho_squared = (-2.0 * alpha.ln() + (1.0 - 2.0 * alpha.ln()).ln()) / tuning_customers;
    let grown = (first.count + second.count) as f64 * rho_squared;
    let standard_error = (one + two).sqrt();
    let half = standard_error * ((grown + 1.0) / grown * ((grown + 1.0) / (alpha * alpha)).ln()).sqrt();
    let value = first.mean - second.mean;
    Ok(Estimate { value, standard_error, low: value - half, high: value + half })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::welch;

    #[test]
    fn the_interval_is_as_computed_elsewhere() {
        // The spend of two arms of the Hillstrom experiment, their variances so that the standard error is 0.1452465602.
        let arm = |count: u64, mean| Sample {
            count,
            mean,
            variance: 0.1452465602_f64.powi(2) / 2.0 * count as f64,
        };
        let found =
            sequential(&arm(21_307, 1.4226165110), &arm(21_306, 0.6527893551), 0.95, 5_000.0).unwrap();
        assert!(
            (found.low - 0.3020656367).abs() < 1e-9 && (found.high - 1.2375886751).abs() < 1e-9,
            "{found:?}"
        );
    }

    #[test]
    fn looking_often_costs_least_near_the_customers_tuned_for() {
        let cost = |count: u64| {
            let arm = Sample { count, mean: 0.0, variance: 1.0 };
            let width = |estimate: Estimate| estimate.high - estimate.low;
            width(sequential(&arm, &arm, 0.95, 5_000.0).unwrap()) / width(welch(&arm, &arm, 0.95).unwrap())
        };
        let [early, tuned, late] = [cost(100), cost(2_500), cost(100_000)];
        assert!(1.0 < tuned && tuned < early && tuned < late, "{early}, {tuned}, {late}");
        let arm = Sample { count: 10, mean: 0.0, variance: 1.0 };
        assert!(sequential(&arm, &arm, 0.95, 0.0).is_err() && sequential(&arm, &arm, 1.0, 5_000.0).is_err());
    }
}
