//! Where a value lies on an axis, and which values are marked there.
//!
//! Numeric marks are those of `plotters`; dates and powers of ten have their own.

use std::ops::Range;

use plotters::coord::ranged1d::Ranged;
use plotters::coord::types::RangedCoordf64;
use stratagem_model::time::{date_of, parse_day};

use super::axis::{Axis, Unit};

/// A linear or logarithmic axis between two pixels.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    values: Range<f64>,
    pixels: Range<f64>,
    is_log: bool,
}

/// A marked value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

impl Scale {
    /// From the least to the greatest of the values.
    pub(super) fn around(values: impl IntoIterator<Item = f64>, pixels: Range<f64>) -> Self {
        let (low, high) = values
            .into_iter()
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = match (low <= high, low < high) {
            (false, _) => (0.0, 1.0),
            (true, false) => (low - 0.5, high + 0.5),
            (true, true) => (low, high),
        };
        Self { values: low..high, pixels, is_log: false }
    }

    /// The same with room at both ends, a share of the length.
    pub(super) fn padded(mut self, below: f64, above: f64) -> Self {
        let length = self.values.end - self.values.start;
        self.values = self.values.start - below * length..self.values.end + above * length;
        self
    }

    /// The same by powers of ten; both ends must be positive.
    pub(super) fn log(mut self) -> Self {
        self.is_log = self.values.start > 0.0;
        self
    }

    pub(super) fn start(&self) -> f64 {
        self.pixels.start
    }

    pub(super) fn end(&self) -> f64 {
        self.pixels.end
    }

    pub(super) fn contains(&self, value: f64) -> bool {
        (self.values.start..=self.values.end).contains(&value)
    }

    /// The pixel of a value.
    pub(super) fn at(&self, value: f64) -> f64 {
        let Range { start, end } = self.values;
        let share = match self.is_log {
            true => (value / start).ln() / (end / start).ln(),
            false => (value - start) / (end - start),
        };
        self.pixels.start + share * (self.pixels.end - self.pixels.start)
    }

    /// At most so many marks.
    pub(super) fn ticks(&self, axis: &Axis, most: usize) -> Vec<Tick> {
        if axis.unit == Unit::Day {
            return dates(&self.values, most);
        }
        if self.is_log {
            return powers(&self.values, axis, most);
        }
        let mut points = RangedCoordf64::from(self.values.clone()).key_points(most);
        // Halves of what is counted in whole numbers would be written as their neighbours.
        points.retain(|value| axis.unit != Unit::Count || value.fract() == 0.0);
        let step = points.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
        let notation = axis.tick_notation(if step.is_finite() { step } else { 1.0 });
        let tick = |value: f64| Tick { value, label: notation.write(value) };
        points.into_iter().map(tick).collect()
    }
}

/// First days of months, quarters or years; of short spans, of weeks.
fn dates(values: &Range<f64>, most: usize) -> Vec<Tick> {
    // A span that no calendar has is no span of dates.
    let (first, last) = (values.start.ceil().max(-1e6) as i32, values.end.floor().min(1e6) as i32);
    let days: Vec<(i32, String)> = (first..=last).map(|day| (day, date_of(day))).collect();
    let months = days.iter().filter(|(_, date)| date.ends_with("-01"));
    for step in [1, 2, 3, 6, 12, 24, 60, 120] {
        let is_marked = |date: &str| match date.split('-').collect::<Vec<_>>()[..] {
            [year, month, _] => {
                let (year, month) = (year.parse::<u32>().unwrap_or(0), month.parse::<u32>().unwrap_or(1));
                (year * 12 + month - 1).is_multiple_of(step)
            }
            _ => false,
        };
        let marked: Vec<_> = months.clone().filter(|(_, date)| is_marked(date)).collect();
        if marked.len() < 2 {
            break;
        }
        if marked.len() <= most {
            let label = |date: &str| if step < 12 { date[..7].to_owned() } else { date[..4].to_owned() };
            return marked
                .iter()
                .map(|(day, date)| Tick { value: f64::from(*day), label: label(date) })
                .collect();
        }
    }
    let step = days.len().div_ceil(most.max(1)).next_multiple_of(if days.len() > most { 7 } else { 1 });
    days.iter()
        .step_by(step)
        .map(|(day, date)| Tick { value: f64::from(*day), label: date.clone() })
        .collect()
}

/// Powers of ten, with twice and five times them where there is room.
fn powers(values: &Range<f64>, axis: &Axis, most: usize) -> Vec<Tick> {
    let exponents = values.start.log10().floor() as i32..=values.end.log10().ceil() as i32;
    for multiples in [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]] {
        let marks = exponents.clone().flat_map(|e| multiples.iter().map(move |m| m * 10_f64.powi(e)));
        let marks: Vec<f64> = marks.filter(|mark| values.contains(mark) || *mark == values.end).collect();
        if marks.len() <= most || multiples.len() == 1 {
            let tick = |value: f64| Tick { value, label: axis.tick_notation(value).write(value) };
            return marks.into_iter().map(tick).collect();
        }
    }
    vec![]
}

/// The place of a date, `YYYY-MM-DD`, on an axis of days.
pub(crate) fn day(date: &str) -> f64 {
    parse_day(date).map_or(f64::NAN, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, unit: Unit, most: usize) -> Vec<String> {
        let scale = Scale::around([low, high], 0.0..100.0);
        scale.ticks(&Axis::new("", unit), most).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn marks_are_round_numbers() {
        assert_eq!(labels(-22_003.0, 16_678.0, Unit::Count, 6), ["-20,000", "-10,000", "0", "10,000"]);
        assert_eq!(labels(0.0, 0.42, Unit::Share, 6), ["0", "10", "20", "30", "40"]);
        assert_eq!(labels(0.0, 1.2, Unit::Count, 6), ["0", "1"]);
    }

    #[test]
    fn dates_are_marked_at_the_first_of_months() {
        let year = labels(day("2017-01-01"), day("2017-12-17"), Unit::Day, 7);
        assert_eq!(year, ["2017-01", "2017-03", "2017-05", "2017-07", "2017-09", "2017-11"]);
        let decade = labels(day("2011-03-01"), day("2021-12-17"), Unit::Day, 7);
        assert_eq!(decade, ["2012", "2014", "2016", "2018", "2020"]);
        let week = labels(day("2017-05-02"), day("2017-05-08"), Unit::Day, 7);
        assert_eq!((week.len(), week[0].as_str()), (7, "2017-05-02"));
    }

    #[test]
    fn a_logarithmic_axis_marks_powers_of_ten() {
        let scale = Scale::around([0.1, 100.0], 0.0..300.0).log();
        assert_eq!(scale.at(1.0).round(), 100.0);
        let marks = scale.ticks(&Axis::new("", Unit::Number(2)), 5);
        assert_eq!(
            marks.iter().map(|tick| tick.label.as_str()).collect::<Vec<_>>(),
            ["0.1", "1", "10", "100"]
        );
    }

    #[test]
    fn a_span_of_nothing_is_still_an_axis() {
        assert_eq!(Scale::around([5.0], 0.0..10.0).at(5.0), 5.0);
        assert_eq!(Scale::around([f64::NAN], 0.0..10.0).at(0.5), 5.0);
    }
}
