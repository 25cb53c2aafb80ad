//! Hillstrom's randomised e-mail about women's merchandise: how scores rank 42,693 customers by its effect.

use stratagem_measure::uplift::*;
use stratagem_reference::{assert_digits, columns};

struct Mailing {
    history: Vec<f64>,
    recency: Vec<f64>,
    womens: Vec<f64>,
    others: Vec<Vec<f64>>,
    treated: Vec<bool>,
    visit: Vec<f64>,
    spend: Vec<f64>,
}

impl Mailing {
    fn read() -> Self {
        let names = ["segment", "history", "recency", "womens", "mens", "newbie", "visit", "spend"];
        let rows =
            columns("hillstrom/hillstrom.csv", names).into_iter().filter(|row| row[0] != "Mens E-Mail");
        let rows: Vec<_> = rows.collect();
        let column =
            |at: usize| rows.iter().map(|row| row[at].parse().expect("a number")).collect::<Vec<f64>>();
        Self {
            history: column(1),
            recency: column(2),
            womens: column(3),
            others: vec![column(4), column(5)],
            treated: rows.iter().map(|row| row[0] == "Womens E-Mail").collect(),
            visit: column(6),
            spend: column(7),
        }
    }

    fn check(&self, scores: &[f64], outcome: &[f64], qini: f64, auuc: f64) -> Evaluation {
        let options = EvaluationOptions { draws: 200, ..EvaluationOptions::default() };
        let found = evaluate(scores, &self.treated, outcome, options).expect("an evaluation");
        assert_digits(found.areas.qini.value, qini, 8, "Qini coefficient");
        assert_digits(found.areas.auuc.value, auuc, 8, "AUUC");
        found
    }
}

#[test]
fn areas_agree_with_other_libraries() {
    let mail = Mailing::read();
    assert_eq!(mail.treated.len(), 42_693);
    // scikit-uplift 0.5.1: sklearn's `auc` of `qini_curve`, less the triangle under its end, over N N₁; of
    // `uplift_curve`, over N². For spend, which it refuses, its formulas in numpy. Equal scores are one step there too.
    let recent: Vec<_> = mail.recency.iter().map(|months| -months).collect();
    let womens: Vec<_> =
        mail.womens.iter().zip(&mail.history).map(|(bought, spent)| bought * spent).collect();
    mail.check(&mail.history, &mail.visit, 0.0003151844066289211, 0.02288892305364361);
    mail.check(&recent, &mail.visit, -0.0005434114713843106, 0.02210428053081311);
    mail.check(&womens, &mail.visit, 0.007469764292298949, 0.030048871058126446);
    mail.check(&mail.history, &mail.spend, -0.014266792671512096, 0.1975415647980313);
    mail.check(&recent, &mail.spend, 0.01837207574956959, 0.2308686648637683);
    let found = mail.check(&womens, &mail.spend, 0.02869081858141606, 0.24065289892936959);
    assert_digits(found.areas.auuc_at_random, 0.21220610796829867, 8, "half the average effect");
    // causalml 0.18.0 takes equal scores in any order, so these differ by row: `qini_score` without normalisation, times
    // (N + 1) / N, over N₁. Its `auuc_score` counts the curve's end whole, here it is a trapezoid's half.
    let untied: Vec<_> = womens.iter().enumerate().map(|(row, score)| score + 1e-6 * row as f64).collect();
    mail.check(&untied, &mail.visit, 0.007310967083516829, 0.02989499243945884);
}

#[test]
fn who_bought_womens_merchandise_before_is_moved_to_visit() {
    let mail = Mailing::read();
    let mut features = mail.others.clone();
    features.extend([mail.history.clone(), mail.recency.clone(), mail.womens.clone()]);
    let trial = Trial::new(features, mail.treated.clone(), mail.visit.clone()).unwrap();
    for base in [BaseLearner::Linear, BaseLearner::forest()] {
        let held_out = held_out(&trial, Learner { meta: MetaLearner::T, base }, 5, 1).unwrap();
        let found = held_out
            .evaluate(&trial, EvaluationOptions { draws: 200, ..EvaluationOptions::default() })
            .unwrap();
        assert!(found.areas.qini.low > 0.005, "{base:?} {:?}", found.areas);
        let effect = |decile: usize| found.deciles[decile].effect.unwrap();
        assert!(effect(0).low > 0.04 && !effect(9).excludes(0.0), "{base:?} {:?}", found.deciles);
    }
}
