//! The effect of a treatment that was not randomised, from what happened before it and after it.
//!
//! [`observe`] asks four methods, shows balance and overlap, repeats its main method at dates when nothing happened, and
//! judges by declared rules whether the estimate may be read as an effect. Nothing here makes it one: that no
//! unmeasured difference remains is assumed, and only speaking evidence against it can be found.
//!
//! The propensity is a logistic regression on standardised covariates by Newton's method, with a ridge of 10⁻⁶ a
//! customer; outcome regressions are least squares with the same ridge.
//!
//! # Not here
//!
//! Effects of randomised treatments, and policies evaluated on logs with known propensities.

mod balance;
mod differences;
pub(crate) mod linear;
mod matching;
mod panel;
mod placebo;
mod propensity;
mod sensitivity;
#[cfg(test)]
mod study;
mod verdict;
mod weighting;

pub use balance::{ArmOverlap, Balance, EXTREME, Overlap, PropensityBin, Quantile};
pub use differences::{ParallelTrends, difference_in_differences, parallel_trends};
pub use matching::{MatchingOptions, matching};
pub use panel::{Adjustment, Covariate, CovariateKind, Outcome, Panel};
pub use placebo::{Placebo, PlaceboEstimate, placebo};
pub use sensitivity::{EValue, e_value_of_difference, e_value_of_risk_ratio};
pub use verdict::{Check, Identification, Rule, Thresholds, Verdict};
pub use weighting::{ipw_att, overlap_aipw};

use serde::{Deserialize, Serialize};

use crate::{Estimate, Refusal};
use weighting::Weighting;

/// How an effect is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// [`overlap_aipw`]: of those who might as well have been treated as not.
    OverlapAipw,
    /// [`ipw_att`]: of the treated.
    IpwAtt,
    /// [`matching`]: of the treated.
    Matching,
    /// [`difference_in_differences`]: of the treated.
    DifferenceInDifferences,
}

impl Method {
    const ALL: [Self; 4] = [Self::OverlapAipw, Self::IpwAtt, Self::Matching, Self::DifferenceInDifferences];

    /// As it is written in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::OverlapAipw => "overlap-weighted AIPW",
            Self::IpwAtt => "inverse odds weighting",
            Self::Matching => "matching",
            Self::DifferenceInDifferences => "differences in differences",
        }
    }
}

/// How [`observe`] goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Options {
    /// The method that the verdict is about and that placebo dates repeat.
    pub method: Method,
    /// What weighting and matching compare.
    pub outcome: Outcome,
    pub matching: MatchingOptions,
    /// Of all intervals, such as 0.95.
    pub confidence: f64,
    pub thresholds: Thresholds,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            method: Method::OverlapAipw,
            outcome: Outcome::Level { adjusted_periods: 1 },
            matching: MatchingOptions::default(),
            confidence: 0.95,
            thresholds: Thresholds::default(),
        }
    }
}

/// What one method found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MethodEstimate {
    pub method: Method,
    /// In units of the outcome a customer.
    pub estimate: Estimate,
}

/// A method that gave no answer, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RefusedMethod {
    pub method: Method,
    pub reason: String,
    pub hint: String,
}

/// An observational effect with all that speaks for and against it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Observational {
    pub options: Options,
    /// By the method that the verdict is about.
    pub effect: Estimate,
    pub estimates: Vec<MethodEstimate>,
    pub refused: Vec<RefusedMethod>,
    /// By the weights of the method; empty without covariates.
    pub balance: Vec<Balance>,
    pub overlap: Option<Overlap>,
    pub trends: Option<ParallelTrends>,
    pub placebo: Option<Placebo>,
    pub e_value: EValue,
    pub verdict: Verdict,
}

/// Estimates what a treatment caused and judges whether that can be known.
///
/// `placebos` are panels of the same customers, treated and untreated as later, at earlier dates when nothing happened,
/// each with its name: [`Panel::earlier`] makes them from a panel whose covariates are fixed; otherwise the covariates
/// are measured again as of the fake date.
///
/// # Errors
/// The chosen method cannot answer, at the date or at a placebo date, or the confidence is not within 0 and 1.
pub fn observe(
    panel: &Panel,
    placebos: &[(String, Panel)],
    options: Options,
) -> Result<Observational, Refusal> {
    if !(options.confidence > 0.0 && options.confidence < 1.0) {
        let what = "the confidence".into();
        return Err(Refusal::BadValue { what, value: options.confidence, must: "within 0 and 1" });
    }
    let adjustment = Adjustment::of(panel, options.outcome);
    let weighting = adjustment.as_ref().map_err(Clone::clone).and_then(Weighting::of);
    let (mut estimates, mut refused, mut effect) = (vec![], vec![], None);
    for method in Method::ALL {
        match method.estimate(panel, &adjustment, &weighting, &options) {
            Ok(estimate) => {
                estimates.push(MethodEstimate { method, estimate });
                effect = if method == options.method { Some(estimate) } else { effect };
            }
            Err(refusal) if method == options.method => return Err(refusal),
            Err(refusal) => {
                refused.push(RefusedMethod { method, reason: refusal.to_string(), hint: refusal.hint() });
            }
        }
    }
    let effect = effect.expect("the chosen method is one of all");
    let (balance, overlap) = match &weighting {
        Err(_) => (vec![], None),
        Ok(weighting) => {
            let weights = options.method.weights(weighting, &options)?;
            let overlap = balance::overlap(panel.treated(), &weighting.propensity, &weights);
            (balance::balance(weighting.adjustment, &weights), Some(overlap))
        }
    };
    let trends = parallel_trends(panel, options.confidence).ok();
    let placebo = match placebos {
        [] => None,
        placebos => match at_placebos(placebos, &options) {
            found if found.is_empty() => None,
            found => Some(placebo(&effect, found, options.confidence)?),
        },
    };
    let (_, deviation) = balance::standardised_difference(panel.after(), panel.treated());
    let e_value = e_value_of_difference(&effect, deviation)?;
    let evidence = verdict::Evidence {
        method: options.method,
        estimate: &effect,
        estimates: &estimates,
        levels: panel.before().last().map(|last| balance::standardised_difference(last, panel.treated()).0),
        balance: &balance,
        overlap: overlap.as_ref(),
        placebo: placebo.as_ref(),
        trends: trends.as_ref(),
        e_value: &e_value,
    };
    let verdict = evidence.judge(&options.thresholds);
    Ok(Observational {
        options,
        effect,
        estimates,
        refused,
        balance,
        overlap,
        trends,
        placebo,
        e_value,
        verdict,
    })
}

/// The chosen method at each placebo date, without those at which it is refused: there may be fewer customers then.
fn at_placebos(placebos: &[(String, Panel)], options: &Options) -> Vec<PlaceboEstimate> {
    let at = |(date, panel): &(String, Panel)| {
        let adjustment = Adjustment::of(panel, options.outcome);
        let weighting = adjustment.as_ref().map_err(Clone::clone).and_then(Weighting::of);
        let estimate = options.method.estimate(panel, &adjustment, &weighting, options).ok()?;
        Some(PlaceboEstimate { date: date.clone(), estimate })
    };
    placebos.iter().filter_map(at).collect()
}

impl Method {
    fn estimate(
        self,
        panel: &Panel,
        adjustment: &Result<Adjustment<'_>, Refusal>,
        weighting: &Result<Weighting<'_>, Refusal>,
        options: &Options,
    ) -> Result<Estimate, Refusal> {
        let weighting = || weighting.as_ref().map_err(Clone::clone);
        match self {
            Self::OverlapAipw => weighting()?.overlap_aipw(options.confidence),
            Self::IpwAtt => weighting()?.ipw_att(options.confidence),
            Self::Matching => {
                matching(adjustment.as_ref().map_err(Clone::clone)?, options.matching, options.confidence)
            }
            Self::DifferenceInDifferences => difference_in_differences(panel, options.confidence),
        }
    }

    /// How much each customer counts; all the same where customers are not weighted.
    fn weights(self, weighting: &Weighting<'_>, options: &Options) -> Result<Vec<f64>, Refusal> {
        Ok(match self {
            Self::OverlapAipw => weighting.overlap_weights(),
            Self::IpwAtt => weighting.treated_weights(),
            Self::Matching => matching::matching_weights(weighting.adjustment, options.matching)?,
            Self::DifferenceInDifferences => vec![1.0; weighting.adjustment.treated.len()],
        })
    }
}
