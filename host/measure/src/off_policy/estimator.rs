//! The estimators, each as one or two ratios of sums over the rows.
//!
//! That is all there is to know about an estimator: its value, its standard error by the delta method, and its value
//! in each bootstrap draw, where a ratio is formed anew, follow from the sums.

use serde::{Deserialize, Serialize};

/// How many sums there are; the first [`WITHOUT_MODEL`] need no reward model.
pub(super) const COLUMNS: usize = 7;
pub(super) const WITHOUT_MODEL: usize = 3;

/// Rows.
const COUNT: usize = 0;
/// The weight w: the policy's probability of the logged action over its propensity.
const WEIGHT: usize = 1;
/// w r, with r the reward.
const WEIGHTED: usize = 2;
/// The model's reward under the policy, q̄ = Σ_a π(a) q(a).
const MODELLED: usize = 3;
/// w (r − q), with q the model's reward of the logged action.
const CORRECTION: usize = 4;
/// q̄, with the row's influence through the models it trained.
const DIRECT: usize = 5;
/// q̄, and w (r − q) unless w is above the switch, with the row's influence through the models it trained.
const SWITCHED: usize = 6;

/// A sum over another: the places of numerator and denominator.
pub(super) type Ratio = (usize, usize);

/// The mean of the weights.
pub(super) const MEAN_WEIGHT: &[Ratio] = &[(WEIGHT, COUNT)];

/// A row's sums. `model` has the model's reward of the logged action and under the policy, and the row's influence on
/// the direct and the switched estimate.
pub(super) fn columns(
    weight: f64,
    reward: f64,
    model: Option<(f64, f64, (f64, f64))>,
    switch: f64,
) -> [f64; COLUMNS] {
    let mut sums = [0.0; COLUMNS];
    (sums[COUNT], sums[WEIGHT], sums[WEIGHTED]) = (1.0, weight, weight * reward);
    if let Some((logged, modelled, (direct, switched))) = model {
        let correction = weight * (reward - logged);
        sums[MODELLED] = modelled;
        sums[CORRECTION] = correction;
        sums[DIRECT] = modelled + direct;
        sums[SWITCHED] = modelled + switched + if weight <= switch { correction } else { 0.0 };
    }
    sums
}

/// A way to estimate the mean reward under a policy from a log of another; n rows, with weights w, rewards r, and the
/// model's rewards q of the logged action and q̄ under the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Estimator {
    /// The mean reward of the rows whose logged action the policy would have chosen: for a policy that chooses for
    /// certain, on a log with one propensity throughout. As Σ w r / Σ w, where w is then one number or 0. Source:
    /// L. Li, W. Chu, J. Langford and X. Wang, "Unbiased Offline Evaluation of Contextual-Bandit-Based News Article
    /// Recommendation Algorithms", WSDM (2011).
    Replay,
    /// Inverse propensity weighting, Σ w r / n. Unbiased with right propensities. Source: D. G. Horvitz and
    /// D. J. Thompson, "A Generalization of Sampling Without Replacement from a Finite Universe", JASA 47 (1952).
    InversePropensity,
    /// Self-normalised inverse propensity weighting, Σ w r / Σ w. Within the range of the rewards, and far less
    /// variable where weights differ. Source: A. Swaminathan and T. Joachims, "The Self-Normalized Estimator for
    /// Counterfactual Learning", NeurIPS (2015).
    SelfNormalised,
    /// The direct method, Σ q̄ / n: as right as the reward model is.
    Direct,
    /// Doubly robust, Σ (q̄ + w (r − q)) / n: right if the propensities or the reward model are. Source: M. Dudík,
    /// J. Langford and L. Li, "Doubly Robust Policy Evaluation and Learning", ICML (2011).
    DoublyRobust,
    /// Doubly robust with self-normalised weights, Σ q̄ / n + Σ w (r − q) / Σ w. Source: P. Thomas and E. Brunskill,
    /// "Data-Efficient Off-Policy Policy Evaluation for Reinforcement Learning", ICML (2016), for one step.
    SelfNormalisedDoublyRobust,
    /// Doubly robust where w is at most τ, and the model alone elsewhere: Σ (q̄ + \[w ≤ τ\] w (r − q)) / n. Less
    /// variable, and biased as far as the model is wrong where weights are large. After Y.-X. Wang, A. Agarwal and
    /// M. Dudík, "Optimal and Adaptive Off-policy Evaluation in Contextual Bandits", ICML (2017), who switch on the
    /// weights of all actions, which a log does not have.
    SwitchDoublyRobust,
}

impl Estimator {
    pub const ALL: [Self; 7] = [
        Self::Replay,
        Self::InversePropensity,
        Self::SelfNormalised,
        Self::Direct,
        Self::DoublyRobust,
        Self::SelfNormalisedDoublyRobust,
        Self::SwitchDoublyRobust,
    ];

    /// What it is called in the field.
    pub fn label(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::InversePropensity => "IPW",
            Self::SelfNormalised => "SNIPW",
            Self::Direct => "DM",
            Self::DoublyRobust => "DR",
            Self::SelfNormalisedDoublyRobust => "SNDR",
            Self::SwitchDoublyRobust => "Switch-DR",
        }
    }

    /// Whether it needs a reward model, and with it the policy's probabilities of all actions.
    pub fn needs_model(self) -> bool {
        !matches!(self, Self::Replay | Self::InversePropensity | Self::SelfNormalised)
    }

    /// The ratios whose sum it is.
    pub(super) fn ratios(self) -> &'static [Ratio] {
        match self {
            Self::Replay | Self::SelfNormalised => &[(WEIGHTED, WEIGHT)],
            Self::InversePropensity => &[(WEIGHTED, COUNT)],
            Self::Direct => &[(DIRECT, COUNT)],
            Self::DoublyRobust => &[(MODELLED, COUNT), (CORRECTION, COUNT)],
            Self::SelfNormalisedDoublyRobust => &[(MODELLED, COUNT), (CORRECTION, WEIGHT)],
            Self::SwitchDoublyRobust => &[(SWITCHED, COUNT)],
        }
    }
}

/// The sum of some ratios; `None` where a denominator is 0.
pub(super) fn value(ratios: &[Ratio], sums: &[f64]) -> Option<f64> {
    let parts = ratios.iter().map(|(over, under)| (sums[*under] != 0.0).then(|| sums[*over] / sums[*under]));
    parts.sum()
}

/// What a unit (a row or a cluster) with these sums adds to the error of the value: Σ (x − ρ d) / D over the ratios,
/// with ρ the ratio of the totals and D its denominator.
pub(super) fn residual(ratios: &[Ratio], totals: &[f64], sums: &[f64]) -> f64 {
    let part = |(over, under): &Ratio| {
        let total = totals[*under];
        (sums[*over] - totals[*over] / total * sums[*under]) / total
    };
    ratios.iter().map(part).sum()
}

/// By what the sum of the squared residuals is multiplied: n / (n − 1) for a mean, as its sample variance has it, and
/// 1 for a ratio by the delta method.
pub(super) fn correction(ratios: &[Ratio], units: usize) -> f64 {
    match ratios.iter().all(|(_, under)| *under == COUNT) {
        true => units as f64 / (units as f64 - 1.0).max(1.0),
        false => 1.0,
    }
}
