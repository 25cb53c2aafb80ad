//! Predicting whom treatment moves, from a randomised trial: the T-learner and the X-learner.
//!
//! # Not here
//!
//! Forests, which are `smartcore`'s.

use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use smartcore::ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;

use super::{Evaluation, EvaluationOptions, Trial, evaluate};
use crate::observational::linear::{Design, Line, dot, ranks};
use crate::{Refusal, random};

/// How effects are predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Learner {
    pub meta: MetaLearner,
    pub base: BaseLearner,
}

/// How predictions of outcomes become predictions of effects. Source: S. R. Künzel, J. S. Sekhon, P. J. Bickel and
/// B. Yu, "Metalearners for estimating heterogeneous treatment effects using machine learning", PNAS 116 (2019).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetaLearner {
    /// m₁(x) − m₀(x), each fitted on its arm.
    T,
    /// g t₀(x) + (1 − g) t₁(x), with t₁ fitted on Y − m₀(x) of the treated, t₀ on m₁(x) − Y of the untreated, and g the
    /// share of treated: better where one arm is much smaller. The same as T with lines.
    X,
}

/// How outcomes are predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum BaseLearner {
    /// Least squares on standardised features with a ridge of 10⁻⁶ a customer.
    Linear,
    /// A random forest that tries a third of the features at a split.
    Forest { trees: usize, customers_per_leaf_min: usize, depth_max: u16 },
}

impl BaseLearner {
    /// A forest that suits effects, which are small beside noise: large leaves, shallow trees.
    pub fn forest() -> Self {
        Self::Forest { trees: 100, customers_per_leaf_min: 50, depth_max: 6 }
    }
}

/// Predictions for customers by learners that saw only earlier folds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HeldOut {
    /// Who is predicted, by position in the trial: everyone but the first fold.
    pub customers: Vec<usize>,
    /// The predicted effect of each, in units of the outcome.
    pub effects: Vec<f64>,
    /// The rank of the effect in its fold, over the fold's size plus one: what to evaluate. Effects of different folds
    /// come from different learners and do not compare.
    pub scores: Vec<f64>,
}

impl HeldOut {
    /// Judges the scores on the trial they are from: see [`evaluate`](super::evaluate).
    ///
    /// # Errors
    /// As [`evaluate`](super::evaluate).
    pub fn evaluate(&self, trial: &Trial, options: EvaluationOptions) -> Result<Evaluation, Refusal> {
        let treated: Vec<_> = self.customers.iter().map(|i| trial.treated[*i]).collect();
        let outcome: Vec<_> = self.customers.iter().map(|i| trial.outcome[*i]).collect();
        evaluate(&self.scores, &treated, &outcome, options)
    }
}

/// Predicts the effects on each fold by a learner fitted on the folds before it; the first fold only teaches.
///
/// Each fold is new to its learner and to all before it, so that what the folds show adds up as independent samples
/// would. Where every learner is fitted on all other folds instead, each customer is judged in his own fold and teaches
/// in the rest, the folds' errors move together, and 95 % intervals of a score that says nothing exclude 0 in about 10 %
/// of trials. Source: S. Wager, "Sequential validation of treatment heterogeneity", arXiv:2405.05534 (2024).
///
/// Folds are drawn at random within each arm. The same seed gives the same folds and forests, on any 64-bit machine.
///
/// # Errors
/// There are fewer than two folds, or an arm of the first fold has fewer than 20 customers or than two for each feature.
pub fn held_out(trial: &Trial, learner: Learner, folds: usize, seed: u64) -> Result<HeldOut, Refusal> {
    if folds < 2 {
        return Err(Refusal::BadValue {
            what: "the number of folds".into(),
            value: folds as f64,
            must: "at least 2",
        });
    }
    let columns: Vec<_> = trial.features.iter().map(Vec::as_slice).collect();
    let design = Design::standardised(&columns, trial.outcome.len());
    let fold_of = draw_folds(trial, folds, seed);
    let predict = |fold: usize| {
        let those =
            |is: &dyn Fn(usize) -> bool| (0..fold_of.len()).filter(|i| is(fold_of[*i])).collect::<Vec<_>>();
        let (seen, customers) = (those(&|of| of < fold), those(&|of| of == fold));
        let effects = learner.predict(trial, &design, &seen, &customers, seed.wrapping_add(fold as u64))?;
        Ok((customers, effects))
    };
    let parts: Vec<_> = (1..folds).into_par_iter().map(predict).collect::<Result<_, Refusal>>()?;
    let mut found = HeldOut { customers: vec![], effects: vec![], scores: vec![] };
    for (customers, effects) in parts {
        let size = (customers.len() + 1) as f64;
        found.scores.extend(ranks(&effects).into_iter().map(|rank| rank / size));
        found.customers.extend(customers);
        found.effects.extend(effects);
    }
    Ok(found)
}

/// The fold of each customer.
fn draw_folds(trial: &Trial, folds: usize, seed: u64) -> Vec<usize> {
    let mut generator = random::stream(seed, 0);
    let mut fold_of = vec![0; trial.treated.len()];
    for arm in [false, true] {
        let mut customers: Vec<_> = (0..trial.treated.len()).filter(|i| trial.treated[*i] == arm).collect();
        customers.shuffle(&mut generator);
        customers.iter().enumerate().for_each(|(place, customer)| fold_of[*customer] = place % folds);
    }
    fold_of
}

impl Learner {
    /// Predicts effects of some customers from others.
    fn predict(
        self,
        trial: &Trial,
        design: &Design,
        seen: &[usize],
        of: &[usize],
        seed: u64,
    ) -> Result<Vec<f64>, Refusal> {
        let (treated, untreated): (Vec<_>, Vec<_>) = seen.iter().partition(|i| trial.treated[**i]);
        let need = (2 * design.width()).max(20);
        for (what, arm) in
            [("the treated to learn from", &treated), ("the untreated to learn from", &untreated)]
        {
            if arm.len() < need {
                let (what, have) = (what.into(), arm.len() as u64);
                return Err(Refusal::TooFew { what, unit: "customers", have, need: need as u64 });
            }
        }
        let outcomes = |rows: &[usize]| rows.iter().map(|row| trial.outcome[*row]).collect::<Vec<_>>();
        let with = self.base.fit(design, &treated, outcomes(&treated), seed)?;
        let without = self.base.fit(design, &untreated, outcomes(&untreated), seed)?;
        let combine = |first: Vec<f64>, second: Vec<f64>, by: &dyn Fn(f64, f64) -> f64| {
            first.into_iter().zip(second).map(|(a, b)| by(a, b)).collect::<Vec<_>>()
        };
        let minus = |a: f64, b: f64| a - b;
        match self.meta {
            MetaLearner::T => Ok(combine(with.predict(design, of)?, without.predict(design, of)?, &minus)),
            MetaLearner::X => {
                let gained = combine(outcomes(&treated), without.predict(design, &treated)?, &minus);
                let missed = combine(with.predict(design, &untreated)?, outcomes(&untreated), &minus);
                let share = treated.len() as f64 / seen.len() as f64;
                let by_treated = self.base.fit(design, &treated, gained, seed)?.predict(design, of)?;
                let by_untreated = self.base.fit(design, &untreated, missed, seed)?.predict(design, of)?;
                Ok(combine(by_untreated, by_treated, &|untreated, treated| {
                    share * untreated + (1.0 - share) * treated
                }))
            }
        }
    }
}

/// A fitted base learner.
enum Fitted {
    Line(Vec<f64>),
    Forest(Box<RandomForestRegressor<f64, f64, DenseMatrix<f64>, Vec<f64>>>),
}

impl BaseLearner {
    /// Fits targets of some rows.
    fn fit(self, design: &Design, rows: &[usize], targets: Vec<f64>, seed: u64) -> Result<Fitted, Refusal> {
        match self {
            Self::Linear => {
                let mut all = vec![(0.0, 0.0); design.rows().len()];
                rows.iter().zip(targets).for_each(|(row, target)| all[*row] = (target, 1.0));
                let (targets, weights): (Vec<_>, Vec<_>) = all.into_iter().unzip();
                Ok(Fitted::Line(Line::fit(design, &targets, &weights)?.coefficients))
            }
            Self::Forest { trees, customers_per_leaf_min, depth_max } => {
                let parameters = RandomForestRegressorParameters::default()
                    .with_n_trees(trees)
                    .with_min_samples_leaf(customers_per_leaf_min)
                    .with_max_depth(depth_max)
                    .with_m((design.width() - 1).div_ceil(3))
                    .with_seed(seed);
                let forest = RandomForestRegressor::fit(&matrix(design, rows)?, &targets, parameters);
                Ok(Fitted::Forest(Box::new(forest.map_err(failed)?)))
            }
        }
    }
}

impl Fitted {
    fn predict(&self, design: &Design, rows: &[usize]) -> Result<Vec<f64>, Refusal> {
        match self {
            Self::Line(coefficients) => {
                Ok(rows.iter().map(|row| dot(design.row(*row), coefficients)).collect())
            }
            Self::Forest(forest) => forest.predict(&matrix(design, rows)?).map_err(failed),
        }
    }
}

/// Features of rows, without the intercept.
fn matrix(design: &Design, rows: &[usize]) -> Result<DenseMatrix<f64>, Refusal> {
    let values: Vec<_> = rows.iter().flat_map(|row| &design.row(*row)[1..]).copied().collect();
    // By columns, as trees read them.
    let (height, width) = (rows.len(), design.width() - 1);
    let mut columns = vec![0.0; values.len()];
    for (place, value) in values.into_iter().enumerate() {
        columns[place % width * height + place / width] = value;
    }
    DenseMatrix::new(height, width, columns, true).map_err(failed)
}

fn failed(error: impl ToString) -> Refusal {
    Refusal::NotConverged { what: "the forest".into(), why: error.to_string() }
}
