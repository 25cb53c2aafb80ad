//! The interval of one proportion.

use serde::{Deserialize, Serialize};

use crate::effects::normal_quantile;

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
///
/// `None` also of more hits than trials, and of a confidence that is not between 0 and 1.
pub fn wilson(hits: u64, of: u64, confidence: f64) -> Option<Rate> {
    wilson_of(hits, of, of as f64, confidence)
}

/// The interval as if there were so many independent trials.
fn wilson_of(hits: u64, of: u64, n: f64, confidence: f64) -> Option<Rate> {
    let z = normal_quantile(confidence).ok()?;
    if of == 0 || hits > of {
        return None;
    }
    let p = hits as f64 / of as f64;
    let z2 = z * z;
    let centre = p + z2 / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    // Rounding must not carry an interval that touches an edge past it.
    let (low, high) = (((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0));
    Some(Rate { hits, of, value: p, low: low.min(p), high: high.max(p) })
}

/// Trials of which a customer may have several, which hang together: sums over customers, exact and added up in any
/// order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClusteredTrials {
    customers: u64,
    hits: u64,
    trials: u64,
    /// Σ of hits², hits · trials, and trials² over the customers.
    hits_squared: u64,
    products: u64,
    trials_squared: u64,
}

impl ClusteredTrials {
    /// Takes in a customer with at least one trial.
    pub fn add(&mut self, hits: u64, trials: u64) {
        self.customers += 1;
        self.hits += hits;
        self.trials += trials;
        self.hits_squared += hits * hits;
        self.products += hits * trials;
        self.trials_squared += trials * trials;
    }

    /// Takes in other customers.
    pub fn merge(&mut self, other: &Self) {
        self.customers += other.customers;
        self.hits += other.hits;
        self.trials += other.trials;
        self.hits_squared += other.hits_squared;
        self.products += other.products;
        self.trials_squared += other.trials_squared;
    }

    /// The share of hits, with a Wilson interval for as many independent trials as these are worth.
    ///
    /// That is trials / deff, with the design effect deff = n / (n − 1) Σ (hits − p trials)² / (trials · p (1 − p)) of
    /// n customers, at least 1; with fewer than ten hits or misses, which tell nothing of it, at least Σ trials² /
    /// Σ trials, as if all trials of a customer ended alike. Source: E. L. Korn and B. I. Graubard, "Confidence Intervals for Proportions with Small
    /// Expected Number of Positive Counts Estimated From Survey Data", Survey Methodology 24 (1998), with Wilson's
    /// interval for Clopper and Pearson's.
    pub fn rate(&self, confidence: f64) -> Option<Rate> {
        let (trials, customers) = (self.trials as f64, self.customers as f64);
        let p = self.hits as f64 / trials;
        let residuals =
            self.hits_squared as f64 - 2.0 * p * self.products as f64 + p * p * self.trials_squared as f64;
        let alike = self.trials_squared as f64 / trials;
        let rare = self.hits.min(self.trials - self.hits);
        let found = customers / (customers - 1.0) * residuals / (trials * p * (1.0 - p));
        let design_effect = match rare == 0 || self.customers < 2 {
            true => alike,
            false if rare < 10 => found.max(alike),
            false => found,
        };
        wilson_of(self.hits, self.trials, trials / design_effect.max(1.0), confidence)
    }
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
    fn what_is_no_confidence_has_no_interval() {
        assert!([0.0, 1.0, 95.0, f64::NAN].iter().all(|confidence| wilson(3, 10, *confidence).is_none()));
        assert_eq!(wilson(11, 10, 0.95), None);
        assert_eq!(ClusteredTrials::default().rate(0.95), None);
    }

    #[test]
    fn trials_of_one_customer_that_end_alike_count_once() {
        let (mut clustered, mut single) = (ClusteredTrials::default(), ClusteredTrials::default());
        for customer in 0..100 {
            let converts = u64::from(customer % 4 == 0);
            clustered.add(5 * converts, 5);
            single.add(converts, 1);
        }
        let (clustered, plain) = (clustered.rate(0.95).unwrap(), wilson(25, 100, 0.95).unwrap());
        assert_eq!((clustered.hits, clustered.of, clustered.value), (125, 500, 0.25));
        // But for n / (n - 1).
        assert!((clustered.low - plain.low).abs() < 1e-3 && (clustered.high - plain.high).abs() < 1e-3);
        assert!((single.rate(0.95).unwrap().low - plain.low).abs() < 1e-3);
    }

    /// Customers with their own rates and numbers of trials: trials counted as independent would hold the truth less
    /// often.
    #[test]
    fn clustered_intervals_hold_the_truth_in_95_of_100_worlds() {
        use rand::RngExt;
        let (worlds, customers) = (2_000, 150);
        let [mut held, mut held_as_independent] = [0, 0];
        for world in 0..worlds {
            let mut generator = crate::random::stream(7, world);
            let (mut sums, mut hits, mut all) = (ClusteredTrials::default(), 0, 0);
            for _ in 0..customers {
                let trials = generator.random_range(1..=6_u64);
                // Three in ten customers convert whatever comes, the others seldom.
                let rate = if generator.random::<f64>() < 0.3 { 0.8 } else { 0.1 };
                let mine = (0..trials).filter(|_| generator.random::<f64>() < rate).count() as u64;
                sums.add(mine, trials);
                (hits, all) = (hits + mine, all + trials);
            }
            let holds = |rate: Rate| rate.low <= 0.31 && 0.31 <= rate.high;
            held += u32::from(holds(sums.rate(0.95).unwrap()));
            held_as_independent += u32::from(holds(wilson(hits, all, 0.95).unwrap()));
        }
        let share = |held: u32| f64::from(held) / worlds as f64;
        assert!((0.93..=0.97).contains(&share(held)), "{}", share(held));
        assert!(share(held_as_independent) < 0.9, "{}", share(held_as_independent));
    }

    proptest! {
        #[test]
        fn wilson_holds_the_proportion_within_zero_and_one(of in 1_u64..1_000_000, share in 0.0..=1.0_f64) {
            let rate = wilson((of as f64 * share) as u64, of, 0.95).unwrap();
            prop_assert!(0.0 <= rate.low && rate.low <= rate.value && rate.value <= rate.high && rate.high <= 1.0);
        }
    }
}
