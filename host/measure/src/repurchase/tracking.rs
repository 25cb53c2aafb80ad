//! Repeat orders of all customers over time, actual beside expected: the curve a model is judged by at a glance.

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

use super::history::{History, in_row};
use super::model::Model;
use crate::Refusal;

/// Repeat orders up to a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tracking {
    /// Time since the start, at the end of the step.
    pub time: f64,
    /// Orders within the step.
    pub actual: u64,
    pub expected: f64,
    /// Orders since the start.
    pub cumulative_actual: u64,
    pub cumulative_expected: f64,
}

impl Tracking {
    /// Repeat orders in each of `steps` steps of length `step` (weeks, say), expected from customers whose first
    /// orders were at the times `firsts`, and actual from the times of all `repeats`; times count from the start
    /// of the first step.
    ///
    /// Up to time t, Σ E[X(t − first)] over the customers who came before t is expected. Run past the data the
    /// model was fitted on, this shows both the fit and the forecast; it uses nothing of a customer but the first
    /// order.
    ///
    /// # Errors
    /// A time is negative or not finite, the step is not above 0, or the last time is one that
    /// [`Model::expected_orders`] refuses as a horizon.
    pub fn of(
        model: &Model,
        firsts: &[f64],
        repeats: &[f64],
        step: f64,
        steps: u32,
    ) -> Result<Vec<Self>, Refusal> {
        if !(step.is_finite() && step > 0.0) {
            return Err(Refusal::BadValue {
                what: "the step".into(),
                value: step,
                must: "finite and above 0",
            });
        }
        let (firsts, repeats) = (sorted("first order", firsts)?, sorted("repeat order", repeats)?);
        let cohorts: Vec<(f64, f64)> = firsts
            .chunk_by(|one, other| one == other)
            .map(|cohort| (cohort[0], cohort.len() as f64))
            .collect();
        let until = |index: u32| {
            let time = f64::from(index + 1) * step;
            let came = cohorts.iter().take_while(|(first, _)| *first < time);
            let expected = came.map(|(first, customers)| {
                model.expected_orders(&History::NEW, time - first).map(|orders| customers * orders)
            });
            let cumulative_actual = repeats.partition_point(|repeat| *repeat <= time) as u64;
            expected
                .sum::<Result<f64, Refusal>>()
                .map(|cumulative_expected| (time, cumulative_actual, cumulative_expected))
        };
        let cumulative: Result<Vec<_>, Refusal> = (0..steps).into_par_iter().map(until).collect();
        let mut before = (0, 0.0);
        let points = cumulative?.into_iter().map(|(time, cumulative_actual, cumulative_expected)| {
            let (actual, expected) = (cumulative_actual - before.0, cumulative_expected - before.1);
            before = (cumulative_actual, cumulative_expected);
            Self { time, actual, expected, cumulative_actual, cumulative_expected }
        });
        Ok(points.collect())
    }
}

/// Times in order.
fn sorted(what: &str, times: &[f64]) -> Result<Vec<f64>, Refusal> {
    for (index, &time) in times.iter().enumerate() {
        if !(time.is_finite() && time >= 0.0) {
            let what = format!("the time of the {what}");
            return Err(in_row(
                index,
                Refusal::BadValue { what, value: time, must: "finite and not negative" },
            ));
        }
    }
    let mut sorted = times.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repurchase::Kind;

    #[test]
    fn customers_count_from_their_first_order_and_orders_once() {
        let model = Model::new(Kind::ParetoNbd, [0.553, 10.578, 0.606, 11.668]).unwrap();
        let weeks = Tracking::of(&model, &[1.5, 0.0, 1.5], &[2.0, 0.5, 2.5, 9.0], 1.0, 3).unwrap();
        let orders = |time| model.expected_orders(&History::NEW, time).unwrap();
        let expected = [orders(1.0), orders(2.0) + 2.0 * orders(0.5), orders(3.0) + 2.0 * orders(1.5)];
        let mut sum = 0.0;
        for (week, expected) in weeks.iter().zip(expected) {
            assert!((week.cumulative_expected - expected).abs() < 1e-14);
            sum += week.expected;
            assert!((week.cumulative_expected - sum).abs() < 1e-14);
        }
        let actual: Vec<_> =
            weeks.iter().map(|week| (week.time, week.actual, week.cumulative_actual)).collect();
        assert_eq!(actual, [(1.0, 1, 1), (2.0, 1, 2), (3.0, 1, 3)]);
    }

    #[test]
    fn a_time_that_is_none_is_refused_by_its_row() {
        let model = Model::new(Kind::BgNbd, [0.243, 4.414, 0.793, 2.426]).unwrap();
        let refusal = Tracking::of(&model, &[0.0], &[1.0, -1.0], 1.0, 3).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "row 2: the time of the repeat order is -1, but must be finite and not negative"
        );
        assert!(Tracking::of(&model, &[f64::NAN], &[], 1.0, 3).is_err());
        assert!(Tracking::of(&model, &[0.0], &[], 0.0, 3).is_err());
        assert!(Tracking::of(&model, &[0.0], &[], 1e9, 3).is_err());
    }
}
