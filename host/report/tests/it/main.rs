//! Every form of every report, as snapshots.

mod fixture;
mod modes;
mod pages;
mod runs;
mod stores;
mod strategies;

use stratagem_report::Style;

/// A pipe: no colour, no limit.
const PIPE: Style = Style { color: false, width: None };
/// A terminal of the width that tables are made for.
const NARROW: Style = Style { color: false, width: Some(100) };

/// The widest line in terminal columns, counting what is Chinese as two.
fn width(text: &str) -> usize {
    text.lines()
        .map(|line| line.chars().map(|c| if c >= '\u{2e80}' { 2 } else { 1 }).sum())
        .max()
        .unwrap_or(0)
}

/// The lines after the verdict, which alone may be longer than a terminal is wide.
fn body(text: &str) -> &str {
    text.split_once('\n').map_or("", |(_, body)| body)
}
