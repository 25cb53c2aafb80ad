//! `stratagem library rerun`: a run once more from its record, compared with it.

use std::path::Path;

use anyhow::Context;
use stratagem_gates::Policy;
use stratagem_model::DECISION_ENCODING;
use stratagem_model::money::group;
use stratagem_model::time::parse_day;
use stratagem_record::{Mode, Replay, Run, StrategyRecord};
use stratagem_replay::{Backtest, Progress, RunResult, run as replay, summarise};
use stratagem_runtime::Strategy;
use stratagem_store::{SledStore, Store};

use crate::exit::{Exit, Usage, Verdict};
use crate::{output, progress, strategy};

pub(crate) fn run(id: &str, component: &Path, store: &Path) -> anyhow::Result<()> {
    let store = SledStore::open(store)?;
    let recorded = stratagem_library::run(&store, id)?;
    let Mode::Replay(of_record) = &recorded.mode else {
        let message = format!("run `{}` is no replay of history", recorded.id);
        let hint = "only replays are rerun; give `stratagem backtest` the same options and seed again";
        return Err(Usage::new(message, hint).into());
    };
    check_encoding(&recorded, of_record)?;
    let lane = of_record.lanes.sole();
    let strategy = strategy::load_strategy(component)?;
    check_inputs(&recorded, &lane.strategy, component, &strategy, &store)?;
    let settings: Vec<_> =
        lane.strategy.parameters.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
    let configured = strategy.configure(&settings)?;
    let backtest = backtest(&recorded, of_record)?;
    let (stop, progress) = (progress::stop_flag()?, Progress::default());
    let result = progress::watched(&recorded.id, &stop, &progress, || {
        replay(&store, &configured, &backtest, &progress, &mut ())
    })?;
    let summary = summarise(&result, configured.plan(), of_record.margin_ppm);
    let is_same = summary == lane.outcome.summary && is_of_same_data(&result, &recorded, of_record);
    let differences = [
        ("decisions", result.receipt.decisions_digest != of_record.receipt.decisions_digest),
        ("metrics", !is_same),
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
    let engines = if result.receipt.engine == of_record.receipt.engine {
        String::new()
    } else {
        format!("; it ran in [{}], this is [{}]", of_record.receipt.engine, result.receipt.engine)
    };
    let message = format!("run `{}` has other {} now{engines}", recorded.id, differing.join(" and "));
    Err(Verdict { exit: Exit::AuditFailed, message }.into())
}

/// Decisions that were digested in other bytes cannot be told to be the same, or others.
fn check_encoding(recorded: &Run, replay: &Replay) -> anyhow::Result<()> {
    let (theirs, ours) = (replay.receipt.encoding, u32::from(DECISION_ENCODING));
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

/// The settings of a recorded run.
fn backtest(recorded: &Run, replay: &Replay) -> anyhow::Result<Backtest> {
    let day = |text: &str| parse_day(text).with_context(|| format!("the record has a day `{text}`"));
    let (shared, own) = (&replay.gates, &replay.lanes.sole().outcome.gates);
    let policy = Policy {
        global_holdout: shared.global_holdout.clone(),
        holdout: own.holdout.clone(),
        consent: shared.consent,
        cap: own.cap,
        budget: shared.budget,
        seed: recorded.seed,
    };
    Ok(Backtest {
        from: Some(day(&recorded.period.from)?),
        until: Some(day(&recorded.period.until)?),
        window_days: recorded.period.window_days,
        retry_days: own.retry_days,
        table_lag_minutes: recorded.table_lag_minutes,
        observes_treatments: replay.treatments.is_some(),
        ..Backtest::new(policy)
    })
}

/// Whether what is of the data, and not of a lane, is the same.
fn is_of_same_data(result: &RunResult, recorded: &Run, replay: &Replay) -> bool {
    result.data_end == recorded.period.data_end
        && result.cohorts == replay.cohorts
        && replay.treatments.as_ref().is_none_or(|treatments| *treatments == result.treatments)
}

/// Another component, or other data, is not the same run.
fn check_inputs(
    recorded: &Run,
    strategy_then: &StrategyRecord,
    component: &Path,
    strategy: &Strategy,
    store: &SledStore,
) -> anyhow::Result<()> {
    let digest = strategy.digest().to_string();
    if digest != strategy_then.digest {
        let message = format!(
            "run `{}` ran component {}, and `{}` is {digest}",
            recorded.id,
            strategy_then.digest,
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
