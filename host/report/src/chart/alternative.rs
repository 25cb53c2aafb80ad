//! What charts show, in words, for those who cannot see them.

use super::derived::{drawdown, lowest, of_stage_before, running};
use super::{
    BALANCED, Band, Change, Cohorts, Forest, Funnel, HeatMap, Histogram, Line, Love, Plot, Tracking,
    Waterfall,
};
use crate::Lang;

pub(super) fn text(plot: &Plot, lang: Lang) -> String {
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

/// A sentence from its parts.
fn sentence(lang: Lang, parts: &[String]) -> String {
    let parts: Vec<_> = parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
    format!("{}{}", parts.join(lang.say("; ", "；")), lang.say(".", "。"))
}

fn band(band: &Band, lang: Lang) -> String {
    let what = band.y.title(lang);
    let mut parts = vec![lang.say(format!("Line chart of {what}"), format!("折线图：{what}"))];
    parts.extend(band.lines.iter().filter_map(|line| ends(band, line, lang)));
    if let Some((x, fall)) =
        band.lines.first().filter(|_| band.has_drawdown).and_then(|line| lowest(&drawdown(line)))
    {
        let (at, fall) = (band.x.notation([x]).write(x), band.y.notation([fall]).full(fall));
        parts.push(lang.say(format!("largest drawdown {fall} at {at}"), format!("最大回撤 {fall}（{at}）")));
    }
    sentence(lang, &parts)
}

/// Where a line ends.
fn ends(band: &Band, line: &Line, lang: Lang) -> Option<String> {
    let last = line.points.last()?;
    let notation = band.y.notation(line.points.iter().map(|point| point.value));
    let (at, value) = (band.x.notation([last.x]).write(last.x), notation.full(last.value));
    let range = last.interval.map_or(String::new(), |range| {
        let range = notation.range(range, lang);
        lang.say(format!(" ({}: {range})", band.interval), format!("（{}：{range}）", band.interval))
    });
    Some(lang.say(
        format!("{} ends at {value}{range} on {at}", line.name),
        format!("{}终值 {value}{range}，{at}", line.name),
    ))
}

fn waterfall(waterfall: &Waterfall, lang: Lang) -> String {
    let spans = running(waterfall);
    let notation = waterfall.y.notation(spans.iter().flat_map(|(from, to)| [*from, *to]));
    let what = waterfall.y.title(lang);
    let mut parts = vec![lang.say(format!("Waterfall of {what}"), format!("瀑布图：{what}"))];
    parts.extend(waterfall.steps.iter().zip(&spans).map(|(step, (_, to))| match step.change {
        Change::By(by) => format!("{} {}", step.label, notation.signed(by)),
        Change::Total => lang.say(
            format!("{}: {} are left", step.label, notation.write(*to)),
            format!("{}：剩余 {}", step.label, notation.write(*to)),
        ),
    }));
    sentence(lang, &parts)
}

fn funnel(funnel: &Funnel, lang: Lang) -> String {
    let mut parts =
        vec![lang.say(format!("Funnel of {}", funnel.counted), format!("漏斗图：{}", funnel.counted))];
    for wave in &funnel.waves {
        let stages = funnel.stages.iter().zip(&wave.counts).enumerate().map(|(i, (stage, count))| {
            let count = stratagem_model::money::group(*count);
            let share = of_stage_before(&wave.counts, i)
                .map_or(String::new(), |share| lang.say(format!(" ({share} %)"), format!("（{share} %）")));
            format!("{stage} {count}{share}")
        });
        let stages = stages.collect::<Vec<_>>().join(lang.say(", ", "，"));
        parts.push(format!("{}{}{stages}", wave.name, lang.colon()));
    }
    sentence(lang, &parts)
}

fn cohorts(cohorts: &Cohorts, lang: Lang) -> String {
    let (value, cohort, since) = (cohorts.value.title(lang), &cohorts.cohort, &cohorts.since);
    let rows = cohorts.rows.len() as u64;
    sentence(
        lang,
        &[lang.say(
            format!("Table of {value} by {cohort} and {since}, {}", lang.count(rows, "row", "行")),
            format!("热力表：{value}，按{cohort}与{since}，{rows} 行"),
        )],
    )
}

fn forest(forest: &Forest, lang: Lang) -> String {
    let notation = forest.x.notation(forest.rows.iter().map(|row| row.value));
    let (what, all) = (forest.x.title(lang), forest.rows.len());
    let apart = forest.rows.iter().filter(|row| forest.is_apart(row)).count();
    let reference = forest.reference;
    let mut parts = vec![lang.say(
        format!("Estimates of {what} with their intervals: {apart} of {all} leave out {reference}"),
        format!("{what}的估计值及区间：{all} 个中有 {apart} 个不含 {reference}"),
    )];
    if forest.is_labelled() {
        parts.extend(forest.rows.iter().map(|row| {
            let range = notation.range(row.interval, lang);
            let value = notation.signed(row.value);
            lang.say(format!("{} {value} ({range})", row.label), format!("{} {value}（{range}）", row.label))
        }));
    }
    sentence(lang, &parts)
}

fn love(love: &Love, lang: Lang) -> String {
    let beyond =
        |of: fn(&super::Balance) -> f64| love.rows.iter().filter(|row| of(row).abs() > BALANCED).count();
    let (before, after, all) = (beyond(|row| row.before), beyond(|row| row.after), love.rows.len());
    let counts = match love.is_adjusted() {
        true => lang.say(
            format!("{before} differ by more than {BALANCED} before, {after} after"),
            format!("标准化均值差超过 {BALANCED} 的，调整前 {before} 个，调整后 {after} 个"),
        ),
        false => lang.say(
            format!("{after} differ by more than {BALANCED}"),
            format!("标准化均值差超过 {BALANCED} 的有 {after} 个"),
        ),
    };
    let what = lang.say(format!("Love plot of {all} covariates"), format!("Love 图，{all} 个协变量"));
    sentence(lang, &[format!("{what}{}{counts}", lang.colon())])
}

fn histogram(histogram: &Histogram, lang: Lang) -> String {
    let all: u64 = histogram.counts.iter().sum();
    let (what, counted) = (histogram.x.title(lang), &histogram.counted);
    let all = stratagem_model::money::group(all);
    let mut parts =
        vec![lang.say(
            format!("Histogram of {what}, {all} {counted}"),
            format!("直方图：{what}，{counted}共 {all}"),
        )];
    parts.extend(
        histogram
            .marks
            .iter()
            .map(|mark| format!("{} {}", mark.label, histogram.x.notation([mark.x]).full(mark.x))),
    );
    sentence(lang, &parts)
}

fn tracking(tracking: &Tracking, lang: Lang) -> String {
    let what = tracking.y.title(lang);
    let mut parts =
        vec![lang.say(
            format!("Line chart of {what}, actual and expected"),
            format!("折线图：{what}，实际与预期"),
        )];
    let notation =
        tracking.y.notation(tracking.points.iter().flat_map(|point| [point.actual, point.expected]));
    if let Some(last) = tracking.points.last() {
        let (actual, expected) = (notation.write(last.actual), notation.write(last.expected));
        parts.push(lang.say(
            format!("at the end {actual} actual and {expected} expected"),
            format!("期末实际 {actual}，预期 {expected}"),
        ));
    }
    sentence(lang, &parts)
}

fn heat_map(map: &HeatMap, lang: Lang) -> String {
    let cells: Vec<f64> = map.values.iter().flatten().flatten().copied().collect();
    let above = cells.iter().filter(|value| **value > map.break_even).count();
    let (value, x, y, all) = (map.value.title(lang), map.x.title(lang), map.y.title(lang), cells.len());
    sentence(
        lang,
        &[lang.say(
            format!("Table of {value} by {y} and {x}: {above} of {all} cells are above break-even"),
            format!("热力表：{value}，按{y}与{x}：{all} 格中 {above} 格高于盈亏平衡"),
        )],
    )
}
