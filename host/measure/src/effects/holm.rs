//! Many tests at once: Holm's correction, which holds whatever their dependence.

use serde::{Deserialize, Serialize};

use super::distribution::probability;
use crate::Refusal;

/// One of several tests, corrected for the others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Decision {
    pub p_value: f64,
    /// The smallest level at which this test is rejected.
    pub adjusted_p_value: f64,
    pub rejected: bool,
}

/// Holm's decisions on several p-values, in their order; the probability of any false rejection is at most `level`.
///
/// With the p-values in ascending order, the adjusted i-th of m is the largest of (m − j + 1) p₍ⱼ₎ over j ≤ i, at most 1;
/// rejected are those with an adjusted p-value of at most `level`. Source: S. Holm, "A Simple Sequentially Rejective
/// Multiple Test Procedure", Scandinavian Journal of Statistics 6 (1979).
///
/// # Errors
/// A p-value is not within 0 and 1, or the level is not between 0 and 1.
pub fn holm(p_values: &[f64], level: f64) -> Result<Vec<Decision>, Refusal> {
    let level = probability("the level", level)?;
    if let Some(value) = p_values.iter().find(|value| !(0.0..=1.0).contains(*value)) {
        return Err(Refusal::BadValue { what: "a p-value".into(), value: *value, must: "within 0 and 1" });
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|one, other| p_values[*one].total_cmp(&p_values[*other]));
    let mut decisions =
        vec![Decision { p_value: 1.0, adjusted_p_value: 1.0, rejected: false }; p_values.len()];
    let mut largest: f64 = 0.0;
    for (before, test) in order.into_iter().enumerate() {
        let p_value = p_values[test];
        largest = largest.max((p_values.len() - before) as f64 * p_value).min(1.0);
        decisions[test] = Decision { p_value, adjusted_p_value: largest, rejected: largest <= level };
    }
    Ok(decisions)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn holm_agrees_with_a_worked_example() {
        // R 4: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm").
        let found = holm(&[0.01, 0.04, 0.03, 0.005], 0.05).unwrap();
        for (decision, expected) in found.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((decision.adjusted_p_value - expected).abs() < 1e-15, "{found:?}");
        }
        assert_eq!(
            found.iter().map(|decision| decision.rejected).collect::<Vec<_>>(),
            [true, false, false, true]
        );
        assert_eq!(holm(&[], 0.05), Ok(Vec::new()));
        assert!(holm(&[0.1, f64::NAN], 0.05).is_err() && holm(&[0.1], 1.0).is_err());
    }

    proptest! {
        #[test]
        fn decisions_are_those_of_stepping_down(p_values in prop::collection::vec(0.0..0.1_f64, 1..12)) {
            let found = holm(&p_values, 0.05).unwrap();
            let mut sorted = found.clone();
            sorted.sort_by(|one, other| one.p_value.total_cmp(&other.p_value));
            let mut rejecting = true;
            for (before, decision) in sorted.iter().enumerate() {
                rejecting &= decision.p_value <= 0.05 / (p_values.len() - before) as f64;
                prop_assert_eq!(decision.rejected, rejecting);
                prop_assert!(decision.adjusted_p_value >= decision.p_value);
            }
        }
    }
}
