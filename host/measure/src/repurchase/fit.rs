//! Fitting a repurchase model by maximum likelihood.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use super::counted::Counted;
use super::history::History;
use super::maximum::{Evaluation, Maximum, maximise};
use super::model::{Kind, Model, NEVER_LEAVES};
use crate::{Estimate, Refusal};

/// A fitted model, with what is known about its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Fit<M> {
    pub model: M,
    pub parameters: Vec<Parameter>,
    /// In the caller's units: it can be compared with other models of the same histories in the same unit.
    pub log_likelihood: f64,
    pub customers: u64,
}

/// A parameter that was estimated.
///
/// The standard error is of the parameter itself, by the delta method; the 95 % interval is Wald's for the
/// logarithm, which stays above 0 and is nearer to its level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Parameter {
    pub name: String,
    pub estimate: Estimate,
}

impl Kind {
    /// Fits the model by maximum likelihood, to a gradient that is 0 but for 1e-7 standard errors of the parameters;
    /// standard errors are from the observed information.
    ///
    /// # Errors
    /// Fewer than ten customers have repeat orders, or the likelihood has no maximum within reach: often because
    /// customers hardly differ, or hardly anyone leaves.
    pub fn fit(self, histories: &[History]) -> Result<Fit<Model>, Refusal> {
        let have = histories.iter().filter(|history| history.repeats() > 0).count() as u64;
        if have < 10 {
            let (what, unit) = (self.name().into(), "customers with repeat orders");
            return Err(Refusal::TooFew { what, unit, have, need: 10 });
        }
        let counted = History::counted(histories);
        let starts = self.starts(histories);
        match self {
            Self::Nbd => {
                let [a, b] = NEVER_LEAVES;
                self.fit_by(&counted, &starts.map(|[r, alpha, ..]| [r, alpha]), |[r, alpha]| [r, alpha, a, b])
            }
            _ => self.fit_by(&counted, &starts, |parameters| parameters),
        }
    }

    /// Fits the first `N` parameters, of which the others follow.
    fn fit_by<const N: usize>(
        self,
        counted: &Counted<History>,
        starts: &[[f64; N]],
        all: impl Fn([f64; N]) -> [f64; 4],
    ) -> Result<Fit<Model>, Refusal> {
        let evaluate = |logarithms: &[f64; N]| {
            let Evaluation { value, gradient } =
                Model::unchecked(self, all(logarithms.map(f64::exp))).evaluate(counted);
            Evaluation { value, gradient: std::array::from_fn(|index| gradient[index]) }
        };
        let names = std::array::from_fn(|index| self.parameter_names()[index]);
        let maximum = maximise(self.name(), names, counted.customers, starts, evaluate)?;
        Ok(Fit {
            model: Model::new(self, all(maximum.at.map(f64::exp)))?,
            parameters: parameters(names, &maximum),
            log_likelihood: maximum.value,
            customers: counted.customers,
        })
    }

    /// Fits a BG/NBD, or an NBD where the data does not tell how customers leave: often hardly anyone does.
    ///
    /// # Errors
    /// As [`Kind::fit`] of an NBD.
    pub fn fit_leaving_or_not(histories: &[History]) -> Result<Fit<Model>, Refusal> {
        match Self::BgNbd.fit(histories) {
            Err(Refusal::NotConverged { .. }) => Self::Nbd.fit(histories),
            answer => answer,
        }
    }

    /// Logarithms of parameters to start from: the order rate of the data, with different spreads of the rate and
    /// of leaving.
    fn starts(self, histories: &[History]) -> [[f64; 4]; 2] {
        let orders: f64 = histories.iter().map(|history| f64::from(history.repeats())).sum();
        let time: f64 = histories.iter().map(History::observed).sum();
        let mean_time = time / histories.len() as f64;
        let start = |r: f64, third: f64, fourth: f64| [r, r * time / orders, third, fourth].map(f64::ln);
        match self {
            Self::Nbd | Self::BgNbd | Self::MbgNbd => [start(0.5, 1.0, 2.0), start(2.0, 0.5, 5.0)],
            Self::ParetoNbd => [start(0.5, 0.5, mean_time / 2.0), start(2.0, 1.0, 5.0 * mean_time)],
        }
    }
}

/// Estimates of parameters from their logarithms.
pub(super) fn parameters<const N: usize>(names: [&str; N], maximum: &Maximum<N>) -> Vec<Parameter> {
    let quantile = Normal::standard().inverse_cdf(0.975);
    let parameter = |(index, name): (usize, &str)| {
        let (logarithm, error): (f64, f64) = (maximum.at[index], maximum.standard_errors[index]);
        let value = logarithm.exp();
        let bound = |side: f64| (logarithm + side * quantile * error).exp();
        let estimate = Estimate { value, standard_error: value * error, low: bound(-1.0), high: bound(1.0) };
        Parameter { name: String::from(name), estimate }
    };
    names.into_iter().enumerate().map(parameter).collect()
}

#[cfg(test)]
mod tests {
    use rayon::iter::{IntoParallelIterator, ParallelIterator};

    use super::*;
    use crate::repurchase::cohort;

    /// Customers who came evenly over twelve weeks, the first of them 39 weeks ago.
    fn ages(customers: u32) -> Vec<f64> {
        (0..customers).map(|customer| 39.0 - f64::from(customer % 84) / 7.0).collect()
    }

    /// The share of worlds in which the interval holds the parameter, for each of them.
    fn coverage(kind: Kind, parameters: [f64; 4], customers: u32, worlds: u64) -> Vec<f64> {
        let model = Model::new(kind, parameters).unwrap();
        let ages = ages(customers);
        let held: Vec<Vec<bool>> = (0..worlds)
            .into_par_iter()
            .map(|world| {
                let fit = kind.fit(&cohort(&model, &ages, world).unwrap()).unwrap();
                fit.parameters
                    .iter()
                    .zip(parameters)
                    .map(|(found, truth)| !found.estimate.excludes(truth))
                    .collect()
            })
            .collect();
        let share = |index: usize| held.iter().filter(|held| held[index]).count() as f64 / worlds as f64;
        (0..kind.parameter_names().len()).map(share).collect()
    }

    #[test]
    fn intervals_hold_the_parameters_in_95_of_100_simulated_worlds() {
        for (kind, parameters, customers, worlds, least, most) in [
            (Kind::BgNbd, [0.243, 4.414, 0.793, 2.426], 2_000, 1_000, 0.93, 0.97),
            (Kind::Nbd, [0.8, 4.414, 0.0, 1.0], 2_000, 1_000, 0.93, 0.97),
            (Kind::MbgNbd, [2.0, 6.183, 0.891, 1.614], 2_000, 1_000, 0.93, 0.97),
            (Kind::ParetoNbd, [2.0, 10.0, 0.606, 11.668], 1_000, 1_000, 0.93, 0.97),
        ] {
            let coverage = coverage(kind, parameters, customers, worlds);
            assert!(coverage.iter().all(|share| (least..=most).contains(share)), "{kind:?}: {coverage:?}");
        }
    }

    #[test]
    fn where_nobody_leaves_the_default_is_a_model_without_leaving() {
        let never = Model::new(Kind::Nbd, [0.8, 4.414, 0.0, 1.0]).unwrap();
        let histories = cohort(&never, &ages(2_000), 1).unwrap();
        assert!(matches!(Kind::BgNbd.fit(&histories), Err(Refusal::NotConverged { .. })));
        assert_eq!(Kind::fit_leaving_or_not(&histories).unwrap().model.kind(), Kind::Nbd);
        let some = Model::new(Kind::BgNbd, [0.8, 4.414, 0.793, 2.426]).unwrap();
        let histories = cohort(&some, &ages(2_000), 1).unwrap();
        assert_eq!(Kind::fit_leaving_or_not(&histories).unwrap().model.kind(), Kind::BgNbd);
    }

    #[test]
    fn the_time_unit_changes_times_and_nothing_else() {
        let model = Model::new(Kind::BgNbd, [0.243, 4.414, 0.793, 2.426]).unwrap();
        let weeks = cohort(&model, &ages(2_000), 1).unwrap();
        let days =
            weeks.iter().map(|history| (history.repeats(), 7.0 * history.last(), 7.0 * history.observed()));
        let days = History::of_rows(&days.collect::<Vec<_>>()).unwrap();
        let orders: f64 = weeks.iter().map(|history| f64::from(history.repeats())).sum();
        for kind in [Kind::BgNbd, Kind::MbgNbd, Kind::ParetoNbd] {
            let (weeks, days) = (kind.fit(&weeks).unwrap(), kind.fit(&days).unwrap());
            for (week, day) in weeks.parameters.iter().zip(&days.parameters) {
                let unit = if matches!(week.name.as_str(), "alpha" | "beta") { 7.0 } else { 1.0 };
                assert!((day.estimate.value / week.estimate.value / unit - 1.0).abs() < 1e-6);
                assert!(
                    (day.estimate.standard_error / week.estimate.standard_error / unit - 1.0).abs() < 1e-5
                );
            }
            // A density of each repeat order's time: it has the inverse of the unit.
            assert!((days.log_likelihood - weeks.log_likelihood + orders * 7.0_f64.ln()).abs() < 1e-6);
        }
    }

    #[test]
    fn a_fit_has_no_slope_left() {
        let model = Model::new(Kind::ParetoNbd, [2.0, 10.0, 0.606, 11.668]).unwrap();
        let histories = cohort(&model, &ages(2_000), 1).unwrap();
        for kind in [Kind::BgNbd, Kind::MbgNbd, Kind::ParetoNbd] {
            let fit = kind.fit(&histories).unwrap();
            let gradient = fit.model.evaluate(&History::counted(&histories)).gradient;
            assert!(gradient.iter().all(|slope| slope.abs() < 1e-5), "{kind:?}: {gradient:?}");
            assert_eq!(fit.log_likelihood, fit.model.log_likelihood(&histories));
        }
    }

    #[test]
    fn what_the_data_does_not_tell_is_refused() {
        let buyers = |rows: &[(u32, f64, f64)]| History::of_rows(rows).unwrap();
        let few = buyers(&[[(0, 0.0, 30.0); 100].as_slice(), &[(1, 10.0, 30.0); 9]].concat());
        // All order at the same rate and nobody leaves: there is no spread of either.
        let alike = buyers(
            &(1..200).map(|customer| (10, 39.0, 39.0 + 0.01 * f64::from(customer))).collect::<Vec<_>>(),
        );
        for kind in [Kind::BgNbd, Kind::MbgNbd, Kind::ParetoNbd] {
            assert!(matches!(kind.fit(&few), Err(Refusal::TooFew { have: 9, need: 10, .. })));
            let refusal = kind.fit(&alike).unwrap_err();
            assert!(matches!(&refusal, Refusal::NotConverged { .. }), "{refusal}");
        }
    }
}
