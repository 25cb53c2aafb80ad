//! Off-policy evaluation of a strategy on a log of drawn actions, over the customers of a store.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use stratagem_measure::off_policy::{Options, evaluate};
use stratagem_model::{CustomerId, PPM, Time, Zone};
use stratagem_record::{Lanes, LogRecord, Mode, OffPolicy, Period, Reward, Run};
use stratagem_replay::Progress;
use stratagem_replay::logged::{LoggedAction, NOTHING, policy_on_log};
use stratagem_runtime::Configured;
use stratagem_store::ingest::{ReadAs, TableFile};
use stratagem_store::{SledStore, Store};

use super::{record, settings};
use crate::args::{OffPolicyArgs, RewardArg, RunArgs};
use crate::decisions::{COLUMNS, REPLAY};
use crate::exit::Usage;
use crate::progress;

pub(super) fn run_one(
    store: &SledStore,
    configured: &Configured,
    args: &RunArgs,
    off_policy: &OffPolicyArgs,
    stop: &AtomicBool,
) -> anyhow::Result<Run> {
    let backtest = settings::backtest(args, configured, store)?;
    let path = off_policy.log.as_deref().expect("the command line demands it in this mode");
    let zone = Zone::new(&store.settings().zone)?;
    let (names, mut rows) = read(path, &zone, stop)?;
    rows.retain(|row| {
        let day = zone.day(row.time);
        backtest.from.is_none_or(|from| from <= day) && backtest.until.is_none_or(|until| day <= until)
    });
    let reward = match off_policy.reward {
        None | Some(RewardArg::Gmv) => Reward::Gmv,
        Some(RewardArg::Conversion) => Reward::Conversion,
    };
    let progress = Progress::default();
    let (asked, evaluation) = progress::watched("log", stop, &progress, || {
        let asked = policy_on_log(store, configured, &backtest, &names, &rows, reward, &progress)?;
        let options = Options { seed: args.seed, ..Options::default() };
        let evaluation = evaluate(&asked.log, &asked.policy, &options)?;
        Ok::<_, stratagem_replay::BacktestError>((asked, evaluation))
    })?;
    let (from, until) = asked.days;
    let period = Period { from, until, data_end: asked.data_end, window_days: backtest.window_days };
    let log = LogRecord {
        name: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        fingerprint: TableFile::open(path, None)?.fingerprint()?,
        unknown_customers: asked.unknown_customers,
    };
    let lanes = Lanes::of(record::strategy(configured), evaluation);
    let engine = configured.strategy().engine_name();
    let on_log = OffPolicy { log, reward, lanes, engine };
    record::append(store, &backtest, period, Mode::OffPolicy(Box::new(on_log)))
}

/// Reads a log of actions: its own columns, or those of a decision log.
fn read(path: &Path, zone: &Zone, stop: &AtomicBool) -> anyhow::Result<(Vec<String>, Vec<LoggedAction>)> {
    let file = TableFile::open(path, None)?;
    let has = |name: &str| file.columns().iter().any(|column| column == name);
    let is_decisions = has("propensity_ppm") && has("reason");
    if let Some(column) = COLUMNS.iter().find(|column| is_decisions && !has(column)) {
        let message = format!("{}: a decision log without column `{column}`", file.name());
        let hint = "it was written by another version: write it again with this one (`--decisions`), or give a log of what \
                    was really done: customer, time, action, propensity";
        return Err(Usage::new(message, hint).into());
    }
    let propensity = if is_decisions { "propensity_ppm" } else { "propensity" };
    let mut wanted = vec![
        ("customer", ReadAs::Words),
        ("time", ReadAs::Times),
        ("action", ReadAs::Words),
        (propensity, ReadAs::Numbers),
    ];
    if is_decisions {
        wanted.push(("reason", ReadAs::Words));
        wanted.push(("mode", ReadAs::Words));
    }
    let columns = file.read(&wanted, zone, stop)?;
    if is_decisions && columns[5].words().1.iter().any(|mode| mode == REPLAY) {
        let message = format!("{}: it has decisions of a replay, which were never carried out", file.name());
        let hint = "give a log of what was really done: customer, time, action, propensity; what followed a decision that \
                    nobody saw says nothing of its action";
        return Err(Usage::new(message, hint).into());
    }
    let (customers, ids) = columns[0].words();
    let (actions, names) = columns[2].words();
    let mut names = names.to_vec();
    let nothing = names.len() as u32;
    names.push(NOTHING.into());
    let ids: Vec<_> = ids.iter().map(|id| CustomerId::from_external(id)).collect();
    let of = |row: usize| (ids[customers[row] as usize], columns[1].times()[row]);
    let mut rows = vec![];
    if is_decisions {
        // The decisions of one customer and instant are one choice: among what was proposed, and nothing.
        let (reasons, words) = columns[4].words();
        let is_sent = |row: usize| words[reasons[row] as usize] == "sent";
        let mut choices: BTreeMap<(CustomerId, Time), (u32, f64, f64)> = BTreeMap::new();
        for (row, logged) in actions.iter().enumerate() {
            let share = columns[3].numbers()[row] / f64::from(PPM);
            let choice = choices.entry(of(row)).or_insert((nothing, 0.0, 0.0));
            choice.2 += share;
            if is_sent(row) {
                (choice.0, choice.1) = (*logged, share);
            }
        }
        for ((customer, time), (action, share, all)) in choices {
            let propensity = if action == nothing { 1.0 - all } else { share };
            rows.push(LoggedAction { customer, time, action, propensity });
        }
    } else {
        for (row, logged) in actions.iter().enumerate() {
            let (customer, time) = of(row);
            let propensity = columns[3].numbers()[row];
            rows.push(LoggedAction { customer, time, action: *logged, propensity });
        }
    }
    if let Some((row, bad)) =
        rows.iter().enumerate().find(|(_, row)| !(row.propensity > 0.0 && row.propensity <= 1.0))
    {
        let place = if is_decisions { file.name().to_owned() } else { file.line(row) };
        let message = format!("{place}: the propensity {} is not above 0 and at most 1", bad.propensity);
        let hint =
            "log the probability with which each action was drawn; a decision log needs a holdout above 0%";
        return Err(Usage::new(message, hint).into());
    }
    Ok((names, rows))
}
