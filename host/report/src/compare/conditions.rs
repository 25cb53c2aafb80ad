//! The conditions of runs: what must be equal for their numbers to be held against each other.

use stratagem_record::{Gates, Mode, OffPolicy, OwnGates, Receipt, Run};

use crate::Lang;
use crate::backtest::{Rewards, cap, consent, mode_word, tables};
use crate::numbers::{plural, ppm, short};

/// A condition in which runs differ.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) name: &'static str,
    /// Each run's value, in words.
    pub(super) values: String,
}

/// A condition's name, and its value in words; nothing where a run of this mode has no such condition.
type Condition = (&'static str, fn(&Run) -> Option<String>);

/// What must be equal. A strategy's own holdout has its own salt, so that is not among them.
const CONDITIONS: &[Condition] = &[
    ("mode", |run| Some(mode_word(&run.mode).into())),
    ("data", |run| Some(format!("fingerprint {}", short(&run.data.fingerprint)))),
    ("zone", |run| Some(run.data.zone.clone())),
    ("currency", |run| Some(run.data.currency.code.clone())),
    ("period", |run| Some(format!("{} to {}", run.period.from, run.period.until))),
    ("attribution window", |run| Some(plural(run.period.window_days.into(), "day"))),
    ("global holdout", |run| {
        let holdout = &gates(run)?.0.global_holdout;
        let drawn = || format!("{} by `{}`", ppm(holdout.ppm), holdout.salt);
        Some(if holdout.ppm == 0 { "none".into() } else { drawn() })
    }),
    ("own holdout", |run| Some(ppm(gates(run)?.1.holdout.ppm))),
    ("consent", |run| Some(consent(gates(run)?.0.consent, Lang::English).into())),
    ("frequency cap", |run| Some(cap(gates(run)?.1.cap, Lang::English))),
    ("budget", |run| {
        let budget = gates(run)?.0.budget;
        Some(budget.map_or("none".into(), |budget| run.data.currency.format(budget)))
    }),
    ("retry", |run| Some(plural(gates(run)?.1.retry_days.into(), "day"))),
    ("tables", |run| Some(tables(run.table_lag_minutes, Lang::English))),
    ("seed", |run| Some(run.seed.to_string())),
    ("log", |run| {
        let name = |found: &OffPolicy| format!("{} {}", found.log.name, short(&found.log.fingerprint));
        Some(on_log(run).map_or("none".into(), name))
    }),
    ("reward", |run| {
        let name = |found: &OffPolicy| Rewards::of(run, found.reward, Lang::English).name;
        Some(on_log(run).map_or("none".into(), name))
    }),
];

/// The gates of all lanes, and of the only one. None are asked of a log, whose actions were drawn long ago.
fn gates(run: &Run) -> Option<(&Gates, &OwnGates)> {
    match &run.mode {
        Mode::Replay(replay) => Some((&replay.gates, &replay.lanes.sole().outcome.gates)),
        Mode::Simulation(found) => Some((&found.gates, &found.lanes.sole().outcome.gates)),
        Mode::OffPolicy(_) => None,
    }
}

fn on_log(run: &Run) -> Option<&OffPolicy> {
    match &run.mode {
        Mode::OffPolicy(found) => Some(found),
        Mode::Replay(_) | Mode::Simulation(_) => None,
    }
}

/// On a log nothing is decided.
fn receipt(run: &Run) -> Option<&Receipt> {
    match &run.mode {
        Mode::Replay(replay) => Some(&replay.receipt),
        Mode::Simulation(found) => Some(&found.receipt),
        Mode::OffPolicy(_) => None,
    }
}

fn margin(run: &Run) -> Option<String> {
    match &run.mode {
        Mode::Replay(replay) => Some(ppm(replay.margin_ppm)),
        Mode::Simulation(found) => Some(ppm(found.margin_ppm)),
        Mode::OffPolicy(_) => None,
    }
}

pub(super) fn differences(runs: &[Run]) -> Vec<Difference> {
    let difference = |(name, of): &Condition| {
        values(runs, *of).map(|values| Difference { name, values: format!("{name}: {values}") })
    };
    CONDITIONS.iter().filter_map(difference).collect()
}

/// Each run's value, if all have one and they are not all equal.
fn values(runs: &[Run], of: impl Fn(&Run) -> Option<String>) -> Option<String> {
    let values: Vec<_> = runs.iter().map(of).collect::<Option<_>>()?;
    values.iter().any(|value| *value != values[0]).then(|| {
        let each = runs.iter().zip(&values).map(|(run, value)| format!("{} {value}", run.id));
        each.collect::<Vec<_>>().join("; ")
    })
}

/// What does not spoil a comparison, but explains some of it.
pub(super) fn notes(runs: &[Run]) -> Vec<String> {
    let mut out = vec![];
    if let Some(values) = values(runs, margin) {
        out.push(format!("ROI and break-even rest on different margins: {values}"));
    }
    if let Some(values) = values(runs, |run| Some(run.engine().to_owned())) {
        out.push(format!("the engines differ, which must not change a decision: {values}"));
    }
    if let Some(values) = values(runs, |run| Some(receipt(run)?.encoding.to_string())) {
        out.push(format!(
            "digests of decisions are of different encodings and say nothing of each other: {values}"
        ));
    }
    for (i, run) in runs.iter().enumerate() {
        for earlier in &runs[..i] {
            out.extend(pair(earlier, run));
        }
    }
    out
}

fn pair(earlier: &Run, run: &Run) -> Option<String> {
    let (a, b) = (earlier.sole_strategy(), run.sole_strategy());
    let is_same_version = a.name == b.name && a.version == b.version;
    if is_same_version && a.digest != b.digest {
        return Some(format!(
            "{} and {} have the same version of {} but different components ({} and {})",
            earlier.id,
            run.id,
            a.name,
            short(&a.digest),
            short(&b.digest)
        ));
    }
    // A simulation's decisions are those of the first of its worlds.
    let (Mode::Replay(before), Mode::Replay(after)) = (&earlier.mode, &run.mode) else { return None };
    let of = |receipt: &Receipt| (receipt.encoding, receipt.decisions_digest.clone());
    let is_same = of(&before.receipt) == of(&after.receipt);
    (is_same && before.receipt.decisions > 0)
        .then(|| format!("{} and {} made exactly the same decisions", earlier.id, run.id))
}
