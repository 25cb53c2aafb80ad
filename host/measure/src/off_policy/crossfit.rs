//! Fitting reward models to rows that they are not used on.
//!
//! # Invariants
//!
//! - A row is never judged by a model that was fitted on it or, with clusters, on another row of its cluster (unless
//!   the log is split by rows).

use std::ops::Range;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::influence::Influence;
use super::{Log, Options, Policy, RewardModel};
use crate::{Refusal, random};

/// The stream of the folds: bootstrap draws count up from 0.
const FOLD_STREAM: u64 = u64::MAX;

/// Which rows the reward model learns from, and which are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fitting {
    /// All rows are evaluated, those of each of so many random folds by a model of the other folds.
    CrossFit(u8),
    /// The model learns from so many first rows, and only the rows after them are evaluated.
    FirstRows(usize),
}

/// Sums over the evaluated rows of a fold, one a cell: a pair of a context and an action.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    /// Rows of the log.
    pub(super) counts: Vec<f64>,
    pub(super) rewards: Vec<f64>,
    /// What the policy would choose: its probabilities, added up.
    pub(super) chosen: Vec<f64>,
    /// The weights that are not above the switch.
    kept: Vec<f64>,
}

/// The models of all folds, with what the columns of a row need of them.
#[derive(Debug)]
pub(super) struct Fitted {
    first: usize,
    /// The fold of each evaluated row; empty if there is but one.
    folds: Vec<u8>,
    models: Vec<RewardModel>,
    /// The policy's expected reward in each context, for each fold, where it depends on the context alone.
    expected: Vec<Vec<f64>>,
    pub(super) tallies: Vec<Tally>,
    direct: Influence,
    switched: Influence,
}

impl Fitted {
    /// Fits the models for the evaluated rows.
    ///
    /// # Errors
    /// There are fewer than two folds, no training rows, or the shrinkage is bad.
    pub(super) fn new(
        log: &Log,
        policy: &Policy,
        rows: Range<usize>,
        options: &Options,
    ) -> Result<Self, Refusal> {
        let (folds, count) = match options.fitting {
            Fitting::FirstRows(_) => (Vec::new(), 1),
            Fitting::CrossFit(count) => (folds(log, rows.clone(), count, options.seed)?, count),
        };
        let tallies = tally(log, policy, rows.clone(), &folds, count, options.switch_threshold);
        let (models, direct, switched) = match options.fitting {
            Fitting::FirstRows(count) => {
                let model = RewardModel::fit(log, 0..count, options.shrinkage)?;
                (vec![model], Influence::default(), Influence::default())
            }
            Fitting::CrossFit(_) => {
                let models = without_each(log, &tallies, options.shrinkage)?;
                let direct = Influence::of(&models, &tallies, |tally, cell| tally.chosen[cell]);
                let kept = |tally: &Tally, cell: usize| tally.chosen[cell] - tally.kept[cell];
                let switched = Influence::of(&models, &tallies, kept);
                (models, direct, switched)
            }
        };
        let expected = models
            .iter()
            .map(|model| {
                let contexts = 0..log.contexts();
                contexts
                    .filter_map(|context| Some(model.expect(context, &policy.in_context(log, context)?)))
                    .collect()
            })
            .collect();
        Ok(Self { first: rows.start, folds, models, expected, tallies, direct, switched })
    }

    fn fold(&self, row: usize) -> usize {
        self.folds.get(row - self.first).copied().unwrap_or(0).into()
    }

    /// The model's reward of the logged action.
    pub(super) fn of_logged(&self, log: &Log, row: usize) -> f64 {
        self.models[self.fold(row)].means[log.cell(row)]
    }

    /// The model's reward under the policy.
    pub(super) fn of_policy(&self, log: &Log, policy: &Policy, row: usize) -> f64 {
        let (fold, context) = (self.fold(row), log.context(row));
        match policy {
            Policy::Chosen(chosen) => self.models[fold].predict(context, chosen[row] as usize),
            Policy::ByRow(shares) => {
                let actions = log.actions().len();
                self.models[fold].expect(context, &shares[row * actions..][..actions])
            }
            _ => self.expected[fold][context],
        }
    }

    /// How far the direct and the switched estimate move with a row through the models it trained, times the number
    /// of rows.
    pub(super) fn influence(&self, log: &Log, row: usize) -> (f64, f64) {
        let (fold, cell, reward) = (self.fold(row), log.cell(row), log.reward(row));
        (self.direct.of_row(fold, cell, reward), self.switched.of_row(fold, cell, reward))
    }
}

/// A model for each fold, of all other folds.
fn without_each(log: &Log, tallies: &[Tally], shrinkage: f64) -> Result<Vec<RewardModel>, Refusal> {
    let others = |own: usize, column: fn(&Tally) -> &Vec<f64>| {
        let mut sums = vec![0.0; log.cells()];
        for (_, tally) in tallies.iter().enumerate().filter(|(fold, _)| *fold != own) {
            sums.iter_mut().zip(column(tally)).for_each(|(sum, value)| *sum += value);
        }
        sums
    };
    let model = |fold| {
        let (counts, sums) = (others(fold, |tally| &tally.counts), others(fold, |tally| &tally.rewards));
        RewardModel::of_sums(log.actions().len(), counts, sums, shrinkage)
    };
    (0..tallies.len()).map(model).collect()
}

/// A random fold for each row; rows of a cluster share theirs.
fn folds(log: &Log, rows: Range<usize>, count: u8, seed: u64) -> Result<Vec<u8>, Refusal> {
    if count < 2 {
        return Err(Refusal::BadValue {
            what: "the number of folds".into(),
            value: count.into(),
            must: "2 or more",
        });
    }
    let mut generator = random::stream(seed, FOLD_STREAM);
    let mut draw =
        |units: usize| -> Vec<u8> { (0..units).map(|_| generator.random_range(0..count)).collect() };
    Ok(match log.clusters() {
        None => draw(rows.len()),
        Some(clusters) => {
            let of_cluster = draw(log.cluster_count());
            clusters[rows].iter().map(|cluster| of_cluster[*cluster as usize]).collect()
        }
    })
}

/// Adds up the evaluated rows of each fold.
fn tally(log: &Log, policy: &Policy, rows: Range<usize>, folds: &[u8], count: u8, switch: f64) -> Vec<Tally> {
    let zero = || vec![0.0; log.cells()];
    let empty = || Tally { counts: zero(), rewards: zero(), chosen: zero(), kept: zero() };
    let mut tallies: Vec<Tally> = (0..count).map(|_| empty()).collect();
    let actions = log.actions().len();
    for row in rows.clone() {
        let fold = folds.get(row - rows.start).copied().unwrap_or(0);
        let (tally, cell) = (&mut tallies[usize::from(fold)], log.cell(row));
        tally.counts[cell] += 1.0;
        tally.rewards[cell] += log.reward(row);
        let weight = policy.of_logged(log, row) / log.propensity(row);
        if weight <= switch {
            tally.kept[cell] += weight;
        }
        match policy {
            Policy::Chosen(chosen) => tally.chosen[log.context(row) * actions + chosen[row] as usize] += 1.0,
            Policy::ByRow(shares) => {
                let cells = &mut tally.chosen[log.context(row) * actions..][..actions];
                cells.iter_mut().zip(&shares[row * actions..]).for_each(|(sum, share)| *sum += share);
            }
            _ => {}
        }
    }
    for context in 0..log.contexts() {
        let Some(shares) = policy.in_context(log, context) else { break };
        for tally in &mut tallies {
            let cells = context * actions..(context + 1) * actions;
            let rows: f64 = tally.counts[cells.clone()].iter().sum();
            tally.chosen[cells].iter_mut().zip(&shares).for_each(|(sum, share)| *sum = rows * share);
        }
    }
    tallies
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::off_policy::Categorical;

    fn log(rows: u32) -> Log {
        let rewards = (0..rows).map(|row| f64::from(row * row % 17)).collect();
        let actions = Categorical::numbered(2, (0..rows).map(|row| row % 2).collect());
        Log::new(actions, rewards, vec![0.5; rows as usize]).unwrap()
    }

    #[test]
    fn no_row_is_judged_by_a_model_of_its_fold_or_cluster() {
        let clusters: Vec<u64> = (0..100).map(|row| row / 5).collect();
        let options = Options { shrinkage: 0.0, ..Options::default() };
        for log in [log(100), log(100).with_clusters(&clusters).unwrap()] {
            let fitted = Fitted::new(&log, &Policy::Uniform, 0..100, &options).unwrap();
            for row in 0..100 {
                let mate = |other: &usize| log.clusters().is_some() && clusters[*other] == clusters[row];
                assert!((0..100).filter(mate).all(|other| fitted.fold(other) == fitted.fold(row)));
                let others = |other: &usize| {
                    fitted.fold(*other) != fitted.fold(row) && log.cell(*other) == log.cell(row)
                };
                let rewards: Vec<f64> = (0..100).filter(others).map(|other| log.reward(other)).collect();
                let mean = rewards.iter().sum::<f64>() / rewards.len() as f64;
                assert!((fitted.of_logged(&log, row) - mean).abs() < 1e-12, "row {row}");
            }
            let folds: std::collections::BTreeSet<usize> = (0..100).map(|row| fitted.fold(row)).collect();
            assert_eq!(folds.len(), 5);
        }
    }

    #[test]
    fn the_influence_of_a_row_is_the_derivative_of_the_direct_estimate() {
        // A reward moves q by its slope: compare the direct estimate before and after one reward is raised.
        let options = Options { shrinkage: 3.0, ..Options::default() };
        let direct = |log: &Log| {
            let fitted = Fitted::new(log, &Policy::Uniform, 0..60, &options).unwrap();
            (0..60).map(|row| fitted.of_policy(log, &Policy::Uniform, row)).sum::<f64>()
        };
        let before = log(60);
        let fitted = Fitted::new(&before, &Policy::Uniform, 0..60, &options).unwrap();
        for row in [0, 7, 33, 59] {
            let rewards =
                (0..60).map(|other| before.reward(other) + f64::from(u8::from(other == row))).collect();
            let actions = Categorical::numbered(2, (0..60).map(|row| row % 2).collect());
            let after = Log::new(actions, rewards, vec![0.5; 60]).unwrap();
            let slope = fitted.direct.slope(fitted.fold(row), before.cell(row));
            assert!((direct(&after) - direct(&before) - slope).abs() < 1e-10, "row {row}: {slope}");
        }
        let sum: f64 = (0..60).map(|row| fitted.influence(&before, row).0).sum();
        assert!(sum.abs() < 1e-9, "{sum}");
    }
}
