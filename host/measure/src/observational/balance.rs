//! Whether the arms are alike in their covariates, and whether they overlap at all.

use serde::{Deserialize, Serialize};

use super::panel::Adjustment;
use super::propensity::Propensity;

/// Propensities below the first or above the second are extreme. Source: R. K. Crump, V. J. Hotz, G. W. Imbens and
/// O. A. Mitnik, "Dealing with limited overlap in estimation of average treatment effects", Biometrika 96 (2009), who
/// derive 0.1; 0.05 is the laxer custom.
pub const EXTREME: (f64, f64) = (0.05, 0.95);

const BINS: usize = 20;
const LEVELS: [f64; 7] = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0];

/// How one covariate differs between the arms; a row of a love plot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Balance {
    pub covariate: String,
    pub treated_mean: f64,
    pub untreated_mean: f64,
    /// The difference of means in standard deviations: those of the arms before weighting, as the root of their mean
    /// square, both times.
    pub standardised_difference_before: f64,
    pub standardised_difference_after: f64,
    /// The variance of the treated over that of the untreated; nothing where either is 0.
    pub variance_ratio_before: Option<f64>,
    pub variance_ratio_after: Option<f64>,
}

/// Standardised mean differences and variance ratios, before and after weighting.
///
/// (mean₁ − mean₀) / √((s₁² + s₀²) / 2), means weighted after; 0 where nothing varies.
/// Source: P. C. Austin, "Balance diagnostics for comparing the distribution of baseline covariates between treatment
/// groups in propensity-score matched samples", Statistics in Medicine 28 (2009).
pub(super) fn balance(adjustment: &Adjustment<'_>, weights: &[f64]) -> Vec<Balance> {
    let one = vec![1.0; weights.len()];
    let each = |(name, column): (&String, &&[f64])| {
        let before = moments(column, adjustment.treated, &one);
        let after = moments(column, adjustment.treated, weights);
        let scale = deviation(before);
        let standardised = |moments: [(f64, f64); 2]| {
            // Arms that differ without varying are separated, which was refused before.
            if scale > 0.0 { (moments[1].0 - moments[0].0) / scale } else { 0.0 }
        };
        let ratio = |moments: [(f64, f64); 2]| {
            (moments[0].1 > 0.0 && moments[1].1 > 0.0).then(|| moments[1].1 / moments[0].1)
        };
        Balance {
            covariate: name.clone(),
            treated_mean: before[1].0,
            untreated_mean: before[0].0,
            standardised_difference_before: standardised(before),
            standardised_difference_after: standardised(after),
            variance_ratio_before: ratio(before),
            variance_ratio_after: ratio(after),
        }
    };
    adjustment.names.iter().zip(&adjustment.columns).map(each).collect()
}

/// The difference of the arms' means, in standard deviations, and that deviation: the root of the arms' mean variance.
pub(super) fn standardised_difference(values: &[f64], treated: &[bool]) -> (f64, f64) {
    let moments = moments(values, treated, &vec![1.0; values.len()]);
    let scale = deviation(moments);
    (if scale > 0.0 { (moments[1].0 - moments[0].0) / scale } else { 0.0 }, scale)
}

fn deviation(moments: [(f64, f64); 2]) -> f64 {
    ((moments[0].1 + moments[1].1) / 2.0).sqrt()
}

/// Weighted mean and variance of the untreated and of the treated.
fn moments(values: &[f64], treated: &[bool], weights: &[f64]) -> [(f64, f64); 2] {
    let arm = |arm: bool| {
        let of = || values.iter().zip(weights).zip(treated).filter(|(_, z)| **z == arm).map(|(pair, _)| pair);
        let total = of().map(|(_, weight)| weight).sum::<f64>();
        let mean = of().map(|(value, weight)| weight * value).sum::<f64>() / total;
        let variance =
            of().map(|(value, weight)| weight * (value - mean) * (value - mean)).sum::<f64>() / total;
        (mean, variance)
    };
    [arm(false), arm(true)]
}

/// Where the arms overlap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Overlap {
    pub treated: ArmOverlap,
    pub untreated: ArmOverlap,
    pub histogram: Vec<PropensityBin>,
    /// The share of customers whose propensity is outside [`EXTREME`].
    pub extreme_share: f64,
    /// The share of customers whose propensity no customer of the other arm reaches: treated above the highest
    /// untreated or below the lowest, and the reverse.
    pub unsupported_share: f64,
    /// A covariate decides some customers' treatment.
    pub is_separated: bool,
}

/// The propensities of one arm, and what its weights leave of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ArmOverlap {
    pub customers: u64,
    pub quantiles: Vec<Quantile>,
    /// Kish's (Σ w)² / Σ w²: as many equally weighted customers would say as much.
    pub effective_customers: f64,
    /// `effective_customers / customers`.
    pub effective_share: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Quantile {
    pub level: f64,
    pub propensity: f64,
}

/// Customers whose propensity is at least `from` and below `to` (the last bin: at most).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PropensityBin {
    pub from: f64,
    pub to: f64,
    pub treated: u64,
    pub untreated: u64,
}

pub(super) fn overlap(treated: &[bool], propensity: &Propensity, weights: &[f64]) -> Overlap {
    let scores = &propensity.scores;
    let arm = |arm: bool| {
        let of = scores.iter().zip(treated).filter(|(_, z)| **z == arm);
        let mut sorted: Vec<_> = of.map(|(score, _)| *score).collect();
        sorted.sort_by(f64::total_cmp);
        sorted
    };
    let arms = [arm(false), arm(true)];
    let width = 1.0 / BINS as f64;
    let bin = |i: usize| PropensityBin {
        from: i as f64 * width,
        to: (i + 1) as f64 * width,
        treated: 0,
        untreated: 0,
    };
    let mut histogram: Vec<_> = (0..BINS).map(bin).collect();
    let (mut extreme, mut unsupported) = (0_u64, 0_u64);
    for (score, treated) in scores.iter().zip(treated) {
        let bin = &mut histogram[((score * BINS as f64) as usize).min(BINS - 1)];
        *(if *treated { &mut bin.treated } else { &mut bin.untreated }) += 1;
        extreme += u64::from(*score < EXTREME.0 || *score > EXTREME.1);
        let other = &arms[usize::from(!*treated)];
        unsupported += u64::from(*score < other[0] || *score > other[other.len() - 1]);
    }
    let customers = scores.len() as f64;
    Overlap {
        treated: of_arm(&arms[1], treated, true, weights),
        untreated: of_arm(&arms[0], treated, false, weights),
        histogram,
        extreme_share: extreme as f64 / customers,
        unsupported_share: unsupported as f64 / customers,
        is_separated: propensity.is_separated,
    }
}

/// Kish's effective number of an arm's customers.
pub(super) fn effective(weights: &[f64], treated: &[bool], arm: bool) -> f64 {
    let of = || weights.iter().zip(treated).filter(|(_, z)| **z == arm).map(|(weight, _)| *weight);
    let squares = of().map(|weight| weight * weight).sum::<f64>();
    if squares > 0.0 { of().sum::<f64>().powi(2) / squares } else { 0.0 }
}

fn of_arm(sorted: &[f64], treated: &[bool], arm: bool, weights: &[f64]) -> ArmOverlap {
    let effective_customers = effective(weights, treated, arm);
    let quantile = |level: f64| {
        let place = level * (sorted.len() - 1) as f64;
        let (low, part) = (place as usize, place.fract());
        let high = (low + 1).min(sorted.len() - 1);
        Quantile { level, propensity: sorted[low] + part * (sorted[high] - sorted[low]) }
    };
    ArmOverlap {
        customers: sorted.len() as u64,
        quantiles: LEVELS.map(quantile).to_vec(),
        effective_customers,
        effective_share: effective_customers / sorted.len() as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observational::linear::Design;
    use crate::observational::{Covariate, Outcome, Panel};

    #[test]
    fn overlap_weights_balance_means_and_the_overlap_is_described() {
        // Of 100 at 0, 20 are treated; of 100 at 1, 60.
        let treated: Vec<bool> = (0..200).map(|i| if i < 100 { i < 20 } else { i < 160 }).collect();
        let values = (0..200).map(|i| f64::from(i >= 100)).collect();
        let panel = Panel::new(treated, vec![Covariate::fixed("x", values)], vec![], vec![0.0; 200]).unwrap();
        let adjustment = Adjustment::of(&panel, Outcome::Level { adjusted_periods: 0 }).unwrap();
        let design = Design::standardised(&adjustment.columns, 200);
        let propensity = Propensity::fit(&adjustment, &design).unwrap();
        let weights: Vec<_> = propensity
            .scores
            .iter()
            .zip(adjustment.treated)
            .map(|(e, z)| if *z { 1.0 - e } else { *e })
            .collect();

        let row = &balance(&adjustment, &weights)[0];
        assert_eq!((row.treated_mean, row.untreated_mean), (0.75, 1.0 / 3.0));
        let scale = ((0.75 * 0.25 + 2.0 / 9.0) / 2.0_f64).sqrt();
        assert!((row.standardised_difference_before - (0.75 - 1.0 / 3.0) / scale).abs() < 1e-12, "{row:?}");
        assert!(row.standardised_difference_after.abs() < 1e-4, "{row:?}");
        assert!((row.variance_ratio_before.unwrap() - 0.1875 * 4.5).abs() < 1e-12, "{row:?}");

        let found = overlap(adjustment.treated, &propensity, &weights);
        assert_eq!((found.extreme_share, found.unsupported_share), (0.0, 0.0));
        assert_eq!(found.histogram.iter().map(|bin| bin.treated).sum::<u64>(), 80);
        let medians = |arm: &ArmOverlap| arm.quantiles[3].propensity;
        assert!(
            (medians(&found.treated) - 0.6).abs() < 1e-4 && (medians(&found.untreated) - 0.2).abs() < 1e-4
        );
        // Treated weights: 20 of 0.8 and 60 of 0.4.
        let effective = 40.0_f64.powi(2) / (20.0 * 0.64 + 60.0 * 0.16);
        assert!((found.treated.effective_customers - effective).abs() < 0.01, "{found:?}");
    }
}
