//! Whether customers arrived in the arms in the shares they were assigned with.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::distribution::above_zero;
use crate::Refusal;

/// Below this p-value no difference between the arms may be read.
const P_VALUE_MIN: f64 = 0.001;

/// Expected customers of an arm from which on the chi-square distribution holds.
const EXPECTED_MIN: f64 = 5.0;

/// The test of observed against expected customers of each arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SampleRatio {
    pub expected: Vec<f64>,
    pub chi_square: f64,
    pub p_value: f64,
}

/// Pearson's chi-square test of the customers observed in each arm against the shares they were assigned with. Shares
/// are weights: `[1.0, 1.0]` is half and half.
///
/// The statistic Σ(observed − expected)² / expected has one degree of freedom less than there are arms. Source:
/// K. Pearson, Philosophical Magazine 50 (1900), 157-175; for experiments A. Fabijan et al., "Diagnosing Sample Ratio
/// Mismatch in Online Controlled Experiments", KDD 2019.
///
/// # Errors
/// There are fewer than two arms, more or fewer shares than arms, a share that is not above 0, or an arm in which fewer
/// than 5 customers are expected.
pub fn sample_ratio(observed: &[u64], shares: &[f64]) -> Result<SampleRatio, Refusal> {
    if observed.len() < 2 {
        let have = observed.len() as u64;
        return Err(Refusal::TooFew { what: "the experiment".into(), unit: "arms", have, need: 2 });
    }
    if observed.len() != shares.len() {
        let (what, value) = ("the number of expected shares".into(), shares.len() as f64);
        return Err(Refusal::BadValue { what, value, must: "the number of arms" });
    }
    shares.iter().try_for_each(|share| above_zero("an expected share", *share).map(|_| ()))?;
    let (all, weights) = (observed.iter().sum::<u64>(), shares.iter().sum::<f64>());
    let expected: Vec<f64> = shares.iter().map(|share| all as f64 * share / weights).collect();
    let least = expected.iter().copied().fold(f64::INFINITY, f64::min);
    if least < EXPECTED_MIN {
        let need =
            (EXPECTED_MIN * weights / shares.iter().copied().fold(f64::INFINITY, f64::min)).ceil() as u64;
        return Err(Refusal::TooFew {
            what: "the test of the sample ratio".into(),
            unit: "customers",
            have: all,
            need,
        });
    }
    let cells = observed.iter().zip(&expected);
    let chi_square = cells.map(|(observed, expected)| (*observed as f64 - expected).powi(2) / expected).sum();
    let law = ChiSquared::new((observed.len() - 1) as f64).expect("there are two arms or more");
    Ok(SampleRatio { expected, chi_square, p_value: law.sf(chi_square) })
}

/// [`sample_ratio`] as a guard: it refuses when p < 0.001, because then the arms differ by more than the treatment.
///
/// # Errors
/// As for [`sample_ratio`], or there is a mismatch.
pub fn guard_sample_ratio(observed: &[u64], shares: &[f64]) -> Result<SampleRatio, Refusal> {
    let test = sample_ratio(observed, shares)?;
    if test.p_value < P_VALUE_MIN {
        let SampleRatio { expected, p_value, .. } = test;
        return Err(Refusal::SampleRatioMismatch { observed: observed.to_vec(), expected, p_value });
    }
    Ok(test)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_p_value_agrees_with_chi_square() {
        // One degree of freedom: √χ² is a z. Two: p = exp(−χ²/2).
        let two = sample_ratio(&[821_588, 815_482], &[1.0, 1.0]).unwrap();
        let z: f64 = (821_588.0 - 815_482.0) / 1_637_070_f64.sqrt();
        assert!(
            (two.chi_square - z * z).abs() < 1e-9 && (two.p_value / 1.8e-6 - 1.0).abs() < 0.05,
            "{two:?}"
        );
        let three = sample_ratio(&[30, 40, 50], &[0.2, 0.2, 0.2]).unwrap();
        assert!((three.chi_square - 5.0).abs() < 1e-12 && (three.p_value - (-2.5_f64).exp()).abs() < 1e-12);
        let unequal = sample_ratio(&[900, 100], &[9.0, 1.0]).unwrap();
        assert_eq!((unequal.chi_square, unequal.p_value), (0.0, 1.0));
    }

    #[test]
    fn the_guard_stops_at_a_mismatch_only() {
        let refusal = guard_sample_ratio(&[821_588, 815_482], &[1.0, 1.0]).unwrap_err();
        assert!(matches!(refusal, Refusal::SampleRatioMismatch { .. }), "{refusal}");
        // p = 0.0455: surprising, and to be expected in one experiment of twenty.
        assert!(guard_sample_ratio(&[4_900, 5_100], &[0.5, 0.5]).is_ok());
    }

    #[test]
    fn a_test_that_does_not_hold_is_refused() {
        assert!(sample_ratio(&[10], &[1.0]).is_err());
        assert!(sample_ratio(&[10, 10], &[1.0]).is_err());
        assert!(sample_ratio(&[10, 10], &[1.0, 0.0]).is_err());
        let few = sample_ratio(&[5, 4], &[0.5, 0.5]).unwrap_err();
        assert!(matches!(few, Refusal::TooFew { have: 9, need: 10, .. }), "{few}");
    }
}
