//! A run as the library keeps it.

use std::time::SystemTime;

use stratagem_library::{DataRecord, Run, StrategyRecord};
use stratagem_model::{DECISION_ENCODING, Time};
use stratagem_replay::{Backtest, Receipt, RunResult, Summary};
use stratagem_runtime::Configured;
use stratagem_store::{SledStore, Store};

/// Everything that every mode knows of a run.
pub(super) fn run(
    store: &SledStore,
    configured: &Configured,
    backtest: Backtest,
    summary: Summary,
    result: Option<RunResult>,
) -> anyhow::Result<Run> {
    let engine = configured.strategy().engine_name();
    let encoding = DECISION_ENCODING.into();
    let nothing = || Receipt { decisions: 0, encoding, decisions_digest: String::new(), engine };
    let (receipt, failures, log) = match result {
        Some(result) => (result.receipt, result.failures, result.log),
        // On a log nothing is decided.
        None => (nothing(), vec![], vec![]),
    };
    Ok(Run {
        id: String::new(),
        recorded_at: now(),
        strategy: strategy(configured),
        data: data(store)?,
        policy: backtest.policy,
        retry_days: backtest.retry_days,
        table_lag_minutes: backtest.table_lag_minutes,
        variants_tried: 0,
        summary,
        receipt,
        failures,
        audits: vec![],
        log: log.into_iter().map(Into::into).collect(),
        simulation: None,
        off_policy: None,
        evidence: None,
    })
}

/// Appends a run, with how many variants of its strategy were tried on this data.
pub(super) fn append(store: &SledStore, mut run: Run) -> anyhow::Result<Run> {
    run.variants_tried = stratagem_library::variants_tried(store, &run)?;
    Ok(stratagem_library::append(store, run)?)
}

fn strategy(configured: &Configured) -> StrategyRecord {
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
