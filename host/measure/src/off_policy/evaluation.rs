//! The whole evaluation of a policy, and what may be chosen about it.

use serde::{Deserialize, Serialize};

use super::{Diagnostics, Estimator, Fitting, Log, NoValue, Policy, Scores, Warning};
use crate::{Estimate, Refusal};

/// How to evaluate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Options {
    /// Of the intervals.
    pub confidence: f64,
    /// Bootstrap draws; 0 for none.
    pub draws: usize,
    /// Of the draws and the folds.
    pub seed: u64,
    pub fitting: Fitting,
    /// How many rows the mean of all rows is worth beside those of a context and action.
    pub shrinkage: f64,
    /// τ of Switch-DR: from larger weights on the model is trusted alone.
    pub switch_threshold: f64,
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            confidence: 0.95,
            draws: 10_000,
            seed: 0,
            fitting: Fitting::CrossFit(5),
            shrinkage: 100.0,
            switch_threshold: 10.0,
            limits: Limits::default(),
        }
    }
}

impl Options {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if !(self.switch_threshold >= 0.0 && self.switch_threshold.is_finite()) {
            let (what, value) = ("the switch threshold".into(), self.switch_threshold);
            return Err(Refusal::BadValue { what, value, must: "0 or more" });
        }
        Ok(())
    }
}

/// Where an evaluation is refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Limits {
    /// Fewest evaluated rows.
    pub rows_min: u64,
    /// Fewest clusters, counted and by weight: below, their spread is no ground for a standard error.
    pub clusters_min: u64,
    /// Least effective sample size. It is no share of the rows: how sure one may be depends on how many rows count,
    /// not on how many others were logged.
    pub effective_sample_size_min: f64,
    /// Largest share of the policy's probability on actions that were never logged in the context.
    pub unsupported_share_max: f64,
    /// How far the mean weight may be from 1 even if chance cannot explain it, as with rounded propensities.
    pub mean_weight_error_max: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows_min: 100,
            clusters_min: 30,
            effective_sample_size_min: 100.0,
            unsupported_share_max: 0.01,
            mean_weight_error_max: 0.1,
        }
    }
}

/// The mean reward a row under a policy, by every estimator that the log allows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Evaluation {
    /// Rows that were evaluated.
    pub rows: u64,
    /// Clusters they are in.
    pub clusters: Option<u64>,
    /// The mean reward of these rows, under the policy that was logged.
    pub logged: f64,
    /// The estimator to read first.
    pub preferred: Estimator,
    pub estimates: Vec<Estimated>,
    pub unavailable: Vec<Unavailable>,
    pub diagnostics: Diagnostics,
    /// What a reader must know before any number.
    pub warnings: Vec<Warning>,
    /// What must hold, and what the log itself cannot show.
    pub assumptions: Vec<Assumption>,
    pub options: Options,
}

impl Evaluation {
    /// What an estimator says; `None` if it is unavailable.
    pub fn estimated(&self, estimator: Estimator) -> Option<&Estimated> {
        self.estimates.iter().find(|one| one.estimator == estimator)
    }
}

/// What one estimator says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Estimated {
    pub estimator: Estimator,
    /// With the standard error of its scores, and a normal interval.
    pub normal: Estimate,
    /// With the standard deviation of the bootstrap draws, and their percentiles.
    pub bootstrap: Option<Estimate>,
}

/// Why an estimator says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Unavailable {
    pub estimator: Estimator,
    pub why: NoValue,
}

/// What must hold for the numbers to mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Assumption {
    /// Each propensity is the probability with which the logged action was chosen, given all that was used to choose
    /// it.
    RightPropensities,
    /// An action has the reward that was logged for it whoever chose it, and in the time the policy would run.
    SameRewards,
    /// What the policy chooses in one row does not change the contexts and rewards of later rows.
    NoCarryOver,
    /// Clusters do not depend on each other; rows of one may.
    IndependentClusters,
    /// Rows do not depend on each other.
    IndependentRows,
    /// DM, and Switch-DR above its threshold, are right only if the reward depends on context and action as given.
    RightModel,
    /// The reward model is shrunk towards the mean of all rows, by as much as so many rows. Where a context and action
    /// have few, that biases DM, and Switch-DR above its threshold, and their intervals do not show it.
    ShrunkModel { rows: f64 },
    /// The model is taken as fitted: its own error is not in the intervals of DM and Switch-DR.
    ModelAsFitted,
}

/// Evaluates a policy on a log.
///
/// # Errors
/// The policy or an option is bad; there are too few rows or clusters; the log never has what the policy would choose;
/// too few rows count; the mean weight cannot be 1, so that propensities are wrong; or the reward does not vary among
/// the rows that count. See [`Limits`].
pub fn evaluate(log: &Log, policy: &Policy, options: &Options) -> Result<Evaluation, Refusal> {
    let scores = Scores::new(log, policy, options)?;
    let rows = scores.rows().len() as u64;
    let clusters = log.clusters().map(|_| scores.units() as u64);
    let limits = &options.limits;
    for (unit, have, need) in
        [("rows", Some(rows), limits.rows_min), ("clusters", clusters, limits.clusters_min)]
    {
        if let Some(have) = have.filter(|have| *have < need) {
            return Err(Refusal::TooFew { what: "the evaluation".into(), unit, have, need });
        }
    }
    let diagnostics = Diagnostics::of(log, &scores)?;
    diagnostics.refuse(&scores, limits)?;
    let available = scores.available();
    let normal = scores.estimates(options.confidence)?;
    let constant = |(estimator, estimate): (&Estimator, &Estimate)| {
        *estimator == Estimator::SelfNormalised && estimate.standard_error == 0.0
    };
    if available.iter().zip(&normal).any(constant) {
        return Err(Refusal::NoVariation { what: "the reward of the rows that count for the policy".into() });
    }
    let bootstrap = match options.draws {
        0 => vec![None; normal.len()],
        draws => scores.bootstrap(draws, options.seed, options.confidence)?.into_iter().map(Some).collect(),
    };
    let each = available.iter().zip(normal).zip(bootstrap);
    let why = |estimator| scores.unavailable(estimator).map(|why| Unavailable { estimator, why });
    Ok(Evaluation {
        rows,
        clusters,
        logged: scores.rows().map(|row| log.reward(row)).sum::<f64>() / rows as f64,
        preferred: Estimator::SelfNormalised,
        estimates: each
            .map(|((estimator, normal), bootstrap)| Estimated { estimator: *estimator, normal, bootstrap })
            .collect(),
        unavailable: Estimator::ALL.into_iter().filter_map(why).collect(),
        warnings: diagnostics.warnings(rows),
        diagnostics,
        assumptions: assumptions(clusters.is_some(), policy.is_complete(), options),
        options: *options,
    })
}

fn assumptions(is_clustered: bool, has_model: bool, options: &Options) -> Vec<Assumption> {
    let independent =
        if is_clustered { Assumption::IndependentClusters } else { Assumption::IndependentRows };
    let mut assumptions =
        vec![Assumption::RightPropensities, Assumption::SameRewards, Assumption::NoCarryOver, independent];
    if has_model {
        assumptions.push(Assumption::RightModel);
        if options.shrinkage > 0.0 {
            assumptions.push(Assumption::ShrunkModel { rows: options.shrinkage });
        }
        if let Fitting::FirstRows(_) = options.fitting {
            assumptions.push(Assumption::ModelAsFitted);
        }
    }
    assumptions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::off_policy::Categorical;

    /// Two positions and three actions, of which `c` is only chosen at the top; the reward is 1 in every third row.
    fn log(rows: u32) -> Log {
        let contexts: Vec<u32> = (0..rows).map(|row| row % 2).collect();
        let actions: Vec<u32> = (0..rows).map(|row| row / 2 % if row % 2 == 0 { 3 } else { 2 }).collect();
        let propensities = contexts.iter().map(|context| [1.0 / 3.0, 0.5][*context as usize]).collect();
        let rewards = (0..rows).map(|row| f64::from(u8::from(row % 3 == 0))).collect();
        let actions = Categorical { names: ["a", "b", "c"].map(str::to_owned).into(), codes: actions };
        let contexts = Categorical { names: ["top", "bottom"].map(str::to_owned).into(), codes: contexts };
        Log::new(actions, rewards, propensities).unwrap().with_contexts(contexts).unwrap()
    }

    fn options() -> Options {
        Options { draws: 100, ..Options::default() }
    }

    /// The logging policy itself, with some of the second context's probability moved to `c`.
    fn policy(moved: f64) -> Policy {
        let third = 1.0 / 3.0;
        Policy::ByContext(vec![third, third, third, 0.5 - moved, 0.5, moved])
    }

    fn refusal(log: &Log, policy: &Policy, options: &Options) -> String {
        evaluate(log, policy, options).unwrap_err().to_string()
    }

    #[test]
    fn what_the_log_cannot_answer_is_refused() {
        let full = log(1_200);
        assert_eq!(
            refusal(&full, &Policy::Shared(vec![0.0, 0.0, 1.0]), &options()),
            "no support: 50.00 % of what the policy would choose was never logged: `c` in context `bottom` (50.00 %)"
        );
        assert_eq!(
            refusal(&log(60), &policy(0.0), &options()),
            "the evaluation: 60 rows, at least 100 needed"
        );
        let clusters: Vec<u64> = (0..1_200).map(|row| row % 20).collect();
        assert_eq!(
            refusal(&full.clone().with_clusters(&clusters).unwrap(), &policy(0.0), &options()),
            "the evaluation: 20 clusters, at least 30 needed"
        );
        // One customer has half of the rows.
        let clusters: Vec<u64> = (0..1_200).map(|row| if row % 2 == 0 { 0 } else { row }).collect();
        assert_eq!(
            refusal(&full.clone().with_clusters(&clusters).unwrap(), &policy(0.0), &options()),
            "the effective number of clusters: 3 clusters, at least 30 needed"
        );
        let mut few = vec![0.0; 1_200];
        few[..80].fill(1.0);
        assert_eq!(
            refusal(&full, &Policy::Logged(few), &options()),
            "the effective sample size is 76.9 of 1200 rows, below 100"
        );
        assert_eq!(
            refusal(&full, &Policy::Logged(vec![0.3; 1_200]), &options()),
            "the mean weight is 0.7500 (standard error 0.0043), but must be 1 but for chance"
        );
        let paid = Log::new(Categorical::of((0..200).map(|_| "a")), vec![5.0; 200], vec![1.0; 200]).unwrap();
        assert_eq!(
            refusal(&paid, &Policy::Uniform, &options()),
            "the reward of the rows that count for the policy does not vary"
        );
    }

    #[test]
    fn bad_options_are_refused() {
        let log = log(1_200);
        let cases = [
            (Options { confidence: 1.0, ..options() }, "the confidence is 1, but must be between 0 and 1"),
            (
                Options { switch_threshold: f64::NAN, ..options() },
                "the switch threshold is NaN, but must be 0 or more",
            ),
            (Options { shrinkage: -1.0, ..options() }, "the shrinkage is -1, but must be 0 or more rows"),
            (
                Options { fitting: Fitting::CrossFit(1), ..options() },
                "the number of folds is 1, but must be 2 or more",
            ),
            (
                Options { fitting: Fitting::FirstRows(0), ..options() },
                "the training of the reward model: 0 rows, at least 1 needed",
            ),
            (
                Options { fitting: Fitting::FirstRows(1_200), ..options() },
                "the evaluation: 0 rows, at least 1 needed",
            ),
        ];
        for (options, expected) in cases {
            assert_eq!(refusal(&log, &policy(0.0), &options), expected);
        }
    }

    #[test]
    fn a_little_that_was_never_logged_is_a_warning() {
        let evaluation = evaluate(&log(1_200), &policy(0.015), &options()).unwrap();
        let support = evaluation.diagnostics.support.unwrap();
        assert!((support.unsupported_share - 0.0075).abs() < 1e-12);
        let [Warning::MeanWeight { value }, Warning::Unsupported(warned)] = &evaluation.warnings[..] else {
            panic!("{:?}", evaluation.warnings);
        };
        assert!((value - 0.9925).abs() < 1e-12 && *warned == support);
        let [place] = &support.unsupported[..] else { panic!("{support:?}") };
        assert_eq!((place.action.as_str(), place.context.as_deref()), ("c", Some("bottom")));
    }

    #[test]
    fn what_must_hold_depends_on_the_model_and_how_it_was_fitted() {
        let of =
            |policy: &Policy, options: &Options| evaluate(&log(1_200), policy, options).unwrap().assumptions;
        let all = of(&policy(0.0), &Options { fitting: Fitting::FirstRows(200), ..options() });
        assert_eq!(
            all[3..],
            [
                Assumption::IndependentRows,
                Assumption::RightModel,
                Assumption::ShrunkModel { rows: 100.0 },
                Assumption::ModelAsFitted
            ]
        );
        assert_eq!(of(&policy(0.0), &Options { shrinkage: 0.0, ..options() })[4..], [Assumption::RightModel]);
    }

    #[test]
    fn the_logging_policy_itself_is_worth_what_was_logged() {
        let evaluation = evaluate(&log(1_200), &policy(0.0), &options()).unwrap();
        let diagnostics = &evaluation.diagnostics;
        assert_eq!(evaluation.logged, 400.0 / 1_200.0);
        for estimator in [Estimator::InversePropensity, Estimator::SelfNormalised] {
            let value = evaluation.estimated(estimator).unwrap().normal.value;
            assert!((value - evaluation.logged).abs() < 1e-12);
        }
        assert!(
            (diagnostics.effective_sample_size - 1_200.0).abs() < 1e-6
                && diagnostics.zero_weight_share == 0.0
        );
        assert!(!diagnostics.mean_weight.is_doubtful && evaluation.warnings.is_empty());
        assert_eq!(diagnostics.histogram.len(), 1);
        let bin = diagnostics.histogram[0];
        assert!(
            bin.low == 1.0 && bin.rows == 1_200 && (bin.high - 10_f64.powf(0.25)).abs() < 1e-12,
            "{bin:?}"
        );
    }

    #[test]
    fn an_evaluation_is_kept_as_json() {
        let evaluation = evaluate(&log(1_200), &policy(0.0), &options()).unwrap();
        let kept = serde_json::to_string(&evaluation).unwrap();
        assert!(
            kept.contains(r#""effective-sample-size""#) && kept.contains(r#""estimator":"self-normalised""#)
        );
        assert_eq!(serde_json::from_str::<Evaluation>(&kept).unwrap(), evaluation);
    }
}
