//! Repurchase models on CDNOW: 2,357 customers of a CD shop who first bought in the first quarter of 1997,
//! calibrated until 1997-09-30 and followed for 39 weeks more.

use std::collections::BTreeMap;

use stratagem_measure::repurchase::{
    Calibration, Fit, GammaGamma, History, Holdout, Kind, Spending, Tracking,
};
use stratagem_reference::{assert_digits, columns};

const CALIBRATION_DAYS: i32 = 273;
const HOLDOUT_WEEKS: f64 = 39.0;

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}

/// The summary that the articles use, and `lifetimes`: weeks, rounded to two decimals.
fn summary() -> Vec<History> {
    let rows = columns("cdnow/cdnow_customers_summary.csv", ["frequency", "recency", "T"]);
    let rows: Vec<_> =
        rows.iter().map(|[x, t_x, t]| (number::<f64>(x) as u32, number(t_x), number(t))).collect();
    History::of_rows(&rows).expect("valid rows")
}

/// Days from 1997-01-01 on which customers ordered; orders of one day are one.
fn order_days() -> Vec<Vec<i32>> {
    let log = std::fs::read_to_string(stratagem_reference::data("cdnow/CDNOW_sample.txt")).expect("text");
    let mut customers = BTreeMap::<String, Vec<i32>>::new();
    for line in log.lines().filter(|line| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        customers.entry(fields[0].into()).or_default().push(day_of(number(fields[2])));
    }
    let mut days: Vec<Vec<i32>> = customers.into_values().collect();
    for days in &mut days {
        days.sort_unstable();
        days.dedup();
    }
    days
}

/// Days from 1997-01-01 of a date like 19970131.
fn day_of(date: i32) -> i32 {
    const BEFORE_MONTH: [i32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
    (year - 1_997) * 365 + BEFORE_MONTH[month as usize - 1] + day - 1
}

/// The calibration period of the log, in weeks, and the orders of each customer in the holdout.
fn calibration(order_days: &[Vec<i32>]) -> (Vec<History>, Vec<u32>) {
    let customer = |days: &Vec<i32>| {
        let known = days.partition_point(|day| *day < CALIBRATION_DAYS);
        let weeks = |day: i32| f64::from(day - days[0]) / 7.0;
        let history = History::new(known as u32 - 1, weeks(days[known - 1]), weeks(CALIBRATION_DAYS - 1))
            .expect("a valid history");
        (history, (days.len() - known) as u32)
    };
    order_days.iter().map(customer).unzip()
}

#[track_caller]
fn assert_fit<M>(fit: &Fit<M>, digits: i32, values: &[f64], log_likelihood: f64) {
    assert_eq!(fit.parameters.len(), values.len());
    for (parameter, value) in fit.parameters.iter().zip(values) {
        assert_digits(parameter.estimate.value, *value, digits, &parameter.name);
    }
    assert!(fit.log_likelihood >= log_likelihood - 1e-8, "{} is below {log_likelihood}", fit.log_likelihood);
    assert_digits(fit.log_likelihood, log_likelihood, 12, "log-likelihood");
}

/// Standard errors, with the digits each is known to.
#[track_caller]
fn assert_errors<M>(fit: &Fit<M>, errors: &[(f64, i32)]) {
    for (parameter, (error, digits)) in fit.parameters.iter().zip(errors) {
        assert_digits(parameter.estimate.standard_error, *error, *digits, &parameter.name);
    }
}

#[test]
fn models_are_fitted_to_the_published_parameters() {
    let histories = summary();
    let fit = Kind::BgNbd.fit(&histories).unwrap();
    assert_fit(&fit, 6, &[0.2425929072, 4.4135315612, 0.7928861485, 2.4257534379], -9582.4255605674);
    assert_errors(&fit, &[(0.01256, 4), (0.3782, 4), (0.1857, 4), (0.7053, 4)]);

    let fit = Kind::MbgNbd.fit(&histories).unwrap();
    assert_fit(&fit, 6, &[0.5248379836, 6.1829920194, 0.8913561554, 1.6139993350], -9582.1326848999);

    let fit = Kind::ParetoNbd.fit(&histories).unwrap();
    assert_fit(&fit, 5, &[0.5532755085, 10.5776122369, 0.6062135698, 11.6679112756], -9594.9739298269);
    assert_errors(&fit, &[(0.0476, 3), (0.843, 3), (0.187, 3), (6.21, 3)]);
}

#[test]
fn spend_is_fitted_to_the_published_parameters() {
    let rows = columns("cdnow/cdnow_customers_summary_with_transactions.csv", ["x", "zbar"]);
    let rows: Vec<(u32, f64)> =
        rows.iter().map(|[x, mean]| (number::<f64>(x) as u32, number(mean))).collect();
    let rows: Vec<_> = rows.into_iter().filter(|(x, _)| *x > 0).collect();
    let fit = GammaGamma::fit(&Spending::of_rows(&rows).unwrap()).unwrap();
    assert_eq!(fit.customers, 946);
    assert_fit(&fit, 6, &[6.2488024924, 3.7445884523, 15.4477479979], -4055.9232435029);
    assert_errors(&fit, &[(1.19, 3), (0.290, 3), (4.16, 3)]);
}

#[test]
fn the_order_log_gives_the_published_likelihood() {
    let (histories, _) = calibration(&order_days());
    let fit = Kind::BgNbd.fit(&histories).unwrap();
    assert!(fit.log_likelihood >= -9582.4292066739 - 1e-8, "{}", fit.log_likelihood);
    assert_digits(fit.log_likelihood, -9582.4292066739, 12, "log-likelihood");
}

#[test]
fn the_holdout_is_ranked_well_and_its_total_missed() {
    let (histories, actual) = calibration(&order_days());
    let model = Kind::BgNbd.fit(&histories).unwrap().model;
    let holdout = Holdout::compare(&model, &histories, &actual, HOLDOUT_WEEKS).unwrap();
    assert_eq!((holdout.customers, holdout.actual_orders), (2_357, 1_882));
    assert_digits(holdout.expected_orders, 1653.41, 6, "expected orders");
    assert_digits(holdout.mean_absolute_error, 0.78545, 5, "mean absolute error");
    assert_digits(holdout.mean_absolute_error_of_none, 0.79847, 5, "mean absolute error of none");
    assert_digits(holdout.mean_error, (1653.41 - 1882.0) / 2357.0, 4, "mean error");
    let groups: Vec<_> = holdout.by_repeats.iter().map(|group| (group.repeats, group.customers)).collect();
    assert_eq!(groups, [(0, 1411), (1, 439), (2, 214), (3, 100), (4, 62), (5, 38), (6, 29), (7, 64)]);
    let rising =
        |mean: fn(&Calibration) -> f64| holdout.by_repeats.is_sorted_by(|one, next| mean(one) < mean(next));
    assert!(rising(|group| group.mean_actual) && rising(|group| group.mean_expected), "{holdout:?}");
}

#[test]
fn tracked_orders_are_those_that_lifetimes_expects() {
    let order_days = order_days();
    let (histories, _) = calibration(&order_days);
    let week = |day: &i32| f64::from(*day) / 7.0;
    let firsts: Vec<f64> = order_days.iter().map(|days| week(&days[0])).collect();
    let repeats: Vec<f64> = order_days.iter().flat_map(|days| days[1..].iter().map(week)).collect();
    // `lifetimes` 0.11.3 stops its search for the Pareto/NBD early.
    for (kind, digits, after_39, after_78) in
        [(Kind::BgNbd, 6, 2501.526, 4165.664), (Kind::ParetoNbd, 5, 2532.797, 4275.412)]
    {
        let model = kind.fit(&histories).unwrap().model;
        let weeks = Tracking::of(&model, &firsts, &repeats, 1.0, 78).unwrap();
        assert_digits(weeks[38].cumulative_expected, after_39, digits, kind.name());
        assert_digits(weeks[77].cumulative_expected, after_78, digits, kind.name());
        // The log ends with day 545, the last before week 78 does.
        assert_eq!(weeks[77].cumulative_actual, repeats.len() as u64);
        assert_eq!(weeks.iter().map(|week| week.actual).sum::<u64>(), repeats.len() as u64);
    }
}
