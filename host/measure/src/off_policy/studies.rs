//! Simulated logs of a world whose answer is known: hundreds at a time, because an interval is right only on average.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use super::*;
use crate::{Estimate, Refusal, Sample, random};

const CONTEXTS: usize = 3;
const ACTIONS: usize = 4;
type Table = [[f64; ACTIONS]; CONTEXTS];

/// What the log chose, what the policy would choose, and what follows on average; weights are at most 4.
const LOGGING: Table = [[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.4, 0.1]];
const TARGET: Table = [[0.1, 0.2, 0.3, 0.4], [0.2, 0.2, 0.2, 0.4], [0.7, 0.1, 0.1, 0.1]];
const MEANS: Table = [[0.2, 0.5, 0.4, 1.0], [1.5, 0.2, 0.6, 0.1], [0.9, 0.3, 1.2, 0.4]];

/// The mean reward under the policy; contexts are equally likely.
fn truth() -> f64 {
    TARGET.as_flattened().iter().zip(MEANS.as_flattened()).map(|(share, mean)| share * mean).sum::<f64>()
        / 3.0
}

fn target() -> Policy {
    Policy::ByContext(TARGET.as_flattened().to_vec())
}

fn options() -> Options {
    Options { draws: 0, shrinkage: 10.0, switch_threshold: 2.0, ..Options::default() }
}

fn choose(shares: &[f64], generator: &mut ChaCha8Rng) -> usize {
    let mut left: f64 = generator.random();
    let chosen = shares.iter().position(|share| {
        left -= share;
        left < 0.0
    });
    chosen.unwrap_or(shares.len() - 1)
}

/// Columns of a log, before anything about them is spoilt.
#[derive(Default)]
struct World {
    actions: Vec<u32>,
    contexts: Vec<u32>,
    rewards: Vec<f64>,
    propensities: Vec<f64>,
    customers: Vec<u64>,
}

impl World {
    /// Rows that do not depend on each other.
    fn of_rows(rows: usize, generator: &mut ChaCha8Rng) -> Self {
        let mut world = Self::default();
        for row in 0..rows {
            let context = generator.random_range(0..CONTEXTS);
            let action = choose(&LOGGING[context], generator);
            world.push(context, action, 0.0, row as u64, generator);
        }
        world
    }

    /// Customers of eight rows each, with a context, an action and a liking that all of their rows share.
    fn of_customers(customers: usize, generator: &mut ChaCha8Rng) -> Self {
        let mut world = Self::default();
        for customer in 0..customers {
            let context = generator.random_range(0..CONTEXTS);
            let action = choose(&LOGGING[context], generator);
            let liking: f64 = StandardNormal.sample(generator);
            (0..8).for_each(|_| world.push(context, action, liking, customer as u64, generator));
        }
        world
    }

    fn push(
        &mut self,
        context: usize,
        action: usize,
        liking: f64,
        customer: u64,
        generator: &mut ChaCha8Rng,
    ) {
        let noise: f64 = StandardNormal.sample(generator);
        self.contexts.push(context as u32);
        self.actions.push(action as u32);
        self.rewards.push(MEANS[context][action] + liking + 0.5 * noise);
        self.propensities.push(LOGGING[context][action]);
        self.customers.push(customer);
    }

    fn log(self) -> Log {
        let actions = Categorical::numbered(ACTIONS as u32, self.actions);
        let log = Log::new(actions, self.rewards, self.propensities).unwrap();
        log.with_contexts(Categorical::numbered(CONTEXTS as u32, self.contexts)).unwrap()
    }

    fn clustered(mut self) -> Log {
        let customers = std::mem::take(&mut self.customers);
        self.log().with_clusters(&customers).unwrap()
    }
}

/// Whatever is asked of so many worlds.
fn worlds<T: Send>(seed: u64, count: u64, ask: impl Fn(&mut ChaCha8Rng) -> T + Sync) -> Vec<T> {
    (0..count).into_par_iter().map(|world| ask(&mut random::stream(seed, world))).collect()
}

/// Share of the evaluations in which an interval holds the truth.
fn coverage(evaluations: &[Evaluation], estimator: Estimator, interval: fn(&Estimated) -> Estimate) -> f64 {
    let holds =
        |evaluation: &&Evaluation| !interval(evaluation.estimated(estimator).unwrap()).excludes(truth());
    evaluations.iter().filter(holds).count() as f64 / evaluations.len() as f64
}

/// Mean error of an estimator and its standard error over the worlds, and the mean of the standard errors it claims
/// over the spread it has.
fn error(evaluations: &[Evaluation], estimator: Estimator) -> (f64, f64, f64) {
    let normal = |evaluation: &Evaluation| evaluation.estimated(estimator).unwrap().normal;
    let errors: Vec<f64> = evaluations.iter().map(|evaluation| normal(evaluation).value - truth()).collect();
    let sample = Sample::of(&errors).unwrap();
    let claimed = evaluations.iter().map(|evaluation| normal(evaluation).standard_error).sum::<f64>();
    (sample.mean, sample.standard_error(), claimed / evaluations.len() as f64 / sample.variance.sqrt())
}

/// Whether a share of so many worlds is what an interval of 95 % should have, but for chance (three standard errors).
#[track_caller]
fn assert_nominal(coverage: f64, worlds: usize, what: &str) {
    let error = (0.95 * 0.05 / worlds as f64).sqrt();
    assert!((coverage - 0.95).abs() < 3.0 * error, "{what}: {coverage} of {worlds} intervals hold the truth");
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let options = Options { draws: 200, ..options() };
    let ask =
        |generator: &mut _| evaluate(&World::of_rows(600, generator).log(), &target(), &options).unwrap();
    let evaluations = worlds(1, 2_000, ask);
    for estimator in [
        Estimator::InversePropensity,
        Estimator::SelfNormalised,
        Estimator::DoublyRobust,
        Estimator::SelfNormalisedDoublyRobust,
    ] {
        for interval in [|one: &Estimated| one.normal, |one: &Estimated| one.bootstrap.unwrap()] {
            assert_nominal(coverage(&evaluations, estimator, interval), evaluations.len(), estimator.label());
        }
    }
    for estimator in Estimator::ALL.into_iter().skip(1) {
        let (.., claimed) = error(&evaluations, estimator);
        assert!((claimed - 1.0).abs() < 0.06, "{}: {claimed} of its spread claimed", estimator.label());
    }
    let doubted =
        evaluations.iter().filter(|evaluation| evaluation.diagnostics.mean_weight.is_doubtful).count();
    assert!(doubted <= 10, "{doubted} of 2,000 right logs are doubted at p < .001");
}

/// Asserts on which side of chance the mean error of an estimator is.
#[track_caller]
fn assert_right(evaluations: &[Evaluation], estimator: Estimator, is_right: bool) {
    let (mean, standard_error, _) = error(evaluations, estimator);
    let z = (mean / standard_error).abs();
    let holds = if is_right { z < 3.5 } else { z > 10.0 };
    assert!(holds, "{}: mean error {mean}, {z} standard errors", estimator.label());
}

#[test]
fn with_right_propensities_a_wrong_model_hurts_the_direct_method_alone() {
    // The rewards depend on contexts which the log does not tell, and by which actions were chosen.
    let evaluations = worlds(2, 400, |generator| {
        let world = World::of_rows(2_000, generator);
        let shares = world.contexts.iter().flat_map(|context| TARGET[*context as usize]).collect();
        let actions = Categorical::numbered(ACTIONS as u32, world.actions);
        let log = Log::new(actions, world.rewards, world.propensities).unwrap();
        evaluate(&log, &Policy::ByRow(shares), &options()).unwrap()
    });
    assert_right(&evaluations, Estimator::Direct, false);
    assert_right(&evaluations, Estimator::DoublyRobust, true);
    assert_right(&evaluations, Estimator::InversePropensity, true);
}

#[test]
fn wrong_propensities_are_doubted_and_hurt_all_but_the_model_and_what_it_corrects() {
    let limits = Limits { mean_weight_error_max: f64::MAX, ..Limits::default() };
    let evaluations = worlds(3, 400, |generator| {
        let mut world = World::of_rows(2_000, generator);
        // The propensities of another context.
        let chosen = world.contexts.iter().zip(&world.actions);
        world.propensities = chosen
            .map(|(context, action)| LOGGING[(*context as usize + 1) % CONTEXTS][*action as usize])
            .collect();
        let log = world.log();
        let refused = evaluate(&log, &target(), &options());
        assert!(matches!(refused, Err(Refusal::ImpossibleWeights { .. })), "{refused:?}");
        evaluate(&log, &target(), &Options { limits, shrinkage: 0.0, ..options() }).unwrap()
    });
    assert!(evaluations.iter().all(|evaluation| evaluation.diagnostics.mean_weight.is_doubtful));
    assert_right(&evaluations, Estimator::InversePropensity, false);
    assert_right(&evaluations, Estimator::SelfNormalised, false);
    assert_right(&evaluations, Estimator::Direct, true);
    assert_right(&evaluations, Estimator::DoublyRobust, true);
    assert_right(&evaluations, Estimator::SelfNormalisedDoublyRobust, true);
}

#[test]
fn customers_with_many_rows_must_be_given_as_clusters() {
    // Taken for independent, the rows would make the mean weight look impossible as well.
    let limits = Limits { mean_weight_error_max: f64::MAX, ..Limits::default() };
    let options = Options { limits, ..options() };
    let (of_rows, of_clusters): (Vec<_>, Vec<_>) = worlds(4, 1_000, |generator| {
        let log = World::of_customers(500, generator).clustered();
        let of_clusters = evaluate(&log, &target(), &Options { draws: 200, ..options }).unwrap();
        (evaluate(&log.without_clusters(), &target(), &options).unwrap(), of_clusters)
    })
    .into_iter()
    .unzip();
    for estimator in [Estimator::InversePropensity, Estimator::SelfNormalised, Estimator::DoublyRobust] {
        let held = coverage(&of_rows, estimator, |one| one.normal);
        assert!(held < 0.7, "{}: {held} by rows", estimator.label());
        for interval in [|one: &Estimated| one.normal, |one: &Estimated| one.bootstrap.unwrap()] {
            assert_nominal(coverage(&of_clusters, estimator, interval), of_clusters.len(), estimator.label());
        }
    }
}

#[test]
fn many_rows_are_resampled_in_groups_with_the_same_spread() {
    let log = World::of_rows(60_000, &mut random::stream(5, 0)).log();
    let evaluation = evaluate(&log, &target(), &Options { draws: 1_000, ..options() }).unwrap();
    for Estimated { estimator, normal, bootstrap } in &evaluation.estimates {
        let spread = bootstrap.unwrap().standard_error / normal.standard_error;
        assert!((spread - 1.0).abs() < 0.08, "{}: {spread}", estimator.label());
    }
}

#[test]
fn threads_leave_no_trace() {
    let log = World::of_rows(70_000, &mut random::stream(6, 0)).log();
    let ask = || evaluate(&log, &target(), &Options { draws: 40, ..options() }).unwrap();
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let many = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    assert_eq!(single.install(ask), many.install(ask));
}

#[test]
fn a_policy_told_in_another_way_has_the_same_value() {
    let world = World::of_rows(2_000, &mut random::stream(7, 0));
    let shares = world.contexts.iter().flat_map(|context| TARGET[*context as usize]).collect();
    let best: Vec<u32> = world.contexts.iter().map(|context| [3, 0, 2][*context as usize]).collect();
    let mut certain = [[0.0; ACTIONS]; CONTEXTS];
    [3, 0, 2].iter().zip(&mut certain).for_each(|(action, shares)| shares[*action] = 1.0);
    let log = world.log();
    let by_context = Policy::ByContext(certain.as_flattened().to_vec());
    for (one, other) in [(target(), Policy::ByRow(shares)), (Policy::Chosen(best), by_context)] {
        let [one, other] = [one, other].map(|policy| evaluate(&log, &policy, &options()).unwrap());
        for (one, other) in one.estimates.iter().zip(&other.estimates) {
            let label = one.estimator.label();
            assert!((one.normal.value / other.normal.value - 1.0).abs() < 1e-12, "{label}");
            assert!((one.normal.standard_error / other.normal.standard_error - 1.0).abs() < 1e-9, "{label}");
        }
        assert_eq!(one.estimates.len(), other.estimates.len());
    }
}
