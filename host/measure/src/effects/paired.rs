//! Two values of each customer: their moments and how they vary together.

use serde::{Deserialize, Serialize};

use crate::{Refusal, Sample};

/// Moments of two values measured on the same customers, such as GMV and orders, or spend and spend before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PairedSample {
    pub first: Sample,
    pub second: Sample,
    /// Σ(x − mean x)(y − mean y) / (n − 1).
    pub covariance: f64,
}

impl PairedSample {
    /// The moments of pairs, by two passes.
    ///
    /// # Errors
    /// There are fewer than two pairs, more values of one kind than of the other, or a value that is not finite.
    pub fn of(first: &[f64], second: &[f64]) -> Result<Self, Refusal> {
        if first.len() != second.len() {
            let (what, value) = ("the number of second values".into(), second.len() as f64);
            return Err(Refusal::BadValue { what, value, must: "the number of first values" });
        }
        if first.len() < 2 {
            let have = first.len() as u64;
            return Err(Refusal::TooFew {
                what: "the paired sample".into(),
                unit: "customers",
                have,
                need: 2,
            });
        }
        if let Some(value) = first.iter().chain(second).find(|value| !value.is_finite()) {
            return Err(Refusal::BadValue { what: "a value".into(), value: *value, must: "finite" });
        }
        let (one, two) = (Sample::of(first)?, Sample::of(second)?);
        let products: f64 = first.iter().zip(second).map(|(x, y)| (x - one.mean) * (y - two.mean)).sum();
        Ok(Self { first: one, second: two, covariance: products / (first.len() - 1) as f64 })
    }

    /// How many customers there are.
    pub fn count(&self) -> u64 {
        self.first.count
    }

    /// The covariance of the two means.
    pub(super) fn covariance_of_means(&self) -> f64 {
        self.covariance / self.count() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covariance_agrees_with_arithmetic() {
        let paired = PairedSample::of(&[1.0, 2.0, 3.0, 4.0], &[2.0, 1.0, 4.0, 5.0]).unwrap();
        assert!((paired.covariance - 2.0).abs() < 1e-15 && paired.count() == 4);
        assert!(PairedSample::of(&[1.0, 2.0], &[1.0]).is_err());
        assert!(PairedSample::of(&[1.0], &[1.0]).is_err());
        assert!(PairedSample::of(&[1.0, 2.0], &[1.0, f64::INFINITY]).is_err());
    }
}
