//! Charts: what there is to see in a run, as data.
//!
//! A chart is numbers, labels, and a caption that says what to look for. Each form of a report shows it as it can:
//! HTML draws it and keeps its [`figures`] below, text and Markdown have the figures and the caption. What screen
//! readers say ([`alternative`]) is made from the same numbers, so that it cannot differ from what is drawn.
//!
//! # Invariants
//!
//! - **Values are in whole units**: money in currency units rather than minor ones, shares as 0.1 for 10 %.
//! - **What is not a finite number is not drawn**, and a chart without a number says so.
//! - **Nothing is said by colour alone**: by position, shape, dash or a printed number too.

mod alternative;
mod axis;
mod bars;
mod canvas;
mod derived;
mod dots;
mod draw;
mod figures;
mod lines;
mod scale;

pub(crate) use axis::{Axis, Unit};
pub(crate) use canvas::Drawing;
pub(crate) use scale::day;

use crate::Lang;
use crate::table::Table;

/// A standardised mean difference that is commonly taken for balanced.
pub(crate) const BALANCED: f64 = 0.1;

/// A chart.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    pub(crate) title: String,
    /// In one or two sentences, what to look for: in words that hold for its figures too, which a terminal shows
    /// instead. What marks mean, the drawing says itself.
    pub(crate) caption: String,
    pub(crate) plot: Plot,
}

/// What is drawn.
#[derive(Debug, Clone)]
pub(crate) enum Plot {
    Band(Band),
    Waterfall(Waterfall),
    Funnel(Funnel),
    Cohorts(Cohorts),
    Forest(Forest),
    Love(Love),
    Histogram(Histogram),
    Tracking(Tracking),
    HeatMap(HeatMap),
}

/// From where to where a value may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// Lines over time with their intervals.
#[derive(Debug, Clone)]
pub(crate) struct Band {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// What the shaded band is, such as `95 % interval`.
    pub(crate) interval: String,
    /// At most three: more cannot be told apart without colour.
    pub(crate) lines: Vec<Line>,
    /// Whether the first line's drawdown, its distance from the highest point so far (from zero on), is a panel below.
    pub(crate) has_drawdown: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// In ascending order of `x`.
    pub(crate) points: Vec<Point>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    /// Days since 1970-01-01 where the axis has days.
    pub(crate) x: f64,
    pub(crate) value: f64,
    pub(crate) interval: Option<Interval>,
}

/// How one amount becomes another.
#[derive(Debug, Clone)]
pub(crate) struct Waterfall {
    pub(crate) y: Axis,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) label: String,
    pub(crate) change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Change {
    /// Adds this to what is there; the first adds to nothing.
    By(f64),
    /// Shows what is left by now.
    Total,
}

/// What became of proposals, wave by wave.
#[derive(Debug, Clone)]
pub(crate) struct Funnel {
    /// What is counted, such as `customers`.
    pub(crate) counted: String,
    /// Such as eligible, proposed, sent, converted.
    pub(crate) stages: Vec<String>,
    pub(crate) waves: Vec<Wave>,
}

#[derive(Debug, Clone)]
pub(crate) struct Wave {
    pub(crate) name: String,
    /// One for each stage.
    pub(crate) counts: Vec<u64>,
}

/// What customers who began together do as time passes.
#[derive(Debug, Clone)]
pub(crate) struct Cohorts {
    /// What a row is, such as `month of first order`.
    pub(crate) cohort: String,
    /// What a column is, such as `months since`.
    pub(crate) since: String,
    pub(crate) value: Axis,
    /// Names of the columns, such as `0`, `1`, `2`.
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Cohort>,
}

#[derive(Debug, Clone)]
pub(crate) struct Cohort {
    pub(crate) name: String,
    pub(crate) customers: u64,
    /// One for each column; `None` where the data end before.
    pub(crate) values: Vec<Option<f64>>,
}

/// Estimates with their intervals, one below the other.
#[derive(Debug, Clone)]
pub(crate) struct Forest {
    pub(crate) x: Axis,
    /// What the lines are, such as `95 % interval`.
    pub(crate) interval: String,
    /// Where nothing differs from nothing; mostly 0.
    pub(crate) reference: f64,
    /// More than [`Forest::LABELLED_MAX`] are drawn in order of their values, and without labels.
    pub(crate) rows: Vec<Effect>,
}

#[derive(Debug, Clone)]
pub(crate) struct Effect {
    pub(crate) label: String,
    /// Customers that it rests on.
    pub(crate) count: Option<u64>,
    pub(crate) value: f64,
    pub(crate) interval: Interval,
    /// Whether it is of all the others together.
    pub(crate) is_total: bool,
}

impl Forest {
    pub(crate) const LABELLED_MAX: usize = 24;

    /// Whether an interval leaves out the reference.
    pub(crate) fn is_apart(&self, effect: &Effect) -> bool {
        effect.interval.low > self.reference || effect.interval.high < self.reference
    }

    pub(crate) fn is_labelled(&self) -> bool {
        self.rows.len() <= Self::LABELLED_MAX
    }
}

/// Whether groups are alike, before and after weighting or matching (a Love plot).
#[derive(Debug, Clone)]
pub(crate) struct Love {
    pub(crate) rows: Vec<Balance>,
}

/// Standardised mean differences of one covariate; the same twice where nothing was adjusted.
#[derive(Debug, Clone)]
pub(crate) struct Balance {
    pub(crate) label: String,
    pub(crate) before: f64,
    pub(crate) after: f64,
}

impl Love {
    /// Whether there is a before and an after.
    pub(crate) fn is_adjusted(&self) -> bool {
        self.rows.iter().any(|row| row.before != row.after)
    }

    /// The covariates, the worst before adjustment first.
    pub(crate) fn sorted(&self) -> Vec<&Balance> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by(|a, b| b.before.abs().total_cmp(&a.before.abs()));
        rows
    }
}

/// How values are distributed.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    pub(crate) x: Axis,
    /// What is counted, such as `decisions`.
    pub(crate) counted: String,
    /// Ascending, one more than there are counts; positive where the axis is logarithmic.
    pub(crate) edges: Vec<f64>,
    pub(crate) counts: Vec<u64>,
    pub(crate) is_log: bool,
    /// Values to point out, such as the mean.
    pub(crate) marks: Vec<Mark>,
}

#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub(crate) label: String,
    pub(crate) x: f64,
}

/// Whether a model foresaw what happened after the span that it was fitted on.
#[derive(Debug, Clone)]
pub(crate) struct Tracking {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// In ascending order of `x`.
    pub(crate) points: Vec<Tracked>,
    /// Where the calibration ends and the holdout period begins; infinite without one.
    pub(crate) boundary: f64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Tracked {
    pub(crate) x: f64,
    pub(crate) actual: f64,
    pub(crate) expected: f64,
}

/// A value over two conditions, coloured by which side of break-even it is on.
#[derive(Debug, Clone)]
pub(crate) struct HeatMap {
    /// What the columns are, and how they are written.
    pub(crate) x: Axis,
    /// What the rows are.
    pub(crate) y: Axis,
    pub(crate) value: Axis,
    pub(crate) columns: Vec<f64>,
    pub(crate) rows: Vec<f64>,
    /// For each row, one for each column.
    pub(crate) values: Vec<Vec<Option<f64>>>,
    /// The value at which nothing is won or lost.
    pub(crate) break_even: f64,
}

impl Chart {
    /// The numbers that a reader would ask for, as a table.
    pub(crate) fn figures(&self, lang: Lang) -> Table {
        figures::table(&self.plot, lang)
    }

    /// What the chart shows, for those who cannot see it.
    pub(crate) fn alternative(&self, lang: Lang) -> String {
        alternative::text(&self.plot, lang)
    }

    /// The chart as SVG of this width in pixels; `None` for those that are tables of colours.
    pub(crate) fn draw(&self, width: f64, lang: Lang) -> Option<Drawing> {
        draw::plot(&self.plot, width, lang)
    }

    /// The chart without what is not a finite number.
    pub(crate) fn finite(mut self) -> Self {
        derived::retain_finite(&mut self.plot);
        self
    }

    /// Whether there is not one number to show.
    pub(crate) fn is_empty(&self) -> bool {
        derived::values(&self.plot).is_empty()
    }
}
