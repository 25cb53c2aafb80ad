//! `stratagem sweep`: many sets of parameters over one period, the best of them over another.

use stratagem_model::time::{Day, date_of};
use stratagem_model::{Time, Zone};
use stratagem_record::Run;
use stratagem_replay::BacktestError;
use stratagem_report::{Sweep, SweepBy};
use stratagem_store::{SledStore, Store};

use crate::args::{ConditionArgs, ModeArg, SweepArgs};
use crate::exit::{Exit, Usage, Verdict};
use crate::ingest::format;
use crate::values::{day, days, fraction};
use crate::{backtest, output, progress, strategy};

/// Most variants of a sweep: beyond, the best of them says more about luck than about parameters.
const VARIANTS_MAX: usize = 1_000;

pub(crate) fn run(args: &SweepArgs) -> anyhow::Result<()> {
    backtest::check_conditions(&args.conditions)?;
    let store = SledStore::open(&args.store.store)?;
    let component = strategy::load_strategy(&args.strategy)?;
    let fixed = strategy::settings(&args.conditions.run.set)?;
    let variants = variants(&args.grid)?;
    // All are checked before the first runs.
    let configured: Vec<_> = variants
        .iter()
        .map(|variant| component.configure(&[fixed.as_slice(), variant].concat()))
        .collect::<Result<_, _>>()?;
    let (early, late) = split(args, &store)?;
    let stop = progress::stop_flag()?;
    let mut runs = vec![];
    for configured in &configured {
        runs.push(backtest::one(&store, configured, &early, &stop)?);
    }
    let by = match args.conditions.mode {
        ModeArg::Replay => SweepBy::BreakEvenShare,
        ModeArg::OffPolicy => SweepBy::PolicyValue,
        ModeArg::Simulate => SweepBy::Profit,
    };
    let ranked = runs.iter().enumerate().filter_map(|(at, run)| Some((at, by.value(run)?)));
    // From behind: of equals the first is the best, as in the table.
    let Some((best, _)) = ranked.rev().max_by(|(_, a), (_, b)| a.total_cmp(b)) else {
        // The final period stays untouched for a sweep that can choose.
        let period = &runs[0].period;
        let message = format!("from {} to {} {}", period.from, period.until, by.nothing_to_rank());
        return Err(Verdict { exit: Exit::Refused, message }.into());
    };
    let last = backtest::one(&store, &configured[best], &late, &stop)?;
    let variants = variants.iter().map(|variant| {
        variant.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    });
    let sweep = Sweep { by, variants: variants.zip(runs).collect::<Vec<(String, Run)>>(), best, last };
    output::print(&stratagem_report::sweep(&sweep, format(args.format), output::style()))
}

/// Every combination of the values, in the order in which they are typed.
fn variants(grid: &[String]) -> anyhow::Result<Vec<Vec<(String, String)>>> {
    let mut variants = vec![vec![]];
    for text in grid {
        let (name, values) = text.split_once('=').ok_or_else(|| {
            let hint = "write `--grid NAME=VALUE,VALUE`, such as `--grid silence-days=14,21,28`";
            Usage::new(format!("`--grid {text}` has no `=`"), hint)
        })?;
        let with = |value: &str| {
            let pair = (name.trim().to_owned(), value.trim().to_owned());
            variants
                .iter()
                .map(|variant| [variant.as_slice(), std::slice::from_ref(&pair)].concat())
                .collect::<Vec<_>>()
        };
        variants = values.split(',').flat_map(with).collect();
    }
    if variants.len() > VARIANTS_MAX {
        let message = format!("the grid has {} variants, more than {VARIANTS_MAX}", variants.len());
        return Err(Usage::new(message, "try fewer values: the best of many looks better than it is").into());
    }
    Ok(variants)
}

/// The conditions of the period that chooses, and of the one that is left untouched.
fn split(args: &SweepArgs, store: &SledStore) -> anyhow::Result<(ConditionArgs, ConditionArgs)> {
    let share = fraction(&args.final_share, "--final")?;
    let conditions = &args.conditions;
    let zone = Zone::new(&store.settings().zone)?;
    let totals = store.totals()?;
    let (Some(first), Some(last)) = (totals.first_order_ms, totals.last_order_ms) else {
        return Err(BacktestError::NoOrders.into());
    };
    let given = |text: &Option<String>, flag: &str, otherwise: Day| {
        text.as_deref().map_or(Ok(otherwise), |text| day(text, flag))
    };
    let window = days(&conditions.run.window, "--window")? as Day;
    let from = given(&conditions.run.from, "--from", zone.day(Time(first)))?;
    let until = given(&conditions.run.until, "--until", zone.day(Time(last)) - window)?;
    // Windows of the first period end before the second begins.
    let boundary = until - ((until - from) as f64 * share).round() as Day;
    if boundary - window <= from || boundary >= until {
        let message =
            format!("from {} to {} there is no room for two periods", date_of(from), date_of(until));
        let hint = "use a shorter `--window`, another `--final`, or more history";
        return Err(Usage::new(message, hint).into());
    }
    let over = |from: Day, until: Day| {
        let mut conditions = conditions.clone();
        conditions.run.from = Some(date_of(from));
        conditions.run.until = Some(date_of(until));
        conditions
    };
    if conditions.mode != ModeArg::Simulate {
        return Ok((over(from, boundary - window), over(boundary, until)));
    }
    // Futures are made up after a cut: the variants' before the final period is known, the chosen one's after it.
    let length = days(conditions.simulation.days(), "--days")? as Day;
    Ok((over(boundary, boundary + length - 1), over(until, until + length - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_is_every_combination() {
        let variants = variants(&["a=1,2".into(), "b=x, y".into()]).unwrap();
        let text =
            |variant: &[(String, String)]| variant.iter().map(|(n, v)| format!("{n}{v}")).collect::<String>();
        let texts: Vec<_> = variants.iter().map(|variant| text(variant)).collect();
        assert_eq!(texts, ["a1bx", "a2bx", "a1by", "a2by"]);
        assert!(super::variants(&["a".into()]).is_err());
    }
}
