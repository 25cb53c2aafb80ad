//! Simulations, as `simulate` or as a mode of `backtest`.

use std::sync::atomic::AtomicBool;

use stratagem_measure::repurchase::Kind;
use stratagem_model::time::date_of;
use stratagem_model::{Plan, Zone};
use stratagem_record::simulation::{Simulated, Simulation};
use stratagem_record::{Lanes, Mode, Run};
use stratagem_replay::simulation::{Settings, simulate};
use stratagem_replay::{Progress, summarise};
use stratagem_runtime::Configured;
use stratagem_store::{SledStore, Store};

use super::{record, settings};
use crate::args::{ModelArg, RunArgs, SimulationArgs};
use crate::exit::Usage;
use crate::progress;
use crate::values::{days, fraction, range};

pub(super) fn run_one(
    store: &SledStore,
    configured: &Configured,
    args: &RunArgs,
    simulation: &SimulationArgs,
    stop: &AtomicBool,
) -> anyhow::Result<Run> {
    let backtest = settings::backtest(args, configured, store)?;
    let days = match (backtest.from, backtest.until) {
        (Some(from), Some(until)) if until >= from => (until - from) as u32 + 1,
        (_, Some(_)) => {
            let hint = "say how long with `--days`, or give `--from` as well, not after `--until`";
            return Err(Usage::new("`--until` alone does not say what to simulate", hint).into());
        }
        (_, None) => days(simulation.days(), "--days")?,
    };
    let known = day_after_data(store)?;
    if let Some(from) = backtest.from.filter(|from| *from > known) {
        let message = format!("`--from {}` is after the data", date_of(from));
        let hint =
            format!("futures begin on {} or earlier: what comes between would be unknown", date_of(known));
        return Err(Usage::new(message, hint).into());
    }
    let settings = Settings {
        cut: backtest.from.unwrap_or(known),
        days,
        worlds: simulation.worlds.unwrap_or(200),
        model: simulation.model.map(kind),
        effects: effects(&simulation.effect, configured.plan())?,
        redemption: fraction(simulation.redemption.as_deref().unwrap_or("100%"), "--redemption")?,
        margin_ppm: settings::margin_ppm(args)?,
    };
    let progress = Progress::default();
    let simulated = progress::watched("worlds", stop, &progress, || {
        simulate(store, configured, &backtest, &settings, &progress)
    })?;
    let (gates, own) = record::gates(&backtest);
    let first = simulated.run;
    let period = record::period(&first, backtest.window_days);
    let lane = Simulated {
        gates: own,
        effects: simulated.effects,
        first_world: summarise(&first, configured.plan(), settings.margin_ppm),
        failures: first.failures,
        log: record::log(first.log),
    };
    let simulation = Simulation {
        gates,
        margin_ppm: settings.margin_ppm,
        lanes: Lanes::of(record::strategy(configured), lane),
        receipt: first.receipt,
        over_worlds: simulated.over_worlds,
    };
    record::append(store, &backtest, period, Mode::Simulation(Box::new(simulation)))
}

pub(crate) fn kind(model: ModelArg) -> Kind {
    match model {
        ModelArg::NeverLeaves => Kind::Nbd,
        ModelArg::BetaGeometric => Kind::BgNbd,
        ModelArg::ModifiedBetaGeometric => Kind::MbgNbd,
        ModelArg::Pareto => Kind::ParetoNbd,
    }
}

fn day_after_data(store: &SledStore) -> anyhow::Result<stratagem_model::time::Day> {
    let zone = Zone::new(&store.settings().zone)?;
    let last = store.totals()?.last_order_ms.ok_or(stratagem_replay::BacktestError::NoOrders)?;
    Ok(zone.day(stratagem_model::Time(last)) + 1)
}

/// The declared effects by action: a range for all contacts, and ranges for single actions, the last one counts.
fn effects(declared: &[String], plan: &Plan) -> anyhow::Result<Vec<(f64, f64)>> {
    let mut effects = vec![(0.0, 0.0); plan.actions.len()];
    let is_contact: Vec<_> = plan.actions.iter().map(|action| action.kind.is_contact()).collect();
    // What is said of all comes first, whatever the order in which it is typed.
    let (for_one, for_all): (Vec<_>, Vec<_>) =
        declared.iter().map(String::as_str).partition(|text| text.contains('='));
    let for_all = if declared.is_empty() { vec!["0%..5%"] } else { for_all };
    for text in for_all {
        let range = range(text, "--effect")?;
        effects.iter_mut().zip(&is_contact).filter(|(_, contact)| **contact).for_each(|(e, _)| *e = range);
    }
    for text in for_one {
        let (name, value) = text.split_once('=').unwrap_or_default();
        let at = plan.actions.iter().position(|action| action.id == name).filter(|at| is_contact[*at]);
        let Some(at) = at else {
            let contacts = plan.actions.iter().filter(|action| action.kind.is_contact());
            let names: Vec<_> = contacts.map(|action| format!("`{}`", action.id)).collect();
            let message = format!("`--effect {text}`: the strategy has no contact `{name}`");
            return Err(Usage::new(message, format!("its contacts are {}", names.join(", "))).into());
        };
        effects[at] = range(value, "--effect")?;
    }
    Ok(effects)
}
