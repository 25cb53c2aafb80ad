//! Lines over time: bands with their drawdown, and a model held against what happened.

use super::axis::Notation;
use super::canvas::{Align, At, Canvas, Drawing, Ink, LINES, draw, fitted, text_width, widest};
use super::derived::{drawdown, lowest};
use super::draw::{Head, LINE, foot, foot_height, gutter, is_wide, rules};
use super::scale::Scale;
use super::{Axis, Band, Line, Tracking};
use crate::Lang;

/// More points than this are no more than a pixel apart.
const POINTS_MAX: usize = 400;

const DRAWDOWN_HEIGHT: f64 = 64.0;

/// The most room that the name of a line gets.
const NAME_WIDTH: f64 = 110.0;

pub(super) fn band(band: &Band, width: f64, lang: Lang) -> Drawing {
    let values: Vec<f64> = band.lines.iter().flat_map(extent).chain([0.0]).collect();
    let lines: Vec<&Line> = band.lines.iter().take(LINES.len()).collect();
    let falls = band.lines.first().filter(|_| band.has_drawdown).map(drawdown).unwrap_or_default();
    let height = if is_wide(width) { 240.0 } else { 200.0 };
    let below = if falls.is_empty() { 0.0 } else { DRAWDOWN_HEIGHT + 2.0 * LINE };
    let key = if lines.iter().any(|line| line.points.iter().any(|point| point.interval.is_some())) {
        lang.say(format!("; shaded: {}", band.interval), format!("；阴影：{}", band.interval))
    } else {
        String::new()
    };
    let head = Head::new(&format!("{}{key}", band.y.title(lang)), width);
    let top = head.height();
    let notation = band.y.notation(values.iter().copied());
    let frame = Frame::new(&band.y, &values, &lines, notation, (width, top, height));
    draw(width, top + height + below + foot_height(&band.x), |canvas| {
        head.draw(canvas);
        frame.rules(canvas);
        for (line, (_, area, _)) in lines.iter().zip(LINES) {
            canvas.polygon(area, &frame.area(line));
        }
        frame.lines(canvas, &lines, notation);
        if !falls.is_empty() {
            falls_panel(canvas, band, &frame, &falls, lang);
        }
        foot(canvas, &band.x, &frame.x, top + height + below, lang);
    })
}

/// The distance from the highest point so far, downwards from zero.
fn falls_panel(canvas: &Canvas<'_>, band: &Band, frame: &Frame, falls: &[(f64, f64)], lang: Lang) {
    let top = frame.y.start().max(frame.y.end()) + 1.5 * LINE;
    let depth = Scale::around(falls.iter().map(|(_, fall)| *fall).chain([0.0]), top + DRAWDOWN_HEIGHT..top);
    let points: Vec<At> = thinned(falls).map(|(x, fall)| (frame.x.at(*x), depth.at(*fall))).collect();
    let ends = [(frame.x.end(), top), (frame.x.start(), top)];
    let title = lang.say("drawdown from the highest point so far", "自最高点的回撤");
    canvas.text(Ink::Text, Align::Left, (0.0, top - 10.0), title);
    canvas.polygon(Ink::Fall, &[&points[..], &ends].concat());
    canvas.line(Ink::Zero, &[(frame.x.start(), top), (frame.x.end(), top)]);
    if let Some((x, fall)) = lowest(falls).filter(|(_, fall)| *fall < 0.0) {
        let at = (frame.x.at(x), depth.at(fall));
        let text = band.y.notation([fall]).write(fall);
        canvas.dot(Ink::DotLoss, at, 3.0);
        let is_left = at.0 + 8.0 + text_width(&text) > frame.x.end();
        let (align, shift) = if is_left { (Align::Right, -8.0) } else { (Align::Left, 8.0) };
        canvas.text(Ink::Text2, align, (at.0 + shift, at.1 - 4.0), &text);
    }
}

pub(super) fn tracking(tracking: &Tracking, width: f64, lang: Lang) -> Drawing {
    let line = |name: &str, of: fn(&super::Tracked) -> f64| Line {
        name: name.into(),
        points: tracking
            .points
            .iter()
            .map(|point| super::Point { x: point.x, value: of(point), interval: None })
            .collect(),
    };
    let actual = line(lang.say("actual", "实际"), |point| point.actual);
    let expected = line(lang.say("expected", "预期"), |point| point.expected);
    let lines = [&actual, &expected];
    let values: Vec<f64> = lines.iter().flat_map(|line| extent(line)).chain([0.0]).collect();
    let height = if is_wide(width) { 240.0 } else { 200.0 };
    let head = Head::new(&tracking.y.title(lang), width);
    let top = head.height() + LINE;
    let notation = tracking.y.notation(values.iter().copied());
    let frame = Frame::new(&tracking.y, &values, &lines, notation, (width, top, height));
    draw(width, top + height + foot_height(&tracking.x), |canvas| {
        head.draw(canvas);
        frame.rules(canvas);
        if frame.x.contains(tracking.boundary) {
            let at = frame.x.at(tracking.boundary);
            canvas.line(Ink::Limit, &[(at, top - LINE), (at, top + height)]);
            let y = top - LINE + 6.0;
            canvas.text(Ink::Muted, Align::Right, (at - 6.0, y), lang.say("calibration", "校准期"));
            canvas.text(Ink::Muted, Align::Left, (at + 6.0, y), lang.say("holdout", "验证期"));
        }
        frame.lines(canvas, &lines, notation);
        foot(canvas, &tracking.x, &frame.x, top + height, lang);
    })
}

/// All values of a line, its band's among them.
fn extent(line: &Line) -> impl Iterator<Item = f64> {
    line.points.iter().flat_map(|point| {
        let (low, high) = point.interval.map_or((point.value, point.value), |band| (band.low, band.high));
        [point.value, low, high]
    })
}

/// Points few enough to be drawn, the last among them.
fn thinned<T>(points: &[T]) -> impl Iterator<Item = &T> {
    let step = points.len().div_ceil(POINTS_MAX).max(1);
    let is_shown = move |at: usize| (points.len() - 1 - at).is_multiple_of(step);
    points.iter().enumerate().filter(move |(at, _)| is_shown(*at)).map(|(_, point)| point)
}

/// The axes of a plot of lines.
struct Frame {
    x: Scale,
    y: Scale,
    ticks: Vec<super::scale::Tick>,
}

impl Frame {
    fn new(
        y_axis: &Axis,
        values: &[f64],
        lines: &[&Line],
        notation: Notation<'_>,
        (width, top, height): (f64, f64, f64),
    ) -> Self {
        let y = Scale::around(values.iter().copied(), top + height..top)
            .padded(if values.iter().any(|value| *value < 0.0) { 0.03 } else { 0.0 }, 0.03);
        let ticks = y.ticks(y_axis, 6);
        let ends: Vec<String> = lines.iter().filter_map(|line| end_label(line, lines, notation)).collect();
        let right = width - widest(ends.iter().map(String::as_str)) - 10.0;
        let xs = lines.iter().flat_map(|line| line.points.iter().map(|point| point.x));
        let x = Scale::around(xs, gutter(&ticks)..right);
        Self { x, y, ticks }
    }

    fn rules(&self, canvas: &Canvas<'_>) {
        rules(canvas, &self.ticks, &self.y, &self.x);
    }

    /// The outline of a line's band, there and back.
    fn area(&self, line: &Line) -> Vec<At> {
        let banded: Vec<_> = thinned(&line.points).filter_map(|p| Some((p.x, p.interval?))).collect();
        let there = banded.iter().map(|(x, band)| (self.x.at(*x), self.y.at(band.high)));
        let back = banded.iter().rev().map(|(x, band)| (self.x.at(*x), self.y.at(band.low)));
        there.chain(back).collect()
    }

    /// The lines, each named where it ends.
    fn lines(&self, canvas: &Canvas<'_>, lines: &[&Line], notation: Notation<'_>) {
        let mut labels = vec![];
        for (line, (ink, _, text)) in lines.iter().zip(LINES) {
            let points: Vec<At> =
                thinned(&line.points).map(|point| (self.x.at(point.x), self.y.at(point.value))).collect();
            canvas.line(ink, &points);
            if let (Some(last), Some(label)) = (points.last(), end_label(line, lines, notation)) {
                labels.push((last.1, text, label));
            }
        }
        labels.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut free = f64::NEG_INFINITY;
        for (y, ink, label) in labels {
            let y = y.max(free);
            canvas.text(ink, Align::Left, (self.x.end() + 6.0, y), &label);
            free = y + 14.0;
        }
    }
}

/// Where a line ends; with its name if there are others.
fn end_label(line: &Line, lines: &[&Line], notation: Notation<'_>) -> Option<String> {
    let value = notation.write(line.points.last()?.value);
    Some(if lines.len() > 1 { format!("{} {value}", fitted(&line.name, NAME_WIDTH)) } else { value })
}
