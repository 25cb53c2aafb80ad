//! How well a model foretold what happened after the data it was fitted on.

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

use super::history::History;
use super::model::Model;
use crate::Refusal;

/// Expected and actual orders of a holdout period.
///
/// A model may rank customers well and still miss the total, so both are here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Holdout {
    pub customers: u64,
    pub actual_orders: u64,
    pub expected_orders: f64,
    /// (expected − actual) / customers: the bias.
    pub mean_error: f64,
    /// Mean of |expected − actual| over the customers.
    pub mean_absolute_error: f64,
    /// The same of foretelling that nobody buys: actual / customers. Where most buy nothing it is hard to beat.
    pub mean_absolute_error_of_none: f64,
    /// By the number of repeat orders before the holdout: 0, 1, ... 6, and 7 or more; groups without customers are
    /// left out.
    pub by_repeats: Vec<Calibration>,
}

/// Customers who made so many repeat orders before the holdout, and their mean orders in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Calibration {
    /// 7 stands for 7 or more.
    pub repeats: u32,
    pub customers: u64,
    pub mean_actual: f64,
    pub mean_expected: f64,
}

/// The last group of a calibration table, which takes in all who ordered more often.
const MOST_REPEATS: u32 = 7;

impl Holdout {
    /// Compares the orders that customers made within `horizon` after their histories with what the model expects.
    ///
    /// # Errors
    /// There are no customers, the lengths differ, or the horizon is one that [`Model::expected_orders`] refuses.
    pub fn compare(
        model: &Model,
        histories: &[History],
        actual: &[u32],
        horizon: f64,
    ) -> Result<Self, Refusal> {
        if histories.is_empty() {
            return Err(Refusal::TooFew { what: "the holdout".into(), unit: "customers", have: 0, need: 1 });
        }
        if actual.len() != histories.len() {
            let (what, value) = ("the number of customers with holdout orders".into(), actual.len() as f64);
            return Err(Refusal::BadValue { what, value, must: "the number of histories" });
        }
        let expected: Result<Vec<f64>, Refusal> =
            histories.par_iter().map(|history| model.expected_orders(history, horizon)).collect();
        let mut groups = vec![Sums::default(); MOST_REPEATS as usize + 1];
        for ((history, &actual), expected) in histories.iter().zip(actual).zip(expected?) {
            groups[history.repeats().min(MOST_REPEATS) as usize].add(actual, expected);
        }
        let mut all = Sums::default();
        groups.iter().for_each(|group| all.merge(group));
        let n = all.customers as f64;
        let by_repeats =
            (0..).zip(&groups).filter(|(_, group)| group.customers > 0).map(|(repeats, group)| Calibration {
                repeats,
                customers: group.customers,
                mean_actual: group.actual as f64 / group.customers as f64,
                mean_expected: group.expected / group.customers as f64,
            });
        Ok(Self {
            customers: all.customers,
            actual_orders: all.actual,
            expected_orders: all.expected,
            mean_error: (all.expected - all.actual as f64) / n,
            mean_absolute_error: all.error / n,
            mean_absolute_error_of_none: all.actual as f64 / n,
            by_repeats: by_repeats.collect(),
        })
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    customers: u64,
    actual: u64,
    expected: f64,
    error: f64,
}

impl Sums {
    fn add(&mut self, actual: u32, expected: f64) {
        let error = (expected - f64::from(actual)).abs();
        self.merge(&Self { customers: 1, actual: actual.into(), expected, error });
    }

    fn merge(&mut self, other: &Self) {
        self.customers += other.customers;
        self.actual += other.actual;
        self.expected += other.expected;
        self.error += other.error;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repurchase::Kind;

    #[test]
    fn errors_and_groups_are_those_of_the_customers() {
        let model = Model::new(Kind::BgNbd, [0.243, 4.414, 0.793, 2.426]).unwrap();
        let rows = [(0, 0.0, 38.0), (9, 30.0, 38.0), (0, 0.0, 30.0), (7, 37.0, 38.0)];
        let histories = History::of_rows(&rows).unwrap();
        let actual = [0, 2, 1, 9];
        let holdout = Holdout::compare(&model, &histories, &actual, 39.0).unwrap();

        let expected = histories.iter().map(|history| model.expected_orders(history, 39.0).unwrap());
        let errors: Vec<f64> =
            expected.zip(actual).map(|(expected, actual)| expected - f64::from(actual)).collect();
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / 4.0;
        assert!((holdout.mean_error - mean(&mut errors.iter().copied())).abs() < 1e-12);
        assert!(
            (holdout.mean_absolute_error - mean(&mut errors.iter().map(|error| error.abs()))).abs() < 1e-12
        );
        assert_eq!((holdout.mean_absolute_error_of_none, holdout.actual_orders), (3.0, 12));
        let groups: Vec<_> = holdout
            .by_repeats
            .iter()
            .map(|group| (group.repeats, group.customers, group.mean_actual))
            .collect();
        assert_eq!(groups, [(0, 2, 0.5), (7, 2, 5.5)]);

        assert!(Holdout::compare(&model, &histories, &actual[1..], 39.0).is_err());
        assert!(Holdout::compare(&model, &[], &[], 39.0).is_err());
        assert!(Holdout::compare(&model, &histories, &actual, f64::NAN).is_err());
    }
}
