//! Randomised effects: values on the Hillstrom experiment, and nothing found where nothing was done.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use stratagem_measure::bootstrap::{Bootstrap, Resampler, difference};
use stratagem_measure::effects::{PairedSample, cuped, guard_sample_ratio, relative_lift, sequential, welch};
use stratagem_measure::{Estimate, Sample, random};
use stratagem_reference::{assert_digits, columns};

/// Spend, visits and earlier spend of each customer of an arm.
#[derive(Default)]
struct Arm {
    spend: Vec<f64>,
    visit: Vec<f64>,
    history: Vec<f64>,
}

/// The arms without mail, with the men's and with the women's.
fn hillstrom() -> [Arm; 3] {
    let mut arms: [Arm; 3] = Default::default();
    for [segment, spend, visit, history] in
        columns("hillstrom/hillstrom.csv", ["segment", "spend", "visit", "history"])
    {
        let names = ["No E-Mail", "Mens E-Mail", "Womens E-Mail"];
        let arm = &mut arms[names.iter().position(|name| *name == segment).expect("a known segment")];
        let number = |text: String| text.parse::<f64>().expect("a number");
        arm.spend.push(number(spend));
        arm.visit.push(number(visit));
        arm.history.push(number(history));
    }
    arms
}

fn sample(values: &[f64]) -> Sample {
    Sample::of(values).expect("an arm has customers")
}

#[test]
fn hillstrom_means_are_as_computed_elsewhere() {
    let means = [(0.6527893551, 0.1061672768), (1.4226165110, 0.1827568405), (1.0772015710, 0.1514003834)];
    for (arm, (spend, visit)) in hillstrom().iter().zip(means) {
        assert_digits(sample(&arm.spend).mean, spend, 8, "mean spend");
        assert_digits(sample(&arm.visit).mean, visit, 8, "visit rate");
    }
}

#[test]
fn hillstrom_differences_are_as_computed_elsewhere() {
    let [none, mens, _] = hillstrom();
    let (control, treated) = (sample(&none.spend), sample(&mens.spend));
    let found = welch(&treated, &control, 0.95).expect("a difference");
    assert_digits(found.value, 0.7698271559, 8, "difference");
    assert_digits(found.standard_error, 0.1452465602, 8, "standard error");
    assert_digits(found.low, 0.4851397326, 8, "Welch's low end");
    assert_digits(found.high, 1.0545145792, 8, "Welch's high end");
    let lift = relative_lift(&treated, &control, 0.95).expect("a lift");
    assert_digits(lift.value, 1.1792887704, 8, "relative lift");
    assert_digits(lift.standard_error, 0.3239768974, 8, "its standard error");
    let always = sequential(&treated, &control, 0.95, 5_000.0).expect("an interval");
    assert_digits(always.low, 0.3020656367, 8, "the always-valid low end");
    assert_digits(always.high, 1.2375886751, 8, "the always-valid high end");
}

#[test]
fn hillstrom_history_narrows_the_interval_by_next_to_nothing() {
    let [none, mens, _] = hillstrom();
    let paired = |arm: &Arm| PairedSample::of(&arm.spend, &arm.history).expect("a paired sample");
    let found = cuped(&paired(&mens), &paired(&none), 0.95).expect("an adjusted difference");
    assert_digits(found.theta, 0.00122289652, 8, "theta");
    assert_digits(found.difference.value, 0.7674384994278, 8, "difference");
    assert_digits(found.difference.standard_error, 0.14521504219, 8, "standard error");
    assert_digits(found.narrower, 0.0002, 1, "narrower by");
}

#[test]
fn hillstrom_arms_have_the_sizes_they_were_assigned() {
    let sizes = hillstrom().map(|arm| arm.spend.len() as u64);
    let test = guard_sample_ratio(&sizes, &[1.0, 1.0, 1.0]).expect("no mismatch");
    assert!(test.p_value > 0.5, "{test:?}");
}

/// What each customer spent on the days from `first` to before `end`, 0 for who bought on other days only.
fn spend_within(rows: Vec<[String; 3]>, first: &str, end: &str) -> Vec<f64> {
    let mut spend: BTreeMap<String, f64> = BTreeMap::new();
    for [customer, day, value] in rows {
        let spent = spend.entry(customer).or_default();
        if first <= day.as_str() && day.as_str() < end {
            *spent += value.parse::<f64>().expect("a number");
        }
    }
    spend.into_values().collect()
}

const SPLITS: u64 = 1_000;
const DRAWS: usize = 499;

/// Of the splits; their bootstraps have the number of the split as theirs.
const SEED: u64 = 1 << 32;

/// Splits customers, with whom nothing was done, into halves at random; in how many of [`SPLITS`] the 95 % interval of
/// the difference covers 0: Welch's, the percentile bootstrap's and BCa's.
fn splits_covering_zero(values: &[f64]) -> [u64; 3] {
    let mut shuffled = values.to_vec();
    let mut covering = [0; 3];
    for split in 0..SPLITS {
        shuffled.shuffle(&mut random::stream(SEED, split));
        let (treated, control) = shuffled.split_at(shuffled.len() / 2);
        let [one, other] =
            [treated, control].map(|arm| Resampler::of_values(arm).expect("an arm has customers"));
        let bootstrap = Bootstrap::new([&one, &other], difference, DRAWS, split).expect("a difference");
        let intervals: [Estimate; 3] = [
            welch(&sample(treated), &sample(control), 0.95).expect("a difference"),
            bootstrap.percentile(0.95).expect("an interval"),
            bootstrap.bca(0.95).expect("an interval"),
        ];
        for (covering, interval) in covering.iter_mut().zip(intervals) {
            *covering += u64::from(!interval.excludes(0.0));
        }
    }
    covering
}

fn assert_nothing_is_found(spend: &[f64]) {
    let bought: Vec<f64> = spend.iter().map(|spend| f64::from(u8::from(*spend > 0.0))).collect();
    for (values, what) in [(spend, "GMV"), (bought.as_slice(), "conversion")] {
        let covering = splits_covering_zero(values);
        for (covering, interval) in covering.into_iter().zip(["Welch", "percentile", "BCa"]) {
            let share = covering as f64 / SPLITS as f64;
            assert!(
                (0.93..=0.97).contains(&share),
                "{interval}: incremental {what} covers 0 in {share} of the splits"
            );
        }
    }
}

#[test]
fn nothing_is_found_between_halves_of_cdnow() {
    let spend = spend_within(
        columns("cdnow/cdnow_orders.csv", ["customer", "date", "value"]),
        "1997-10-01",
        "1997-12-30",
    );
    assert_eq!(spend.len(), 23_570);
    assert_nothing_is_found(&spend);
}

#[test]
fn nothing_is_found_between_halves_of_complete_journey() {
    let names = ["household_id", "transaction_timestamp", "sales_value"];
    let spend = spend_within(columns("complete-journey/transactions.csv", names), "2017-10-01", "2017-10-15");
    assert_eq!(spend.len(), 2_469);
    assert_nothing_is_found(&spend);
}
