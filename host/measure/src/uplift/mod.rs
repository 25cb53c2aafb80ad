//! Whom to treat: learners that predict effects from a randomised trial, and how well a score ranks customers by them.
//!
//! A score is judged on customers its learner never saw: [`held_out`] gives such scores, [`evaluate`] judges them, or any
//! score that was made before the trial.
//!
//! # Not here
//!
//! Trials that were not randomised: a ranking by effects cannot be judged where the arms differ to begin with.

mod curve;
mod decile;
mod learners;

pub use curve::{Areas, CurvePoint};
pub use decile::Decile;
pub use learners::{BaseLearner, HeldOut, Learner, MetaLearner, held_out};

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::observational::linear::check;

/// A randomised trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    features: Vec<Vec<f64>>,
    treated: Vec<bool>,
    outcome: Vec<f64>,
}

impl Trial {
    /// Customers by position: features as columns, whether treated, and the outcome.
    ///
    /// # Errors
    /// There are no features, lengths differ, or a value is not finite.
    pub fn new(features: Vec<Vec<f64>>, treated: Vec<bool>, outcome: Vec<f64>) -> Result<Self, Refusal> {
        if features.is_empty() {
            return Err(Refusal::TooFew { what: "the trial".into(), unit: "features", have: 0, need: 1 });
        }
        for (place, values) in features.iter().enumerate() {
            check(&format!("feature {place}"), values, treated.len())?;
        }
        check("the outcome", &outcome, treated.len())?;
        Ok(Self { features, treated, outcome })
    }

    pub fn treated(&self) -> &[bool] {
        &self.treated
    }

    pub fn outcome(&self) -> &[f64] {
        &self.outcome
    }
}

/// How [`evaluate`] finds its intervals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EvaluationOptions {
    /// Bootstrap draws for the standard errors of areas, at least 2.
    pub draws: u64,
    pub seed: u64,
    pub confidence: f64,
}

impl Default for EvaluationOptions {
    fn default() -> Self {
        Self { draws: 500, seed: 1, confidence: 0.95 }
    }
}

/// How well a score ranks customers by the effect of treating them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Evaluation {
    pub options: EvaluationOptions,
    pub areas: Areas,
    pub deciles: Vec<Decile>,
    pub curve: Vec<CurvePoint>,
}

/// Judges a score on a randomised trial; the score must not come from these customers' outcomes.
///
/// Customers are taken from the highest score down, those of equal score together. Areas are not divided by those of a
/// perfect order, which nobody knows. With N customers of whom N₁ were treated, the Qini coefficient times N N₁ is the
/// area above the diagonal that `scikit-uplift` draws, and the AUUC times N² its area under the uplift curve. Standard
/// errors are from a bootstrap of customers within their arms, and do not count that another sample would have given
/// another learner. Sources: N. J. Radcliffe, "Using control groups to target on predicted lift", Direct Marketing
/// Analytics Journal (2007); P. Gutierrez and J.-Y. Gérardy, "Causal inference and uplift modelling: a review of the
/// literature", PMLR 67 (2017).
///
/// # Errors
/// Lengths differ, a value is not finite, an arm has fewer than two customers, there are fewer than two draws, the
/// confidence is not within 0 and 1, or score or outcome does not vary.
pub fn evaluate(
    scores: &[f64],
    treated: &[bool],
    outcome: &[f64],
    options: EvaluationOptions,
) -> Result<Evaluation, Refusal> {
    if options.draws < 2 {
        let what = "the number of bootstrap draws".into();
        return Err(Refusal::BadValue { what, value: options.draws as f64, must: "at least 2" });
    }
    if !(options.confidence > 0.0 && options.confidence < 1.0) {
        let what = "the confidence".into();
        return Err(Refusal::BadValue { what, value: options.confidence, must: "within 0 and 1" });
    }
    let ranked = Ranked::of(scores, treated, outcome)?;
    if ranked.ends.len() < 2 {
        return Err(Refusal::NoVariation { what: "the score".into() });
    }
    Ok(Evaluation {
        options,
        areas: ranked.estimate_areas(options.draws, options.seed, options.confidence)?,
        deciles: ranked.deciles(options.confidence)?,
        curve: ranked.curve(),
    })
}

/// Customers by falling score.
struct Ranked {
    scores: Vec<f64>,
    treated: Vec<bool>,
    outcome: Vec<f64>,
    /// Where each group of equal scores ends.
    ends: Vec<usize>,
    /// The places of the untreated and of the treated.
    arms: [Vec<usize>; 2],
}

impl Ranked {
    fn of(scores: &[f64], treated: &[bool], outcome: &[f64]) -> Result<Self, Refusal> {
        check("the score", scores, treated.len())?;
        check("the outcome", outcome, treated.len())?;
        let mut order: Vec<_> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let mut end = 0;
        let step = |equal: &[usize]| {
            end += equal.len();
            end
        };
        let ends = order.chunk_by(|a, b| scores[*a] == scores[*b]).map(step).collect();
        let treated: Vec<_> = order.iter().map(|i| treated[*i]).collect();
        let arm = |arm: bool| (0..treated.len()).filter(|place| treated[*place] == arm).collect::<Vec<_>>();
        let arms = [arm(false), arm(true)];
        for (what, customers) in ["the untreated", "the treated"].into_iter().zip(&arms) {
            if customers.len() < 2 {
                let have = customers.len() as u64;
                return Err(Refusal::TooFew { what: what.into(), unit: "customers", have, need: 2 });
            }
        }
        let of = |values: &[f64]| order.iter().map(|i| values[*i]).collect();
        Ok(Self { scores: of(scores), outcome: of(outcome), treated, ends, arms })
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_distr::StandardNormal;
    use rayon::prelude::*;

    use super::*;
    use crate::random;

    const LINEAR: Learner = Learner { meta: MetaLearner::T, base: BaseLearner::Linear };

    /// A randomised trial with five features of which the first moves the effect, by so much, and others the outcome.
    fn trial(customers: usize, seed: u64, draw: u64, effect: impl Fn(f64) -> f64) -> Trial {
        let mut generator = random::stream(seed, draw);
        let mut normal = || generator.sample::<f64, _>(StandardNormal);
        let features: Vec<Vec<f64>> = (0..5).map(|_| (0..customers).map(|_| normal()).collect()).collect();
        let noise: Vec<_> = (0..customers).map(|_| normal()).collect();
        let treated: Vec<_> = (0..customers).map(|_| generator.random::<f64>() < 0.5).collect();
        let of = |i: usize| features[1][i] + noise[i] + if treated[i] { effect(features[0][i]) } else { 0.0 };
        let outcome = (0..customers).map(of).collect();
        Trial::new(features, treated, outcome).unwrap()
    }

    fn judge(trial: &Trial, learner: Learner) -> Evaluation {
        let held_out = held_out(trial, learner, 5, 1).unwrap();
        held_out.evaluate(trial, EvaluationOptions { draws: 100, ..EvaluationOptions::default() }).unwrap()
    }

    #[test]
    fn a_score_that_says_nothing_has_an_interval_around_zero() {
        let judged = |draw| judge(&trial(1000, 1, draw, |_| 0.5), LINEAR).areas.qini;
        let covered = (0..400).into_par_iter().filter(|draw| !judged(*draw).excludes(0.0)).count();
        assert!((372..=388).contains(&covered), "{covered} of 400");
    }

    #[test]
    fn effects_that_differ_are_found() {
        let judged = |draw| judge(&trial(1000, 1, draw, |x| 0.5 + 0.5 * x), LINEAR);
        let found: Vec<_> = (0..100).into_par_iter().map(judged).collect();
        let above = found.iter().filter(|found| found.areas.qini.low > 0.0).count();
        assert!(above >= 95, "{above} of 100");
        // On average the best tenth has an effect far above that of the last.
        let mean = |decile: usize| {
            found.iter().map(|found| found.deciles[decile].effect.unwrap().value).sum::<f64>() / 100.0
        };
        assert!(mean(0) > 1.1 && mean(9) < -0.1, "{} {}", mean(0), mean(9));
    }

    #[test]
    fn a_forest_finds_what_a_line_cannot() {
        let trial = trial(4000, 1, 0, |x| if x.abs() < 0.7 { 1.0 } else { 0.0 });
        assert!(!judge(&trial, LINEAR).areas.qini.excludes(0.0));
        for meta in [MetaLearner::T, MetaLearner::X] {
            let found = judge(&trial, Learner { meta, base: BaseLearner::forest() });
            assert!(found.areas.qini.low > 0.0, "{meta:?} {:?}", found.areas);
        }
    }

    #[test]
    fn the_x_learner_is_nearer_where_few_are_treated() {
        let full = trial(6000, 2, 0, |x| f64::from(x > 0.5));
        let kept: Vec<_> = (0..6000).filter(|i| !full.treated[*i] || i % 10 == 0).collect();
        let of = |values: &[f64]| kept.iter().map(|i| values[*i]).collect::<Vec<_>>();
        let treated = kept.iter().map(|i| full.treated[*i]).collect();
        let thin =
            Trial::new(full.features.iter().map(|values| of(values)).collect(), treated, of(&full.outcome))
                .unwrap();
        let [t, x] = [MetaLearner::T, MetaLearner::X].map(|meta| {
            let found = held_out(&thin, Learner { meta, base: BaseLearner::forest() }, 2, 1).unwrap();
            let error =
                |(customer, effect): (&usize, &f64)| effect - f64::from(thin.features[0][*customer] > 0.5);
            found.customers.iter().zip(&found.effects).map(|pair| error(pair).powi(2)).sum::<f64>()
        });
        assert!(x < 0.5 * t, "{x} {t}");
    }

    #[test]
    fn a_worked_curve_has_its_points_ties_and_areas() {
        // Scores 3, 2, 2, 1: a treated customer with 4, then both arms at once (treated 2, untreated 1), then untreated 3.
        let (treated, outcome) = ([false, true, true, false], [3.0, 4.0, 2.0, 1.0]);
        let found =
            evaluate(&[1.0, 3.0, 2.0, 2.0], &treated, &outcome, EvaluationOptions::default()).unwrap();
        let points: Vec<_> =
            found.curve.iter().map(|point| (point.share, point.qini, point.uplift)).collect();
        // After the second group: (6 − 1 · 2 / 1) / 2 and (3 − 1) · ¾; at the end: (6 − 4 · 2 / 2) / 2 and 3 − 2.
        assert_eq!(points, [(0.0, 0.0, 0.0), (0.25, 2.0, 1.0), (0.75, 2.0, 1.5), (1.0, 1.0, 1.0)]);
        assert_eq!(found.areas.qini.value, 0.25 + 1.0 + 0.375 - 0.5);
        assert_eq!(found.areas.auuc.value, 0.125 + 0.625 + 0.3125);
        assert_eq!(found.areas.auuc_at_random, 0.5);
    }

    #[test]
    fn equal_scores_share_a_decile() {
        // Forty customers; the third to the tenth have one score, and their middle is in the second tenth.
        let scores: Vec<_> =
            (0..40).map(|i| if (2..10).contains(&i) { 35.0 } else { 40.0 - f64::from(i) }).collect();
        let treated: Vec<_> = (0..40).map(|i| i % 2 == 0).collect();
        let outcome: Vec<_> = (0..40).map(|i| f64::from(i / 2 % 2) + f64::from(i % 2 == 0)).collect();
        let found = evaluate(&scores, &treated, &outcome, EvaluationOptions::default()).unwrap();
        let sizes: Vec<_> = found.deciles.iter().map(|tenth| tenth.treated + tenth.untreated).collect();
        assert_eq!(sizes, [2, 8, 2, 4, 4, 4, 4, 4, 4, 4]);
        assert_eq!((found.deciles[0].lowest_score, found.deciles[1].highest_score), (39.0, 35.0));
        // One customer of each arm has no interval; four of each, ½ ± ½ apart by 1, have.
        assert_eq!(found.deciles[0].effect, None);
        let second = found.deciles[1].effect.unwrap();
        assert!(
            (second.value - 1.0).abs() < 1e-12
                && (second.standard_error - (1.0_f64 / 6.0).sqrt()).abs() < 1e-12
        );
    }

    #[test]
    fn folds_hold_the_same_share_of_both_arms() {
        let trial = trial(1000, 1, 0, |x| x);
        let treated = trial.treated.iter().filter(|treated| **treated).count();
        let found = held_out(&trial, LINEAR, 5, 1).unwrap();
        let held = found.customers.iter().filter(|customer| trial.treated[**customer]).count();
        assert_eq!(held, treated - treated.div_ceil(5));
        assert_eq!(found.customers.len(), held + (1000 - treated) - (1000 - treated).div_ceil(5));
    }

    #[test]
    fn the_same_seed_gives_the_same_result_on_any_number_of_threads() {
        let trial = trial(600, 5, 0, |x| x);
        let learner = Learner { meta: MetaLearner::X, base: BaseLearner::forest() };
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool(1).install(|| judge(&trial, learner)), pool(3).install(|| judge(&trial, learner)));
    }

    #[test]
    fn what_cannot_be_judged_is_refused() {
        let refusal = |scores: &[f64], treated: &[bool], draws| {
            let options = EvaluationOptions { draws, ..EvaluationOptions::default() };
            evaluate(scores, treated, &[1.0, 2.0, 3.0, 5.0], options).unwrap_err().to_string()
        };
        let arms = [true, true, false, false];
        assert_eq!(refusal(&[1.0; 4], &arms, 100), "the score does not vary");
        assert_eq!(
            refusal(&[1.0, f64::NAN, 0.0, 0.0], &arms, 100),
            "the score of customer 1 is NaN, but must be a finite number"
        );
        assert_eq!(
            refusal(&[1.0, 2.0, 3.0, 4.0], &[true; 4], 100),
            "the untreated: 0 customers, at least 2 needed"
        );
        assert_eq!(
            refusal(&[1.0, 2.0, 3.0, 4.0], &arms, 1),
            "the number of bootstrap draws is 1, but must be at least 2"
        );
        assert!(Trial::new(vec![], vec![true], vec![1.0]).is_err());
        let trial = trial(100, 1, 0, |_| 0.0);
        assert!(matches!(held_out(&trial, LINEAR, 1, 1), Err(Refusal::BadValue { .. })));
        assert!(matches!(held_out(&trial, LINEAR, 5, 1), Err(Refusal::TooFew { need: 20, .. })));
    }
}
