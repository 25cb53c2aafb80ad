//! `stratagem backtest`, in its three modes.

mod off_policy;
mod record;
mod settings;
mod simulate;

use std::sync::atomic::AtomicBool;

use stratagem_record::{Audit, Lanes, Mode, Replay, Replayed, Run};
use stratagem_replay::audit::audit;
use stratagem_replay::{Contacts, Progress, Sink, run as replay, summarise};
use stratagem_runtime::Configured;
use stratagem_store::SledStore;

use crate::args::{AuditArg, BacktestArgs, ConditionArgs, ModeArg, RunArgs, SimulateArgs};
use crate::decisions::DecisionFile;
use crate::exit::{Exit, Usage, Verdict};
use crate::ingest::format;
use crate::output::{self, Output};
use crate::{progress, strategy};

pub(crate) use settings::backtest;

/// Contacts of two strategies this near each other are said to collide.
const COLLISION_DAYS: u32 = 7;

pub(crate) fn run(args: &BacktestArgs) -> anyhow::Result<()> {
    check(args)?;
    let Some(component) = &args.strategy else { return compare(args) };
    let configured = strategy::load(component, &args.conditions.run.set)?;
    let store = SledStore::open(&args.store.store)?;
    let output = Output::new(&args.output)?;
    let stop = progress::stop_flag()?;
    let audits: Vec<_> = args
        .audit
        .iter()
        .map(|audit| match audit {
            AuditArg::LookAhead => Audit::LookAhead { cuts: args.cuts.max(1) },
            AuditArg::Wake => Audit::Wake,
        })
        .collect();
    let run = match args.conditions.mode {
        ModeArg::Replay => {
            let evidence = output.has_report();
            let path = args.decisions.as_deref();
            let mut file = path.map(|path| DecisionFile::create(path, &store, &configured)).transpose()?;
            let mut nowhere = ();
            let sink: &mut dyn Sink = match &mut file {
                Some(file) => file,
                None => &mut nowhere,
            };
            let run = run_one(&store, &configured, &args.conditions.run, &audits, sink, evidence, &stop)?;
            file.map(DecisionFile::finish).transpose()?;
            run
        }
        _ => one(&store, &configured, &args.conditions, &stop)?,
    };
    output.run(&run)?;
    match difference(&run) {
        None => Ok(()),
        Some(message) => Err(Verdict { exit: Exit::AuditFailed, message }.into()),
    }
}

/// The first difference that an audit found.
fn difference(run: &Run) -> Option<String> {
    match &run.mode {
        Mode::Replay(replay) => replay.audits.iter().find_map(|finding| finding.difference.clone()),
        Mode::Simulation(_) | Mode::OffPolicy(_) => None,
    }
}

/// What cannot be asked together.
fn check(args: &BacktestArgs) -> anyhow::Result<()> {
    let is_replay = args.conditions.mode == ModeArg::Replay;
    for (flag, is_given) in [("--audit", !args.audit.is_empty()), ("--decisions", args.decisions.is_some())] {
        if is_given && !is_replay {
            let message = format!("`{flag}` is for `--mode replay`");
            return Err(Usage::new(message, format!("leave `{flag}` out, or the mode")).into());
        }
    }
    check_conditions(&args.conditions)?;
    if !args.compare.is_empty() && args.conditions.mode == ModeArg::OffPolicy {
        let hint = "evaluate each on the log, then `stratagem library compare`";
        return Err(Usage::new("`--compare` does not go with `--mode off-policy`", hint).into());
    }
    Ok(())
}

/// What the mode does not know.
pub(crate) fn check_conditions(conditions: &ConditionArgs) -> anyhow::Result<()> {
    let ConditionArgs { mode, run, simulation, off_policy } = conditions;
    let refuse = |flag: &str, of: &str| {
        let hint = format!("leave `{flag}` out, or use {of}");
        Err(Usage::new(format!("`{flag}` does nothing in this mode"), hint).into())
    };
    if *mode != ModeArg::Simulate
        && let Some(flag) = simulation.given()
    {
        return refuse(flag, "`--mode simulate`");
    }
    if *mode != ModeArg::OffPolicy {
        let given = [("--log", off_policy.log.is_some()), ("--reward", off_policy.reward.is_some())];
        if let Some((flag, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
            return refuse(flag, "`--mode off-policy`");
        }
    } else if let Some(flag) = run.gate() {
        // A log is evaluated as it was drawn: nothing is gated any more.
        return refuse(flag, "another `--mode`");
    }
    Ok(())
}

/// Runs in the mode that is asked for and appends to the library.
pub(crate) fn one(
    store: &SledStore,
    configured: &Configured,
    conditions: &ConditionArgs,
    stop: &AtomicBool,
) -> anyhow::Result<Run> {
    let ConditionArgs { mode, run, simulation, off_policy } = conditions;
    match mode {
        ModeArg::Replay => run_one(store, configured, run, &[], &mut (), false, stop),
        ModeArg::Simulate => simulate::run_one(store, configured, run, simulation, stop),
        ModeArg::OffPolicy => off_policy::run_one(store, configured, run, off_policy, stop),
    }
}

/// `stratagem simulate`.
pub(crate) fn simulate(args: &SimulateArgs) -> anyhow::Result<()> {
    let configured = strategy::load(&args.strategy, &args.run.set)?;
    let store = SledStore::open(&args.store.store)?;
    let output = Output::new(&args.output)?;
    let stop = progress::stop_flag()?;
    let run = simulate::run_one(&store, &configured, &args.run, &args.simulation, &stop)?;
    output.run(&run)
}

/// Two strategies under the same conditions.
fn compare(args: &BacktestArgs) -> anyhow::Result<()> {
    let store = SledStore::open(&args.store.store)?;
    let both: Vec<_> = args
        .compare
        .iter()
        .map(|path| strategy::load(path, &args.conditions.run.set))
        .collect::<Result<_, _>>()?;
    let stop = progress::stop_flag()?;
    let (mut runs, mut contacts) = (vec![], vec![]);
    for configured in &both {
        let mut of_run = Contacts::new(configured.plan());
        runs.push(match args.conditions.mode {
            ModeArg::Replay => {
                run_one(&store, configured, &args.conditions.run, &[], &mut of_run, false, &stop)?
            }
            _ => one(&store, configured, &args.conditions, &stop)?,
        });
        contacts.push(of_run);
    }
    let is_replay = args.conditions.mode == ModeArg::Replay;
    let collisions = is_replay.then(|| contacts[0].collisions(&contacts[1], COLLISION_DAYS));
    output::print(&stratagem_report::compare_pair(
        &runs,
        collisions,
        format(args.output.format),
        output::style(),
    ))
}

/// Replays history with audits and appends the run to the library.
pub(crate) fn run_one(
    store: &SledStore,
    configured: &Configured,
    args: &RunArgs,
    audits: &[Audit],
    sink: &mut dyn Sink,
    evidence: bool,
    stop: &AtomicBool,
) -> anyhow::Result<Run> {
    let mut backtest = backtest(args, configured, store)?;
    backtest.keeps_customers = evidence;
    backtest.observes_treatments = evidence;
    let name = &configured.strategy().description().name;
    let progress = Progress::default();
    let result =
        progress::watched(name, stop, &progress, || replay(store, configured, &backtest, &progress, sink))?;
    let mut audited = vec![];
    for kind in audits {
        let progress = Progress::default();
        let finding = progress::watched("audit", stop, &progress, || {
            audit(store, configured, &backtest, *kind, &progress)
        })?;
        audited.push(finding);
    }
    let margin_ppm = settings::margin_ppm(args)?;
    let policy = &backtest.policy;
    let found = evidence.then(|| {
        stratagem_replay::evidence(&result.totals.customers_of_run, policy.sent_ppm(), true, policy.seed)
    });
    let (gates, own) = record::gates(&backtest);
    let period = record::period(&result, backtest.window_days);
    let replayed = Replayed {
        gates: own,
        summary: summarise(&result, configured.plan(), margin_ppm),
        evidence: found,
        failures: result.failures,
        log: record::log(result.log),
    };
    let replay = Replay {
        gates,
        margin_ppm,
        lanes: Lanes::of(record::strategy(configured), replayed),
        receipt: result.receipt,
        audits: audited,
        cohorts: result.cohorts,
        treatments: evidence.then_some(result.treatments),
    };
    record::append(store, &backtest, period, Mode::Replay(Box::new(replay)))
}
