//! What is derived from the data of charts, and what of it may be shown.

use super::{Change, Interval, Line, Plot, Waterfall};
use crate::numbers::percent_bare;

/// Every number that is drawn, of which there may be none.
pub(super) fn values(plot: &Plot) -> Vec<f64> {
    match plot {
        Plot::Band(plot) => plot.lines.iter().flat_map(|line| line.points.iter().map(|p| p.value)).collect(),
        Plot::Waterfall(plot) => running(plot).into_iter().map(|(_, to)| to).collect(),
        Plot::Funnel(plot) => plot.waves.iter().flat_map(|w| w.counts.iter().map(|n| *n as f64)).collect(),
        Plot::Cohorts(plot) => {
            plot.rows.iter().flat_map(|row| row.values.iter().flatten().copied()).collect()
        }
        Plot::Forest(plot) => plot.rows.iter().map(|row| row.value).collect(),
        Plot::Love(plot) => plot.rows.iter().map(|row| row.before).collect(),
        Plot::Histogram(plot) => plot.counts.iter().map(|n| *n as f64).collect(),
        Plot::Tracking(plot) => plot.points.iter().map(|point| point.actual).collect(),
        Plot::HeatMap(plot) => plot.values.iter().flatten().flatten().copied().collect(),
    }
}

/// Drops what is not a finite number, with what belongs to it.
pub(super) fn retain_finite(plot: &mut Plot) {
    let is_range = |range: Interval| range.low.is_finite() && range.high.is_finite();
    match plot {
        Plot::Band(plot) => {
            for point in plot.lines.iter_mut().flat_map(|line| &mut line.points) {
                point.interval = point.interval.filter(|range| is_range(*range));
            }
            plot.lines
                .iter_mut()
                .for_each(|line| line.points.retain(|p| p.x.is_finite() && p.value.is_finite()));
            plot.lines.retain(|line| !line.points.is_empty());
        }
        Plot::Waterfall(plot) => {
            // Without one of its steps no sum would be right.
            if plot.steps.iter().any(|step| matches!(step.change, Change::By(by) if !by.is_finite())) {
                plot.steps.clear();
            }
        }
        Plot::Forest(plot) => plot.rows.retain(|row| row.value.is_finite() && is_range(row.interval)),
        Plot::Love(plot) => plot.rows.retain(|row| row.before.is_finite() && row.after.is_finite()),
        Plot::Histogram(plot) => {
            plot.marks.retain(|mark| mark.x.is_finite());
            if !plot.edges.iter().all(|edge| edge.is_finite()) {
                plot.counts.clear();
            }
        }
        Plot::Tracking(plot) => {
            plot.points.retain(|p| p.x.is_finite() && p.actual.is_finite() && p.expected.is_finite());
        }
        Plot::Cohorts(plot) => {
            let cells = plot.rows.iter_mut().flat_map(|row| &mut row.values);
            cells.for_each(|cell| *cell = cell.filter(|value| value.is_finite()));
        }
        Plot::HeatMap(plot) => {
            let cells = plot.values.iter_mut().flatten();
            cells.for_each(|cell| *cell = cell.filter(|value| value.is_finite()));
        }
        Plot::Funnel(_) => {}
    }
}

/// At each point, how far it is below the highest so far; before the first that was zero.
pub(super) fn drawdown(line: &Line) -> Vec<(f64, f64)> {
    let mut peak = 0.0_f64;
    let fall = |point: &super::Point| {
        peak = peak.max(point.value);
        (point.x, point.value - peak)
    };
    line.points.iter().map(fall).collect()
}

/// The point with the least value.
pub(super) fn lowest(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    points.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))
}

/// From where to where each step goes.
pub(super) fn running(waterfall: &Waterfall) -> Vec<(f64, f64)> {
    let mut sum = 0.0;
    let step = |step: &super::Step| match step.change {
        Change::By(by) => {
            sum += by;
            (sum - by, sum)
        }
        Change::Total => (0.0, sum),
    };
    waterfall.steps.iter().map(step).collect()
}

/// The share of the stage before, in per cent.
pub(super) fn of_stage_before(counts: &[u64], stage: usize) -> Option<String> {
    let before = *counts.get(stage.checked_sub(1)?)?;
    (before > 0).then(|| percent_bare(counts[stage] as f64 / before as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Axis, Point, Step, Unit};

    #[test]
    fn drawdown_counts_from_the_highest_point_and_from_zero() {
        let values = [-2.0, 3.0, 1.0, 4.0, -1.0];
        let point = |(i, value): (usize, &f64)| Point { x: i as f64, value: *value, interval: None };
        let line = Line { name: String::new(), points: values.iter().enumerate().map(point).collect() };
        let falls = drawdown(&line);
        assert_eq!(falls.iter().map(|(_, fall)| *fall).collect::<Vec<_>>(), [-2.0, 0.0, -2.0, 0.0, -5.0]);
        assert_eq!(lowest(&falls), Some((4.0, -5.0)));
    }

    #[test]
    fn a_waterfall_adds_up() {
        let step = |change| Step { label: String::new(), change };
        let steps = [Change::By(10.0), Change::By(-4.0), Change::Total, Change::By(1.0), Change::Total];
        let waterfall = Waterfall { y: Axis::new("", Unit::Count), steps: steps.map(step).into() };
        assert_eq!(running(&waterfall), [(0.0, 10.0), (10.0, 6.0), (0.0, 6.0), (6.0, 7.0), (0.0, 7.0)]);
    }

    #[test]
    fn a_share_of_nothing_is_no_share() {
        assert_eq!(of_stage_before(&[8, 2], 1).as_deref(), Some("25.0"));
        assert_eq!(of_stage_before(&[0, 0], 1), None);
        assert_eq!(of_stage_before(&[8, 2], 0), None);
    }
}
