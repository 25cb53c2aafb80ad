//! Simulations and evaluations on logs: what each may say, and that nothing is said of them as if they were replays.

use insta::assert_snapshot;
use serde_json::{Value, json};
use stratagem_measure::effects::{ArmSizes, Effect, Outcome};
use stratagem_measure::off_policy::{Categorical, Log, Options, Policy, evaluate};
use stratagem_record::simulation::{Simulated, Simulation};
use stratagem_record::{Lanes, LogRecord, Mode, OffPolicy, Reward, Run};
use stratagem_report::{
    Format, Lang, Power, PowerAnswer, Sweep, SweepBy, backtest, compare, library_list, power, sweep,
};

use crate::fixture::{empty, metrics, of_replay, run, strategy};
use crate::{NARROW, PIPE};

fn quantiles(mean: f64) -> Value {
    json!({ "mean": mean, "low": 0.5 * mean, "median": mean, "high": 1.5 * mean })
}

fn fit(model: &Value, names: &[&str]) -> Value {
    let estimate = json!({ "value": 0.5, "standard-error": 0.1, "low": 0.3, "high": 0.7 });
    let parameters: Vec<_> = names.iter().map(|name| json!({ "name": name, "estimate": estimate })).collect();
    json!({ "model": model, "parameters": parameters, "log-likelihood": -6989.5, "customers": 600 })
}

/// A simulation of two worlds with this mean profit.
pub(crate) fn simulated(profit: f64) -> Run {
    let world = |number: u32, profit: f64| {
        json!({
            "number": number, "strength": 0.25 + 0.5 * f64::from(number), "contacts": 1_000 + number,
            "contact-cost": 5_000, "caused-orders": 30, "caused-gmv": 90_000, "redemptions": 20, "redeemed": 10_000,
            "cannibalised": 8, "attributed-gmv": 400_000, "profit": profit, "drawdown": 1_500.5, "measured": null,
            "truth": 36.5,
        })
    };
    let orders = json!({ "kind": "bg-nbd", "parameters": [0.9, 3.5, 0.5, 13.0] });
    let spend = json!({ "p": 1.2, "q": 6.3, "v": 80.0 });
    let over_worlds = json!({
        "fitted": {
            "repurchase": fit(&orders, &["r", "alpha", "a", "b"]), "spend": fit(&spend, &["p", "q", "v"]),
            "tried": null,
        },
        "redemption": 1.0,
        "contacts": quantiles(1_000.5), "caused-orders": quantiles(30.0), "caused-gmv": quantiles(90_000.0),
        "attributed-gmv": quantiles(400_000.0), "redemptions": quantiles(20.0), "cannibalised": quantiles(8.0),
        "contact-cost": quantiles(5_000.0), "redeemed": quantiles(10_000.0), "profit": quantiles(profit),
        "roi": quantiles(0.8), "drawdown": quantiles(1_500.5), "losing": 0.0, "break-even": { "at": 0.6 },
        "grid": {
            "strengths": [0.0, 1.0], "discounts": [0.0, 1.0], "roi": [[-1.0, -1.0], [4.4, 0.8]],
            "profit": [-15_000.0, 12_000.0], "worlds": 2,
        },
        "curve": [
            { "until": "2018-01-07", "profit": quantiles(0.5 * profit) },
            { "until": "2018-01-14", "profit": quantiles(profit) },
        ],
        "holdout-covers": 1.0, "holdout-detects": 0.5,
        "worlds": [world(0, 0.5 * profit), world(1, 1.5 * profit)],
    });
    let effects = json!([{ "action": "personal-coupon", "low": 0.0, "high": 0.05, "break-even": 0.03 }]);
    let mut run = Run { id: "r0006".into(), ..run() };
    let replay = of_replay(&mut run).clone();
    let played = replay.lanes[0].outcome.clone();
    let lane = Simulated {
        gates: played.gates,
        effects: serde_json::from_value(effects).expect("these are effects"),
        first_world: played.summary,
        failures: played.failures,
        log: played.log,
    };
    run.mode = Mode::Simulation(Box::new(Simulation {
        gates: replay.gates,
        margin_ppm: replay.margin_ppm,
        lanes: Lanes::of(strategy(), lane),
        receipt: replay.receipt,
        over_worlds: serde_json::from_value(over_worlds).expect("these are worlds"),
    }));
    run
}

/// An evaluation on a log of two actions, of a policy that chooses them as often as this.
pub(crate) fn on_log(reward: Reward, mail: f64) -> Run {
    const ROWS: u32 = 1_200;
    let names = ["mail", "nothing"].map(str::to_owned).into();
    let codes: Vec<u32> = (0..ROWS).map(|row| u32::from(row % 4 != 0)).collect();
    let propensities = codes.iter().map(|code| [0.25, 0.75][*code as usize]).collect();
    let unit = if reward == Reward::Gmv { 2_599.0 } else { 1.0 };
    let rewards = (0..ROWS).map(|row| if row % 7 == 0 { unit } else { 0.0 }).collect();
    let log = Log::new(Categorical { names, codes }, rewards, propensities).expect("this is a log");
    let options = Options { draws: 200, ..Options::default() };
    let policy = Policy::Shared(vec![mail, 1.0 - mail]);
    let found = evaluate(&log, &policy, &options).expect("the log can answer");
    let log = LogRecord {
        name: "live.csv".into(),
        fingerprint: "5eed0f00d1ce".repeat(5) + "1234",
        unknown_customers: 3,
    };
    let empty = empty();
    let engine = empty.engine().to_owned();
    let lanes = Lanes::of(strategy(), found);
    let mode = Mode::OffPolicy(Box::new(OffPolicy { log, reward, lanes, engine }));
    Run { id: "r0007".into(), mode, ..empty }
}

fn named(id: &str, run: Run) -> Run {
    Run { id: id.into(), ..run }
}

#[test]
fn a_simulation_says_what_is_assumed() {
    let text = backtest(&simulated(12_000.0), Format::Text, NARROW, Lang::English);
    assert!(text.contains("simulated until") && !text.contains("data end") && !text.contains("Audits"));
    assert_snapshot!("simulation", text);
}

#[test]
fn an_evaluation_says_nothing_of_gates_audits_and_decisions() {
    let run = on_log(Reward::Gmv, 0.5);
    let text = backtest(&run, Format::Text, NARROW, Lang::English);
    assert!(["gates", "Audits", "decisions", "digest"].iter().all(|word| !text.contains(word)), "{text}");
    assert_snapshot!("off-policy", text);
    assert_snapshot!("off-policy-chinese", backtest(&run, Format::Text, NARROW, Lang::Chinese));
}

#[test]
fn few_rows_are_said_to_carry_an_estimate_only_where_they_do() {
    let text = |mail: f64| backtest(&on_log(Reward::Conversion, mail), Format::Text, PIPE, Lang::English);
    assert!(!text(0.25).contains("A few rows"));
    assert!(text(1.0).contains("A few rows far to the right carry the estimate: 300.0 rows' worth"));
    assert!(text(1.0).contains("of rows with a weight above 0"));
}

#[test]
fn csv_has_a_row_a_world_or_an_estimator() {
    let csv = |run: &Run| backtest(run, Format::Csv, PIPE, Lang::English);
    assert_snapshot!("simulation-csv", csv(&simulated(12_000.0)));
    let found = csv(&on_log(Reward::Gmv, 0.5));
    assert!(
        found.starts_with("run,mode,strategy,version,component,data_fingerprint,from,until,reward,currency,")
    );
    assert_eq!(found.lines().count(), 1 + 6);
    // About a seventh of 25.99, in whole dollars.
    let value = |csv: &str| csv.lines().nth(1).and_then(|line| line.split(',').nth(11)?.parse::<f64>().ok());
    assert!(value(&found).is_some_and(|value| value < 26.0), "{found}");
    assert!(value(&csv(&on_log(Reward::Conversion, 0.5))).is_some_and(|value| value < 1.0));
}

#[test]
fn csv_of_several_modes_has_a_row_a_value() {
    let both = compare(&[simulated(12_000.0), on_log(Reward::Gmv, 0.5)], Format::Csv, PIPE);
    assert!(both.starts_with("run,mode,row,column,value\n"));
    assert!(both.contains("\nr0006,simulation,2,world,1\n"), "{both}");
    assert!(both.contains("\nr0007,off-policy,1,estimator,IPW\n"), "{both}");
}

#[test]
fn the_library_says_of_each_run_what_its_mode_may() {
    let runs = [run(), simulated(-12_000.0), on_log(Reward::Gmv, 0.5)];
    assert_snapshot!("list-modes", library_list(&runs, Format::Text, PIPE));
    let csv = library_list(&runs, Format::Csv, PIPE);
    let cells = |line: usize| csv.lines().nth(line).unwrap().split(',').map(String::from).collect::<Vec<_>>();
    let cell = |line: usize, name: &str| {
        let at = cells(0).iter().position(|column| column == name).unwrap();
        cells(line)[at].clone()
    };
    assert_eq!((cell(2, "result"), cell(2, "result_value")), ("assumed-profit".into(), "-120".into()));
    assert_eq!((cell(2, "contacts"), cell(2, "attributed_gmv")), ("1000.5".into(), String::new()));
    assert_eq!((cell(3, "contacts"), cell(3, "worst_case_cost")), (String::new(), String::new()));
}

#[test]
fn runs_are_compared_by_what_their_mode_has() {
    let simulations = [simulated(12_000.0), named("r0008", simulated(9_000.0))];
    let text = compare(&simulations, Format::Text, NARROW);
    assert!(!text.contains("A/A") && !text.contains("More attributed GMV"), "{text}");
    assert_snapshot!("compare-simulations", text);
    let logs = [on_log(Reward::Gmv, 0.5), named("r0009", on_log(Reward::Gmv, 0.3))];
    assert_snapshot!("compare-off-policy", compare(&logs, Format::Text, NARROW));
    let other = [on_log(Reward::Gmv, 0.5), on_log(Reward::Conversion, 0.5)];
    assert!(compare(&other, Format::Text, PIPE).contains("NOT comparable: they differ in reward"));
    let early = Run { table_lag_minutes: 0, ..named("r0009", on_log(Reward::Gmv, 0.5)) };
    let found = compare(&[on_log(Reward::Gmv, 0.5), early], Format::Text, PIPE);
    assert!(found.contains("NOT comparable: they differ in tables"), "{found}");
    let mixed = compare(&[run(), simulated(12_000.0)], Format::Text, PIPE);
    assert!(
        mixed.contains("NOT comparable: they differ in mode") && !mixed.contains("contact cost"),
        "{mixed}"
    );
}

fn swept(by: SweepBy, variants: Vec<Run>, last: Run) -> String {
    let variants = variants.into_iter().enumerate().map(|(at, run)| (format!("silence-days={at}"), run));
    let found = Sweep { by, variants: variants.collect(), best: 0, last };
    sweep(&found, Format::Text, PIPE)
}

#[test]
fn a_sweep_says_what_its_mode_may_claim() {
    let variants = vec![simulated(12_000.0), named("r0008", simulated(9_000.0))];
    assert_snapshot!("sweep-simulations", swept(SweepBy::Profit, variants, simulated(6_000.0)));
    let variants = vec![on_log(Reward::Gmv, 0.5), on_log(Reward::Gmv, 0.3)];
    assert_snapshot!("sweep-off-policy", swept(SweepBy::PolicyValue, variants, on_log(Reward::Gmv, 0.5)));
}

#[test]
fn a_sweep_without_a_last_value_says_so() {
    let text = swept(SweepBy::BreakEvenShare, vec![run()], empty());
    assert!(text.contains("nothing confirms the choice") && !text.contains("read "), "{text}");
    let mut free = empty();
    metrics(&mut free).break_even_share = Some(f64::NAN);
    assert_eq!(SweepBy::BreakEvenShare.value(&free), None);
}

#[test]
fn power_is_one_row() {
    let outcome = Outcome::Proportion { rate: 0.05 };
    let effect = Some(Effect::Relative(0.1));
    let answer = PowerAnswer::Required(ArmSizes { treated: 900, control: 100 });
    let found = Power { outcome, effect, confidence: 0.95, power: 0.8, answer };
    assert_snapshot!(power(&found, Format::Csv, PIPE), @r"
    answer,rate,mean,standard_deviation,effect,lift,confidence,power,treated,control
    customers,0.05,,,,0.1,0.95,0.8,900,100
    ");
    let absolute = Power { effect: Some(Effect::Absolute(0.005)), ..found };
    assert!(power(&absolute, Format::Text, PIPE).starts_with("to see a difference of 0.5 pp"));
}
