//! The interval of one proportion.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

/// A proportion with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rate {
    pub hits: u64,
    pub of: u64,
    /// `hits / of`.
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// The Wilson score interval of a proportion; `None` without trials.
///
/// With p = hits / n and z the two-sided normal quantile, the interval is
/// (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n). It stays within 0 and 1 and holds its level at the edges.
/// Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927).
pub fn wilson(hits: u64, of: u64, confidence: f64) -> Option<Rate> {
    if of == 0 || hits > of {
        return None;
    }
    let n = of as f64;
    let p = hits as f64 / n;
    let z = Normal::standard().inverse_cdf(0.5 + confidence / 2.0);
    let z2 = z * z;
    let centre = p + z2 / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    // Rounding must not carry an interval that touches an edge past it.
    let (low, high) = (((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0));
    Some(Rate { hits, of, value: p, low: low.min(p), high: high.max(p) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wilson_agrees_with_published_values() {
        // R 4: binom::binom.confint(x, n, methods = "wilson").
        for (hits, of, low, high) in
            [(0, 10, 0.0, 0.2775328), (5, 10, 0.2365931, 0.7634069), (81, 263, 0.2553, 0.3662)]
        {
            let rate = wilson(hits, of, 0.95).unwrap();
            assert!((rate.low - low).abs() < 1e-4 && (rate.high - high).abs() < 1e-4, "{rate:?}");
        }
        assert_eq!(wilson(0, 0, 0.95), None);
    }

    proptest! {
        #[test]
        fn wilson_holds_the_proportion_within_zero_and_one(of in 1_u64..1_000_000, share in 0.0..=1.0_f64) {
            let rate = wilson((of as f64 * share) as u64, of, 0.95).unwrap();
            prop_assert!(0.0 <= rate.low && rate.low <= rate.value && rate.value <= rate.high && rate.high <= 1.0);
        }
    }
}
