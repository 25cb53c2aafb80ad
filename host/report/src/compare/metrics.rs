//! What runs of one mode have in numbers, side by side.

use stratagem_measure::off_policy::Evaluation;
use stratagem_model::money::group;
use stratagem_model::{Currency, Money};
use stratagem_record::simulation::{BreakEven, OverWorlds, Quantiles};
use stratagem_record::{Mode, OffPolicy, Replay, Run, Summary};

use crate::Lang;
use crate::backtest::{Rewards, preferred};
use crate::numbers::{Amounts, NONE, average, decimals, percent_bare, rate, short, signed};
use crate::table::{Column, Table, numbers, words};

/// Each run's name at the head of its column.
fn header(run: &Run) -> String {
    let strategy = run.sole_strategy();
    format!("{}\n{}\n{}", run.id, strategy.name, strategy.version)
}

/// What the rows are, and a column a run.
pub(super) fn columns(rows: &str, runs: &[Run]) -> Vec<Column> {
    std::iter::once(words(rows)).chain(runs.iter().map(|run| numbers(header(run)))).collect()
}

/// The metrics of runs, if they are of one mode.
pub(super) fn table(runs: &[Run]) -> Option<Table> {
    let (mut replayed, mut simulated, mut on_log) = (vec![], vec![], vec![]);
    for run in runs {
        match &run.mode {
            Mode::Replay(replay) => replayed.push((run, &**replay)),
            Mode::Simulation(found) => simulated.push((run, &found.over_worlds)),
            Mode::OffPolicy(found) => on_log.push((run, &**found)),
        }
    }
    match (replayed.is_empty(), simulated.is_empty(), on_log.is_empty()) {
        (false, true, true) => Some(replays(runs, &replayed)),
        (true, false, true) => Some(simulations(runs, &simulated)),
        (true, true, false) => Some(evaluations(runs, &on_log)),
        _ => None,
    }
}

/// Means over the worlds of each.
fn simulations(runs: &[Run], found: &[(&Run, &OverWorlds)]) -> Table {
    let units = Units::of(runs);
    let mut table = Table::new(columns("mean over worlds", runs));
    let mut row = |label: &str, show: &dyn Fn(&Run, &OverWorlds) -> String| {
        table.row(std::iter::once(label.to_owned()).chain(found.iter().map(|(run, of)| show(run, of))));
    };
    row("contacts", &|_, of| decimals(of.contacts.mean, 0));
    row("orders caused", &|_, of| decimals(of.caused_orders.mean, 0));
    let mut money = |label: &str, of: fn(&OverWorlds) -> &Quantiles| {
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
        let cell = |(run, of): &(&Run, &OffPolicy)| {
            show(&Rewards::of(run, of.reward, Lang::English), &of.lanes.sole().outcome)
        };
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

fn replays(runs: &[Run], found: &[(&Run, &Replay)]) -> Table {
    let mut table = Table::new(columns("metric", runs));
    let mut row = |label: &str, show: &dyn Fn(&Summary, &Run, &Replay) -> String| {
        let cells = found.iter().map(|(run, replay)| show(summary(replay), run, replay));
        table.row(std::iter::once(label.to_owned()).chain(cells));
    };
    let units = Units::of(runs);
    row("eligible customers, treated", &|of, _, _| group(of.treated.eligible));
    row("participants", &|of, _, _| group(of.treated.participants));
    row("contacted customers", &|of, _, _| group(of.treated.contacted));
    row("contacts", &|of, _, _| group(of.contacts()));
    row("decisions", &|_, _, replay| group(replay.receipt.decisions));
    row("suppressed", &|of, _, _| group(suppressed(of)));
    row("conversion, % of contacted (95 %)", &|of, _, _| rate(of.treated.conversion.as_ref()));
    row("the same for controls, % (95 %)", &|of, _, _| rate(of.control.conversion.as_ref()));
    row("attributed orders", &|of, _, _| group(of.treated.attributed_orders));
    let mut money = |label: &str, of: fn(&Summary) -> Money| {
        let all = || found.iter().map(|(_, replay)| of(summary(replay)));
        let amounts = units.currency.map(|currency| Amounts::new(currency, all()));
        row(&units.label(label), &|summary, run, _| match &amounts {
            Some(amounts) => amounts.show(of(summary)),
            None => with_code(&run.data.currency, of(summary)),
        });
    };
    money("attributed GMV (not causal)", |of| of.treated.attributed_gmv);
    money("GMV of eligible", |of| of.treated.gmv);
    money("net revenue", |of| of.treated.net_revenue);
    money("contact cost", |of| of.contact_cost);
    money("offers, at most", |of| of.offer_exposure);
    money("worst-case cost", Summary::worst_case_cost);
    let mut per = |label: &str, of: fn(&Summary) -> Option<f64>| {
        row(&units.label(label), &|summary, run, _| average(&run.data.currency, of(summary)));
    };
    per("cost per contact, worst case", |of| {
        let contacts = of.contacts();
        (contacts > 0).then(|| of.worst_case_cost() as f64 / contacts as f64)
    });
    per("ARPU, of eligible", |of| of.treated.arpu);
    per("ARPPU, of buyers", |of| of.treated.arppu);
    per("AOV, of orders", |of| of.treated.aov);
    let percent = |share: Option<f64>| share.map_or(NONE.into(), percent_bare);
    row("ROI if all caused (not causal), %", &|of, _, _| percent(of.roi_if_all_caused));
    row("break-even share of GMV, %", &|of, _, _| percent(of.break_even_share));
    row(&units.label("A/A: ARPU difference"), &|of, run, _| {
        of.arms_difference.map_or(NONE.into(), |d| signed(&run.data.currency, d.value))
    });
    row("decisions digest", &|_, _, replay| short(&replay.receipt.decisions_digest));
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

fn summary(replay: &Replay) -> &Summary {
    &replay.lanes.sole().outcome.summary
}

fn suppressed(summary: &Summary) -> u64 {
    let is_suppressed = |reason: stratagem_model::Reason| !reason.is_sent() && !reason.is_fallback();
    summary.decisions.iter().filter(|count| is_suppressed(count.reason)).map(|count| count.count).sum()
}
