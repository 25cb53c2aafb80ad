//! Which drawing a chart has, and what drawings share: the frame of a plot with its marks.

use super::axis::Axis;
use super::canvas::{Align, At, Canvas, Ink, text_width, widest};
use super::scale::{Scale, Tick};
use super::{Drawing, Plot, bars, dots, lines};
use crate::Lang;
use crate::text::wrap;

/// Below this width in pixels labels stand above what they are of, not beside it.
const WIDE: f64 = 500.0;

/// Between lines of text.
pub(super) const LINE: f64 = 17.0;

/// A plot of this width, if it is one that is drawn.
pub(super) fn plot(plot: &Plot, width: f64, lang: Lang) -> Option<Drawing> {
    Some(match plot {
        Plot::Band(band) => lines::band(band, width, lang),
        Plot::Tracking(tracking) => lines::tracking(tracking, width, lang),
        Plot::Waterfall(waterfall) => bars::waterfall(waterfall, width, lang),
        Plot::Funnel(funnel) => bars::funnel(funnel, width, lang),
        Plot::Histogram(histogram) => bars::histogram(histogram, width, lang),
        Plot::Forest(forest) => dots::forest(forest, width, lang),
        Plot::Love(love) => dots::love(love, width, lang),
        Plot::Cohorts(_) | Plot::HeatMap(_) => return None,
    })
}

/// What a plot says above itself, in lines that fit.
pub(super) struct Head {
    lines: Vec<String>,
}

impl Head {
    pub(super) fn new(text: &str, width: f64) -> Self {
        Self { lines: wrap(text, (width / text_width("x")) as usize) }
    }

    /// The room that it takes, with a gap below.
    pub(super) fn height(&self) -> f64 {
        LINE * self.lines.len() as f64 + 4.0
    }

    pub(super) fn draw(&self, canvas: &Canvas<'_>) {
        for (i, line) in self.lines.iter().enumerate() {
            canvas.text(Ink::Text, Align::Left, (0.0, 8.0 + LINE * i as f64), line);
        }
    }
}

pub(super) fn is_wide(width: f64) -> bool {
    width >= WIDE
}

/// About how many marks fit on a horizontal axis.
pub(super) fn horizontal_ticks(pixels: f64) -> usize {
    (pixels / 62.0).clamp(2.0, 9.0) as usize
}

/// The room that labels to the left of a vertical axis take.
pub(super) fn gutter(ticks: &[Tick]) -> f64 {
    widest(ticks.iter().map(|tick| tick.label.as_str())) + 8.0
}

/// Horizontal rules with their values to the left, that of zero stronger.
pub(super) fn rules(canvas: &Canvas<'_>, ticks: &[Tick], y: &Scale, x: &Scale) {
    for tick in ticks {
        let at = y.at(tick.value);
        let ink = if tick.value == 0.0 { Ink::Zero } else { Ink::Grid };
        canvas.line(ink, &[(x.start(), at), (x.end(), at)]);
        canvas.text(Ink::Muted, Align::Right, (x.start() - 6.0, at), &tick.label);
    }
}

/// Marks below a plot, and the axis' title below them where it is not plain that they are dates.
pub(super) fn foot(canvas: &Canvas<'_>, axis: &Axis, x: &Scale, y: f64, lang: Lang) {
    let ticks = x.ticks(axis, horizontal_ticks(x.end() - x.start()));
    canvas.line(Ink::Grid, &[(x.start(), y), (x.end(), y)]);
    for tick in &ticks {
        let at = x.at(tick.value);
        canvas.line(Ink::Grid, &[(at, y), (at, y + 4.0)]);
        canvas.text(Ink::Muted, Align::Middle, (at, y + 13.0), &tick.label);
    }
    if axis.unit != super::Unit::Day {
        canvas.text(Ink::Muted, Align::Right, (x.end(), y + 13.0 + LINE), &axis.title(lang));
    }
}

/// The height of what [`foot`] draws.
pub(super) fn foot_height(axis: &Axis) -> f64 {
    if axis.unit == super::Unit::Day { 22.0 } else { 22.0 + LINE }
}

/// A diamond around a point.
pub(super) fn diamond((x, y): At, radius: f64) -> [At; 4] {
    [(x - radius, y), (x, y - radius), (x + radius, y), (x, y + radius)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{
        Balance, Band, Change, Chart, Cohort, Cohorts, Effect, Forest, Funnel, HeatMap, Histogram, Interval,
        Line, Love, Mark, Point, Step, Tracked, Tracking, Unit, Waterfall, Wave,
    };

    fn axis(unit: Unit) -> Axis {
        Axis::new("a", unit)
    }

    fn band(values: &[f64]) -> Plot {
        let point = |(i, value): (usize, &f64)| {
            let interval = Some(Interval { low: value - 1.0, high: value + 1.0 });
            Point { x: i as f64, value: *value, interval }
        };
        let points = values.iter().enumerate().map(point).collect();
        Plot::Band(Band {
            x: axis(Unit::Day),
            y: axis(Unit::Amount("USD".into())),
            interval: "i".into(),
            lines: vec![Line { name: "l".into(), points }],
            has_drawdown: true,
        })
    }

    fn forest(value: f64, count: usize) -> Plot {
        let interval = Interval { low: value - 1.0, high: value + 1.0 };
        let row = Effect { label: "r".repeat(200), count: Some(7), value, interval, is_total: true };
        let rows = vec![row; count];
        Plot::Forest(Forest { x: axis(Unit::Share), interval: "i".into(), reference: 0.0, rows })
    }

    /// Every kind made of this value.
    fn plots(value: f64) -> Vec<Plot> {
        let count = value.abs().min(1e18) as u64;
        let step = Step { label: "s".repeat(200), change: Change::By(value) };
        let total = Step { label: String::new(), change: Change::Total };
        let histogram = |is_log| Histogram {
            x: axis(Unit::Number(1)),
            counted: "c".into(),
            edges: vec![value, value, value + 1.0],
            counts: vec![count, 0],
            is_log,
            marks: vec![Mark { label: "m".into(), x: value }],
        };
        let waves = vec![Wave { name: "w".into(), counts: vec![count, 0, count] }];
        let cohort = Cohort { name: "c".into(), customers: 0, values: vec![Some(value), None, Some(value)] };
        vec![
            band(&[value]),
            band(&[value, value, -value]),
            Plot::Waterfall(Waterfall { y: axis(Unit::Count), steps: vec![step, total] }),
            Plot::Funnel(Funnel {
                counted: "c".into(),
                stages: vec!["s".into(), "t".into(), "u".into()],
                waves,
            }),
            Plot::Cohorts(Cohorts {
                cohort: "c".into(),
                since: "s".into(),
                value: axis(Unit::Share),
                columns: vec!["0".into(), "1".into(), "2".into()],
                rows: vec![cohort],
            }),
            forest(value, 1),
            forest(value, 1_000),
            Plot::Love(Love { rows: vec![Balance { label: "b".into(), before: value, after: -value }] }),
            Plot::Histogram(histogram(false)),
            Plot::Histogram(histogram(true)),
            Plot::Tracking(Tracking {
                x: axis(Unit::Count),
                y: axis(Unit::Count),
                points: vec![Tracked { x: value, actual: value, expected: 0.0 }],
                boundary: value,
            }),
            Plot::HeatMap(HeatMap {
                x: axis(Unit::Share),
                y: axis(Unit::Count),
                value: axis(Unit::Share),
                columns: vec![1.0, 2.0],
                rows: vec![1.0],
                values: vec![vec![Some(value), None]],
                break_even: 0.0,
            }),
        ]
    }

    #[test]
    fn whatever_the_numbers_a_chart_can_be_drawn_and_told() {
        let values = [0.0, -0.0, 1.0, -3.5, 1e-12, 1e12, -1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        for (value, plot) in
            values.into_iter().flat_map(|value| plots(value).into_iter().map(move |p| (value, p)))
        {
            let chart = Chart { title: "t".into(), caption: "c".into(), plot }.finite();
            for lang in [Lang::English, Lang::Chinese] {
                let mut text = chart.figures(lang).markdown() + &chart.alternative(lang);
                for width in [340.0, 720.0] {
                    text += &chart.draw(width, lang).map_or(String::new(), |drawing| drawing.body);
                }
                assert!(!text.contains("NaN") && !text.contains("inf"), "{value}: {text}");
            }
        }
    }

    #[test]
    fn nothing_is_drawn_of_what_is_no_number() {
        let shown = |value| {
            let empty =
                |plot: Plot| Chart { title: String::new(), caption: String::new(), plot }.finite().is_empty();
            plots(value).into_iter().filter(|plot| !empty(plot.clone())).collect::<Vec<_>>()
        };
        assert_eq!(shown(1.0).len(), plots(1.0).len());
        // What is counted is a whole number whatever happens.
        assert!(shown(f64::NAN).iter().all(|plot| matches!(plot, Plot::Funnel(_))), "{:?}", shown(f64::NAN));
    }

    #[test]
    fn a_thousand_intervals_are_not_a_thousand_lines() {
        let drawing = plot(&forest(5.0, 1_000), 720.0, Lang::English).unwrap();
        let lines = drawing.body.matches("<polyline").count();
        assert!((200..250).contains(&lines), "{lines}");
    }
}
