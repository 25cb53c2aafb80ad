//! Many variants over one period, and the best of them over another.

use stratagem_library::Run;

use crate::Lang;
use crate::backtest::{contacts, worst_case_cost};
use crate::document::{Document, Tone};
use crate::numbers::{decimals, percent, signed};
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
    /// What to rank by: more is better. What cannot be ranked is last.
    pub fn value(self, run: &Run) -> f64 {
        let value = match self {
            Self::Profit => run.simulation.as_ref().map(|simulation| simulation.profit.mean),
            Self::PolicyValue => run.off_policy.as_ref().and_then(|off_policy| {
                let evaluation = &off_policy.evaluation;
                evaluation.estimated(evaluation.preferred).map(|estimated| estimated.normal.value)
            }),
            Self::BreakEvenShare => run.summary.break_even_share.map(|share| -share),
        };
        value.unwrap_or(f64::NEG_INFINITY)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Profit => "assumed profit",
            Self::PolicyValue => "policy value",
            Self::BreakEvenShare => "must be caused",
        }
    }

    fn show(self, run: &Run) -> String {
        let value = self.value(run);
        match self {
            _ if !value.is_finite() => "-".into(),
            Self::Profit => signed(&run.data.currency, value),
            Self::PolicyValue => decimals(value, 4),
            Self::BreakEvenShare => percent(-value),
        }
    }
}

pub(crate) fn document(sweep: &Sweep) -> Document {
    let Sweep { by, variants, best, last } = sweep;
    let (name, chosen) = &variants[*best];
    let tried = crate::numbers::plural(variants.len() as u64, "variant");
    let period = |run: &Run| format!("{} to {}", run.summary.period.from, run.summary.period.until);
    let verdict = format!(
        "{}: best of {tried} is {name}: {} {} where it was chosen, {} where nothing was",
        last.strategy.name,
        by.name(),
        by.show(chosen),
        by.show(last)
    );
    let mut out = Document::of(Lang::English, verdict);
    if by.value(last) < by.value(chosen) {
        let text = format!(
            "it does worse on the period that chose nothing: read {}, not {}",
            by.show(last),
            by.show(chosen)
        );
        out.alert(Tone::Warning, text, vec![]);
    }
    if *by == SweepBy::BreakEvenShare {
        out.note(
            "Over history no effect can be seen. Variants are ranked by the share of attributed value that would have to be \
             caused for the cost to come back: the cheapest to justify, not the best.",
        );
    }
    out.facts([
        (
            "variants tried",
            format!("{} here, {} in the library on this data", variants.len(), last.variants_tried),
        ),
        ("chosen on", period(chosen)),
        ("left untouched", period(last)),
    ]);
    let mut table = Table::new(vec![
        words("variant"),
        words("run"),
        numbers("contacts"),
        numbers("worst-case cost"),
        numbers(by.name()),
    ]);
    let mut row = |name: String, run: &Run| {
        let cost = run.data.currency.format(worst_case_cost(run));
        table.row([name, run.id.clone(), contacts(run).to_string(), cost, by.show(run)]);
    };
    let mut order: Vec<_> = (0..variants.len()).collect();
    order.sort_by(|a, b| by.value(&variants[*b].1).total_cmp(&by.value(&variants[*a].1)));
    for at in order {
        row(variants[at].0.clone(), &variants[at].1);
    }
    row(format!("{name} (untouched period)"), last);
    out.table(table);
    out
}
