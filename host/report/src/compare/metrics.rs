//! What runs of one mode have in numbers, side by side.

use stratagem_library::{OffPolicy, Run};
use stratagem_measure::off_policy::Evaluation;
use stratagem_model::money::group;
use stratagem_model::{Currency, Money};
use stratagem_replay::simulation::{BreakEven, Quantiles, Simulation};

use crate::Lang;
use crate::backtest::{Rewards, contacts, preferred, worst_case_cost};
use crate::numbers::{Amounts, NONE, average, decimals, percent_bare, rate, short, signed};
use crate::table::{Column, Table, numbers, words};

/// Each run's name at the head of its column.
fn header(run: &Run) -> String {
    format!("{}\n{}\n{}", run.id, run.strategy.name, run.strategy.version)
}

/// What the rows are, and a column a run.
pub(super) fn columns(rows: &str, runs: &[Run]) -> Vec<Column> {
    std::iter::once(words(rows)).chain(runs.iter().map(|run| numbers(header(run)))).collect()
}

/// The metrics of runs of one mode.
pub(super) fn table(runs: &[Run]) -> Table {
    if let Some(found) =
        runs.iter().map(|run| Some((run, run.simulation.as_ref()?))).collect::<Option<Vec<_>>>()
    {
        return simulations(runs, &found);
    }
    if let Some(found) =
        runs.iter().map(|run| Some((run, run.off_policy.as_ref()?))).collect::<Option<Vec<_>>>()
    {
        return evaluations(runs, &found);
    }
    replays(runs)
}

/// Means over the worlds of each.
fn simulations(runs: &[Run], found: &[(&Run, &Simulation)]) -> Table {
    let units = Units::of(runs);
    let mut table = Table::new(columns("mean over worlds", runs));
    let mut row = |label: &str, show: &dyn Fn(&Run, &Simulation) -> String| {
        table.row(std::iter::once(label.to_owned()).chain(found.iter().map(|(run, of)| show(run, of))));
    };
    row("contacts", &|_, of| decimals(of.contacts.mean, 0));
    row("orders caused", &|_, of| decimals(of.caused_orders.mean, 0));
    let mut money = |label: &str, of: fn(&Simulation) -> &Quantiles| {
        row(&units.label(label), &|run, found| average(&run.data.currency, Some(of(found).mean)));
    };
    money("incremental GMV", |of| &of.caused_gmv);
    money("attributed GMV (not causal)", |of| &of.attributed_gmv);
    money("contact cost", |of| &of.contact_cost);
    money("coupons redeemed, face value", |of| &of.redeemed);
    row(&units.label("profit (95 % of worlds)"), &|run, of| {
        let show = |amount| signed(&run.data.currency, amount);
        format!("{} ({} … {})", show(of.profit.mean), show(of.profit.low), show(of.profit.high))
    });
    row("ROI, %", &|_, of| of.roi.as_ref().map_or(NONE.into(), |roi| percent_bare(roi.mean)));
    row("worlds that lose, %", &|_, of| percent_bare(of.losing));
    row("break-even, × highest effects", &|_, of| match of.break_even {
        BreakEven::At(strength) => decimals(strength, 2),
        BreakEven::Above(most) => format!("above {most}"),
        BreakEven::Always => "nothing to earn back".into(),
    });
    table
}

/// What each would have earned.
fn evaluations(runs: &[Run], found: &[(&Run, &OffPolicy)]) -> Table {
    let mut table = Table::new(columns("value on the log", runs));
    let mut row = |label: &str, show: &dyn Fn(&Rewards, &Evaluation) -> String| {
        let cell =
            |(run, of): &(&Run, &OffPolicy)| show(&Rewards::of(run, of, Lang::English), &of.evaluation);
        table.row(std::iter::once(label.to_owned()).chain(found.iter().map(cell)));
    };
    row("reward", &|rewards, _| rewards.name.clone());
    row("estimator", &|_, of| preferred(of).estimator.label().into());
    row("value (95 %)", &|rewards, of| {
        let best = preferred(of);
        let estimate = best.bootstrap.as_ref().unwrap_or(&best.normal);
        format!("{} ({})", rewards.show(estimate.value), rewards.interval(estimate))
    });
    row("as logged", &|rewards, of| rewards.show(of.logged));
    row("effective sample size", &|_, of| decimals(of.diagnostics.effective_sample_size, 1));
    row("rows", &|_, of| group(of.rows));
    table
}

fn replays(runs: &[Run]) -> Table {
    let mut table = Table::new(columns("metric", runs));
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
