//! `stratagem strategy check`: a strategy on made-up customers, in every way that must make no difference.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use stratagem_gates::Policy;
use stratagem_model::Currency;
use stratagem_model::money::group;
use stratagem_record::Audit;
use stratagem_replay::audit::audit;
use stratagem_replay::{Backtest, Progress, RunResult, run as replay};
use stratagem_runtime::{Configured, Instances};
use stratagem_store::generate::{Spec, generate};
use stratagem_store::{MemoryStore, Settings, Store};

use crate::exit::{Exit, Verdict};
use crate::{output, strategy};

pub(crate) fn run(
    path: &Path,
    settings: &[(String, String)],
    customers: u32,
    seed: u64,
) -> anyhow::Result<()> {
    let strategy = strategy::load_strategy(path)?;
    let description = strategy.description();
    output::print(&format!("{} {}: describes itself", description.name, description.version))?;
    let configured = strategy.configure(settings).context("cannot configure it")?;
    output::print(&format!("configures itself: {} actions", configured.plan().actions.len()))?;
    let store = MemoryStore::new(Settings {
        zone: "America/New_York".into(),
        currency: Currency { code: "USD".into(), digits: 2 },
    });
    let spec = Spec { customers, seed, ..Spec::default() };
    generate(&store, &spec, &mut |_| {}, &AtomicBool::new(false))?;
    let problems = try_all(&store, &configured)?;
    if problems.is_empty() {
        return output::print("passed: the same decisions in every way that must make no difference");
    }
    let message = format!("the strategy failed its check:\n  - {}", problems.join("\n  - "));
    Err(Verdict { exit: Exit::BadStrategy, message }.into())
}

fn try_all(store: &dyn Store, configured: &Configured) -> anyhow::Result<Vec<String>> {
    let base = Backtest { threads: 1, ..Backtest::new(Policy::open()) };
    let first = attempt(store, configured, &base)?;
    output::print(&format!(
        "evaluates: {} rows in {} batches, {} decisions, {} units of fuel a row",
        group(first.evaluations),
        group(first.batches),
        group(first.receipt.decisions),
        group(first.fuel / first.evaluations.max(1))
    ))?;
    for line in &first.log {
        output::print(&format!("  log {}: {}", line.level, line.message))?;
    }
    let mut problems = vec![];
    for failure in &first.failures {
        let (reason, message) = (failure.reason.name(), &failure.message);
        problems.push(format!("{} batches failed, {reason}: {message}", group(failure.batches)));
    }
    let variants = [
        ("batches of one row", Backtest { batch_rows: 1, ..base.clone() }),
        ("batches of 7 rows", Backtest { batch_rows: 7, ..base.clone() }),
        ("warm instances", Backtest { instances: Instances::Warm, ..base.clone() }),
        ("two threads", Backtest { threads: 2, ..base.clone() }),
    ];
    for (name, variant) in variants {
        let again = attempt(store, configured, &variant)?;
        if again.receipt.decisions_digest == first.receipt.decisions_digest {
            output::print(&format!("same decisions with {name}"))?;
        } else {
            problems.push(format!("other decisions with {name}: something is kept, or drawn, between rows"));
        }
    }
    for kind in [Audit::Wake, Audit::LookAhead { cuts: 3 }] {
        let finding = audit(store, configured, &base, kind, &Progress::default())?;
        let name = match kind {
            Audit::Wake => "everyone is asked about at every step",
            Audit::LookAhead { .. } => "the history is cut",
        };
        match finding.difference {
            None => output::print(&format!("same decisions when {name}"))?,
            Some(difference) => problems.push(format!("other decisions when {name}: {difference}")),
        }
    }
    Ok(problems)
}

fn attempt(store: &dyn Store, configured: &Configured, backtest: &Backtest) -> anyhow::Result<RunResult> {
    Ok(replay(store, configured, backtest, &Progress::default(), &mut ())?)
}
