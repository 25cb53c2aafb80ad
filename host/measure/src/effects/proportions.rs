//! The difference of two proportions, at the edges too.

use super::distribution::probability;
use crate::{Estimate, Rate, Refusal, wilson};

/// The difference of two proportions, first less second, with Newcombe's hybrid score interval.
///
/// With l and u the Wilson limits of each proportion, the interval is
/// d − √((p₁ − l₁)² + (u₂ − p₂)²) to d + √((u₁ − p₁)² + (p₂ − l₂)²). It stays within −1 and 1 and holds its level with
/// few hits or none. Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions:
/// comparison of eleven methods", Statistics in Medicine 17 (1998), method 10.
///
/// The standard error is √(p₁(1 − p₁)/n₁ + p₂(1 − p₂)/n₂), which is 0 when both proportions are 0 or 1: then as
/// always, the interval is the answer.
///
/// # Errors
/// A proportion has no trials or more hits than trials, or the confidence is not between 0 and 1.
pub fn newcombe(first: (u64, u64), second: (u64, u64), confidence: f64) -> Result<Estimate, Refusal> {
    probability("the confidence", confidence)?;
    let (one, two) = (rate(first, confidence)?, rate(second, confidence)?);
    let value = one.value - two.value;
    let variance = |rate: &Rate| rate.value * (1.0 - rate.value) / rate.of as f64;
    Ok(Estimate {
        value,
        standard_error: (variance(&one) + variance(&two)).sqrt(),
        low: value - (one.value - one.low).hypot(two.high - two.value),
        high: value + (one.high - one.value).hypot(two.value - two.low),
    })
}

fn rate((hits, of): (u64, u64), confidence: f64) -> Result<Rate, Refusal> {
    if hits > of {
        let what = format!("the number of hits among {of}");
        return Err(Refusal::BadValue { what, value: hits as f64, must: "at most the number of trials" });
    }
    let none = Refusal::TooFew { what: "an arm".into(), unit: "customers", have: 0, need: 1 };
    wilson(hits, of, confidence).ok_or(none)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn newcombe_agrees_with_his_table() {
        // Table II, method 10.
        #[rustfmt::skip]
        let cases = [
            ((56, 70), (48, 80),  0.0524, 0.3339),
            ((9, 10),  (3, 10),   0.1705, 0.8090),
            ((6, 7),   (2, 7),    0.0582, 0.8062),
            ((5, 56),  (0, 29),  -0.0381, 0.1926),
            ((0, 10),  (0, 20),  -0.1611, 0.2775),
            ((0, 10),  (0, 10),  -0.2775, 0.2775),
            ((10, 10), (0, 20),   0.6791, 1.0000),
            ((10, 10), (0, 10),   0.6075, 1.0000),
        ];
        for (first, second, low, high) in cases {
            let found = newcombe(first, second, 0.95).unwrap();
            assert!(
                (found.low - low).abs() < 5.1e-5 && (found.high - high).abs() < 5.1e-5,
                "{first:?}: {found:?}"
            );
        }
    }

    #[test]
    fn impossible_counts_are_refused() {
        assert!(newcombe((0, 0), (1, 2), 0.95).is_err());
        assert!(newcombe((3, 2), (1, 2), 0.95).is_err());
        assert!(newcombe((1, 2), (1, 2), 1.0).is_err());
    }

    proptest! {
        #[test]
        fn newcombe_stays_within_one_and_mirrors(n in 1_u64..5_000, m in 1_u64..5_000, p in 0.0..=1.0, q in 0.0..=1.0) {
            let (first, second) = (((n as f64 * p) as u64, n), ((m as f64 * q) as u64, m));
            let found = newcombe(first, second, 0.95).unwrap();
            prop_assert!(-1.0 - 1e-12 <= found.low && found.low <= found.value);
            prop_assert!(found.value <= found.high && found.high <= 1.0 + 1e-12);
            let mirrored = newcombe(second, first, 0.95).unwrap();
            prop_assert!((found.low + mirrored.high).abs() < 1e-12);
        }
    }
}
