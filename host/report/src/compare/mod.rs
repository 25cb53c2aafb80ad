//! Runs side by side, and whether that is fair.

mod conditions;
mod metrics;

use stratagem_record::simulation::Quantiles;
use stratagem_record::{Collisions, Mode, Run};

use crate::Lang;
use crate::backtest::{claim, differs_from_zero, failures_of};
use crate::document::{Document, Tone};
use crate::numbers::{NONE, percent, plural, signed};
use crate::table::Table;

/// Two runs with what they have in common.
pub(crate) fn pair(runs: &[Run], collisions: Option<Collisions>) -> Document {
    let mut out = document(runs);
    if let (Some(found), [first, second]) = (collisions, runs) {
        out.heading("Collisions");
        out.note(format!(
            "{} would be contacted by both; {} of {} lie within {} of one of {}.",
            plural(found.customers, "customer"),
            plural(found.contacts, "contact"),
            first.id,
            plural(found.days.into(), "day"),
            second.id
        ));
    }
    out
}

/// Simulations over the same worlds: the difference of their profits world by world.
fn paired_profit(runs: &[Run], out: &mut Document) {
    let [first, second] = runs else { return };
    let (Mode::Simulation(a), Mode::Simulation(b)) = (&first.mode, &second.mode) else { return };
    let (a, b) = (&a.over_worlds, &b.over_worlds);
    if a.worlds.len() != b.worlds.len() {
        return;
    }
    let pairs = a.worlds.iter().zip(&b.worlds);
    let found = Quantiles::of(pairs.clone().map(|(a, b)| a.profit - b.profit));
    let better = pairs.filter(|(a, b)| a.profit > b.profit).count() as f64 / a.worlds.len() as f64;
    let currency = &first.data.currency;
    let show = |amount| format!("{} {}", signed(currency, amount), currency.code);
    out.heading("Profit in the same worlds");
    out.note(format!(
        "{} less {}: {} on average, {} to {} in 95 % of the worlds; more in {} of them. Both effects are declared.",
        first.id,
        second.id,
        show(found.mean),
        show(found.low),
        show(found.high),
        percent(better)
    ));
}

pub(crate) fn document(runs: &[Run]) -> Document {
    let [first, _, ..] = runs else {
        return Document::new(format!("{} to compare: name two or more", plural(runs.len() as u64, "run")));
    };
    let ids: Vec<_> = runs.iter().map(|run| run.id.as_str()).collect();
    let ids = ids.join(", ");
    let differences = conditions::differences(runs);
    let table = metrics::table(runs);
    let mut out = if differences.is_empty() {
        let same = match first.mode {
            Mode::Replay(_) | Mode::Simulation(_) => "same data, period, window, gates and seed",
            Mode::OffPolicy(_) => "same data, log, reward, window and seed",
        };
        Document::new(format!("{ids} are comparable ({same}); {}", claim(&first.mode, Lang::English)))
    } else {
        let names: Vec<_> = differences.iter().map(|difference| difference.name).collect();
        let mut out = Document::new(format!("{ids} are NOT comparable: they differ in {}", names.join(", ")));
        let details = differences.iter().map(|difference| difference.values.clone()).collect();
        let text = match table.is_some() {
            true => "differences between the columns below may come from these, and not from the strategies",
            false => "what a run may claim is up to its mode, and modes have no metric in common",
        };
        out.alert(Tone::Warning, text, details);
        out
    };
    doubts(runs, &mut out);
    out.tone = match differences.is_empty() {
        true => Tone::Plain,
        false => Tone::Warning,
    };
    for note in conditions::notes(runs) {
        out.alert(Tone::Plain, note, vec![]);
    }
    let Some(table) = table else { return out };
    out.table(table);
    paired_profit(runs, &mut out);
    if let Mode::Replay(_) = first.mode {
        out.note(REPLAYED);
    }
    parameters(runs, &mut out);
    out
}

/// What replays beside each other do not say.
const REPLAYED: &str = "More attributed GMV does not make a better strategy: more contacts attribute more. What can \
                        be held against each other is who is reached, how often, and at what cost; what a contact \
                        causes only a live holdout can tell.";

/// Runs that are not to be believed by themselves.
fn doubts(runs: &[Run], out: &mut Document) {
    let mut details = vec![];
    for run in runs {
        let failed: u64 = failures_of(&run.mode).iter().map(|failure| failure.batches).sum();
        if failed > 0 {
            details.push(format!("{}: {} failed and got the fallback", run.id, plural(failed, "batch")));
        }
        let Mode::Replay(replay) = &run.mode else { continue };
        for finding in replay.audits.iter().filter(|finding| finding.difference.is_some()) {
            details.push(format!(
                "{}: {} audit failed",
                run.id,
                crate::backtest::audit_name(finding.audit, Lang::English)
            ));
        }
        let difference = replay.lanes.sole().outcome.summary.arms_difference;
        if difference.as_ref().is_some_and(differs_from_zero) {
            details.push(format!("{}: its arms differ by more than chance (A/A check)", run.id));
        }
    }
    if !details.is_empty() {
        out.alert(Tone::Warning, "some runs are doubtful by themselves", details);
    }
}

/// The parameters in which runs of the same strategy differ.
fn parameters(runs: &[Run], out: &mut Document) {
    let mut table = Table::new(metrics::columns("parameter", runs));
    let mut names: Vec<(&str, &str)> = vec![];
    for run in runs {
        let ran = run.sole_strategy();
        for (name, _) in &ran.parameters {
            let name = (ran.name.as_str(), name.as_str());
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    for (strategy, name) in names {
        let value = |run: &Run| {
            let parameters = run.sole_strategy().parameters.iter();
            parameters.clone().find(|(other, _)| other == name).map(|(_, value)| value.to_string())
        };
        let is_of_it = |run: &&Run| run.sole_strategy().name == strategy;
        let mine: Vec<_> = runs.iter().filter(is_of_it).map(value).collect();
        if mine.iter().any(|value| *value != mine[0]) {
            let cell = |run: &Run| match is_of_it(&run) {
                true => value(run).unwrap_or_else(|| NONE.into()),
                false => String::new(),
            };
            table.row(std::iter::once(name.to_owned()).chain(runs.iter().map(cell)));
        }
    }
    if !table.rows.is_empty() {
        out.heading("Parameters that differ between runs of the same strategy");
    }
    out.table(table);
}
