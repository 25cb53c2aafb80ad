//! The two sums that stand for hypergeometric functions here. All terms are positive, so no digits cancel.

/// Σ_n P(N = n) w(n), with N negative binomial: the orders within `time` at a rate λ ~ Gamma(`shape`, `alpha`).
///
/// The weights are asked for in order from n = 0; they are not negative and rise by at most 1 a step. Terms are
/// added until the rest is below 1e-17 of the sum, which takes about 40 (1 + `time` / `alpha`) of them.
pub(super) fn negative_binomial_mean(
    shape: f64,
    alpha: f64,
    time: f64,
    mut weight: impl FnMut(u32) -> f64,
) -> f64 {
    const RESCALE: f64 = 1e250;
    let success = time / (alpha + time);
    // P(N = n) relative to P(N = 0), which may be too small for a number; rescaled before it is too large for one.
    let (mut probability, mut total) = (1.0, 0.0);
    let mut ln_scale = -shape * (time / alpha).ln_1p();
    for n in 0..=u32::MAX {
        let weight = weight(n);
        total += probability * weight;
        let k = f64::from(n);
        let ratio = success * (shape + k) / (k + 1.0);
        // Later ratios lie between this one and `success`, so the rest is below a geometric series.
        let left = 1.0 - ratio.max(success);
        if left > 0.0 && probability * (weight * left + 1.0) <= 1e-17 * total * left * left {
            break;
        }
        probability *= ratio;
        if probability > RESCALE {
            probability /= RESCALE;
            total /= RESCALE;
            ln_scale += RESCALE.ln();
        }
    }
    total * ln_scale.exp()
}

/// The Gauss-Legendre rule of 8 points on [−1, 1]: nodes, rising, and weights.
const RULE: [(f64, f64); 8] = [
    (-0.960_289_856_497_536_2, 0.101_228_536_290_376_26),
    (-0.796_666_477_413_626_7, 0.222_381_034_453_374_47),
    (-0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (-0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_47),
    (0.960_289_856_497_536_2, 0.101_228_536_290_376_26),
];

/// A part of an interval of integration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel {
    middle: f64,
    half: f64,
}

impl Panel {
    /// Places, rising, and weights: the integral over the panel is the sum of weight times value.
    pub(super) fn nodes(self) -> impl Iterator<Item = (f64, f64)> {
        RULE.iter().map(move |(node, weight)| (self.middle + self.half * node, self.half * weight))
    }
}

/// Cuts [0, `length`] into panels on which the rule is exact to rounding, for functions of at most the steepness of
/// e^(`steepness` u) that have no singularity within π of the real axis.
pub(super) fn panels(length: f64, steepness: f64) -> impl Iterator<Item = Panel> {
    let count = (length / 1.6).max(length * steepness / 3.5).ceil();
    let half = length / (2.0 * count);
    (0..count as u64).map(move |index| Panel { middle: half * (2 * index + 1) as f64, half })
}
