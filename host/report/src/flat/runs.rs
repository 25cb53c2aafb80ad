//! Runs: what each is by the kind of its evidence, and all of them in a list.

use stratagem_measure::Rate;
use stratagem_model::Currency;
use stratagem_record::simulation::{Simulation, World};
use stratagem_record::{Mode, OffPolicy, Replay, Reward, Run};

use super::{ESTIMATE, estimate, optional, write};
use crate::backtest::{failures_of, mode_word, preferred};
use crate::numbers::decimal;

fn rate(rate: Option<&Rate>) -> [String; 5] {
    rate.map_or_else(Default::default, |rate| {
        [
            rate.hits.to_string(),
            rate.of.to_string(),
            rate.value.to_string(),
            rate.low.to_string(),
            rate.high.to_string(),
        ]
    })
}

/// A run's columns and rows.
struct Flat {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Flat {
    fn of(run: &Run) -> Self {
        match &run.mode {
            Mode::Replay(replay) => actions(run, replay),
            Mode::Simulation(simulation) => worlds(run, simulation),
            Mode::OffPolicy(off_policy) => estimators(run, off_policy),
        }
    }
}

/// One row a run and action, world or estimator; where the runs have other columns than each other, one row a value.
pub(crate) fn runs(runs: &[Run]) -> String {
    let tables: Vec<_> = runs.iter().map(Flat::of).collect();
    let header = tables.first().map(|first| first.header.clone()).unwrap_or_default();
    if tables.iter().all(|table| table.header == header) {
        return write(&header, tables.into_iter().flat_map(|table| table.rows));
    }
    let values = runs.iter().zip(&tables).flat_map(|(run, table)| {
        table.rows.iter().enumerate().flat_map(move |(number, row)| {
            let named = table.header.iter().zip(row).filter(|(name, _)| !["run", "mode"].contains(name));
            named.map(move |(name, value)| {
                let number = (number + 1).to_string();
                vec![run.id.clone(), mode_word(&run.mode).into(), number, (*name).to_owned(), value.clone()]
            })
        })
    });
    write(&["run", "mode", "row", "column", "value"], values)
}

/// What was run on what.
const ORIGIN: [&str; 8] =
    ["run", "mode", "strategy", "version", "component", "data_fingerprint", "from", "until"];

fn origin(run: &Run) -> Vec<String> {
    let (strategy, period) = (run.sole_strategy(), &run.period);
    vec![
        run.id.clone(),
        mode_word(&run.mode).into(),
        strategy.name.clone(),
        strategy.version.clone(),
        strategy.digest.clone(),
        run.data.fingerprint.clone(),
        period.from.clone(),
        period.until.clone(),
    ]
}

/// How many minor units a whole one has.
fn major(currency: &Currency) -> f64 {
    f64::from(10_u32.pow(currency.digits))
}

fn actions(run: &Run, replay: &Replay) -> Flat {
    #[rustfmt::skip]
    const HEADER: [&str; 20] = [
        "window_days", "currency", "action", "kind", "sent", "conversion_hits", "conversion_of", "conversion_value",
        "conversion_low", "conversion_high", "natural_return_holdout_hits", "natural_return_holdout_of",
        "natural_return_holdout_value", "natural_return_holdout_low", "natural_return_holdout_high",
        "natural_return_look_alike", "attributed_gmv", "contact_cost", "offer_exposure", "decisions_digest",
    ];
    let currency = &run.data.currency;
    let rows = replay.lanes.sole().outcome.summary.actions.iter().map(|action| {
        let mut row = origin(run);
        row.extend([
            run.period.window_days.to_string(),
            currency.code.clone(),
            action.id.clone(),
            kind(action.kind),
            action.sent.to_string(),
        ]);
        row.extend(rate(action.conversion.as_ref()));
        row.extend(rate(action.natural_return_holdout.as_ref()));
        row.push(optional(action.natural_return_look_alike));
        let amounts = [action.gmv, action.contact_cost, action.offer_exposure];
        row.extend(amounts.map(|amount| decimal(currency, amount)));
        row.push(replay.receipt.decisions_digest.clone());
        row
    });
    Flat { header: ORIGIN.into_iter().chain(HEADER).collect(), rows: rows.collect() }
}

/// The name that JSON has for a kind.
fn kind(kind: stratagem_model::ActionKind) -> String {
    let json = serde_json::to_value(kind).ok();
    json.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

fn worlds(run: &Run, simulation: &Simulation) -> Flat {
    #[rustfmt::skip]
    const HEADER: [&str; 13] = [
        "currency", "world", "strength", "contacts", "contact_cost", "caused_orders", "caused_gmv", "redemptions",
        "redeemed", "cannibalised", "attributed_gmv", "profit", "drawdown",
    ];
    let currency = &run.data.currency;
    let money = |amount| decimal(currency, amount);
    let row = |world: &World| {
        let mut row = origin(run);
        row.extend([
            currency.code.clone(),
            world.number.to_string(),
            world.strength.to_string(),
            world.contacts.to_string(),
            money(world.contact_cost),
            world.caused_orders.to_string(),
            money(world.caused_gmv),
            world.redemptions.to_string(),
            money(world.redeemed),
            world.cannibalised.to_string(),
            money(world.attributed_gmv),
            (world.profit / major(currency)).to_string(),
            (world.drawdown / major(currency)).to_string(),
        ]);
        row
    };
    let rows = simulation.over_worlds.worlds.iter().map(row).collect();
    Flat { header: ORIGIN.into_iter().chain(HEADER).collect(), rows }
}

/// The unit of a reward, where it has one, and how many of what is kept it has.
fn unit(run: &Run, reward: Reward) -> (&'static str, Option<&str>, f64) {
    match reward {
        Reward::Gmv => ("gmv", Some(&run.data.currency.code), major(&run.data.currency)),
        Reward::Conversion => ("conversion", None, 1.0),
    }
}

fn estimators(run: &Run, off_policy: &OffPolicy) -> Flat {
    let (reward, currency, unit) = unit(run, off_policy.reward);
    let rows = off_policy.lanes.sole().outcome.estimates.iter().map(|one| {
        let mut row = origin(run);
        row.extend([reward.to_owned(), optional(currency)]);
        row.extend(estimate(one, unit));
        row
    });
    let header = ORIGIN.into_iter().chain(["reward", "currency"]).chain(ESTIMATE);
    Flat { header: header.collect(), rows: rows.collect() }
}

/// What a run's mode may say of it: the name, the value and its interval, and the currency or reward that it is of.
fn result(run: &Run) -> [String; 5] {
    let of = |name: &str, [value, low, high]: [f64; 3], unit: &str| {
        [name.to_owned(), value.to_string(), low.to_string(), high.to_string(), unit.to_owned()]
    };
    match &run.mode {
        Mode::Replay(replay) => {
            let share = optional(replay.lanes.sole().outcome.summary.break_even_share);
            ["break-even-share".into(), share, String::new(), String::new(), String::new()]
        }
        Mode::Simulation(simulation) => {
            let profit = &simulation.over_worlds.profit;
            let amounts =
                [profit.mean, profit.low, profit.high].map(|minor| minor / major(&run.data.currency));
            of("assumed-profit", amounts, &run.data.currency.code)
        }
        Mode::OffPolicy(off_policy) => {
            let best = preferred(&off_policy.lanes.sole().outcome);
            let estimate = best.bootstrap.as_ref().unwrap_or(&best.normal);
            let (reward, currency, unit) = unit(run, off_policy.reward);
            let values = [estimate.value, estimate.low, estimate.high].map(|value| value / unit);
            of("policy-value", values, currency.unwrap_or(reward))
        }
    }
}

/// One row a run. What a mode does not know is empty.
pub(crate) fn list(runs: &[Run]) -> String {
    #[rustfmt::skip]
    let header = [
        "run", "recorded_at", "mode", "result", "result_value", "result_low", "result_high", "result_of", "strategy",
        "version", "component", "data_fingerprint", "from", "until", "window_days", "currency", "customers", "eligible",
        "participants", "contacted", "contacts", "conversion", "attributed_gmv", "arpu", "contact_cost",
        "offer_exposure", "worst_case_cost", "roi_if_all_caused", "break_even_share", "decisions", "decisions_digest",
        "failed_batches", "failed_audits",
    ];
    let row = |run: &Run| {
        let (strategy, period) = (run.sole_strategy(), &run.period);
        let mut row = vec![run.id.clone(), run.recorded_at.clone(), mode_word(&run.mode).into()];
        row.extend(result(run));
        row.extend([
            strategy.name.clone(),
            strategy.version.clone(),
            strategy.digest.clone(),
            run.data.fingerprint.clone(),
            period.from.clone(),
            period.until.clone(),
            period.window_days.to_string(),
            run.data.currency.code.clone(),
            run.data.customers.to_string(),
        ]);
        row.extend(outcome(run));
        row
    };
    write(&header, runs.iter().map(row))
}

/// What a replay counted; of a simulation the mean contacts and whether batches failed, of a log nothing.
fn outcome(run: &Run) -> [String; 16] {
    let failed_batches = failures_of(&run.mode).iter().map(|failure| failure.batches).sum::<u64>();
    let mut cells: [String; 16] = Default::default();
    match &run.mode {
        Mode::Replay(replay) => counted(run, replay, failed_batches),
        Mode::Simulation(simulation) => {
            let contacts = simulation.over_worlds.contacts.mean.to_string();
            (cells[3], cells[14]) = (contacts, failed_batches.to_string());
            cells
        }
        Mode::OffPolicy(_) => cells,
    }
}

fn counted(run: &Run, replay: &Replay, failed_batches: u64) -> [String; 16] {
    let (summary, currency) = (&replay.lanes.sole().outcome.summary, &run.data.currency);
    let treated = &summary.treated;
    let money = |amount| decimal(currency, amount);
    let failed_audits = replay.audits.iter().filter(|finding| finding.difference.is_some()).count();
    [
        treated.eligible.to_string(),
        treated.participants.to_string(),
        treated.contacted.to_string(),
        summary.contacts().to_string(),
        optional(treated.conversion.map(|rate| rate.value)),
        money(treated.attributed_gmv),
        optional(treated.arpu.map(|arpu| arpu / major(currency))),
        money(summary.contact_cost),
        money(summary.offer_exposure),
        money(summary.worst_case_cost()),
        optional(summary.roi_if_all_caused),
        optional(summary.break_even_share),
        replay.receipt.decisions.to_string(),
        replay.receipt.decisions_digest.clone(),
        failed_batches.to_string(),
        failed_audits.to_string(),
    ]
}
