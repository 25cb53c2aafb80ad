//! A run as the library keeps it.

use std::time::SystemTime;

use stratagem_model::Time;
use stratagem_record::{DataRecord, Draft, Gates, LoggedLine, Mode, OwnGates, Period, Run, StrategyRecord};
use stratagem_replay::{Backtest, RunResult};
use stratagem_runtime::{Configured, LogLine};
use stratagem_store::{SledStore, Store};

/// Appends a run of one strategy, which has no portfolio.
pub(super) fn append(
    store: &SledStore,
    backtest: &Backtest,
    period: Period,
    mode: Mode,
) -> anyhow::Result<Run> {
    let draft = Draft {
        recorded_at: now(),
        portfolio: String::new(),
        data: data(store)?,
        period,
        table_lag_minutes: backtest.table_lag_minutes,
        seed: backtest.policy.seed,
        mode,
    };
    Ok(stratagem_library::append(store, draft)?)
}

pub(super) fn strategy(configured: &Configured) -> StrategyRecord {
    let description = configured.strategy().description();
    let names = description.parameters.iter().map(|parameter| parameter.name.clone());
    StrategyRecord {
        name: description.name.clone(),
        version: description.version.clone(),
        digest: configured.strategy().digest().to_string(),
        title: description.title.clone(),
        parameters: names.zip(configured.values().iter().cloned()).collect(),
    }
}

/// The gates that all lanes share, and those of the only one.
pub(super) fn gates(backtest: &Backtest) -> (Gates, OwnGates) {
    let policy = backtest.policy.clone();
    let shared =
        Gates { global_holdout: policy.global_holdout, consent: policy.consent, budget: policy.budget };
    let own = OwnGates { holdout: policy.holdout, cap: policy.cap, retry_days: backtest.retry_days };
    (shared, own)
}

/// The days that a result covers.
pub(super) fn period(result: &RunResult, window_days: u32) -> Period {
    let (from, until) = result.days.clone();
    Period { from, until, data_end: result.data_end.clone(), window_days }
}

pub(super) fn log(lines: Vec<LogLine>) -> Vec<LoggedLine> {
    let line = |line: LogLine| LoggedLine { level: line.level.into(), message: line.message };
    lines.into_iter().map(line).collect()
}

fn data(store: &SledStore) -> anyhow::Result<DataRecord> {
    let totals = store.totals()?;
    Ok(DataRecord {
        fingerprint: store.fingerprint()?,
        customers: totals.customers,
        orders: totals.orders,
        zone: store.settings().zone.clone(),
        currency: store.settings().currency.clone(),
    })
}

#[expect(clippy::disallowed_methods, reason = "a stamp for people in the ledger; no decision reads it")]
fn now() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)).to_string()
}
