//! The printed table: what was measured, what should be reached, and whether it was.

use std::fmt;
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<[String; 4]>,
}

impl Table {
    /// A row with a verdict.
    pub(crate) fn add(&mut self, what: &str, measured: String, reach: &str, is_reached: bool) {
        let verdict = if is_reached { "reached" } else { "NOT REACHED" };
        self.rows.push([what.into(), measured, reach.into(), verdict.into()]);
        eprint_row(self.rows.last());
    }

    /// A row that only informs.
    pub(crate) fn note(&mut self, what: &str, measured: String) {
        self.rows.push([what.into(), measured, String::new(), String::new()]);
        eprint_row(self.rows.last());
    }

    /// A row that was left out, and why.
    pub(crate) fn skip(&mut self, what: &str, reach: &str, why: &str) {
        self.rows.push([what.into(), format!("not run: {why}"), reach.into(), "NOT RUN".into()]);
        eprint_row(self.rows.last());
    }
}

#[expect(clippy::print_stderr, reason = "progress, for whoever waits")]
fn eprint_row(row: Option<&[String; 4]>) {
    if let Some([what, measured, ..]) = row {
        eprintln!("  {what}: {measured}");
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_aligned(f, ["what", "measured", "to reach", "verdict"], &self.rows)
    }
}

/// Columns side by side, as wide as their widest cell.
pub(crate) fn write_aligned<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    header: [&str; N],
    rows: &[[String; N]],
) -> fmt::Result {
    let header = header.map(String::from);
    let rows = || std::iter::once(&header).chain(rows);
    let width = |column: usize| rows().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows() {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(f, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// A duration with the unit that suits it.
pub(crate) fn show(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", s * 1e3),
        s if s >= 1e-6 => format!("{:.2} us", s * 1e6),
        s => format!("{:.1} ns", s * 1e9),
    }
}

/// The median time of a number of runs.
pub(crate) fn median(runs: usize, mut run: impl FnMut()) -> Duration {
    let mut times: Vec<_> = (0..runs)
        .map(|_| {
            let start = std::time::Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// The median times of things that take turns, so that all meet the same state of the machine.
pub(crate) fn interleaved<const N: usize>(runs: usize, mut things: [&mut dyn FnMut(); N]) -> [Duration; N] {
    let mut times = [(); N].map(|()| Vec::with_capacity(runs));
    for _ in 0..runs {
        for (thing, times) in things.iter_mut().zip(&mut times) {
            let start = std::time::Instant::now();
            thing();
            times.push(start.elapsed());
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[runs / 2]
    })
}
