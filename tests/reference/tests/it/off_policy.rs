//! Off-policy evaluation on the Open Bandit sample (campaign "men", logged by Thompson sampling) and on Hillstrom's
//! three randomised arms.

use stratagem_measure::Refusal;
use stratagem_measure::off_policy::{
    Categorical, Estimated, Estimator, Evaluation, Fitting, Log, Options, Policy, evaluate,
};
use stratagem_reference::{assert_digits, columns};

const ITEMS: u32 = 34;

/// The columns of a campaign's log, with positions as contexts.
fn open_bandit(file: &str) -> Log {
    let rows = columns(file, ["item_id", "position", "click", "propensity_score"]);
    let number = |column: usize| -> Vec<f64> {
        rows.iter().map(|row| row[column].parse().expect("a number")).collect()
    };
    let items = rows.iter().map(|row| row[0].parse().expect("a number")).collect();
    let log = Log::new(Categorical::numbered(ITEMS, items), number(2), number(3)).expect("a log");
    log.with_contexts(Categorical::of(rows.iter().map(|row| &row[1]))).expect("a log")
}

fn men() -> Log {
    open_bandit("open-bandit/bts/men/men.csv")
}

fn options() -> Options {
    Options { draws: 0, ..Options::default() }
}

fn value(evaluation: &Evaluation, estimator: Estimator) -> f64 {
    evaluation.estimated(estimator).expect("an available estimator").normal.value
}

#[test]
fn the_second_half_of_the_log_evaluated_with_a_model_of_the_first() {
    let options = Options { fitting: Fitting::FirstRows(5_000), switch_threshold: 1.0, ..options() };
    let evaluation = evaluate(&men(), &Policy::Uniform, &options).unwrap();
    assert_eq!(evaluation.rows, 5_000);
    for (estimator, expected) in [
        (Estimator::InversePropensity, 0.001696100151668037),
        (Estimator::SelfNormalised, 0.0018434940638212944),
        (Estimator::Direct, 0.008275866974980948),
        (Estimator::DoublyRobust, 0.0019056909576099536),
        (Estimator::SelfNormalisedDoublyRobust, 0.0013521121118196416),
        (Estimator::SwitchDoublyRobust, 0.007647769197157336),
    ] {
        assert_digits(value(&evaluation, estimator), expected, 12, estimator.label());
    }
    let diagnostics = &evaluation.diagnostics;
    assert_digits(diagnostics.effective_sample_size, 276.5035936853413, 12, "effective sample size");
    assert_digits(diagnostics.mean_weight.value, 0.9200464405902501, 12, "mean weight");
    assert_digits(diagnostics.max_weight, 178.25311942959001, 12, "largest weight");
    assert!(!diagnostics.mean_weight.is_doubtful);
    assert_eq!(diagnostics.support.as_ref().unwrap().unsupported, []);
    assert_eq!(diagnostics.histogram.iter().map(|bin| bin.rows).sum::<u64>(), 5_000);
}

#[test]
fn the_whole_log_has_the_peers_values_and_standard_errors() {
    let evaluation = evaluate(&men(), &Policy::Uniform, &options()).unwrap();
    let normal = |estimator| evaluation.estimated(estimator).unwrap().normal;
    let ipw = normal(Estimator::InversePropensity);
    assert_digits(ipw.value, 0.0030086263272564836, 12, "IPW");
    assert_digits(ipw.standard_error, 0.0007739354628865029, 12, "IPW's standard error");
    let snipw = normal(Estimator::SelfNormalised);
    assert_digits(snipw.value, 0.003189423162277392, 12, "SNIPW");
    assert_digits(snipw.standard_error, 0.0008278231141916917, 12, "SNIPW's standard error");
    // Of the actions that were not logged nothing need be known for these two.
    let logged = Policy::Logged(vec![1.0 / f64::from(ITEMS); 10_000]);
    let logged = evaluate(&men(), &logged, &options()).unwrap();
    assert_eq!(value(&logged, Estimator::SelfNormalised), snipw.value);
    assert!(logged.estimated(Estimator::DoublyRobust).is_none() && logged.unavailable.len() == 5);
}

#[test]
fn the_interval_of_snipw_holds_what_the_uniform_policy_really_earned() {
    let random = open_bandit("open-bandit/random/men/men.csv");
    let earned = (0..random.rows()).map(|row| random.reward(row)).sum::<f64>() / random.rows() as f64;
    assert_digits(earned, 0.0046, 12, "clicks of the random log");
    let evaluation = evaluate(&men(), &Policy::Uniform, &Options { draws: 2_000, ..options() }).unwrap();
    for Estimated { estimator, normal, bootstrap } in &evaluation.estimates {
        let bootstrap = bootstrap.unwrap();
        // The mean of so few clicks with such weights is skewed, which only the bootstrap shows.
        assert!(
            (bootstrap.standard_error / normal.standard_error - 1.0).abs() < 0.1,
            "{}",
            estimator.label()
        );
        if *estimator == Estimator::SelfNormalised {
            assert!(!normal.excludes(earned) && !bootstrap.excludes(earned), "{normal:?} {bootstrap:?}");
            assert!(
                bootstrap.high - bootstrap.value > 1.1 * (bootstrap.value - bootstrap.low),
                "{bootstrap:?}"
            );
        }
    }
}

#[test]
fn on_the_random_log_every_row_weighs_the_same() {
    let log = open_bandit("open-bandit/random/men/men.csv");
    let evaluation = evaluate(&log, &Policy::Uniform, &options()).unwrap();
    assert_digits(value(&evaluation, Estimator::SelfNormalised), 0.0046, 12, "SNIPW");
    assert_digits(evaluation.diagnostics.effective_sample_size, 10_000.0, 12, "effective sample size");
    // One item for all: replay keeps about one row in 34.
    let one = evaluate(&log, &Policy::Chosen(vec![0; log.rows()]), &options()).unwrap();
    let hits: Vec<f64> =
        (0..log.rows()).filter(|row| log.action(*row) == 0).map(|row| log.reward(row)).collect();
    let mean = hits.iter().sum::<f64>() / hits.len() as f64;
    assert_digits(value(&one, Estimator::Replay), mean, 12, "replay");
}

#[test]
fn percentages_for_propensities_are_refused() {
    let log = men();
    let tenth = (0..log.rows()).map(|row| log.propensity(row) / 10.0).collect();
    let rewards = (0..log.rows()).map(|row| log.reward(row)).collect();
    let items = (0..log.rows()).map(|row| log.action(row) as u32).collect();
    let log = Log::new(Categorical::numbered(ITEMS, items), rewards, tenth).unwrap();
    let refusal = evaluate(&log, &Policy::Uniform, &options()).unwrap_err();
    assert!(matches!(refusal, Refusal::ImpossibleWeights { .. }), "{refusal}");
}

#[test]
fn sending_the_mens_mail_to_all_has_the_value_of_its_arm() {
    let rows = columns("hillstrom/hillstrom.csv", ["segment", "spend"]);
    let arms = Categorical::of(rows.iter().map(|row| &row[0]));
    let mens = arms.names.iter().position(|name| name == "Mens E-Mail").unwrap();
    let spend = rows.iter().map(|row| row[1].parse().unwrap()).collect();
    let log = Log::new(arms, spend, vec![1.0 / 3.0; rows.len()]).unwrap();
    let mut shares = vec![0.0; 3];
    shares[mens] = 1.0;
    for policy in [Policy::Shared(shares), Policy::Chosen(vec![mens as u32; rows.len()])] {
        let evaluation = evaluate(&log, &policy, &options()).unwrap();
        for estimator in [Estimator::SelfNormalised, Estimator::Replay] {
            assert_digits(value(&evaluation, estimator), 1.4226165110, 8, estimator.label());
        }
        // Without contexts, as doubly robust as the arm's own mean: the model adds nothing but its noise.
        assert_digits(value(&evaluation, Estimator::SelfNormalisedDoublyRobust), 1.4226165110, 2, "SNDR");
    }
}
