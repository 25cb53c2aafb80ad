//! Runs: what each is by the kind of its evidence, and all of them in a list.

use stratagem_library::{OffPolicy, Run};
use stratagem_measure::Rate;
use stratagem_model::Currency;
use stratagem_replay::logged::Reward;
use stratagem_replay::simulation::{Simulation, World};

use super::{ESTIMATE, estimate, optional, write};
use crate::backtest::{contacts, preferred, worst_case_cost};
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
        match (&run.simulation, &run.off_policy) {
            (Some(simulation), _) => worlds(run, simulation),
            (_, Some(off_policy)) => estimators(run, off_policy),
            _ => actions(run),
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
                vec![run.id.clone(), run.summary.mode.clone(), number, (*name).to_owned(), value.clone()]
            })
        })
    });
    write(&["run", "mode", "row", "column", "value"], values)
}

/// What was run on what.
const ORIGIN: [&str; 8] =
    ["run", "mode", "strategy", "version", "component", "data_fingerprint", "from", "until"];

fn origin(run: &Run) -> Vec<String> {
    let (strategy, period) = (&run.strategy, &run.summary.period);
    vec![
        run.id.clone(),
        run.summary.mode.clone(),
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

fn actions(run: &Run) -> Flat {
    #[rustfmt::skip]
    const HEADER: [&str; 20] = [
        "window_days", "currency", "action", "kind", "sent", "conversion_hits", "conversion_of", "conversion_value",
        "conversion_low", "conversion_high", "natural_return_holdout_hits", "natural_return_holdout_of",
        "natural_return_holdout_value", "natural_return_holdout_low", "natural_return_holdout_high",
        "natural_return_look_alike", "attributed_gmv", "contact_cost", "offer_exposure", "decisions_digest",
    ];
    let currency = &run.data.currency;
    let rows = run.summary.actions.iter().map(|action| {
        let mut row = origin(run);
        row.extend([
            run.summary.period.window_days.to_string(),
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
        row.push(run.receipt.decisions_digest.clone());
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
    let rows = simulation.worlds.iter().map(row).collect();
    Flat { header: ORIGIN.into_iter().chain(HEADER).collect(), rows }
}

/// The unit of a reward, where it has one, and how many of what is kept it has.
fn unit<'r>(run: &'r Run, off_policy: &OffPolicy) -> (&'static str, Option<&'r str>, f64) {
    match off_policy.reward {
        Reward::Gmv => ("gmv", Some(&run.data.currency.code), major(&run.data.currency)),
        Reward::Conversion => ("conversion", None, 1.0),
    }
}

fn estimators(run: &Run, off_policy: &OffPolicy) -> Flat {
    let (reward, currency, unit) = unit(run, off_policy);
    let rows = off_policy.evaluation.estimates.iter().map(|one| {
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
    if let Some(simulation) = &run.simulation {
        let profit = &simulation.profit;
        let amounts = [profit.mean, profit.low, profit.high].map(|minor| minor / major(&run.data.currency));
        return of("assumed-profit", amounts, &run.data.currency.code);
    }
    if let Some(off_policy) = &run.off_policy {
        let best = preferred(&off_policy.evaluation);
        let estimate = best.bootstrap.as_ref().unwrap_or(&best.normal);
        let (reward, currency, unit) = unit(run, off_policy);
        let values = [estimate.value, estimate.low, estimate.high].map(|value| value / unit);
        return of("policy-value", values, currency.unwrap_or(reward));
    }
    let share = optional(run.summary.break_even_share);
    ["break-even-share".into(), share, String::new(), String::new(), String::new()]
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
        let period = &run.summary.period;
        let mut row = vec![run.id.clone(), run.recorded_at.clone(), run.summary.mode.clone()];
        row.extend(result(run));
        row.extend([
            run.strategy.name.clone(),
            run.strategy.version.clone(),
            run.strategy.digest.clone(),
            run.data.fingerprint.clone(),
            period.from.clone(),
            period.until.clone(),
            period.window_days.to_string(),
            run.data.currency.code.clone(),
            run.summary.customers.to_string(),
        ]);
        row.extend(outcome(run));
        row
    };
    write(&header, runs.iter().map(row))
}

/// What a replay counted; of a simulation the mean contacts and whether batches failed, of a log nothing.
fn outcome(run: &Run) -> [String; 16] {
    let failed_batches = run.failures.iter().map(|failure| failure.batches).sum::<u64>().to_string();
    if !run.is_replay() {
        let mut cells: [String; 16] = Default::default();
        if let Some(simulation) = &run.simulation {
            (cells[3], cells[14]) = (simulation.contacts.mean.to_string(), failed_batches);
        }
        return cells;
    }
    let (summary, currency) = (&run.summary, &run.data.currency);
    let treated = &summary.treated;
    let money = |amount| decimal(currency, amount);
    let failed_audits = run.audits.iter().filter(|finding| finding.difference.is_some()).count();
    [
        treated.eligible.to_string(),
        treated.participants.to_string(),
        treated.contacted.to_string(),
        contacts(run).to_string(),
        optional(treated.conversion.map(|rate| rate.value)),
        money(treated.attributed_gmv),
        optional(treated.arpu.map(|arpu| arpu / major(currency))),
        money(summary.contact_cost),
        money(summary.offer_exposure),
        money(worst_case_cost(run)),
        optional(summary.roi_if_all_caused),
        optional(summary.break_even_share),
        run.receipt.decisions.to_string(),
        run.receipt.decisions_digest.clone(),
        failed_batches,
        failed_audits.to_string(),
    ]
}
