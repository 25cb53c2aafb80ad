//! Campaign 18 of Complete Journey: 1,133 of 2,469 households got its coupons from 2017-10-30 on, picked by nobody
//! knows what rule. A fake date is a week's distance from another, and no campaign of its kind (type A) ran in the four
//! weeks after it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use stratagem_measure::observational::*;
use stratagem_measure::{Estimate, Refusal};
use stratagem_reference::{assert_digits, columns};

/// The length of a period.
const DAYS: usize = 28;
const START: usize = 302;

struct Households {
    treated: Vec<bool>,
    /// Spend and visits of each household up to each day, from 2017-01-01.
    spent: Vec<Vec<f64>>,
    visited: Vec<Vec<f64>>,
}

/// The day of 2017 of a date, from 0.
fn day(date: &str) -> i64 {
    let number = |range: std::ops::Range<usize>| date[range].parse::<i64>().expect("a date");
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    (year - 2017) * 365 + before[month as usize - 1] + day - 1
}

impl Households {
    fn read() -> Self {
        let rows = columns(
            "complete-journey/transactions.csv",
            ["household_id", "sales_value", "transaction_timestamp"],
        );
        let mut days = BTreeMap::<u64, Vec<f64>>::new();
        for [household, value, time] in rows {
            let spent = days.entry(household.parse().expect("a number")).or_insert_with(|| vec![0.0; 366]);
            spent[day(&time) as usize] += value.parse::<f64>().expect("an amount");
        }
        let campaigns = columns("complete-journey/campaigns.csv", ["household_id", "campaign_id"]);
        let of_18 = campaigns.into_iter().filter(|[_, campaign]| campaign == "18");
        let of_18: BTreeSet<u64> = of_18.map(|[household, _]| household.parse().expect("a number")).collect();
        let sums = |values: &dyn Fn(f64) -> f64| {
            days.values()
                .map(|days| {
                    let mut sum = 0.0;
                    let up_to = |day: &f64| {
                        sum += values(*day);
                        sum
                    };
                    std::iter::once(0.0).chain(days.iter().map(up_to)).collect()
                })
                .collect()
        };
        Self {
            treated: days.keys().map(|household| of_18.contains(household)).collect(),
            spent: sums(&|day| day),
            visited: sums(&|day| f64::from(day > 0.0)),
        }
    }

    /// What each household added up in the period that starts so many periods after (or before) a day.
    fn period(sums: &[Vec<f64>], day: usize, periods: i64) -> Vec<f64> {
        let from = (day as i64 + periods * DAYS as i64) as usize;
        sums.iter().map(|sums| sums[from + DAYS] - sums[from]).collect()
    }

    /// Spend in the period after a day and the three before it, with visits as a covariate.
    fn panel(&self, day: usize) -> Panel {
        let before = (-3..0).map(|periods| Self::period(&self.spent, day, periods)).collect();
        let visits = Covariate::behaviour("visits", Self::period(&self.visited, day, -1));
        Panel::new(self.treated.clone(), vec![visits], before, Self::period(&self.spent, day, 0))
            .expect("a panel")
    }

    /// The trap: each treated household next to the untreated one that spent most alike in the last two periods, and then
    /// the difference of their changes.
    fn matched_then_differenced(&self, day: usize) -> f64 {
        let [earlier, last, after] = [-2, -1, 0].map(|periods| Self::period(&self.spent, day, periods));
        let scale = |values: &[f64]| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
        };
        let (a, b) = (scale(&earlier), scale(&last));
        let arm = |arm: bool| (0..last.len()).filter(|i| self.treated[*i] == arm).collect::<Vec<_>>();
        let (treated, untreated) = (arm(true), arm(false));
        let gap = |i: &usize| {
            let distance =
                |j: &usize| ((earlier[*i] - earlier[*j]) / a).powi(2) + ((last[*i] - last[*j]) / b).powi(2);
            let twin = untreated
                .iter()
                .min_by(|x, y| distance(x).total_cmp(&distance(y)))
                .expect("an untreated household");
            (after[*i] - last[*i]) - (after[*twin] - last[*twin])
        };
        treated.iter().map(gap).sum::<f64>() / treated.len() as f64
    }
}

/// Days a week apart before the campaign with three periods of data before them, after which no type A campaign ran.
fn clean_days() -> Vec<usize> {
    let runs =
        columns("complete-journey/campaign_descriptions.csv", ["campaign_type", "start_date", "end_date"]);
    let runs: Vec<_> =
        runs.iter().filter(|run| run[0] == "Type A").map(|run| (day(&run[1]), day(&run[2]))).collect();
    let is_clean =
        |from: &usize| runs.iter().all(|(start, end)| (from + DAYS) as i64 <= *start || *from as i64 > *end);
    (3 * DAYS..=START - DAYS).rev().step_by(7).filter(is_clean).collect()
}

static HOUSEHOLDS: LazyLock<Households> = LazyLock::new(Households::read);

#[test]
fn matching_and_then_differencing_finds_on_fake_dates_what_it_finds_on_the_real_one() {
    let real = HOUSEHOLDS.matched_then_differenced(START);
    let days = clean_days();
    assert_eq!(days, [274, 267, 190, 183, 176, 99, 92, 85]);
    let fake =
        days.iter().map(|day| HOUSEHOLDS.matched_then_differenced(*day)).sum::<f64>() / days.len() as f64;
    assert_digits(real, 31.044112974, 8, "dollars a household");
    assert_digits(fake, 27.942678729, 8, "dollars a household where nothing happened");
    // The host does not compute it.
    let panel = HOUSEHOLDS.panel(START);
    let refused = Adjustment::of(&panel, Outcome::Change).unwrap_err();
    assert_eq!(refused, Refusal::RegressionToTheMean { covariate: "visits".into() });
}

#[test]
fn campaign_18_has_no_identified_effect_by_any_method() {
    let placebos: Vec<_> = clean_days().iter().map(|day| (day.to_string(), HOUSEHOLDS.panel(*day))).collect();
    let panel = HOUSEHOLDS.panel(START);
    let judge = |method, adjusted_periods| {
        let outcome = Outcome::Level { adjusted_periods };
        observe(&panel, &placebos, Options { method, outcome, ..Options::default() })
    };
    for adjusted_periods in 1..=3 {
        for method in [Method::OverlapAipw, Method::Matching] {
            let found = judge(method, adjusted_periods).unwrap();
            assert_eq!(found.verdict.identification, Identification::NotIdentified, "{:?}", found.verdict);
        }
        // One customer would have nearly all the weight.
        assert!(matches!(judge(Method::IpwAtt, adjusted_periods), Err(Refusal::TooFew { .. })));
    }
    let found = judge(Method::OverlapAipw, 1).unwrap();
    let placebo = found.placebo.as_ref().unwrap();
    assert_eq!((placebo.excluding_zero, placebo.rank), (8, 9));
    assert_digits(placebo.mean, 47.4889, 6, "placebo mean");
    assert_eq!(
        found.verdict.reasons()[0].reason,
        "at 8 of 8 placebo dates the interval excludes 0 though nothing happened (by chance, p = 3.9e-11)"
    );
    // Differences in differences find nothing, from arms that start nine tenths of a deviation apart.
    let found = judge(Method::DifferenceInDifferences, 1).unwrap();
    assert_eq!(found.verdict.identification, Identification::Weak, "{:?}", found.verdict);
    let rules: Vec<_> = found.verdict.reasons().iter().map(|check| check.rule).collect();
    assert_eq!(rules, [Rule::Levels, Rule::Agreement]);
}

#[test]
fn estimates_agree_with_an_independent_computation() {
    // numpy: estimating equations stacked and differentiated numerically, neighbours by comparing all pairs.
    let panel = HOUSEHOLDS.panel(START);
    let adjustment = Adjustment::of(&panel, Outcome::Level { adjusted_periods: 1 }).unwrap();
    assert_estimate(&overlap_aipw(&adjustment, 0.95).unwrap(), 33.05479296845683, 5.192001398363065);
    let matched = matching(&adjustment, MatchingOptions::default(), 0.95).unwrap();
    assert_estimate(&matched, 29.400762069692643, 8.608288817014854);
    let differences = difference_in_differences(&panel, 0.95).unwrap();
    assert_estimate(&differences, 0.014387086374480162, 4.570011727291075);
    let trends = parallel_trends(&panel, 0.95).unwrap();
    // The panel has three periods before: two changes.
    assert_digits(trends.statistic, 5.9532654002762095, 8, "Wald statistic");
    assert_digits(trends.p_value, 0.05096415685341307, 8, "p-value");
}

#[test]
fn what_was_randomised_is_found_again_when_the_arms_are_thinned_by_history() {
    let names = ["segment", "recency", "history", "mens", "womens", "newbie", "spend"];
    let rows = columns("hillstrom/hillstrom.csv", names).into_iter().filter(|row| row[0] != "Womens E-Mail");
    let rows: Vec<_> = rows
        .map(|row| (row[0] == "Mens E-Mail", row[1..].iter().map(|text| text.parse().unwrap()).collect()))
        .collect();
    let panel = |rows: &[(bool, Vec<f64>)]| {
        let column = |at: usize| rows.iter().map(|row| row.1[at]).collect::<Vec<f64>>();
        let covariates = (0..5).map(|at| Covariate::fixed(names[at + 1], column(at))).collect();
        Panel::new(rows.iter().map(|row| row.0).collect(), covariates, vec![], column(5)).unwrap()
    };
    let check = |rows: &[(bool, Vec<f64>)], aipw: (f64, f64), ipw: (f64, f64)| {
        let panel = panel(rows);
        let adjustment = Adjustment::of(&panel, Outcome::Level { adjusted_periods: 0 }).unwrap();
        assert_estimate(&overlap_aipw(&adjustment, 0.95).unwrap(), aipw.0, aipw.1);
        assert_estimate(&ipw_att(&adjustment, 0.95).unwrap(), ipw.0, ipw.1);
    };
    check(&rows, (0.7685056715190978, 0.14513490093362177), (0.7693689989841933, 0.14520960665106372));
    // Half of the treated with little history and a third of the untreated with much are taken away: the difference of
    // means becomes 0.897, the adjusted ones stay near the experiment's 0.770.
    let keep = |(i, (treated, values)): &(usize, &(bool, Vec<f64>))| {
        if *treated { values[1] >= 100.0 || i % 2 != 0 } else { values[1] < 100.0 || i % 3 != 0 }
    };
    let thinned: Vec<_> = rows.iter().enumerate().filter(keep).map(|(_, row)| row.clone()).collect();
    assert_eq!(thinned.len(), 34_273);
    check(&thinned, (0.7756425449616549, 0.1539855043822734), (0.8105122434883129, 0.16864423343108373));
}

#[track_caller]
fn assert_estimate(found: &Estimate, value: f64, standard_error: f64) {
    assert_digits(found.value, value, 8, "estimate");
    assert_digits(found.standard_error, standard_error, 8, "standard error");
}
