//! Runs side by side, and whether that is fair.

mod conditions;

use stratagem_library::Run;
use stratagem_model::money::group;
use stratagem_model::{Currency, Money};
use stratagem_replay::Collisions;
use stratagem_replay::simulation::Quantiles;

use crate::Lang;
use crate::backtest::{claim, contacts, differs_from_zero, worst_case_cost};
use crate::document::{Document, Tone};
use crate::numbers::{Amounts, NONE, average, percent_bare, plural, rate, short, signed};
use crate::table::{Table, numbers, words};

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
    let (Some(a), Some(b)) = (&first.simulation, &second.simulation) else { return };
    if a.worlds.len() != b.worlds.len() {
        return;
    }
    let pairs = a.worlds.iter().zip(&b.worlds);
    let found = Quantiles::of(pairs.clone().map(|(a, b)| a.profit - b.profit));
    let better = pairs.filter(|(a, b)| a.profit > b.profit).count() as f64 / a.worlds.len() as f64;
    let show = |amount| signed(&first.data.currency, amount);
    out.heading("Profit in the same worlds");
    out.note(format!(
        "{} less {}: {} on average, {} to {} in 95 % of the worlds; more in {} of them. Both effects are declared.",
        first.id,
        second.id,
        show(found.mean),
        show(found.low),
        show(found.high),
        crate::numbers::percent(better)
    ));
}

pub(crate) fn document(runs: &[Run]) -> Document {
    let [first, _, ..] = runs else {
        return Document::new(format!("{} to compare: name two or more", plural(runs.len() as u64, "run")));
    };
    let ids: Vec<_> = runs.iter().map(|run| run.id.as_str()).collect();
    let ids = ids.join(", ");
    let differences = conditions::differences(runs);
    let mut out = if differences.is_empty() {
        let same = "same data, period, window, gates and seed";
        Document::new(format!("{ids} are comparable ({same}); {}", claim(&first.summary.mode, Lang::English)))
    } else {
        let names: Vec<_> = differences.iter().map(|difference| difference.name).collect();
        let mut out = Document::new(format!("{ids} are NOT comparable: they differ in {}", names.join(", ")));
        let details = differences.iter().map(|difference| difference.values.clone()).collect();
        let text = "differences between the columns below may come from these, and not from the strategies";
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
    out.table(metrics(runs));
    paired_profit(runs, &mut out);
    out.note(
        "More attributed GMV does not make a better strategy: more contacts attribute more. What can be held against \
         each other is who is reached, how often, and at what cost; what a contact causes only a live holdout can \
         tell.",
    );
    parameters(runs, &mut out);
    out
}

/// Runs that are not to be believed by themselves.
fn doubts(runs: &[Run], out: &mut Document) {
    let mut details = vec![];
    for run in runs {
        let failed: u64 = run.failures.iter().map(|failure| failure.batches).sum();
        if failed > 0 {
            details.push(format!("{}: {} failed and got the fallback", run.id, plural(failed, "batch")));
        }
        for finding in run.audits.iter().filter(|finding| finding.difference.is_some()) {
            details.push(format!(
                "{}: {} audit failed",
                run.id,
                crate::backtest::audit_name(finding.audit, Lang::English)
            ));
        }
        if run.summary.arms_difference.as_ref().is_some_and(differs_from_zero) {
            details.push(format!("{}: its arms differ by more than chance (A/A check)", run.id));
        }
    }
    if !details.is_empty() {
        out.alert(Tone::Warning, "some runs are doubtful by themselves", details);
    }
}

/// Each run's name at the head of its column.
fn header(run: &Run) -> String {
    format!("{}\n{}\n{}", run.id, run.strategy.name, run.strategy.version)
}

fn metrics(runs: &[Run]) -> Table {
    let columns = std::iter::once(words("metric")).chain(runs.iter().map(|run| numbers(header(run))));
    let mut table = Table::new(columns.collect());
    let mut row = |label: &str, show: &dyn Fn(&Run) -> String| {
        table.row(std::iter::once(label.to_owned()).chain(runs.iter().map(show)));
    };
    let units = Units::of(runs);
    row("eligible customers, treated", &|run| group(run.summary.treated.eligible));
    row("participants", &|run| group(run.summary.treated.participants));
    row("contacted customers", &|run| group(run.summary.treated.contacted));
    row("contacts", &|run| group(contacts(run)));
    row("decisions", &|run| group(run.receipt.decisions));
    row("suppressed", &|run| group(suppressed(run)));
    row("conversion, % of contacted (95 %)", &|run| rate(run.summary.treated.conversion.as_ref()));
    row("the same for controls, % (95 %)", &|run| rate(run.summary.control.conversion.as_ref()));
    row("attributed orders", &|run| group(run.summary.treated.attributed_orders));
    let mut money = |label: &str, of: &dyn Fn(&Run) -> Money| {
        let amounts = units.currency.map(|currency| Amounts::new(currency, runs.iter().map(of)));
        row(&units.label(label), &|run| match &amounts {
            Some(amounts) => amounts.show(of(run)),
            None => with_code(&run.data.currency, of(run)),
        });
    };
    money("attributed GMV (not causal)", &|run| run.summary.treated.attributed_gmv);
    money("GMV of eligible", &|run| run.summary.treated.gmv);
    money("net revenue", &|run| run.summary.treated.net_revenue);
    money("contact cost", &|run| run.summary.contact_cost);
    money("offers, at most", &|run| run.summary.offer_exposure);
    money("worst-case cost", &worst_case_cost);
    let mut per = |label: &str, of: &dyn Fn(&Run) -> Option<f64>| {
        row(&units.label(label), &|run| average(&run.data.currency, of(run)));
    };
    per("cost per contact, worst case", &|run| {
        let contacts = contacts(run);
        (contacts > 0).then(|| worst_case_cost(run) as f64 / contacts as f64)
    });
    per("ARPU, of eligible", &|run| run.summary.treated.arpu);
    per("ARPPU, of buyers", &|run| run.summary.treated.arppu);
    per("AOV, of orders", &|run| run.summary.treated.aov);
    let percent = |share: Option<f64>| share.map_or(NONE.into(), percent_bare);
    row("ROI if all caused (not causal), %", &|run| percent(run.summary.roi_if_all_caused));
    row("break-even share of GMV, %", &|run| percent(run.summary.break_even_share));
    row(&units.label("A/A: ARPU difference"), &|run| {
        run.summary.arms_difference.map_or(NONE.into(), |d| signed(&run.data.currency, d.value))
    });
    row("decisions digest", &|run| short(&run.receipt.decisions_digest));
    table
}

/// The currency of all runs, if they have one.
struct Units<'r> {
    currency: Option<&'r Currency>,
}

impl<'r> Units<'r> {
    fn of(runs: &'r [Run]) -> Self {
        let first = runs.first().map(|run| &run.data.currency);
        Self { currency: first.filter(|first| runs.iter().all(|run| run.data.currency == **first)) }
    }

    fn label(&self, label: &str) -> String {
        self.currency.map_or(label.into(), |currency| format!("{label}, {}", currency.code))
    }
}

fn with_code(currency: &Currency, amount: Money) -> String {
    format!("{} {}", currency.format(amount), currency.code)
}

fn suppressed(run: &Run) -> u64 {
    let is_suppressed = |reason: stratagem_model::Reason| !reason.is_sent() && !reason.is_fallback();
    run.summary.decisions.iter().filter(|count| is_suppressed(count.reason)).map(|count| count.count).sum()
}

/// The parameters in which runs of the same strategy differ.
fn parameters(runs: &[Run], out: &mut Document) {
    let columns = std::iter::once(words("parameter")).chain(runs.iter().map(|run| numbers(header(run))));
    let mut table = Table::new(columns.collect());
    let mut names: Vec<(&str, &str)> = vec![];
    for run in runs {
        for (name, _) in &run.strategy.parameters {
            let name = (run.strategy.name.as_str(), name.as_str());
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    for (strategy, name) in names {
        let value = |run: &Run| {
            let parameters = run.strategy.parameters.iter();
            parameters.clone().find(|(other, _)| other == name).map(|(_, value)| value.to_string())
        };
        let mine: Vec<_> = runs.iter().filter(|run| run.strategy.name == strategy).map(value).collect();
        if mine.iter().any(|value| *value != mine[0]) {
            let cell = |run: &Run| match run.strategy.name == strategy {
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
