//! What simulations and off-policy evaluations promise, over the bundled data and shipped components.

use stratagem_e2e::{bundled, configured, decisions, policy};
use stratagem_measure::off_policy::{Options, evaluate};
use stratagem_measure::repurchase::Kind;
use stratagem_model::time::parse_day;
use stratagem_model::{PPM, Reason};
use stratagem_replay::logged::{LoggedAction, NOTHING, Reward, policy_on_log};
use stratagem_replay::simulation::{BreakEven, Settings, Simulated, simulate};
use stratagem_replay::{Backtest, BacktestError, Progress};

/// A month of recall waves from the first of September, with these effects.
fn simulated(effects: (f64, f64), threads: usize) -> Simulated {
    let strategy = configured("recall-waves", &[]);
    let actions = &strategy.plan().actions;
    let settings = Settings {
        cut: parse_day("2017-09-01").unwrap(),
        days: 30,
        worlds: 4,
        model: Kind::BgNbd,
        effects: actions.iter().map(|a| if a.kind.is_contact() { effects } else { (0.0, 0.0) }).collect(),
        redemption: 1.0,
        margin_ppm: 300_000,
    };
    let backtest = Backtest { threads, ..Backtest::new(policy()) };
    simulate(bundled(), &strategy, &backtest, &settings, &Progress::default()).unwrap()
}

#[test]
fn a_seed_is_a_world_whatever_the_threads() {
    let (one, two) = (simulated((0.0, 0.5), 1), simulated((0.0, 0.5), 2));
    assert_eq!(one.simulation, two.simulation);
    assert_eq!(one.run.receipt, two.run.receipt);
    assert!(one.run.receipt.decisions > 100, "there is something to compare");
}

#[test]
fn what_is_declared_is_what_is_caused() {
    let none = simulated((0.0, 0.0), 0).simulation;
    assert_eq!((none.caused_orders.high, none.caused_gmv.high), (0.0, 0.0));
    assert!(none.profit.high < 0.0, "contacts cost and cause nothing: {:?}", none.profit);
    let all = simulated((1.0, 1.0), 0).simulation;
    // Each contact causes one order.
    assert_eq!(all.caused_orders, all.contacts);
    assert!(all.profit.low > 0.0, "{:?}", all.profit);
    assert!(matches!(all.break_even, BreakEven::At(strength) if strength < 1.0), "{:?}", all.break_even);
    assert!(
        all.worlds.iter().all(|world| world.attributed_gmv >= world.caused_gmv),
        "what is caused falls in the window of its contact"
    );
    assert!(none.contacts.mean > all.contacts.mean, "who has bought is not recalled again");
}

#[test]
fn history_after_the_cut_is_not_read() {
    let strategy = configured("recall-waves", &[]);
    let settings = Settings {
        cut: parse_day("2016-12-01").unwrap(),
        days: 30,
        worlds: 1,
        model: Kind::BgNbd,
        effects: vec![(0.0, 0.0); strategy.plan().actions.len()],
        redemption: 1.0,
        margin_ppm: 300_000,
    };
    let error = simulate(bundled(), &strategy, &Backtest::new(policy()), &settings, &Progress::default());
    let error = error.err().unwrap();
    assert!(matches!(error, BacktestError::NothingBeforeCut { .. }), "{error}");
    assert!(error.hint().is_some());
}

/// The decisions of a run as a log: what was drawn, and nothing where the holdout drew nothing.
#[test]
fn a_strategy_evaluated_on_its_own_log_has_the_weight_that_its_holdout_leaves() {
    let strategy = configured("recall-waves", &[]);
    let backtest = Backtest { until: parse_day("2017-11-30"), ..Backtest::new(policy()) };
    let (made, _) = decisions(bundled(), &strategy, &backtest);
    let actions = &strategy.plan().actions;
    let mut names: Vec<_> = actions.iter().map(|action| action.id.clone()).collect();
    names.push(NOTHING.into());
    let rows: Vec<_> = made
        .iter()
        .map(|decision| {
            let share = f64::from(decision.propensity_ppm) / f64::from(PPM);
            let is_sent = decision.reason == Reason::Sent;
            let nothing = names.len() as u32 - 1;
            LoggedAction {
                customer: decision.customer,
                time: decision.time,
                action: if is_sent { decision.action } else { nothing },
                propensity: if is_sent { share } else { 1.0 - share },
            }
        })
        .collect();
    let progress = Progress::default();
    let asked =
        policy_on_log(bundled(), &strategy, &backtest, &names, &rows, Reward::Gmv, &progress).unwrap();
    assert_eq!(asked.log.rows(), rows.len());
    // Asked again at the same instants it proposes the same: only the holdout lies between log and policy.
    for row in 0..asked.log.rows() {
        let expected = f64::from(u8::from(asked.log.action(row) < actions.len()));
        assert_eq!(asked.policy.of_logged(&asked.log, row), expected, "row {row} of {}", rows.len());
    }
    let found = evaluate(&asked.log, &asked.policy, &Options { draws: 200, ..Options::default() }).unwrap();
    assert!((found.diagnostics.mean_weight.value - 1.0).abs() < 0.1, "{:?}", found.diagnostics.mean_weight);
    let late = Backtest { window_days: 300, ..backtest };
    let error =
        policy_on_log(bundled(), &strategy, &late, &names, &rows, Reward::Gmv, &progress).err().unwrap();
    assert!(matches!(error, BacktestError::WindowPastEnd { .. }), "{error}");
}
