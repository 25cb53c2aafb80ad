//! The printed table of two revisions.

use std::fmt;
use std::time::Duration;

use stratagem_model::money::group;

use super::pairs::{LIMIT, Pairs, Verdict};
use super::{LONG_PAIRS, PAIRS, say};
use crate::table::{show, write_aligned};

#[derive(Debug, Default)]
pub(crate) struct Comparison {
    rows: Vec<[String; 7]>,
}

impl Comparison {
    /// Times in seconds, with a verdict. `lines` are shown by the second, where there are any.
    pub(crate) fn times(&mut self, what: &str, pairs: &Pairs, lines: Option<f64>) {
        let cell = |seconds: f64| {
            let time = show(Duration::from_secs_f64(seconds));
            match lines {
                Some(lines) => format!("{time} ({} lines/s)", group((lines / seconds) as u64)),
                None => time,
            }
        };
        let ratios = pairs.ratios();
        let verdict = match ratios.verdict() {
            Verdict::Reached => "reached".into(),
            Verdict::NotReached => "NOT REACHED".into(),
            Verdict::WithinNoise => {
                format!("within noise: {:.3}x to {:.3}x lie around {LIMIT}x", ratios.least, ratios.most)
            }
        };
        let limit = format!("<= {LIMIT}x");
        self.push(what, pairs, cell, limit, verdict);
    }

    /// Peak memory in megabytes of the row before, which only informs.
    pub(crate) fn memory(&mut self, pairs: &Pairs) {
        let what = "  its peak memory";
        if pairs.before.iter().chain(&pairs.now).any(|peak| *peak <= 0.0) {
            return self.skip(what, "", "the system does not tell");
        }
        self.push(what, pairs, |peak| format!("{peak:.0} MB"), String::new(), String::new());
    }

    /// A row that was left out, and why.
    pub(crate) fn times_skipped(&mut self, what: &str, why: &str) {
        self.skip(what, &format!("<= {LIMIT}x"), why);
    }

    fn skip(&mut self, what: &str, limit: &str, why: &str) {
        let none = || String::from("-");
        let verdict = format!("NOT RUN: {why}");
        say(&format!("{}: {verdict}", what.trim_start()));
        self.rows.push([what.into(), none(), none(), none(), none(), limit.into(), verdict]);
    }

    fn push(
        &mut self,
        what: &str,
        pairs: &Pairs,
        cell: impl Fn(f64) -> String,
        limit: String,
        verdict: String,
    ) {
        let ratios = pairs.ratios();
        let (before, now) = (cell(pairs.before_median()), cell(pairs.now_median()));
        let of_pairs = format!("{:.3}x ({:.3}-{:.3})", ratios.median, ratios.least, ratios.most);
        say(&format!("{}: before {before}, now {now}, {of_pairs}  {verdict}", what.trim_start()));
        let of_medians = format!("{:.3}x", pairs.ratio_of_medians());
        self.rows.push([what.into(), before, now, of_medians, of_pairs, limit, verdict]);
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["what", "before", "now", "of medians", "of pairs (range)", "limit", "verdict"];
        write_aligned(f, header, &self.rows)?;
        // The chances are those of `pairs`.
        let once_in = |pairs: usize| 1_u64 << (pairs - 1);
        write!(
            f,
            "
Medians of each, the ratio now / before of the medians, and of the pairs with least and most.
reached: no pair lies above the limit; NOT REACHED: every pair does; within noise: these runs do not tell.
On a busy machine chance alone puts all {PAIRS} pairs of two equal revisions on one side once in {}, and all {LONG_PAIRS}
of the generated customers once in {}: measure where nothing else runs, and again before you believe it.",
            once_in(PAIRS),
            once_in(LONG_PAIRS)
        )
    }
}
