//! Placebo dates: what the same estimator finds at earlier dates, when nothing happened.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF};

use crate::{Estimate, Refusal};

/// An estimate at a date when nothing happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlaceboEstimate {
    /// The date, as the caller writes it.
    pub date: String,
    pub estimate: Estimate,
}

/// How the real estimate compares with those at placebo dates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Placebo {
    pub estimates: Vec<PlaceboEstimate>,
    /// The mean over placebo dates: what the estimator finds where there is nothing.
    pub mean: f64,
    /// The standard deviation over placebo dates; 0 for a single one.
    pub spread: f64,
    pub mean_standard_error: f64,
    /// Placebo dates whose interval excludes 0, and their share.
    pub excluding_zero: u64,
    pub excluding_zero_share: f64,
    /// How probable at least so many are by chance, were the dates independent: binomial.
    pub excluding_zero_p_value: f64,
    /// The place of the real estimate among all by size: 1 is the largest.
    pub rank: u64,
    /// `rank / (dates + 1)`: the share of dates with an estimate of at least this size, the real one counted.
    pub rank_p_value: f64,
}

/// Compares an estimate with those of the same estimator at dates when nothing happened.
///
/// Source: S. Athey and G. W. Imbens, "The state of applied econometrics", Journal of Economic Perspectives 31 (2017),
/// on placebo analyses; R. A. Fisher's randomisation test for the rank.
///
/// # Errors
/// There are no placebo dates, or the confidence is not within 0 and 1.
pub fn placebo(
    real: &Estimate,
    estimates: Vec<PlaceboEstimate>,
    confidence: f64,
) -> Result<Placebo, Refusal> {
    if estimates.is_empty() {
        return Err(Refusal::TooFew {
            what: "the comparison".into(),
            unit: "placebo dates",
            have: 0,
            need: 1,
        });
    }
    let count = estimates.len() as f64;
    let each = || estimates.iter().map(|placebo| placebo.estimate);
    let mean = each().map(|estimate| estimate.value).sum::<f64>() / count;
    let squares = each().map(|estimate| (estimate.value - mean).powi(2)).sum::<f64>();
    let excluding_zero = each().filter(|estimate| estimate.excludes(0.0)).count() as u64;
    let larger = each().filter(|estimate| estimate.value.abs() >= real.value.abs()).count() as u64;
    let chance = Binomial::new(1.0 - confidence, estimates.len() as u64).map_err(|_| Refusal::BadValue {
        what: "the confidence".into(),
        value: confidence,
        must: "within 0 and 1",
    })?;
    Ok(Placebo {
        mean,
        spread: if estimates.len() > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 },
        mean_standard_error: each().map(|estimate| estimate.standard_error).sum::<f64>() / count,
        excluding_zero,
        excluding_zero_share: excluding_zero as f64 / count,
        excluding_zero_p_value: if excluding_zero == 0 { 1.0 } else { chance.sf(excluding_zero - 1) },
        rank: larger + 1,
        rank_p_value: (larger + 1) as f64 / (count + 1.0),
        estimates,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(value: f64) -> Estimate {
        Estimate { value, standard_error: 1.0, low: value - 1.96, high: value + 1.96 }
    }

    #[test]
    fn the_real_date_is_ranked_among_the_fake_ones() {
        let dates =
            [2.5, -0.5, -4.0, 1.0].map(|value| PlaceboEstimate { date: String::new(), estimate: at(value) });
        let found = placebo(&at(3.0), dates.to_vec(), 0.95).unwrap();
        assert!(
            (found.mean - -0.25).abs() < 1e-12 && (found.spread - (23.25_f64 / 3.0).sqrt()).abs() < 1e-12
        );
        assert_eq!((found.rank, found.rank_p_value), (2, 0.4));
        assert_eq!((found.excluding_zero, found.excluding_zero_share), (2, 0.5));
        // 1 − 0.95⁴ − 4 · 0.05 · 0.95³.
        assert!((found.excluding_zero_p_value - 0.014_018_75).abs() < 1e-12, "{found:?}");
        assert!(placebo(&at(3.0), vec![], 0.95).is_err());
        assert!(placebo(&at(3.0), dates.to_vec(), 1.5).is_err());
    }
}
