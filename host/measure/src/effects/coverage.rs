//! Do the intervals hold what they promise? Simulated experiments with a known effect, counted.
//!
//! Customers are as in marketing: most spend nothing, amounts are skewed, who spent before spends again, and orders
//! come in ones and twos. Arms have 3,000 and 2,000 customers.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution, StandardNormal};
use rayon::prelude::*;

use super::*;
use crate::bootstrap::{self, Bootstrap, Resampler};
use crate::{Estimate, Sample, random};

/// Of the worlds; their bootstraps have the number of the world as theirs.
const SEED: u64 = 1 << 32;

/// Spend of a customer on average, without treatment: 15 % buy, 1.5 orders of 40 each.
const MEAN_SPEND: f64 = 9.0;

/// What each customer of an arm spent, ordered, and spent before.
#[derive(Default)]
struct Arm {
    spend: Vec<f64>,
    orders: Vec<f64>,
    before: Vec<f64>,
}

impl Arm {
    fn simulated(customers: usize, lift: f64, generator: &mut ChaCha8Rng) -> Self {
        let mut arm = Self::default();
        for _ in 0..customers {
            let buys_before = generator.random_bool(0.3);
            // Who spent before is three times as likely to spend again: 0.3 × 0.28125 + 0.7 × 0.09375 = 0.15.
            let buys = generator.random_bool(if buys_before { 0.28125 } else { 0.09375 });
            let taste = if buys || buys_before { log_normal(0.5, generator) } else { 0.0 };
            let orders = f64::from(u8::from(buys) * generator.random_range(1..=2));
            let mut amount = |orders: f64| {
                if orders > 0.0 { 40.0 * orders * taste * log_normal(0.4, generator) } else { 0.0 }
            };
            arm.spend.push((1.0 + lift) * amount(orders));
            arm.before.push(amount(f64::from(u8::from(buys_before))));
            arm.orders.push(orders);
        }
        arm
    }
}

/// A skewed amount with a mean of 1.
fn log_normal(sigma: f64, generator: &mut ChaCha8Rng) -> f64 {
    let z: f64 = StandardNormal.sample(generator);
    (sigma * z - sigma * sigma / 2.0).exp()
}

fn covers(interval: Estimate, truth: f64) -> bool {
    !interval.excludes(truth)
}

/// Which intervals in closed form of one simulated experiment cover the truth, by name.
fn closed_forms(lift: f64, world: u64) -> Vec<(&'static str, bool)> {
    let [treated, control] = experiment(lift, world);
    let (one, two) = (Sample::of(&treated.spend).unwrap(), Sample::of(&control.spend).unwrap());
    let [one_before, two_before] =
        [&treated, &control].map(|arm| PairedSample::of(&arm.spend, &arm.before).unwrap());
    let [one_orders, two_orders] =
        [&treated, &control].map(|arm| PairedSample::of(&arm.spend, &arm.orders).unwrap());
    let adjusted = cuped(&one_before, &two_before, 0.95).unwrap().difference;
    let (truth, order_value) = (lift * MEAN_SPEND, 40.0 * (1.0 + lift));
    vec![
        ("Welch", covers(welch(&one, &two, 0.95).unwrap(), truth)),
        ("CUPED", covers(adjusted, truth)),
        ("relative lift", covers(relative_lift(&one, &two, 0.95).unwrap(), lift)),
        ("Fieller", !fieller(&one, &two, 0.95).unwrap().lift().excludes(lift)),
        ("ratio", covers(ratio(&one_orders, 0.95).unwrap(), order_value)),
        ("Fieller paired", !fieller_paired(&one_orders, 0.95).unwrap().excludes(order_value)),
        ("ratios", covers(ratio_difference(&one_orders, &two_orders, 0.95).unwrap(), 40.0 * lift)),
    ]
}

/// Which bootstrap intervals cover the difference, the lift, and the difference of spend per order.
fn resampled(lift: f64, world: u64) -> Vec<(&'static str, bool)> {
    let arms = experiment(lift, world);
    let [treated, control] = arms.each_ref().map(|arm| Resampler::of_values(&arm.spend).unwrap());
    let [by_order, control_by_order] = arms.map(|arm| {
        let rows: Vec<_> =
            arm.spend.iter().zip(&arm.orders).map(|(spend, orders)| [*spend, *orders]).collect();
        Resampler::new(&rows).unwrap()
    });
    let difference = Bootstrap::new([&treated, &control], bootstrap::difference, 499, world).unwrap();
    let relative = Bootstrap::new([&treated, &control], bootstrap::relative_lift, 499, world).unwrap();
    let ratios =
        Bootstrap::new([&by_order, &control_by_order], bootstrap::ratio_difference, 499, world).unwrap();
    vec![
        ("percentile", covers(difference.percentile(0.95).unwrap(), lift * MEAN_SPEND)),
        ("BCa", covers(difference.bca(0.95).unwrap(), lift * MEAN_SPEND)),
        ("percentile of the lift", covers(relative.percentile(0.95).unwrap(), lift)),
        ("BCa of the lift", covers(relative.bca(0.95).unwrap(), lift)),
        ("percentile of the ratios", covers(ratios.percentile(0.95).unwrap(), 40.0 * lift)),
        ("BCa of the ratios", covers(ratios.bca(0.95).unwrap(), 40.0 * lift)),
    ]
}

fn experiment(lift: f64, world: u64) -> [Arm; 2] {
    let mut generator = random::stream(SEED, world);
    [(3_000, lift), (2_000, 0.0)].map(|(customers, lift)| Arm::simulated(customers, lift, &mut generator))
}

/// The share of worlds in which each interval covers.
fn shares(
    worlds: u64,
    of_world: impl Fn(u64) -> Vec<(&'static str, bool)> + Send + Sync,
) -> Vec<(&'static str, f64)> {
    let found: Vec<_> = (0..worlds).into_par_iter().map(of_world).collect();
    let share = |place: usize| found.iter().filter(|world| world[place].1).count() as f64 / worlds as f64;
    found[0].iter().enumerate().map(|(place, (name, _))| (*name, share(place))).collect()
}

fn assert_near_its_level(found: &[(&str, f64)], of: &str) {
    assert!(found.iter().all(|(_, share)| (0.93..=0.97).contains(share)), "{of}: {found:?}");
}

#[test]
fn intervals_of_spend_cover_the_truth() {
    for lift in [0.0, 0.2] {
        assert_near_its_level(
            &shares(2_000, |world| closed_forms(lift, world)),
            &format!("a lift of {lift}"),
        );
        assert_near_its_level(&shares(1_000, |world| resampled(lift, world)), &format!("a lift of {lift}"));
    }
}

#[test]
fn newcombe_covers_the_truth_with_few_hits_too() {
    for (treated, control) in [(0.15, 0.15), (0.18, 0.15), (0.004, 0.004), (0.02, 0.001)] {
        let found = shares(4_000, |world| {
            let mut generator = random::stream(SEED, world);
            let mut hits = |customers, rate| Binomial::new(customers, rate).unwrap().sample(&mut generator);
            let interval =
                newcombe((hits(3_000, treated), 3_000), (hits(2_000, control), 2_000), 0.95).unwrap();
            vec![("Newcombe", covers(interval, treated - control))]
        });
        assert_near_its_level(&found, &format!("{treated} against {control}"));
    }
}

#[test]
fn a_sequential_interval_covers_at_every_look_and_a_fixed_one_does_not() {
    let truth = 0.2 * MEAN_SPEND;
    let found = shares(400, |world| {
        let mut generator = random::stream(SEED, world);
        let [treated, control] = [0.2, 0.0].map(|lift| Arm::simulated(5_000, lift, &mut generator).spend);
        let looks = (200..=5_000).step_by(100).map(|customers| {
            let [one, two] = [&treated, &control].map(|arm| Sample::of(&arm[..customers]).unwrap());
            (sequential(&one, &two, 0.95, 5_000.0).unwrap(), welch(&one, &two, 0.95).unwrap())
        });
        let (always, fixed): (Vec<_>, Vec<_>) = looks.unzip();
        let throughout =
            |intervals: Vec<Estimate>| intervals.into_iter().all(|interval| covers(interval, truth));
        vec![("sequential", throughout(always)), ("Welch at every look", throughout(fixed))]
    });
    assert!(found[0].1 >= 0.95 && found[1].1 < 0.85, "{found:?}");
}

#[test]
fn several_variants_without_an_effect_are_seldom_told_apart_from_the_control() {
    let found = shares(500, |world| {
        let mut generator = random::stream(SEED, world);
        let arms: [Arm; 4] = std::array::from_fn(|_| Arm::simulated(1_000, 0.0, &mut generator));
        let variants = [&arms[1], &arms[2], &arms[3]].map(|arm| arm.spend.as_slice());
        let together = max_t(&arms[0].spend, &variants, 0.95, 399, world).unwrap();
        let control = Sample::of(&arms[0].spend).unwrap();
        let p_values =
            variants.map(|variant| welch_p_value(&Sample::of(variant).unwrap(), &control).unwrap());
        let one_by_one = holm(&p_values, 0.05).unwrap();
        let rejected = |by: &dyn Fn(usize) -> bool| (0..3).any(by);
        vec![
            ("max-T", rejected(&|variant| together[variant].adjusted_p_value <= 0.05)),
            ("max-T intervals", rejected(&|variant| together[variant].difference.excludes(0.0))),
            ("Holm", rejected(&|variant| one_by_one[variant].rejected)),
            ("uncorrected", rejected(&|variant| p_values[variant] <= 0.05)),
        ]
    });
    let (corrected, uncorrected) = found.split_at(3);
    assert!(corrected.iter().all(|(_, share)| (0.02..=0.07).contains(share)), "{found:?}");
    assert!(uncorrected[0].1 > 0.08, "{found:?}");
}
