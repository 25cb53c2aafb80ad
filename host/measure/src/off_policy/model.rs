//! The reward model: one shrunken mean for each context and action.

use std::ops::Range;

use super::Log;
use crate::Refusal;

/// The mean reward of each context and action, shrunk to the mean of all rows.
///
/// q(c, a) = (S + k g) / (n + k), with S the sum of the rewards of the n training rows that have this context and
/// action, g the mean reward of all training rows and k the shrinkage: the posterior mean under a prior that is worth
/// k rows. Source: B. Efron and C. Morris, "Data Analysis Using Stein's Estimator and its Generalizations", JASA 70
/// (1975), with k given instead of estimated.
#[derive(Debug, Clone, PartialEq)]
pub struct RewardModel {
    actions: usize,
    /// The training rows and their mean reward.
    pub(super) rows: f64,
    pub(super) mean: f64,
    pub(super) shrinkage: f64,
    /// The training rows of each cell: a pair of a context and an action.
    pub(super) counts: Vec<f64>,
    pub(super) means: Vec<f64>,
}

impl RewardModel {
    /// Fits the model to rows of a log; `shrinkage` is in rows.
    ///
    /// # Errors
    /// There are no rows, or the shrinkage is negative or not finite.
    pub fn fit(log: &Log, rows: Range<usize>, shrinkage: f64) -> Result<Self, Refusal> {
        let (mut counts, mut sums) = (vec![0.0; log.cells()], vec![0.0; log.cells()]);
        for row in rows {
            counts[log.cell(row)] += 1.0;
            sums[log.cell(row)] += log.reward(row);
        }
        Self::of_sums(log.actions().len(), counts, sums, shrinkage)
    }

    /// From the number of training rows and the sum of their rewards, for each context and action.
    pub(super) fn of_sums(
        actions: usize,
        counts: Vec<f64>,
        sums: Vec<f64>,
        shrinkage: f64,
    ) -> Result<Self, Refusal> {
        if !(shrinkage >= 0.0 && shrinkage.is_finite()) {
            let what = "the shrinkage".into();
            return Err(Refusal::BadValue { what, value: shrinkage, must: "0 or more rows" });
        }
        let rows: f64 = counts.iter().sum();
        if rows == 0.0 {
            let what = "the training of the reward model".into();
            return Err(Refusal::TooFew { what, unit: "rows", have: 0, need: 1 });
        }
        let mean = sums.iter().sum::<f64>() / rows;
        let shrunken = |(count, sum): (&f64, &f64)| match count + shrinkage {
            0.0 => mean,
            weight => (sum + shrinkage * mean) / weight,
        };
        let means = counts.iter().zip(&sums).map(shrunken).collect();
        Ok(Self { actions, rows, mean, shrinkage, counts, means })
    }

    /// The expected reward of an action in a context; the mean of all training rows if they never had the two
    /// together.
    pub fn predict(&self, context: usize, action: usize) -> f64 {
        self.means[context * self.actions + action]
    }

    /// The expected reward of a row under a policy that gives these probabilities to the actions.
    pub(super) fn expect(&self, context: usize, shares: &[f64]) -> f64 {
        let means = &self.means[context * self.actions..][..self.actions];
        shares.iter().zip(means).map(|(share, mean)| share * mean).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::off_policy::Categorical;

    #[test]
    fn a_mean_is_shrunk_to_that_of_all_rows() {
        let actions = Categorical::numbered(3, vec![0, 0, 1]);
        let log = Log::new(actions, vec![1.0, 2.0, 6.0], vec![0.5; 3]).unwrap();
        let model = RewardModel::fit(&log, 0..3, 1.0).unwrap();
        assert_eq!([0, 1, 2].map(|action| model.predict(0, action)), [2.0, 4.5, 3.0]);
        let own = RewardModel::fit(&log, 0..3, 0.0).unwrap();
        assert_eq!([0, 1, 2].map(|action| own.predict(0, action)), [1.5, 6.0, 3.0]);
    }
}
