//! Confidence intervals.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

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

/// Count, sum and sum of squares of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moments {
    pub count: u64,
    pub sum: i64,
    pub squares: i128,
}

impl Moments {
    /// The mean; `None` without values.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The unbiased variance; `None` below two values. The sums are exact, so nothing cancels.
    pub fn variance(&self) -> Option<f64> {
        if self.count < 2 {
            return None;
        }
        let n = i128::from(self.count);
        let sum = i128::from(self.sum);
        let centred = n.checked_mul(self.squares)?.checked_sub(sum.checked_mul(sum)?)?;
        Some(centred as f64 / (n as f64 * (n - 1) as f64))
    }
}

/// A difference of means with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Difference {
    pub estimate: f64,
    pub standard_error: f64,
    pub low: f64,
    pub high: f64,
}

/// The difference of two means with Welch's interval; `None` if a sample has fewer than two values or neither
/// varies.
///
/// The standard error is √(s₁²/n₁ + s₂²/n₂), its degrees of freedom by Welch-Satterthwaite. Source: B. L. Welch,
/// "The generalization of 'Student's' problem when several different population variances are involved",
/// Biometrika 34 (1947).
pub fn welch(first: &Moments, second: &Moments, confidence: f64) -> Option<Difference> {
    let estimate = first.mean()? - second.mean()?;
    let (a, b) = (first.variance()? / first.count as f64, second.variance()? / second.count as f64);
    let squared = a + b;
    if squared <= 0.0 {
        return None;
    }
    let freedom = squared * squared / (a * a / (first.count - 1) as f64 + b * b / (second.count - 1) as f64);
    let standard_error = squared.sqrt();
    let quantile = StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(0.5 + confidence / 2.0);
    let half = quantile * standard_error;
    Some(Difference { estimate, standard_error, low: estimate - half, high: estimate + half })
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

    #[test]
    fn welch_agrees_with_a_worked_example() {
        let moments = |values: &[i64]| Moments {
            count: values.len() as u64,
            sum: values.iter().sum(),
            squares: values.iter().map(|v| i128::from(v * v)).sum(),
        };
        // Means 5 and 8, variances 2.5 and 10, five values each: SE = sqrt(2.5), 5.882 degrees of freedom.
        let difference = welch(&moments(&[3, 4, 5, 6, 7]), &moments(&[4, 6, 8, 10, 12]), 0.95).unwrap();
        assert_eq!(difference.estimate, -3.0);
        assert!((difference.standard_error - 2.5_f64.sqrt()).abs() < 1e-12);
        assert!((difference.low - -6.8876).abs() < 1e-3, "{difference:?}");
        assert_eq!(welch(&moments(&[1]), &moments(&[1, 2]), 0.95), None);
    }

    proptest! {
        #[test]
        fn wilson_holds_the_proportion_within_zero_and_one(of in 1_u64..1_000_000, share in 0.0..=1.0_f64) {
            let rate = wilson((of as f64 * share) as u64, of, 0.95).unwrap();
            prop_assert!(0.0 <= rate.low && rate.low <= rate.value && rate.value <= rate.high && rate.high <= 1.0);
        }
    }
}
