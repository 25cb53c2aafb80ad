//! How much a row moves an estimate through the models that were trained on it.
//!
//! An estimate that rests on a model's rewards alone is as uncertain as the rows that made the model. The rows it is
//! used on do not show that.

use super::RewardModel;
use super::crossfit::Tally;

/// How much an estimate moves with a row on which models were trained: slope times reward less offset, both by fold
/// of the row and by cell; centred, so that it adds spread and no value. Empty without folds.
///
/// Of the derivatives of q: a training row with reward r moves its own cell by (r − q) / (n + k), and through the
/// mean every cell by k / (n + k) · (r − g) / N. Source of the method: F. R. Hampel, "The Influence Curve and its Role
/// in Robust Estimation", JASA 69 (1974).
#[derive(Debug, Default)]
pub(super) struct Influence {
    slopes: Vec<Vec<f64>>,
    offsets: Vec<Vec<f64>>,
    centre: f64,
}

impl Influence {
    /// From the models and, for each fold and cell, how far the sum of the fold's scores moves with q.
    pub(super) fn of(
        models: &[RewardModel],
        tallies: &[Tally],
        leverage: impl Fn(&Tally, usize) -> f64,
    ) -> Self {
        let (folds, cells) = (models.len(), models[0].means.len());
        let (mut slopes, mut offsets) = (vec![vec![0.0; cells]; folds], vec![vec![0.0; cells]; folds]);
        for (fold, (model, tally)) in models.iter().zip(tallies).enumerate() {
            // A cell without training rows and shrinkage follows the mean alone.
            let own = |cell| match model.counts[cell] + model.shrinkage {
                0.0 => 0.0,
                weight => leverage(tally, cell) / weight,
            };
            let through_mean = |cell| leverage(tally, cell) - own(cell) * model.counts[cell];
            let of_mean = (0..cells).map(through_mean).sum::<f64>() / model.rows;
            for trained in (0..folds).filter(|trained| *trained != fold) {
                for cell in 0..cells {
                    slopes[trained][cell] += own(cell) + of_mean;
                    offsets[trained][cell] += own(cell) * model.means[cell] + of_mean * model.mean;
                }
            }
        }
        let (mut sum, mut rows) = (0.0, 0.0);
        for (fold, Tally { counts, rewards, .. }) in tallies.iter().enumerate() {
            for cell in 0..cells {
                sum += slopes[fold][cell] * rewards[cell] - offsets[fold][cell] * counts[cell];
                rows += counts[cell];
            }
        }
        Self { slopes, offsets, centre: sum / rows }
    }

    /// How much a row adds to the estimate times the number of rows.
    pub(super) fn of_row(&self, fold: usize, cell: usize, reward: f64) -> f64 {
        match self.slopes.is_empty() {
            true => 0.0,
            false => self.slopes[fold][cell] * reward - self.offsets[fold][cell] - self.centre,
        }
    }

    #[cfg(test)]
    pub(super) fn slope(&self, fold: usize, cell: usize) -> f64 {
        self.slopes[fold][cell]
    }
}
