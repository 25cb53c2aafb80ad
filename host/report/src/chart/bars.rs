//! Bars: how one amount becomes another, what became of proposals, how values are distributed.

use stratagem_model::money::group;

use super::canvas::{Align, Canvas, Drawing, Ink, draw, fitted, text_width, widest};
use super::derived::{of_stage_before, running};
use super::draw::{Head, LINE, foot, foot_height, gutter, is_wide, rules};
use super::scale::Scale;
use super::{Axis, Change, Funnel, Histogram, Unit, Waterfall, Wave};
use crate::Lang;

/// Height of a bar in a waterfall, and of a stage with its gap in a funnel.
const BAR: f64 = 15.0;
const STAGE: f64 = 20.0;

/// Rows of bars with their labels beside them, or above them where there is no room.
struct Rows {
    is_wide: bool,
    width: f64,
    /// Where bars begin.
    left: f64,
}

impl Rows {
    fn new<'t>(labels: impl IntoIterator<Item = &'t str>, width: f64) -> Self {
        let is_wide = is_wide(width);
        Self { is_wide, width, left: if is_wide { (widest(labels) + 12.0).min(width / 2.5) } else { 1.0 } }
    }

    fn height(&self) -> f64 {
        if self.is_wide { 24.0 } else { 26.0 + LINE }
    }

    /// Writes the label of a row, and gives the middle of its bar.
    fn label(&self, canvas: &Canvas<'_>, ink: Ink, top: f64, text: &str) -> f64 {
        let middle = top + self.height() - 12.0;
        match self.is_wide {
            true => {
                canvas.text(ink, Align::Right, (self.left - 10.0, middle), &fitted(text, self.left - 10.0))
            }
            false => canvas.text(ink, Align::Left, (0.0, top + 15.0), &fitted(text, self.width)),
        }
        middle
    }
}

pub(super) fn waterfall(waterfall: &Waterfall, width: f64, lang: Lang) -> Drawing {
    let spans = running(waterfall);
    let notation = waterfall.y.notation(spans.iter().flat_map(|(from, to)| [*from, *to]));
    let rows = Rows::new(waterfall.steps.iter().map(|step| step.label.as_str()), width);
    let amounts: Vec<String> = waterfall
        .steps
        .iter()
        .zip(&spans)
        .map(|(step, (_, to))| match step.change {
            Change::By(by) => notation.signed(by),
            Change::Total => notation.write(*to),
        })
        .collect();
    let room = widest(amounts.iter().map(String::as_str)) + 10.0;
    let ends = spans.iter().flat_map(|(from, to)| [*from, *to]).chain([0.0]);
    let x = Scale::around(ends, rows.left..width - room);
    let head = Head::new(&waterfall.y.title(lang), width);
    let top = head.height();
    let height = rows.height() * spans.len() as f64;
    draw(width, top + height + 4.0, |canvas| {
        head.draw(canvas);
        let mut before = None;
        for (i, (step, (from, to))) in waterfall.steps.iter().zip(&spans).enumerate() {
            let ink = match step.change {
                Change::Total => Ink::BarTotal,
                Change::By(_) if i == 0 => Ink::Bar,
                Change::By(by) if by < 0.0 => Ink::BarLoss,
                Change::By(_) => Ink::BarStrong,
            };
            let label = if step.change == Change::Total { Ink::Strong } else { Ink::Text };
            let y = rows.label(canvas, label, top + rows.height() * i as f64, &step.label);
            if let Some((before, at)) = before {
                canvas.line(Ink::Grid, &[(at, before), (at, y - BAR / 2.0)]);
            }
            canvas.rect(ink, (x.at(*from), y - BAR / 2.0), (x.at(*to), y + BAR / 2.0));
            canvas.line(Ink::Zero, &[(x.at(0.0), y - 12.0), (x.at(0.0), y + 12.0)]);
            canvas.text(label, Align::Left, (x.at(from.max(*to)) + 6.0, y), &amounts[i]);
            before = Some((y + BAR / 2.0, x.at(*to)));
        }
    })
}

pub(super) fn funnel(funnel: &Funnel, width: f64, lang: Lang) -> Drawing {
    let most = funnel.waves.iter().flat_map(|wave| &wave.counts).max().copied().unwrap_or(0).max(1);
    let labels: Vec<Vec<String>> = funnel.waves.iter().map(|wave| stage_labels(funnel, wave, lang)).collect();
    let room = widest(labels.iter().flatten().map(String::as_str)) + 10.0;
    let left = widest(funnel.stages.iter().map(String::as_str)).min(width / 3.0) + 12.0;
    let x = Scale::around([0.0, most as f64], left..(width - room).max(left + 40.0));
    let group = LINE + 14.0 + STAGE * funnel.stages.len() as f64;
    let head = Head::new(&funnel.counted, width);
    draw(width, head.height() + group * funnel.waves.len() as f64, |canvas| {
        head.draw(canvas);
        for (at, wave) in funnel.waves.iter().enumerate() {
            let top = head.height() + group * at as f64;
            canvas.text(Ink::Strong, Align::Left, (0.0, top + 12.0), &fitted(&wave.name, width));
            for (i, (stage, count)) in funnel.stages.iter().zip(&wave.counts).enumerate() {
                let y = top + LINE + 16.0 + STAGE * i as f64;
                let is_last = i + 1 == wave.counts.len();
                let end = x.at(*count as f64);
                canvas.text(Ink::Text, Align::Right, (left - 10.0, y), &fitted(stage, left - 10.0));
                canvas.rect(if is_last { Ink::BarStrong } else { Ink::Bar }, (left, y - 6.5), (end, y + 6.5));
                canvas.text(Ink::Text, Align::Left, (end + 6.0, y), &labels[at][i]);
            }
        }
    })
}

/// The counts of a wave with their shares of the stage before.
fn stage_labels(funnel: &Funnel, wave: &Wave, lang: Lang) -> Vec<String> {
    let before = std::iter::once("").chain(funnel.stages.iter().map(String::as_str));
    let label = |(i, (count, before)): (usize, (&u64, &str))| {
        let count = group(*count);
        match of_stage_before(&wave.counts, i) {
            None => count,
            Some(share) => lang
                .say(format!("{count} ({share} % of {before})"), format!("{count}（占{before} {share} %）")),
        }
    };
    wave.counts.iter().zip(before).enumerate().map(label).collect()
}

pub(super) fn histogram(histogram: &Histogram, width: f64, lang: Lang) -> Drawing {
    let height = if is_wide(width) { 180.0 } else { 150.0 };
    let marks = histogram.marks.len() as f64;
    let head = Head::new(&histogram.counted, width);
    let top = head.height() + marks * LINE;
    let counted = Axis::new(&histogram.counted, Unit::Count);
    let counts = histogram.counts.iter().map(|count| *count as f64);
    let y = Scale::around(counts.chain([0.0]), top + height..top);
    let ticks = y.ticks(&counted, 5);
    let x = Scale::around(histogram.edges.iter().copied(), gutter(&ticks)..width - 12.0);
    let x = if histogram.is_log { x.log() } else { x };
    let scale = if histogram.is_log { lang.say("; logarithmic", "；对数刻度") } else { "" };
    let axis = Axis::new(format!("{}{scale}", histogram.x.label), histogram.x.unit.clone());
    draw(width, top + height + foot_height(&axis), |canvas| {
        head.draw(canvas);
        rules(canvas, &ticks, &y, &x);
        for (edges, count) in
            histogram.edges.windows(2).zip(&histogram.counts).filter(|(_, count)| **count > 0)
        {
            let (from, to) = (x.at(edges[0]), x.at(edges[1]));
            // A hair's breadth between bars, and of few something to see.
            let top = y.at(*count as f64).min(y.at(0.0) - 1.5);
            canvas.rect(Ink::Bar, (from + 0.5, y.at(0.0)), ((to - 0.5).max(from + 1.0), top));
        }
        for (i, mark) in histogram.marks.iter().enumerate().filter(|(_, mark)| x.contains(mark.x)) {
            let (at, above) = (x.at(mark.x), head.height() + 6.0 + LINE * i as f64);
            let text = format!("{} {}", mark.label, histogram.x.notation([mark.x]).write(mark.x));
            let is_left = at + 6.0 + text_width(&text) > width;
            let (align, shift) = if is_left { (Align::Right, -5.0) } else { (Align::Left, 5.0) };
            canvas.line(Ink::Limit, &[(at, above - 6.0), (at, y.at(0.0))]);
            canvas.text(Ink::Text, align, (at + shift, above), &text);
        }
        foot(canvas, &axis, &x, top + height, lang);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Step;

    /// Left edge and width of each bar.
    fn bars(drawing: &Drawing) -> Vec<(i32, i32)> {
        let number = |bar: &str, name: &str| {
            let value = bar.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
            value.and_then(|value| value.parse().ok()).expect("a bar has its place")
        };
        drawing.body.split("<rect").skip(1).map(|bar| (number(bar, "x"), number(bar, "width"))).collect()
    }

    #[test]
    fn bars_are_as_long_as_their_amounts_and_hang_where_the_last_one_ended() {
        let step = |change| Step { label: "a".into(), change };
        let steps = [Change::By(100.0), Change::By(-40.0), Change::Total].map(step).into();
        let shown = Waterfall { y: Axis::new("y", Unit::Count), steps };
        for width in [340.0, 720.0] {
            let drawing = waterfall(&shown, width, Lang::English);
            let [(left, whole), (at, loss), (left_again, rest)] = bars(&drawing)[..] else {
                panic!("three bars: {}", drawing.body)
            };
            assert_eq!((left, left + whole), (left_again, at + loss));
            assert!(
                (10 * loss - 4 * whole).abs() <= 20 && (10 * rest - 6 * whole).abs() <= 20,
                "{whole} {loss} {rest}"
            );
        }
    }

    #[test]
    fn a_stage_is_as_long_as_its_count() {
        let waves = vec![Wave { name: "w".into(), counts: vec![400, 100, 0] }];
        let stages = ["a", "b", "c"].map(String::from).into();
        let drawing = funnel(&Funnel { counted: "customers".into(), stages, waves }, 720.0, Lang::English);
        let widths: Vec<i32> = bars(&drawing).into_iter().map(|(_, width)| width).collect();
        assert!((widths[0] - 4 * widths[1]).abs() <= 4 && widths[2] == 0, "{widths:?}");
        assert!(drawing.body.contains("100 (25.0 % of a)") && drawing.body.contains("0 (0.0 % of b)"));
    }
}
