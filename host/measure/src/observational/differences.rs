//! Difference in differences: changes of the treated against changes of the untreated, and whether the arms moved
//! alike before.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::linear::{by_cluster, dot, from_influence};
use super::panel::{Panel, needs_periods};
use crate::{Estimate, Refusal, Sample, welch};

/// The mean change of the treated from the last period before the date to the one after it, less that of the untreated,
/// in units of the outcome a customer.
///
/// Every customer counts once and as he is: nobody is matched or weighted. The standard error is that of the
/// difference of two means of individual changes (Welch), so what repeats within a customer cancels; with clusters it
/// is summed by them. Source: O. Ashenfelter and D. Card, "Using the longitudinal structure of earnings to estimate
/// the effect of training programs", Review of Economics and Statistics 67 (1985); M. Bertrand, E. Duflo and
/// S. Mullainathan, "How much should we trust differences-in-differences estimates?", QJE 119 (2004).
///
/// # Errors
/// There is no period before, an arm has fewer than two customers, or changes do not vary.
pub fn difference_in_differences(panel: &Panel, confidence: f64) -> Result<Estimate, Refusal> {
    of_changes(panel, &panel.change()?, confidence)
}

fn of_changes(panel: &Panel, changes: &[f64], confidence: f64) -> Result<Estimate, Refusal> {
    let [untreated, treated] = samples(panel.treated(), changes)?;
    match panel.clusters() {
        None => welch(&treated, &untreated, confidence),
        clusters => {
            let influence = influence(panel.treated(), changes, [&untreated, &treated]);
            from_influence(treated.mean - untreated.mean, &influence, clusters, confidence)
        }
    }
}

/// The moments of the untreated and of the treated.
fn samples(treated: &[bool], values: &[f64]) -> Result<[Sample; 2], Refusal> {
    let arm = |arm: bool| {
        let of = |(value, treated): (&f64, &bool)| (*treated == arm).then_some(*value);
        Sample::of(&values.iter().zip(treated).filter_map(of).collect::<Vec<_>>())
    };
    Ok([arm(false)?, arm(true)?])
}

/// What each customer moves the difference of means by.
fn influence(treated: &[bool], values: &[f64], arms: [&Sample; 2]) -> Vec<f64> {
    let each = |(value, treated): (&f64, &bool)| {
        let arm = arms[usize::from(*treated)];
        let part = (value - arm.mean) / arm.count as f64;
        if *treated { part } else { -part }
    };
    values.iter().zip(treated).map(each).collect()
}

/// Whether the arms moved alike before the date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ParallelTrends {
    /// The difference in differences of each period before from the one before that, oldest first: 0 if parallel.
    pub changes: Vec<Estimate>,
    /// Wald's statistic of all being 0 together, χ² with as many degrees of freedom as there are changes.
    pub statistic: f64,
    pub p_value: f64,
}

/// Compares how the arms moved between the periods before the date.
///
/// With d the vector of differences of mean changes and V its covariance over customers (or clusters), d'V⁻¹d is χ²
/// where trends are parallel. A large p-value is weak comfort: see the width of `changes`. Source: J. Roth, "Pretest
/// with caution: event-study estimates after testing for parallel trends", AER: Insights 4 (2022).
///
/// # Errors
/// There are fewer than two periods before, or changes do not vary.
pub fn parallel_trends(panel: &Panel, confidence: f64) -> Result<ParallelTrends, Refusal> {
    let before = panel.before();
    if before.len() < 2 {
        return Err(needs_periods(before.len(), 2));
    }
    let (mut changes, mut sums) = (vec![], vec![]);
    for pair in before.windows(2) {
        let moved: Vec<_> = pair[1].iter().zip(&pair[0]).map(|(later, earlier)| later - earlier).collect();
        changes.push(of_changes(panel, &moved, confidence)?);
        let arms = samples(panel.treated(), &moved)?;
        sums.push(by_cluster(&influence(panel.treated(), &moved, [&arms[0], &arms[1]]), panel.clusters()));
    }
    let count = sums[0].len() as f64;
    let covariance =
        sums.iter().flat_map(|a| sums.iter().map(move |b| count / (count - 1.0) * dot(a, b))).collect();
    let differences: Vec<_> = changes.iter().map(|change| change.value).collect();
    let statistic = dot(&differences, &super::linear::System::new(covariance).solve(&differences)?);
    let degrees = ChiSquared::new(differences.len() as f64).expect("there is a change");
    Ok(ParallelTrends { changes, statistic, p_value: degrees.sf(statistic) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(shift: f64) -> Panel {
        // Sixty customers with changes of their own that average the same in both arms.
        let treated: Vec<bool> = (0..60).map(|i| i % 2 == 0).collect();
        let noise = |i: usize, period: usize| ((i / 2 * (7 + 4 * period) + 3) % 11) as f64;
        let period = |at: usize, extra: f64| {
            (0..60).map(|i| 10.0 * at as f64 + noise(i, at) + if treated[i] { extra } else { 0.0 }).collect()
        };
        let before = vec![period(0, 0.0), period(1, shift), period(2, 2.0 * shift)];
        Panel::new(treated.clone(), vec![], before, period(3, 2.0 * shift + 5.0)).unwrap()
    }

    #[test]
    fn what_all_customers_do_cancels() {
        let estimate = difference_in_differences(&panel(0.0), 0.95).unwrap();
        assert!((estimate.value - 5.0).abs() < 1e-12, "{estimate:?}");
        // Within pairs that share a cluster everything but the effect cancels, so that nothing is left to vary.
        let pairs = panel(0.0).clustered((0..60).map(|i| i / 2).collect()).unwrap();
        assert!(matches!(difference_in_differences(&pairs, 0.95), Err(Refusal::NoVariation { .. })));
    }

    #[test]
    fn arms_that_drift_apart_are_found() {
        assert!(parallel_trends(&panel(0.0), 0.95).unwrap().p_value > 0.99);
        let drift = parallel_trends(&panel(6.0), 0.95).unwrap();
        assert!(drift.p_value < 1e-6, "{drift:?}");
        assert_eq!(drift.changes.len(), 2);
        assert!(parallel_trends(&panel(0.0).earlier(2).unwrap(), 0.95).is_err());
    }
}
