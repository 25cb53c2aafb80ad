//! `stratagem library rerun`: a run once more from its record, compared with it.

use std::path::Path;

use anyhow::Context;
use stratagem_library::Run;
use stratagem_model::DECISION_ENCODING;
use stratagem_model::money::group;
use stratagem_model::time::parse_day;
use stratagem_replay::{Backtest, Progress, run as replay, summarise};
use stratagem_runtime::Strategy;
use stratagem_store::{SledStore, Store};

use crate::exit::{Exit, Usage, Verdict};
use crate::{output, progress, strategy};

pub(crate) fn run(id: &str, component: &Path, store: &Path) -> anyhow::Result<()> {
    let store = SledStore::open(store)?;
    let recorded = stratagem_library::run(&store, id)?;
    if !recorded.is_replay() {
        let message = format!("run `{}` is no replay of history", recorded.id);
        let hint = "only replays are rerun; give `stratagem backtest` the same options and seed again";
        return Err(Usage::new(message, hint).into());
    }
    check_encoding(&recorded)?;
    let strategy = strategy::load_strategy(component)?;
    check_inputs(&recorded, component, &strategy, &store)?;
    let settings: Vec<_> =
        recorded.strategy.parameters.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
    let configured = strategy.configure(&settings)?;
    let day = |text: &str| parse_day(text).with_context(|| format!("the record has a day `{text}`"));
    let backtest = Backtest {
        from: Some(day(&recorded.summary.period.from)?),
        until: Some(day(&recorded.summary.period.until)?),
        window_days: recorded.summary.period.window_days,
        retry_days: recorded.retry_days,
        table_lag_minutes: recorded.table_lag_minutes,
        observes_treatments: !recorded.summary.treatments.is_empty(),
        ..Backtest::new(recorded.policy.clone())
    };
    let (stop, progress) = (progress::stop_flag()?, Progress::default());
    let result = progress::watched(&recorded.id, &stop, &progress, || {
        replay(&store, &configured, &backtest, &progress, &mut ())
    })?;
    let summary = summarise(&result, configured.plan(), backtest.window_days, recorded.summary.margin_ppm);
    let differences = [
        ("decisions", result.receipt.decisions_digest != recorded.receipt.decisions_digest),
        ("metrics", summary != recorded.summary),
    ];
    let differing: Vec<_> =
        differences.iter().filter(|(_, differs)| *differs).map(|(what, _)| *what).collect();
    if differing.is_empty() {
        let decisions = group(result.receipt.decisions);
        return output::print(&format!(
            "{}: the same {decisions} decisions, digest {}, and the same metrics",
            recorded.id, result.receipt.decisions_digest
        ));
    }
    let engines = if result.receipt.engine == recorded.receipt.engine {
        String::new()
    } else {
        format!("; it ran in [{}], this is [{}]", recorded.receipt.engine, result.receipt.engine)
    };
    let message = format!("run `{}` has other {} now{engines}", recorded.id, differing.join(" and "));
    Err(Verdict { exit: Exit::AuditFailed, message }.into())
}

/// Decisions that were digested in other bytes cannot be told to be the same, or others.
fn check_encoding(recorded: &Run) -> anyhow::Result<()> {
    let (theirs, ours) = (recorded.receipt.encoding, u32::from(DECISION_ENCODING));
    if theirs == ours {
        return Ok(());
    }
    let message = format!(
        "run `{}` digested its decisions in encoding {theirs}, and this version does in {ours}: whether they are the \
         same cannot be told; `stratagem backtest` makes a new run",
        recorded.id
    );
    Err(Verdict { exit: Exit::Refused, message }.into())
}

/// Another component, or other data, is not the same run.
fn check_inputs(
    recorded: &Run,
    component: &Path,
    strategy: &Strategy,
    store: &SledStore,
) -> anyhow::Result<()> {
    let digest = strategy.digest().to_string();
    if digest != recorded.strategy.digest {
        let message = format!(
            "run `{}` ran component {}, and `{}` is {digest}",
            recorded.id,
            recorded.strategy.digest,
            component.display()
        );
        return Err(Usage::new(message, "name the component that it ran; another gives another run").into());
    }
    let fingerprint = store.fingerprint()?;
    if fingerprint != recorded.data.fingerprint {
        let message = format!(
            "the store has other data than when run `{}` was made: {fingerprint}, then {}; `stratagem backtest` \
             makes a new run on it",
            recorded.id, recorded.data.fingerprint
        );
        return Err(Verdict { exit: Exit::Refused, message }.into());
    }
    Ok(())
}
