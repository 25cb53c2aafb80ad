//! The numbers of charts as tables of what a reader would ask for.

use stratagem_model::money::group;

use super::derived::{drawdown, of_stage_before, running};
use super::{
    Axis, BALANCED, Band, Change, Cohorts, Forest, Funnel, HeatMap, Histogram, Interval, Love, Plot,
    Tracking, Waterfall,
};
use crate::Lang;
use crate::numbers::{NONE, percent_bare};
use crate::table::{Table, numbers, words};

/// How many of a line's points a table has.
const POINTS_SHOWN: usize = 7;

/// How many of many rows a table has.
const ROWS_SHOWN: usize = 12;

pub(super) fn table(plot: &Plot, lang: Lang) -> Table {
    match plot {
        Plot::Band(plot) => band(plot, lang),
        Plot::Waterfall(plot) => waterfall(plot, lang),
        Plot::Funnel(plot) => funnel(plot, lang),
        Plot::Cohorts(plot) => cohorts(plot, lang),
        Plot::Forest(plot) => forest(plot, lang),
        Plot::Love(plot) => love(plot, lang),
        Plot::Histogram(plot) => histogram(plot, lang),
        Plot::Tracking(plot) => tracking(plot, lang),
        Plot::HeatMap(plot) => heat_map(plot, lang),
    }
}

/// Positions spread evenly, the first and the last among them.
fn spread(count: usize, most: usize) -> Vec<usize> {
    match count.min(most) {
        0 => vec![],
        1 => vec![count - 1],
        shown => (0..shown).map(|i| i * (count - 1) / (shown - 1)).collect(),
    }
}

fn when(axis: &Axis, x: f64) -> String {
    axis.notation([x]).write(x)
}

fn band(band: &Band, lang: Lang) -> Table {
    let mut columns = vec![words(band.x.title(lang))];
    for line in &band.lines {
        columns.push(numbers(if band.lines.len() > 1 { line.name.clone() } else { band.y.title(lang) }));
        columns.push(numbers(band.interval.clone()));
    }
    let falls = band.lines.first().filter(|_| band.has_drawdown).map(drawdown);
    if falls.is_some() {
        columns.push(numbers(lang.say("drawdown", "回撤")));
    }
    let mut table = Table::new(columns);
    let all = band.lines.iter().flat_map(|line| line.points.iter().map(|point| point.value));
    let notation = band.y.notation(all);
    let longest = band.lines.iter().map(|line| &line.points).max_by_key(|points| points.len());
    for x in longest
        .map(|points| spread(points.len(), POINTS_SHOWN).into_iter().map(|at| points[at].x))
        .into_iter()
        .flatten()
    {
        let mut row = vec![when(&band.x, x)];
        for line in &band.lines {
            let point = line.points.iter().find(|point| point.x == x);
            row.push(point.map_or(NONE.into(), |point| notation.write(point.value)));
            let range = point.and_then(|point| point.interval).map(|range| notation.range(range, lang));
            row.push(range.unwrap_or_else(|| NONE.into()));
        }
        if let Some(falls) = &falls {
            let fall = falls.iter().find(|(at, _)| *at == x);
            row.push(fall.map_or(NONE.into(), |(_, fall)| notation.write(*fall)));
        }
        table.row(row);
    }
    table
}

fn waterfall(waterfall: &Waterfall, lang: Lang) -> Table {
    let spans = running(waterfall);
    let notation = waterfall.y.notation(spans.iter().flat_map(|(from, to)| [*from, *to]));
    let mut table = Table::new(vec![
        words(lang.say("step", "步骤")),
        numbers(waterfall.y.title(lang)),
        numbers(lang.say("left", "剩余")),
    ]);
    for (step, (_, to)) in waterfall.steps.iter().zip(spans) {
        let change = match step.change {
            Change::By(by) => notation.signed(by),
            Change::Total => String::new(),
        };
        table.row([step.label.clone(), change, notation.write(to)]);
    }
    table
}

fn funnel(funnel: &Funnel, lang: Lang) -> Table {
    let mut columns = vec![words(lang.say("wave", "波次"))];
    for (i, stage) in funnel.stages.iter().enumerate() {
        columns.push(numbers(stage.clone()));
        if i > 0 {
            let before = &funnel.stages[i - 1];
            columns.push(numbers(lang.say(format!("% of\n{before}"), format!("占{before}\n%"))));
        }
    }
    let mut table = Table::new(columns);
    for wave in &funnel.waves {
        let mut row = vec![wave.name.clone()];
        for (i, count) in wave.counts.iter().enumerate() {
            row.push(group(*count));
            if i > 0 {
                row.push(of_stage_before(&wave.counts, i).unwrap_or_else(|| NONE.into()));
            }
        }
        table.row(row);
    }
    table
}

/// The months of cohorts that are told where there is no room for all.
const MONTHS_SHOWN: [usize; 9] = [0, 1, 2, 3, 6, 9, 12, 18, 24];

fn cohorts(cohorts: &Cohorts, lang: Lang) -> Table {
    let all = cohorts.rows.iter().flat_map(|row| row.values.iter().flatten().copied());
    let notation = cohorts.value.notation(all);
    let count = cohorts.columns.len();
    let shown = |at: &usize| count <= MONTHS_SHOWN.len() || MONTHS_SHOWN.contains(at);
    let shown: Vec<usize> = (0..count).filter(shown).collect();
    let mut columns = vec![words(cohorts.cohort.clone()), numbers(lang.say("customers", "客户数"))];
    columns.extend(shown.iter().map(|at| numbers(cohorts.columns[*at].clone())));
    let mut table = Table::new(columns);
    for row in &cohorts.rows {
        let value = |at: &usize| row.values.get(*at).copied().flatten();
        let cells = shown.iter().map(|at| value(at).map_or(String::new(), |value| notation.write(value)));
        table.row([row.name.clone(), group(row.customers)].into_iter().chain(cells));
    }
    table
}

fn forest(forest: &Forest, lang: Lang) -> Table {
    if !forest.is_labelled() {
        return sides(forest, lang);
    }
    let ends = forest.rows.iter().flat_map(|row| [row.value, row.interval.low, row.interval.high]);
    let notation = forest.x.notation(ends);
    let has_counts = forest.rows.iter().any(|row| row.count.is_some());
    let mut columns = vec![words(""), numbers(forest.x.title(lang)), numbers(forest.interval.clone())];
    if has_counts {
        columns.insert(1, numbers(lang.say("customers", "客户数")));
    }
    let mut table = Table::new(columns);
    for row in &forest.rows {
        let mut cells =
            vec![row.label.clone(), notation.signed(row.value), notation.range(row.interval, lang)];
        if has_counts {
            cells.insert(1, row.count.map_or(NONE.into(), group));
        }
        table.row(cells);
    }
    table
}

/// Of many intervals, how many lie on which side of the reference.
fn sides(forest: &Forest, lang: Lang) -> Table {
    let reference = forest.reference;
    let (below, above) = (
        forest.rows.iter().filter(|row| row.interval.high < reference).count(),
        forest.rows.iter().filter(|row| row.interval.low > reference).count(),
    );
    let all = forest.rows.len();
    let mut table = Table::new(vec![
        words(forest.interval.clone()),
        numbers(lang.say("count", "个数")),
        numbers(lang.say("share, %", "占比，%")),
    ]);
    let rows = [
        (lang.say("wholly below", "全部低于"), below),
        (lang.say("contains", "包含"), all - below - above),
        (lang.say("wholly above", "全部高于"), above),
    ];
    for (side, count) in rows {
        table.row([
            format!("{side} {reference}"),
            group(count as u64),
            percent_bare(count as f64 / all as f64),
        ]);
    }
    table
}

fn love(love: &Love, lang: Lang) -> Table {
    let mut columns =
        vec![words(lang.say("covariate", "协变量")), numbers("SMD"), words(lang.say("balanced", "是否均衡"))];
    if love.is_adjusted() {
        columns[1] = numbers(lang.say("SMD before", "调整前 SMD"));
        columns.insert(2, numbers(lang.say("SMD after", "调整后 SMD")));
    }
    let mut table = Table::new(columns);
    let axis = Axis::new("", super::Unit::Number(2));
    let notation = axis.notation([]);
    for row in love.sorted() {
        let is_balanced = row.after.abs() <= BALANCED;
        let verdict = if is_balanced { lang.say("yes", "是") } else { lang.say("NO", "否") };
        let mut cells = vec![row.label.clone(), notation.signed(row.before), verdict.into()];
        if love.is_adjusted() {
            cells.insert(2, notation.signed(row.after));
        }
        table.row(cells);
    }
    table
}

fn histogram(histogram: &Histogram, lang: Lang) -> Table {
    let edges = &histogram.edges;
    let notation = histogram.x.notation(edges.iter().copied());
    let all: u64 = histogram.counts.iter().sum();
    let mut table = Table::new(vec![
        words(histogram.x.title(lang)),
        numbers(histogram.counted.clone()),
        numbers(lang.say("share, %", "占比，%")),
    ]);
    // Neighbours together, so that a fine histogram is still a short table.
    let step = histogram.counts.len().div_ceil(ROWS_SHOWN).max(1);
    for (i, counts) in histogram.counts.chunks(step).enumerate() {
        let to = (i * step + counts.len()).min(edges.len().saturating_sub(1));
        let (Some(low), Some(high)) = (edges.get(i * step), edges.get(to)) else { continue };
        let count: u64 = counts.iter().sum();
        let share = if all > 0 { percent_bare(count as f64 / all as f64) } else { NONE.into() };
        table.row([notation.range(Interval { low: *low, high: *high }, lang), group(count), share]);
    }
    table
}

fn tracking(tracking: &Tracking, lang: Lang) -> Table {
    let notation =
        tracking.y.notation(tracking.points.iter().flat_map(|point| [point.actual, point.expected]));
    let mut table = Table::new(vec![
        words(tracking.x.title(lang)),
        words(lang.say("span", "阶段")),
        numbers(lang.say("actual", "实际")),
        numbers(lang.say("expected", "预期")),
        numbers(lang.say("expected less actual, %", "预期较实际 %")),
    ]);
    for at in spread(tracking.points.len(), POINTS_SHOWN) {
        let point = &tracking.points[at];
        let is_held = point.x >= tracking.boundary;
        let span =
            if is_held { lang.say("holdout", "验证期") } else { lang.say("calibration", "校准期") };
        let error = (point.actual != 0.0).then(|| percent_bare(point.expected / point.actual - 1.0));
        table.row([
            when(&tracking.x, point.x),
            span.into(),
            notation.write(point.actual),
            notation.write(point.expected),
            error.unwrap_or_else(|| NONE.into()),
        ]);
    }
    table
}

fn heat_map(map: &HeatMap, lang: Lang) -> Table {
    let notation = map.value.notation(map.values.iter().flatten().flatten().copied());
    let (x, y) = (map.x.notation(map.columns.iter().copied()), map.y.notation(map.rows.iter().copied()));
    let mut columns = vec![words(lang.say(
        format!("{} \\ {}", map.y.title(lang), map.x.title(lang)),
        format!("{} \\ {}", map.y.title(lang), map.x.title(lang)),
    ))];
    columns.extend(map.columns.iter().map(|column| numbers(x.with_unit(x.write(*column)))));
    let mut table = Table::new(columns);
    for (row, values) in map.rows.iter().zip(&map.values) {
        let cells = values.iter().map(|value| value.map_or(String::new(), |value| notation.signed(value)));
        table.row(std::iter::once(y.with_unit(y.write(*row))).chain(cells));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Balance, Effect, Interval, Unit};

    #[test]
    fn few_points_of_many_are_told_and_always_the_ends() {
        assert!(spread(0, 7).is_empty());
        assert_eq!(spread(1, 7), [0]);
        assert_eq!(spread(3, 7), [0, 1, 2]);
        assert_eq!(spread(100, 4), [0, 33, 66, 99]);
    }

    #[test]
    fn without_an_adjustment_there_is_no_before_and_after() {
        let columns = |after| {
            let rows = vec![Balance { label: "age".into(), before: 0.2, after }];
            love(&Love { rows }, Lang::English).columns.len()
        };
        assert_eq!((columns(0.2), columns(0.1)), (3, 4));
    }

    #[test]
    fn many_intervals_are_counted_by_their_side() {
        let row = |low: f64| {
            let interval = Interval { low, high: low + 1.0 };
            Effect { label: String::new(), count: None, value: low, interval, is_total: false }
        };
        let rows = (0..40).map(|i| row(f64::from(i) / 10.0 - 2.0)).collect();
        let forest = Forest { x: Axis::new("", Unit::Count), interval: "i".into(), reference: 0.0, rows };
        let sides = table(&Plot::Forest(forest), Lang::English);
        let counts: Vec<_> =
            sides.rows.iter().map(|row| (row[0].as_str(), row[1].as_str(), row[2].as_str())).collect();
        assert_eq!(
            counts,
            [
                ("wholly below 0", "10", "25.0"),
                ("contains 0", "11", "27.5"),
                ("wholly above 0", "19", "47.5")
            ]
        );
    }
}
