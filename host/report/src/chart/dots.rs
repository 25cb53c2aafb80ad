//! Dots: estimates with their intervals, and the balance of groups.

use stratagem_model::money::group;

use super::canvas::{Align, Canvas, Drawing, Ink, draw, fitted, widest};
use super::draw::{Head, LINE, diamond, foot, foot_height, horizontal_ticks, is_wide};
use super::scale::Scale;
use super::{Axis, BALANCED, Effect, Forest, Love, Unit};
use crate::Lang;

/// Height of a row without a label.
const THIN: f64 = 3.0;

/// Of more rows than this only some are drawn, evenly spread over their order.
const THIN_ROWS_MAX: usize = 200;

pub(super) fn forest(forest: &Forest, width: f64, lang: Lang) -> Drawing {
    match forest.is_labelled() {
        true => labelled(forest, width, lang),
        false => thin(forest, width, lang),
    }
}

fn axis_of(forest: &Forest, left: f64, right: f64) -> Scale {
    let ends = forest.rows.iter().flat_map(|row| [row.value, row.interval.low, row.interval.high]);
    Scale::around(ends.chain([forest.reference]), left..right).padded(0.02, 0.02)
}

/// Vertical rules below everything, and that of the reference.
fn grid(canvas: &Canvas<'_>, forest: &Forest, x: &Scale, top: f64, bottom: f64) {
    for tick in x.ticks(&forest.x, horizontal_ticks(x.end() - x.start())) {
        canvas.line(Ink::Grid, &[(x.at(tick.value), top), (x.at(tick.value), bottom)]);
    }
    canvas.line(Ink::Zero, &[(x.at(forest.reference), top), (x.at(forest.reference), bottom)]);
}

/// The ink of an estimate: hollow where it may be nothing.
fn ink(forest: &Forest, effect: &Effect) -> Ink {
    match (forest.is_apart(effect), effect.value > forest.reference) {
        (false, _) => Ink::DotNone,
        (true, true) => Ink::DotGain,
        (true, false) => Ink::DotLoss,
    }
}

fn labelled(forest: &Forest, width: f64, lang: Lang) -> Drawing {
    let is_wide = is_wide(width);
    let columns = Columns::new(forest, width, lang);
    let x = axis_of(forest, columns.left, columns.right.max(columns.left + 60.0));
    let row_height = if is_wide { 23.0 } else { 20.0 + LINE };
    let (interval, reference) = (&forest.interval, forest.reference);
    let key = lang.say(
        format!("dot: estimate, hollow if it may be {reference}; line: {interval}"),
        format!("圆点：估计值，可能为 {reference} 时为空心；横线：{interval}"),
    );
    let head = Head::new(&key, width);
    let top = head.height();
    let bottom = top + row_height * forest.rows.len() as f64;
    draw(width, bottom + foot_height(&forest.x), |canvas| {
        head.draw(canvas);
        grid(canvas, forest, &x, top, bottom);
        for (i, row) in forest.rows.iter().enumerate() {
            let y = top + row_height * (i as f64 + 1.0) - 11.0;
            let text = if row.is_total { Ink::Strong } else { Ink::Text };
            let at = if is_wide { y } else { y - LINE + 1.0 };
            canvas.text(text, Align::Left, (0.0, at), &fitted(&row.label, columns.label));
            canvas.text(Ink::Muted, Align::Right, (columns.count, at), &columns.counts[i]);
            canvas.text(text, Align::Right, (width, at), &columns.texts[i]);
            estimate(canvas, forest, row, &x, y);
        }
        foot(canvas, &forest.x, &x, bottom, lang);
    })
}

/// What stands beside the estimates, or above them where there is no room: label, count, and the numbers.
struct Columns {
    counts: Vec<String>,
    texts: Vec<String>,
    /// The room for labels, and where counts end.
    label: f64,
    count: f64,
    /// Between which pixels the axis lies.
    left: f64,
    right: f64,
}

impl Columns {
    fn new(forest: &Forest, width: f64, lang: Lang) -> Self {
        let rows = &forest.rows;
        let notation =
            forest.x.notation(rows.iter().flat_map(|row| [row.value, row.interval.low, row.interval.high]));
        let text = |row: &Effect| {
            let (value, range) = (notation.signed(row.value), notation.range(row.interval, lang));
            lang.say(format!("{value} ({range})"), format!("{value}（{range}）"))
        };
        let counts: Vec<String> = rows
            .iter()
            .map(|row| row.count.map_or(String::new(), |count| format!("n {}", group(count))))
            .collect();
        let texts: Vec<String> = rows.iter().map(text).collect();
        let (count, numbers) =
            (widest(counts.iter().map(String::as_str)), widest(texts.iter().map(String::as_str)));
        let label =
            widest(rows.iter().map(|row| row.label.as_str())).min(width - numbers - count - 20.0).max(60.0);
        let (left, right) = (label + count + 24.0, width - numbers - 12.0);
        let (left, right) = if is_wide(width) { (left, right) } else { (2.0, width - 2.0) };
        Self { label, count: label + count + 8.0, counts, texts, left, right }
    }
}

fn estimate(canvas: &Canvas<'_>, forest: &Forest, row: &Effect, x: &Scale, y: f64) {
    canvas.line(Ink::Whisker, &[(x.at(row.interval.low), y), (x.at(row.interval.high), y)]);
    let (ink, at) = (ink(forest, row), (x.at(row.value), y));
    match row.is_total {
        true => canvas.polygon(ink, &diamond(at, 6.0)),
        false => canvas.dot(ink, at, 3.8),
    }
}

/// So many estimates that only their distribution is of interest.
fn thin(forest: &Forest, width: f64, lang: Lang) -> Drawing {
    let mut rows: Vec<&Effect> = forest.rows.iter().collect();
    rows.sort_by(|a, b| b.value.total_cmp(&a.value));
    let x = axis_of(forest, 2.0, width - 2.0);
    let (apart, all) = (rows.iter().filter(|row| forest.is_apart(row)).count(), rows.len());
    let (interval, reference) = (&forest.interval, forest.reference);
    let key = lang.say(
        format!("line: {interval}, with a dot where it leaves out {reference}: {apart} of {all}"),
        format!("横线：{interval}，不含 {reference} 者标以圆点：{all} 个中有 {apart} 个"),
    );
    let head = Head::new(&key, width);
    let top = head.height();
    let step = rows.len().div_ceil(THIN_ROWS_MAX);
    let rows: Vec<&Effect> = rows.into_iter().step_by(step).collect();
    let bottom = top + THIN * rows.len() as f64 + 4.0;
    draw(width, bottom + foot_height(&forest.x), |canvas| {
        head.draw(canvas);
        grid(canvas, forest, &x, top, bottom);
        for (i, row) in rows.iter().enumerate() {
            let y = top + THIN * (i as f64 + 1.0);
            let (line, dot) = match ink(forest, row) {
                Ink::DotGain => (Ink::WhiskerGain, Some(Ink::DotGain)),
                Ink::DotLoss => (Ink::WhiskerLoss, Some(Ink::DotLoss)),
                _ => (Ink::WhiskerThin, None),
            };
            canvas.line(line, &[(x.at(row.interval.low), y), (x.at(row.interval.high), y)]);
            if let Some(dot) = dot {
                canvas.dot(dot, (x.at(row.value), y), 3.0);
            }
        }
        foot(canvas, &forest.x, &x, bottom, lang);
    })
}

pub(super) fn love(love: &Love, width: f64, lang: Lang) -> Drawing {
    let rows = love.sorted();
    let is_wide = is_wide(width);
    let left = match is_wide {
        true => (widest(rows.iter().map(|row| row.label.as_str())) + 14.0).min(width / 2.5),
        false => 12.0,
    };
    let values = rows.iter().flat_map(|row| [row.before.abs(), row.after.abs()]);
    let x = Scale::around(values.chain([0.0, 1.5 * BALANCED]), left..width - 36.0).padded(0.0, 0.02);
    let axis = Axis::new(
        lang.say("absolute standardised mean difference", "标准化均值差（绝对值）"),
        Unit::Number(2),
    );
    let row_height = if is_wide { 20.0 } else { 18.0 + LINE };
    let key = match love.is_adjusted() {
        true => lang.say("hollow: before, filled: after adjustment", "空心：调整前，实心：调整后"),
        false => lang.say("difference of the groups", "两组之差"),
    };
    let head = Head::new(key, width);
    let top = head.height() + LINE;
    let bottom = top + row_height * rows.len() as f64 + 4.0;
    draw(width, bottom + foot_height(&axis), |canvas| {
        head.draw(canvas);
        for tick in x.ticks(&axis, horizontal_ticks(x.end() - x.start())) {
            let ink = if tick.value == 0.0 { Ink::Zero } else { Ink::Grid };
            canvas.line(ink, &[(x.at(tick.value), top), (x.at(tick.value), bottom)]);
        }
        canvas.line(Ink::Limit, &[(x.at(BALANCED), top - 6.0), (x.at(BALANCED), bottom)]);
        canvas.text(Ink::Muted, Align::Left, (x.at(BALANCED) + 5.0, top - 4.0), &BALANCED.to_string());
        for (i, row) in rows.iter().enumerate() {
            let y = top + row_height * (i as f64 + 1.0) - 9.0;
            match is_wide {
                true => {
                    canvas.text(Ink::Text, Align::Right, (left - 12.0, y), &fitted(&row.label, left - 12.0))
                }
                false => {
                    canvas.text(Ink::Text, Align::Left, (0.0, y - LINE + 1.0), &fitted(&row.label, width))
                }
            }
            let (before, after) = (x.at(row.before.abs()), x.at(row.after.abs()));
            if love.is_adjusted() {
                canvas.line(Ink::WhiskerThin, &[(before, y), (after, y)]);
                canvas.dot(Ink::DotNone, (before, y), 3.8);
            }
            canvas.dot(if row.after.abs() > BALANCED { Ink::DotLoss } else { Ink::Dot }, (after, y), 3.8);
            if row.after.abs() > BALANCED {
                let text = axis.notation([]).write(row.after.abs());
                // On the side where the line to the other dot is not.
                let (align, shift) = if after < before { (Align::Right, -7.0) } else { (Align::Left, 7.0) };
                canvas.text(Ink::Text2, align, (after + shift, y), &text);
            }
        }
        foot(canvas, &axis, &x, bottom, lang);
    })
}
