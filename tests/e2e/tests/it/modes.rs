//! What simulations and off-policy evaluations promise, over the bundled data and shipped components.

use stratagem_e2e::{STRATEGIES, bundled, configured, decisions, empty_store, policy};
use stratagem_measure::off_policy::{Options, evaluate};
use stratagem_model::event::Timeline;
use stratagem_model::time::parse_day;
use stratagem_model::{BUCKETS, PPM, Reason, Time, Zone};
use stratagem_record::Reward;
use stratagem_record::simulation::BreakEven;
use stratagem_replay::logged::{LoggedAction, NOTHING, policy_on_log};
use stratagem_replay::simulation::{Settings, Simulated, simulate};
use stratagem_replay::{Backtest, BacktestError, Progress};
use stratagem_runtime::Configured;
use stratagem_store::{CustomerEvents, MemoryStore, Projection, Store};

/// The first day that is simulated.
const CUT: &str = "2017-09-01";

/// A month from the cut, with these effects of each contact.
fn settings(strategy: &Configured, worlds: u32, effects: (f64, f64)) -> Settings {
    let actions = &strategy.plan().actions;
    Settings {
        cut: parse_day(CUT).unwrap(),
        days: 30,
        worlds,
        model: None,
        effects: actions.iter().map(|a| if a.kind.is_contact() { effects } else { (0.0, 0.0) }).collect(),
        redemption: 1.0,
        margin_ppm: 300_000,
    }
}

/// A month of recall waves.
fn simulated(effects: (f64, f64), threads: usize) -> Simulated {
    worlds(4, effects, threads)
}

fn worlds(worlds: u32, effects: (f64, f64), threads: usize) -> Simulated {
    let strategy = configured("recall-waves", &[]);
    let backtest = Backtest { threads, ..Backtest::new(policy()) };
    let settings = settings(&strategy, worlds, effects);
    simulate(bundled(), &strategy, &backtest, &settings, &Progress::default()).unwrap()
}

#[test]
fn a_seed_is_a_world_whatever_the_threads() {
    let (one, two) = (simulated((0.0, 0.5), 1), simulated((0.0, 0.5), 2));
    assert_eq!(one.over_worlds, two.over_worlds);
    assert_eq!(one.run.receipt, two.run.receipt);
    assert!(one.run.receipt.decisions > 100, "there is something to compare");
}

#[test]
fn what_is_declared_is_what_is_caused() {
    let none = simulated((0.0, 0.0), 0).over_worlds;
    assert_eq!((none.caused_orders.high, none.caused_gmv.high), (0.0, 0.0));
    assert!(none.profit.high < 0.0, "contacts cost and cause nothing: {:?}", none.profit);
    let all = simulated((1.0, 1.0), 0).over_worlds;
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

/// Else "would a holdout see it?" were an answer about one draw of the holdout, and its coverage luck.
#[test]
fn each_world_holds_out_others_so_that_its_standard_error_is_what_worlds_differ_by() {
    let found = worlds(100, (0.0, 0.0), 0).over_worlds;
    let measured: Vec<_> = found.worlds.iter().map(|world| world.measured.unwrap()).collect();
    let n = measured.len() as f64;
    let mean = measured.iter().map(|estimate| estimate.value).sum::<f64>() / n;
    let variance = measured.iter().map(|estimate| (estimate.value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let said = measured.iter().map(|estimate| estimate.standard_error).sum::<f64>() / n;
    let ratio = variance.sqrt() / said;
    // Chance alone: one standard error of the ratio is 0.07.
    assert!((0.8..1.2).contains(&ratio), "they differ by {ratio} of their standard errors");
    assert!(found.holdout_covers.unwrap() >= 0.88, "{:?}", found.holdout_covers);
}

/// The bundled data without anything that became known at this instant or later.
fn bundled_before(cut: Time) -> MemoryStore {
    let (whole, store) = (bundled(), empty_store());
    for dictionary in ["product", "category", "store"] {
        let words = whole.dictionary(dictionary).unwrap();
        store.intern(dictionary, &words.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    }
    store.file_products(0, whole.filings().unwrap()).unwrap();
    let mut customers = vec![];
    let all = Projection { lines: true, events: true };
    let mut take = |customer, timeline: &Timeline| {
        let mut kept = Timeline::default();
        let mut lines = timeline.lines.iter();
        for order in &timeline.orders {
            let its_lines = lines.by_ref().take(order.lines as usize);
            if order.known_time < cut {
                kept.orders.push(order.clone());
                kept.lines.extend(its_lines);
            } else {
                its_lines.for_each(drop);
            }
        }
        kept.events.extend(timeline.events.iter().filter(|event| event.known_time < cut).cloned());
        let external_id = whole.external_id(customer).unwrap().unwrap();
        customers.push(CustomerEvents::new(external_id, kept));
    };
    whole.scan(0..BUCKETS, all, &mut take).unwrap();
    customers.retain(|customer| !customer.timeline.orders.is_empty() || !customer.timeline.events.is_empty());
    store.append(customers).unwrap();
    store
}

#[test]
fn history_after_the_cut_is_not_read() {
    let zone = Zone::new("America/New_York").unwrap();
    let truncated = bundled_before(zone.at(parse_day(CUT).unwrap(), 0));
    let (orders, all) = (truncated.totals().unwrap().orders, bundled().totals().unwrap().orders);
    assert!(0 < orders && orders < all, "{orders} of {all} orders lie before the cut");
    let mut compared = 0;
    for name in STRATEGIES {
        let on = |store: &dyn Store| {
            let strategy = configured(name, &[]);
            let settings = settings(&strategy, 1, (0.0, 0.5));
            simulate(store, &strategy, &Backtest::new(policy()), &settings, &Progress::default()).unwrap()
        };
        let (whole, cut) = (on(bundled()), on(&truncated));
        assert_eq!(whole.over_worlds, cut.over_worlds, "{name}");
        assert_eq!(whole.run.receipt, cut.run.receipt, "{name}");
        compared += cut.run.receipt.decisions;
    }
    assert!(compared > 100, "only {compared} decisions compared");
}

#[test]
fn a_cut_before_all_history_is_refused() {
    let strategy = configured("recall-waves", &[]);
    let settings = Settings { cut: parse_day("2016-12-01").unwrap(), ..settings(&strategy, 1, (0.0, 0.0)) };
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
