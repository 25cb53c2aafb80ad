//! The conditions of runs: what must be equal for their numbers to be held against each other.

use stratagem_library::{OffPolicy, Run};

use crate::Lang;
use crate::backtest::{Rewards, cap, consent, tables};
use crate::numbers::{plural, ppm, short};

/// A condition in which runs differ.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) name: &'static str,
    /// Each run's value, in words.
    pub(super) values: String,
}

/// A condition's name, and its value in words.
type Condition = (&'static str, fn(&Run) -> String);

/// What must be equal. A strategy's own holdout has its own salt, so that is not among them.
const CONDITIONS: &[Condition] = &[
    ("mode", |run| run.summary.mode.clone()),
    ("data", |run| format!("fingerprint {}", short(&run.data.fingerprint))),
    ("zone", |run| run.data.zone.clone()),
    ("currency", |run| run.data.currency.code.clone()),
    ("period", |run| format!("{} to {}", run.summary.period.from, run.summary.period.until)),
    ("attribution window", |run| plural(run.summary.period.window_days.into(), "day")),
    ("global holdout", |run| {
        let holdout = &run.policy.global_holdout;
        if holdout.ppm == 0 { "none".into() } else { format!("{} by `{}`", ppm(holdout.ppm), holdout.salt) }
    }),
    ("own holdout", |run| ppm(run.policy.holdout.ppm)),
    ("consent", |run| consent(run.policy.consent, Lang::English).into()),
    ("frequency cap", |run| cap(run.policy.cap, Lang::English)),
    ("budget", |run| run.policy.budget.map_or("none".into(), |budget| run.data.currency.format(budget))),
    ("retry", |run| plural(run.retry_days.into(), "day")),
    ("tables", |run| tables(run.table_lag_minutes, Lang::English)),
    ("seed", |run| run.policy.seed.to_string()),
    ("log", |run| {
        let name = |found: &OffPolicy| format!("{} {}", found.log, short(&found.fingerprint));
        run.off_policy.as_ref().map_or("none".into(), name)
    }),
    ("reward", |run| {
        let name = |found: &OffPolicy| Rewards::of(run, found, Lang::English).name;
        run.off_policy.as_ref().map_or("none".into(), name)
    }),
];

/// What is not asked of a log, whose actions were drawn long ago.
const GATES: [&str; 6] = ["global holdout", "own holdout", "consent", "frequency cap", "budget", "retry"];

pub(super) fn differences(runs: &[Run]) -> Vec<Difference> {
    let difference = |(name, of): &Condition| {
        values(runs, *of).map(|values| Difference { name, values: format!("{name}: {values}") })
    };
    // Runs of other modes differ in enough by that.
    let is_on_log = runs.iter().any(|run| run.off_policy.is_some());
    let is_compared = |(name, _): &&Condition| !(is_on_log && GATES.contains(name));
    CONDITIONS.iter().filter(is_compared).filter_map(difference).collect()
}

/// Each run's value, if they are not all equal.
fn values(runs: &[Run], of: impl Fn(&Run) -> String) -> Option<String> {
    let values: Vec<_> = runs.iter().map(of).collect();
    values.iter().any(|value| *value != values[0]).then(|| {
        let each = runs.iter().zip(&values).map(|(run, value)| format!("{} {value}", run.id));
        each.collect::<Vec<_>>().join("; ")
    })
}

/// What does not spoil a comparison, but explains some of it.
pub(super) fn notes(runs: &[Run]) -> Vec<String> {
    let mut out = vec![];
    let is_paid = runs.iter().all(|run| run.off_policy.is_none());
    if let Some(values) = values(runs, |run| ppm(run.summary.margin_ppm)).filter(|_| is_paid) {
        out.push(format!("ROI and break-even rest on different margins: {values}"));
    }
    if let Some(values) = values(runs, |run| run.receipt.engine.clone()) {
        out.push(format!("the engines differ, which must not change a decision: {values}"));
    }
    if let Some(values) = values(runs, |run| run.receipt.encoding.to_string()) {
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
    let (a, b) = (&earlier.strategy, &run.strategy);
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
    let of = |run: &Run| (run.receipt.encoding, run.receipt.decisions_digest.clone());
    let is_same = of(earlier) == of(run);
    // A simulation's are those of the first of its worlds.
    (is_same && earlier.receipt.decisions > 0 && run.is_replay())
        .then(|| format!("{} and {} made exactly the same decisions", earlier.id, run.id))
}
