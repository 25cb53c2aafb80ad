//! Many variants over one period, and the best of them over another.

use stratagem_model::money::group;
use stratagem_record::{Mode, Run};

use crate::Lang;
use crate::backtest::{Rewards, claim, preferred};
use crate::document::{Document, Tone};
use crate::numbers::{NONE, average, decimals, percent, plural, signed};
use crate::table::{Table, numbers, words};

/// What variants are ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SweepBy {
    /// Mean profit over simulated worlds: more is better.
    Profit,
    /// The policy's value on a log: more is better.
    PolicyValue,
    /// The share of attributed value that must be caused to pay: less is better.
    BreakEvenShare,
}

/// A finished sweep.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sweep {
    pub by: SweepBy,
    /// Each variant's parameters, and its run over the period that chooses.
    pub variants: Vec<(String, Run)>,
    /// Which of them was chosen.
    pub best: usize,
    /// The chosen one over the period that was left untouched.
    pub last: Run,
}

impl SweepBy {
    /// What to rank by: more is better. `None` for what cannot be ranked, and for runs of another mode.
    pub fn value(self, run: &Run) -> Option<f64> {
        let value = match (self, &run.mode) {
            (Self::Profit, Mode::Simulation(found)) => Some(found.over_worlds.profit.mean),
            (Self::PolicyValue, Mode::OffPolicy(found)) => {
                Some(preferred(&found.lanes.sole().outcome).normal.value)
            }
            (Self::BreakEvenShare, Mode::Replay(replay)) => {
                replay.lanes.sole().outcome.summary.break_even_share.map(|share| -share)
            }
            (Self::Profit | Self::PolicyValue | Self::BreakEvenShare, _) => None,
        };
        value.filter(|value| value.is_finite())
    }

    /// That no variant can be ranked, why, and what to do.
    pub fn nothing_to_rank(self) -> &'static str {
        match self {
            Self::BreakEvenShare => {
                "no variant can be ranked: where no margin is attributed, no share of it can pay. Try a longer \
                 period or `--window`, a `--margin` above 0%, or parameters that reach more customers"
            }
            Self::Profit | Self::PolicyValue => {
                "no variant can be ranked: none has a finite value. Try other parameters, or more data"
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Profit => "assumed profit",
            Self::PolicyValue => "policy value",
            Self::BreakEvenShare => "must be caused",
        }
    }

    fn show(self, run: &Run) -> String {
        let Some(value) = self.value(run) else { return NONE.into() };
        match &run.mode {
            Mode::Replay(_) => percent(-value),
            Mode::Simulation(_) => {
                format!("{} {}", signed(&run.data.currency, value), run.data.currency.code)
            }
            Mode::OffPolicy(found) => Rewards::of(run, found.reward, Lang::English).say(value),
        }
    }
}

pub(crate) fn document(sweep: &Sweep) -> Document {
    let Sweep { by, variants, best, last } = sweep;
    let (name, chosen) = &variants[*best];
    let tried = plural(variants.len() as u64, "variant");
    let verdict = format!(
        "{}: best of {tried} is {name}: {} {} where it was chosen, {} where nothing was; {}",
        last.sole_strategy().name,
        by.name(),
        by.show(chosen),
        if by.value(last).is_some() { by.show(last) } else { "no value".into() },
        claim(&last.mode, Lang::English)
    );
    let mut out = Document::of(Lang::English, verdict);
    match (by.value(chosen), by.value(last)) {
        (_, None) => out.alert(
            Tone::Warning,
            "where nothing was chosen there is no value to rank by, so nothing confirms the choice",
            vec![],
        ),
        (Some(before), Some(after)) if after < before => {
            let (read, not) = (by.show(last), by.show(chosen));
            let text = format!("it does worse where nothing was chosen: read {read}, not {not}");
            out.alert(Tone::Warning, text, vec![]);
        }
        _ => {}
    }
    if *by == SweepBy::BreakEvenShare {
        out.note(
            "Over history no effect can be seen. Variants are ranked by the share of attributed value that would have to be \
             caused for the cost to come back: the cheapest to justify, not the best.",
        );
    }
    out.facts(facts(sweep, chosen));
    out.table(table(sweep));
    out
}

fn facts(sweep: &Sweep, chosen: &Run) -> Vec<(&'static str, String)> {
    let Sweep { variants, last, .. } = sweep;
    let tried = format!("{} here, {} in the library on this data", variants.len(), last.variants_tried);
    let mut facts = vec![("variants tried", tried)];
    let (early, late) = (&chosen.period, &last.period);
    if sweep.by == SweepBy::Profit {
        let (early, late) = (&early.from, &late.from);
        // Both are made up, and may be of the same days: what was left untouched is the history between their cuts.
        facts.extend([
            ("chosen on", format!("futures after {early} (fitted on the history before it)")),
            (
                "tried once more on",
                format!(
                    "futures after {late}; the history from {early} to {late} was left untouched until then"
                ),
            ),
        ]);
    } else {
        facts.extend([
            ("chosen on", format!("{} to {}", early.from, early.until)),
            ("left untouched", format!("{} to {}", late.from, late.until)),
        ]);
    }
    facts
}

/// The variants, the best first, and the chosen one once more.
fn table(sweep: &Sweep) -> Table {
    let Sweep { by, variants, best, last } = sweep;
    let currency = &last.data.currency;
    let mut columns = vec![words("variant"), words("run")];
    match by {
        SweepBy::Profit => columns.extend([
            numbers("contacts, mean"),
            numbers(format!("contacts and\ncoupons, mean, {}", currency.code)),
        ]),
        SweepBy::BreakEvenShare => {
            columns.extend([numbers("contacts"), numbers(format!("worst-case\ncost, {}", currency.code))]);
        }
        SweepBy::PolicyValue => {}
    }
    columns.push(numbers(by.name()));
    let mut table = Table::new(columns);
    let mut row = |name: String, run: &Run| {
        let mut row = vec![name, run.id.clone()];
        match &run.mode {
            Mode::Replay(replay) => {
                let summary = &replay.lanes.sole().outcome.summary;
                row.extend([group(summary.contacts()), currency.format(summary.worst_case_cost())]);
            }
            Mode::Simulation(found) => {
                let found = &found.over_worlds;
                let cost = found.contact_cost.mean + found.redeemed.mean;
                row.extend([decimals(found.contacts.mean, 0), average(currency, Some(cost))]);
            }
            Mode::OffPolicy(_) => {}
        }
        row.push(by.show(run));
        table.row(row);
    };
    let mut order: Vec<_> = variants.iter().collect();
    let rank = |run: &Run| by.value(run).unwrap_or(f64::NEG_INFINITY);
    order.sort_by(|(_, a), (_, b)| rank(b).total_cmp(&rank(a)));
    for (name, run) in order {
        row(name.clone(), run);
    }
    let again = if *by == SweepBy::Profit { "later futures" } else { "untouched period" };
    row(format!("{} ({again})", variants[*best].0), last);
    table
}
