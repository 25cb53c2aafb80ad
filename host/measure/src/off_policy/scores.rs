//! The sums of the evaluated rows, and the estimates, standard errors and intervals that follow from them.
//!
//! # Invariants
//!
//! - Sums are added up in chunks of fixed size, so that they are the same for any number of threads.
//! - Rows are computed when they are asked for: what is kept is a byte a row, and the sums of each cluster.

use std::ops::Range;

use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::crossfit::{Fitted, Tally};
use super::estimator::{self, COLUMNS, MEAN_WEIGHT, Ratio, WITHOUT_MODEL};
use super::{Estimator, Fitting, Log, Options, Policy};
use crate::bootstrap::{percentile, resample_sums};
use crate::effects::normal_quantile;
use crate::{Estimate, Refusal, random};

/// Rows or clusters beyond this number are first added up in so many random groups, which are resampled instead.
const RESAMPLED_MAX: usize = 20_000;
/// The stream of the groups: bootstrap draws count up from 0.
const GROUP_STREAM: u64 = u64::MAX - 1;
const CHUNK: usize = 1 << 16;

/// Why an estimator has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoValue {
    /// The policy does not choose one action for certain.
    DrawnActions,
    /// The propensities differ between rows.
    UnequalPropensities,
    /// The policy's probabilities of the actions that were not logged are unknown.
    UnknownProbabilities,
}

/// The evaluated rows of a log under a policy, ready to be summed up.
#[derive(Debug)]
pub struct Scores<'a> {
    log: &'a Log,
    policy: &'a Policy,
    rows: Range<usize>,
    switch: f64,
    fitted: Option<Fitted>,
    /// Why there is no replay.
    no_replay: Option<NoValue>,
    /// The sums of each cluster that has evaluated rows.
    clusters: Option<Vec<[f64; COLUMNS]>>,
    totals: [f64; COLUMNS],
}

impl<'a> Scores<'a> {
    /// Fits the reward model, if the policy tells its probabilities of all actions, and sums up the evaluated rows.
    ///
    /// # Errors
    /// The policy or an option is bad, no row is evaluated, or rewards or weights are too large to be summed up.
    pub fn new(log: &'a Log, policy: &'a Policy, options: &Options) -> Result<Self, Refusal> {
        options.check()?;
        policy.check(log)?;
        let rows = match options.fitting {
            Fitting::CrossFit(_) => 0..log.rows(),
            Fitting::FirstRows(count) => count.min(log.rows())..log.rows(),
        };
        if rows.is_empty() {
            return Err(Refusal::TooFew { what: "the evaluation".into(), unit: "rows", have: 0, need: 1 });
        }
        let fitted =
            policy.is_complete().then(|| Fitted::new(log, policy, rows.clone(), options)).transpose()?;
        let (switch, no_replay) = (options.switch_threshold, no_replay(log, policy, rows.clone()));
        let (clusters, totals) = (None, [0.0; COLUMNS]);
        let mut scores = Self { log, policy, rows, switch, fitted, no_replay, clusters, totals };
        scores.clusters = scores.by_cluster();
        scores.totals = scores.sum(|unit| scores.unit(unit));
        // With squares as well, so that whatever follows is a number.
        if let Some(total) = scores.totals.into_iter().find(|total| !(total * total).is_finite()) {
            let what = "a sum of weights or weighted rewards".into();
            return Err(Refusal::BadValue { what, value: total, must: "small enough to be squared" });
        }
        Ok(scores)
    }

    /// Which rows are evaluated.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// The weight of a row: the policy's probability of the logged action over its propensity.
    pub fn weight(&self, row: usize) -> f64 {
        self.policy.of_logged(self.log, row) / self.log.propensity(row)
    }

    /// How many units are independent of each other: clusters, or else rows.
    pub fn units(&self) -> usize {
        self.clusters.as_ref().map_or(self.rows.len(), Vec::len)
    }

    /// The estimators that have a value here.
    pub fn available(&self) -> Vec<Estimator> {
        Estimator::ALL.into_iter().filter(|estimator| self.unavailable(*estimator).is_none()).collect()
    }

    /// Why an estimator has no value here.
    pub fn unavailable(&self, estimator: Estimator) -> Option<NoValue> {
        match estimator {
            Estimator::Replay => self.no_replay,
            _ if estimator.needs_model() && self.fitted.is_none() => Some(NoValue::UnknownProbabilities),
            _ => None,
        }
    }

    /// Values with their standard errors and normal intervals, in the order of [`Scores::available`].
    ///
    /// The standard error is that of linearised scores: the square root of Σ (Σ (x − ρ d) / D)² over the units, for a
    /// value that is a sum of ratios ρ of Σ x to D = Σ d; times √(n / (n − 1)) where D is the number of rows, so that
    /// it is then that of a sample mean. The scores of the direct and the switched estimator hold the influence of
    /// each row through the models it trained; with [`Fitting::FirstRows`] the model is taken as given. Sources: W. G.
    /// Cochran, "Sampling Techniques" (3rd edition, 1977), chapter 6, for the ratio; K.-Y. Liang and S. L. Zeger,
    /// "Longitudinal Data Analysis Using Generalized Linear Models", Biometrika 73 (1986), for clusters.
    ///
    /// # Errors
    /// No row has a weight, or the confidence is not between 0 and 1.
    pub fn estimates(&self, confidence: f64) -> Result<Vec<Estimate>, Refusal> {
        let ratios = self.ratios();
        let standard_errors = self.standard_errors(&ratios);
        let z = normal_quantile(confidence)?;
        let estimate = |(ratios, standard_error): (&&[Ratio], f64)| {
            let value = estimator::value(ratios, &self.totals).ok_or_else(no_weight)?;
            let half = z * standard_error;
            Ok(Estimate { value, standard_error, low: value - half, high: value + half })
        };
        ratios.iter().zip(standard_errors).map(estimate).collect()
    }

    /// Values with their standard errors and percentile intervals over bootstrap draws of the units, in the order of
    /// [`Scores::available`]. Every ratio is formed anew in each draw.
    ///
    /// More than 20,000 units are first added up in 20,000 random groups, and groups are drawn: that leaves variance
    /// and skewness of a sum as they are, but for chance. Source: B. Efron, "Bootstrap Methods: Another Look at the
    /// Jackknife", Annals of Statistics 7 (1979).
    ///
    /// # Errors
    /// There are too few draws for the confidence, no row has a weight, or the confidence is not between 0 and 1.
    pub fn bootstrap(&self, draws: usize, seed: u64, confidence: f64) -> Result<Vec<Estimate>, Refusal> {
        // Rows that are drawn one by one are as many in each draw, and need not be counted.
        let sums = match (&self.fitted, self.clusters.is_none() && self.units() <= RESAMPLED_MAX) {
            (None, true) => self.draw::<{ WITHOUT_MODEL - 1 }>(1, draws, seed),
            (None, false) => self.draw::<WITHOUT_MODEL>(0, draws, seed),
            (Some(_), true) => self.draw::<{ COLUMNS - 1 }>(1, draws, seed),
            (Some(_), false) => self.draw::<COLUMNS>(0, draws, seed),
        }?;
        let interval = |ratios: &[Ratio]| {
            let value = estimator::value(ratios, &self.totals).ok_or_else(no_weight)?;
            // Weights that are above 0 in few rows only may all be missing from a draw.
            let values = sums.iter().filter_map(|sums| estimator::value(ratios, sums)).collect();
            percentile(value, values, confidence)
        };
        self.ratios().into_iter().map(interval).collect()
    }

    /// The mean of the weights, which the right propensities make 1 in expectation.
    pub(super) fn mean_weight(&self) -> (f64, f64) {
        let mean = estimator::value(MEAN_WEIGHT, &self.totals).expect("rows are evaluated");
        (mean, self.standard_errors(&[MEAN_WEIGHT])[0])
    }

    /// What log and policy chose, by fold and cell; none if only the logged actions' probabilities are known.
    pub(super) fn tallies(&self) -> Option<&[Tally]> {
        self.fitted.as_ref().map(|fitted| fitted.tallies.as_slice())
    }

    /// The sums of the weights of each cluster.
    pub(super) fn cluster_weights(&self) -> Option<impl Iterator<Item = f64>> {
        let (place, _) = MEAN_WEIGHT[0];
        self.clusters.as_ref().map(|clusters| clusters.iter().map(move |sums| sums[place]))
    }

    fn row(&self, row: usize) -> [f64; COLUMNS] {
        let reward = self.log.reward(row);
        let model = self.fitted.as_ref().map(|fitted| {
            let policy = fitted.of_policy(self.log, self.policy, row);
            (fitted.of_logged(self.log, row), policy, fitted.influence(self.log, row))
        });
        estimator::columns(self.weight(row), reward, model, self.switch)
    }

    fn unit(&self, unit: usize) -> [f64; COLUMNS] {
        self.clusters.as_ref().map_or_else(|| self.row(self.rows.start + unit), |clusters| clusters[unit])
    }

    fn by_cluster(&self) -> Option<Vec<[f64; COLUMNS]>> {
        let codes = self.log.clusters()?;
        let mut sums = vec![[0.0; COLUMNS]; self.log.cluster_count()];
        for row in self.rows() {
            add(&mut sums[codes[row] as usize], &self.row(row));
        }
        // Every row counts, so that only a cluster without evaluated rows is empty.
        sums.retain(|sums| sums != &[0.0; COLUMNS]);
        Some(sums)
    }

    fn ratios(&self) -> Vec<&'static [Ratio]> {
        self.available().into_iter().map(Estimator::ratios).collect()
    }

    fn standard_errors(&self, ratios: &[&[Ratio]]) -> Vec<f64> {
        let squares = self.sum(|unit| {
            let (sums, mut squares) = (self.unit(unit), [0.0; Estimator::ALL.len()]);
            for (square, ratios) in squares.iter_mut().zip(ratios) {
                *square = estimator::residual(ratios, &self.totals, &sums).powi(2);
            }
            squares
        });
        let root = |(ratios, square): (&&[Ratio], f64)| {
            (square * estimator::correction(ratios, self.units())).sqrt()
        };
        ratios.iter().zip(squares).map(root).collect()
    }

    fn sum<const K: usize>(&self, of_unit: impl Fn(usize) -> [f64; K] + Sync) -> [f64; K] {
        let units = self.units();
        let chunk = |start: usize| {
            let mut sums = [0.0; K];
            (start..units.min(start + CHUNK)).for_each(|unit| add(&mut sums, &of_unit(unit)));
            sums
        };
        let chunks: Vec<[f64; K]> =
            (0..units.div_ceil(CHUNK)).into_par_iter().map(|number| chunk(number * CHUNK)).collect();
        chunks.iter().fold([0.0; K], |mut sums, chunk| {
            add(&mut sums, chunk);
            sums
        })
    }

    /// The sums of each draw, of `K` columns from the first on; the others as they are over all rows.
    fn draw<const K: usize>(
        &self,
        first: usize,
        draws: usize,
        seed: u64,
    ) -> Result<Vec<[f64; COLUMNS]>, Refusal> {
        let complete = |drawn: [f64; K]| {
            let mut sums = self.totals;
            sums[first..][..K].copy_from_slice(&drawn);
            sums
        };
        let drawn = resample_sums(&self.resampled::<K>(first, seed), draws, seed)?;
        Ok(drawn.into_iter().map(complete).collect())
    }

    /// Columns of each unit, or of random groups of units.
    fn resampled<const K: usize>(&self, first: usize, seed: u64) -> Vec<[f64; K]> {
        let part = |unit: usize| {
            let sums = self.unit(unit);
            std::array::from_fn(|column| sums[first + column])
        };
        if self.units() <= RESAMPLED_MAX {
            return (0..self.units()).map(part).collect();
        }
        let mut groups = vec![[0.0; K]; RESAMPLED_MAX];
        let mut generator = random::stream(seed, GROUP_STREAM);
        for unit in 0..self.units() {
            add(&mut groups[generator.random_range(0..RESAMPLED_MAX)], &part(unit));
        }
        groups
    }
}

fn add<const K: usize>(sums: &mut [f64; K], values: &[f64; K]) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

fn no_replay(log: &Log, policy: &Policy, mut rows: Range<usize>) -> Option<NoValue> {
    let first = log.propensity(rows.start);
    // Of other actions than the logged ones nothing need be known: a share of 1 leaves none for them.
    if !rows.clone().all(|row| matches!(policy.of_logged(log, row), 0.0 | 1.0)) {
        Some(NoValue::DrawnActions)
    } else if rows.any(|row| (log.propensity(row) / first - 1.0).abs() > 1e-9) {
        Some(NoValue::UnequalPropensities)
    } else {
        None
    }
}

fn no_weight() -> Refusal {
    Refusal::NoSupport { what: "the policy would have chosen no action that was logged".into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::off_policy::Categorical;

    /// Two rows to learn from and four to evaluate, with weights .8, 1.2, .5 and 3 under [`POLICY`].
    fn log() -> Log {
        let actions = Categorical::of(["a", "b", "a", "b", "a", "b"]);
        Log::new(actions, vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0], vec![0.5, 0.5, 0.5, 0.5, 0.8, 0.2]).unwrap()
    }

    fn policy() -> Policy {
        Policy::Shared(vec![0.4, 0.6])
    }

    fn options() -> Options {
        Options {
            fitting: Fitting::FirstRows(2),
            shrinkage: 2.0,
            switch_threshold: 1.2,
            ..Options::default()
        }
    }

    #[test]
    fn a_worked_example_by_every_estimator() {
        let (log, policy) = (log(), policy());
        let scores = Scores::new(&log, &policy, &options()).unwrap();
        // g = 1/2, so that q(a) = (1 + 2 g) / 3 = 2/3 and q(b) = 1/3; w (r - q) is .8/3, -1.2/3, -1/3 and 2.
        let modelled = 0.4 * 2.0 / 3.0 + 0.6 / 3.0;
        let corrections = (0.8 - 1.2 - 1.0) / 3.0 + 2.0;
        let expected = [
            (Estimator::InversePropensity, 3.8 / 4.0),
            (Estimator::SelfNormalised, 3.8 / 5.5),
            (Estimator::Direct, modelled),
            (Estimator::DoublyRobust, modelled + corrections / 4.0),
            (Estimator::SelfNormalisedDoublyRobust, modelled + corrections / 5.5),
            (Estimator::SwitchDoublyRobust, modelled + (corrections - 2.0) / 4.0),
        ];
        let estimates = scores.estimates(0.95).unwrap();
        assert_eq!(scores.available(), expected.map(|(estimator, _)| estimator));
        for ((estimator, value), estimate) in expected.iter().zip(&estimates) {
            assert!((estimate.value - value).abs() < 1e-15, "{}: {estimate:?}", estimator.label());
        }
        // w r is .8, 0, 0, 3 with a sample variance of 6.03 / 3; w (r - SNIPW) is squared and added up.
        assert!((estimates[0].standard_error - (6.03_f64 / 3.0 / 4.0).sqrt()).abs() < 1e-15);
        let residuals = [(0.8, 1.0), (1.2, 0.0), (0.5, 0.0), (3.0, 1.0)].map(|(w, r)| w * (r - 3.8 / 5.5));
        let squares: f64 = residuals.iter().map(|residual| residual * residual).sum();
        assert!((estimates[1].standard_error - squares.sqrt() / 5.5).abs() < 1e-15);
        assert!((estimates[1].high - estimates[1].value - 1.959964 * squares.sqrt() / 5.5).abs() < 1e-6);
    }

    #[test]
    fn clusters_of_one_row_change_nothing_and_larger_ones_add_up() {
        let policy = policy();
        let estimates = |log: Log| Scores::new(&log, &policy, &options()).unwrap().estimates(0.95).unwrap();
        assert_eq!(estimates(log()), estimates(log().with_clusters(&[1, 2, 3, 4, 5, 6]).unwrap()));
        // Two clusters: w r is .8 and 3 over two rows each, with a mean of .95 a row.
        let paired = estimates(log().with_clusters(&[1, 1, 2, 2, 3, 3]).unwrap());
        let expected = (2.0 * 2.0 * (1.1_f64 / 4.0).powi(2)).sqrt();
        assert!((paired[0].standard_error - expected).abs() < 1e-15, "{paired:?}");
    }

    #[test]
    fn weights_are_normalised_anew_in_each_draw() {
        // Whatever is drawn, the weighted mean of rewards that are all 5 is 5, and their weighted sum is not.
        let codes: Vec<u32> = (0..200).map(|row| u32::from(row % 5 == 0)).collect();
        let propensities = codes.iter().map(|code| if *code == 1 { 0.2 } else { 0.8 }).collect();
        let log = Log::new(Categorical::numbered(2, codes), vec![5.0; 200], propensities).unwrap();
        let estimates = Scores::new(&log, &Policy::Uniform, &Options::default())
            .unwrap()
            .bootstrap(500, 1, 0.95)
            .unwrap();
        let [ipw, snipw] = [estimates[0], estimates[1]];
        assert!(ipw.low < 4.6 && ipw.high > 5.4, "{ipw:?}");
        assert!((snipw.low - 5.0).abs() < 1e-12 && (snipw.high - 5.0).abs() < 1e-12, "{snipw:?}");
    }

    #[test]
    fn what_is_too_large_for_a_number_is_refused() {
        let log = Log::new(Categorical::of(["a"; 2]), vec![1.0, 0.0], vec![1e-320, 1.0]).unwrap();
        let refusal = Scores::new(&log, &Policy::Uniform, &Options::default()).unwrap_err();
        assert!(matches!(refusal, Refusal::BadValue { value: f64::INFINITY, .. }), "{refusal}");
    }

    #[test]
    fn replay_is_for_certain_choices_on_a_log_of_one_propensity() {
        let estimators =
            |policy: Policy, log: Log| Scores::new(&log, &policy, &options()).unwrap().available();
        let constant = Log::new(Categorical::of(["a", "b", "a", "b"]), vec![1.0; 4], vec![0.5; 4]).unwrap();
        assert_eq!(estimators(Policy::Chosen(vec![0; 4]), constant.clone())[0], Estimator::Replay);
        assert_eq!(estimators(policy(), constant)[0], Estimator::InversePropensity);
        assert_eq!(estimators(Policy::Chosen(vec![0; 6]), log())[0], Estimator::InversePropensity);
        let (unequal, logged) = (Policy::Chosen(vec![0; 6]), Policy::Logged(vec![0.5; 6]));
        let why = |policy: &Policy, estimator| {
            Scores::new(&log(), policy, &options()).unwrap().unavailable(estimator)
        };
        assert_eq!(why(&unequal, Estimator::Replay), Some(NoValue::UnequalPropensities));
        assert_eq!(why(&logged, Estimator::Replay), Some(NoValue::DrawnActions));
        assert_eq!(why(&logged, Estimator::Direct), Some(NoValue::UnknownProbabilities));
    }
}
