//! Effects by weighting: overlap-weighted augmented (AIPW), and the treated's by inverse odds (IPW).
//!
//! Standard errors are sandwiches of the stacked estimating equations: they count what was estimated on the way
//! (propensity, outcome regressions) and hold when a model is wrong, about whatever the estimate then tends to.

use super::balance::effective;
use super::linear::{Design, Line, from_influence};
use super::panel::Adjustment;
use super::propensity::Propensity;
use crate::{Estimate, Refusal};

/// Kish's effective number of customers that an arm must have.
const EFFECTIVE_MIN: u64 = 20;

/// An adjustment with all that weighting by it needs.
pub(super) struct Weighting<'a> {
    pub(super) adjustment: &'a Adjustment<'a>,
    pub(super) design: Design,
    pub(super) propensity: Propensity,
}

impl<'a> Weighting<'a> {
    pub(super) fn of(adjustment: &'a Adjustment<'a>) -> Result<Self, Refusal> {
        let design = Design::standardised(&adjustment.columns, adjustment.treated.len());
        let propensity = Propensity::fit(adjustment, &design)?;
        Ok(Self { adjustment, design, propensity })
    }

    /// The weight of each customer: 1 − e treated, e untreated.
    pub(super) fn overlap_weights(&self) -> Vec<f64> {
        self.each(|treated, e| if treated { 1.0 - e } else { e })
    }

    /// The weight of each customer: 1 treated, e / (1 − e) untreated.
    pub(super) fn treated_weights(&self) -> Vec<f64> {
        self.each(|treated, e| if treated { 1.0 } else { e / (1.0 - e) })
    }

    fn each(&self, weight: impl Fn(bool, f64) -> f64) -> Vec<f64> {
        self.adjustment.treated.iter().zip(&self.propensity.scores).map(|(z, e)| weight(*z, *e)).collect()
    }

    /// A few customers with nearly all the weight have no standard error worth the name.
    fn enough(&self, weights: &[f64]) -> Result<(), Refusal> {
        for (what, arm) in [("the treated, as weighted", true), ("the untreated, as weighted", false)] {
            let have = effective(weights, self.adjustment.treated, arm) as u64;
            if have < EFFECTIVE_MIN {
                let (what, unit) = (what.into(), "effective customers");
                return Err(Refusal::TooFew { what, unit, have, need: EFFECTIVE_MIN });
            }
        }
        Ok(())
    }

    fn arm(&self, arm: bool) -> Vec<f64> {
        self.adjustment.treated.iter().map(|treated| f64::from(*treated == arm)).collect()
    }

    /// See [`overlap_aipw`].
    pub(super) fn overlap_aipw(&self, confidence: f64) -> Result<Estimate, Refusal> {
        let Self { adjustment: Adjustment { treated, outcome, clusters, .. }, design, propensity } = self;
        let lines =
            [Line::fit(design, outcome, &self.arm(false))?, Line::fit(design, outcome, &self.arm(true))?];
        let fitted = [design.times(&lines[0].coefficients), design.times(&lines[1].coefficients)];
        let weights = self.overlap_weights();
        self.enough(&weights)?;
        let tilt: Vec<_> = propensity.scores.iter().map(|e| e * (1.0 - e)).collect();
        let total = tilt.iter().sum::<f64>();
        let gap = |i: usize| fitted[1][i] - fitted[0][i];
        let residual = |i: usize| outcome[i] - fitted[usize::from(treated[i])][i];
        // Per arm: the sum of weights and the weighted mean residual.
        let (mut sums, mut means, mut regression) = ([0.0; 2], [0.0; 2], 0.0);
        for i in 0..treated.len() {
            let arm = usize::from(treated[i]);
            sums[arm] += weights[i];
            means[arm] += weights[i] * residual(i);
            regression += tilt[i] * gap(i) / total;
        }
        means.iter_mut().zip(sums).for_each(|(mean, sum)| *mean /= sum);
        let value = regression + means[1] - means[0];

        let mut influence = vec![0.0; treated.len()];
        let (mut by_score, mut by_line) = (influence.clone(), [influence.clone(), influence.clone()]);
        for i in 0..treated.len() {
            let (arm, e) = (usize::from(treated[i]), propensity.scores[i]);
            let sign = if treated[i] { 1.0 } else { -1.0 };
            let spread = tilt[i] * (gap(i) - regression) / total;
            let share = (residual(i) - means[arm]) / sums[arm];
            influence[i] = spread + sign * weights[i] * share;
            // By the log-odds, 1 − e moves by −e (1 − e), e by e (1 − e), and e (1 − e) by (1 − 2e) e (1 − e).
            by_score[i] = (1.0 - 2.0 * e) * spread - tilt[i] * share;
            by_line[1][i] = tilt[i] / total;
            by_line[0][i] = -tilt[i] / total;
            by_line[arm][i] -= sign * weights[i] / sums[arm];
        }
        propensity.equations.add_influence(design, &design.weighted_sum(&by_score), &mut influence)?;
        for (line, by) in lines.iter().zip(&by_line) {
            line.equations.add_influence(design, &design.weighted_sum(by), &mut influence)?;
        }
        from_influence(value, &influence, *clusters, confidence)
    }

    /// See [`ipw_att`].
    pub(super) fn ipw_att(&self, confidence: f64) -> Result<Estimate, Refusal> {
        let Self { adjustment: Adjustment { treated, outcome, clusters, .. }, design, propensity } = self;
        let weights = self.treated_weights();
        self.enough(&weights)?;
        let (mut sums, mut means) = ([0.0; 2], [0.0; 2]);
        for i in 0..treated.len() {
            sums[usize::from(treated[i])] += weights[i];
            means[usize::from(treated[i])] += weights[i] * outcome[i];
        }
        means.iter_mut().zip(sums).for_each(|(mean, sum)| *mean /= sum);
        let mut influence = vec![0.0; treated.len()];
        let mut by_score = influence.clone();
        for i in 0..treated.len() {
            let arm = usize::from(treated[i]);
            let part = weights[i] * (outcome[i] - means[arm]) / sums[arm];
            influence[i] = if treated[i] { part } else { -part };
            // By the log-odds, e / (1 − e) moves by itself.
            by_score[i] = if treated[i] { 0.0 } else { -part };
        }
        propensity.equations.add_influence(design, &design.weighted_sum(&by_score), &mut influence)?;
        from_influence(means[1] - means[0], &influence, *clusters, confidence)
    }
}

/// The effect on those who might as well have been treated as not (ATO), by augmented overlap weights, in units of the
/// outcome a customer.
///
/// With e the propensity ([logistic, ridge 10⁻⁶](super)), m₁ and m₀ least squares of the outcome in each arm,
/// h = e (1 − e) and r the residuals:
/// Σ h (m₁ − m₀) / Σ h + Σ z (1 − e) r₁ / Σ z (1 − e) − Σ (1 − z) e r₀ / Σ (1 − z) e.
/// Sources: F. Li, K. L. Morgan and A. M. Zaslavsky, "Balancing Covariates via Propensity Score Weighting", JASA 113
/// (2018); H. Mao, L. Li and T. Greene, "Propensity score weighting analysis and treatment effect discovery",
/// Statistical Methods in Medical Research 28 (2019).
///
/// # Errors
/// An arm has fewer than 20 customers, or than 20 effective ones (Σ w)² / Σ w², or than two for each covariate; the
/// covariates separate the arms; or the outcome does not vary.
pub fn overlap_aipw(adjustment: &Adjustment<'_>, confidence: f64) -> Result<Estimate, Refusal> {
    Weighting::of(adjustment)?.overlap_aipw(confidence)
}

/// The effect on the treated (ATT) by inverse odds with normalised weights (Hájek), in units of the outcome a customer.
///
/// The mean of the treated, less the mean of the untreated weighted by e / (1 − e). The standard error counts that e
/// was estimated. Source: J. K. Lunceford and M. Davidian, "Stratification and weighting via the propensity score in
/// estimation of causal treatment effects", Statistics in Medicine 23 (2004).
///
/// # Errors
/// As [`overlap_aipw`].
pub fn ipw_att(adjustment: &Adjustment<'_>, confidence: f64) -> Result<Estimate, Refusal> {
    Weighting::of(adjustment)?.ipw_att(confidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observational::{Covariate, Outcome, Panel};

    /// Two groups of 200: of the first 50 are treated, of the second 150; treatment adds 1 and 3.
    fn panel() -> Panel {
        let group = |i: usize| f64::from(i >= 200);
        let treated: Vec<bool> = (0..400).map(|i| if i < 200 { i % 4 == 0 } else { i % 4 != 0 }).collect();
        let noise = |i: usize| f64::from(i as u32 / 4 % 2) - 0.5;
        let outcome =
            |(i, z): (usize, &bool)| 10.0 * group(i) + noise(i) + if *z { 1.0 + 2.0 * group(i) } else { 0.0 };
        let after = treated.iter().enumerate().map(outcome).collect();
        Panel::new(treated, vec![Covariate::fixed("group", (0..400).map(group).collect())], vec![], after)
            .unwrap()
    }

    #[test]
    fn groups_are_weighed_as_each_effect_asks() {
        let panel = panel();
        let adjustment = Adjustment::of(&panel, Outcome::Level { adjusted_periods: 0 }).unwrap();
        // e (1 − e) is the same in both groups; of the treated a quarter is in the first. The ridge shows at 10⁻⁵.
        let overlap = overlap_aipw(&adjustment, 0.95).unwrap();
        assert!((overlap.value - 2.0).abs() < 1e-4, "{overlap:?}");
        let treated = ipw_att(&adjustment, 0.95).unwrap();
        assert!((treated.value - (0.25 + 3.0 * 0.75)).abs() < 1e-4, "{treated:?}");
        // Within a group and arm noise is ±½, so a group's difference has variance ¼/50 + ¼/150, and the two average.
        // Who is in which group, and treated, adds Σ (z − e)⁴ (effect − 2)² / (Σ e (1 − e))².
        let noise = 0.5 * (0.25 / 50.0 + 0.25 / 150.0);
        let groups = (0.25 * 0.75_f64.powi(4) + 0.75 * 0.25_f64.powi(4)) / (0.25_f64 * 0.75).powi(2) / 400.0;
        let by_hand = (noise + groups).sqrt();
        assert!((overlap.standard_error / by_hand - 1.0).abs() < 0.002, "{overlap:?} {by_hand}");
    }

    #[test]
    fn clusters_are_counted_and_a_handful_of_them_refused() {
        let adjust = |clusters: Vec<u64>| {
            let panel = panel().clustered(clusters).unwrap();
            let adjustment = Adjustment::of(&panel, Outcome::Level { adjusted_periods: 0 }).unwrap();
            overlap_aipw(&adjustment, 0.95)
        };
        let alone = adjust((0..400).collect()).unwrap();
        // Customers of a cluster share arm and noise.
        let treated = panel().treated().to_vec();
        let together =
            adjust((0..400).map(|i| i / 16 * 4 + i / 4 % 2 * 2 + u64::from(treated[i as usize])).collect())
                .unwrap();
        assert!(together.standard_error > 1.1 * alone.standard_error, "{together:?} {alone:?}");
        assert!(matches!(adjust(vec![1; 400]), Err(Refusal::TooFew { unit: "clusters", .. })));
    }

    #[test]
    fn weights_that_rest_on_a_few_are_refused() {
        // The untreated are far below the treated in all but one.
        let treated: Vec<bool> = (0..300).map(|i| i % 3 == 0).collect();
        let level = |i: usize| if treated[i] { 3.0 + (i % 17) as f64 / 8.0 } else { (i % 13) as f64 / 4.0 };
        let covariate = Covariate::fixed("level", (0..300).map(level).collect());
        let after = (0..300).map(|i| (i % 7) as f64).collect();
        let panel = Panel::new(treated.clone(), vec![covariate], vec![], after).unwrap();
        let adjustment = Adjustment::of(&panel, Outcome::Level { adjusted_periods: 0 }).unwrap();
        assert!(matches!(
            ipw_att(&adjustment, 0.95),
            Err(Refusal::TooFew { unit: "effective customers", .. })
        ));
    }
}
