//! The printed table of two revisions.

use std::fmt;
use std::time::Duration;

use super::pairs::{LIMIT, Pairs, Verdict};
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
            lines.map_or(time.clone(), |lines| format!("{time} ({:.0} lines/s)", lines / seconds))
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

    /// Peak memory in megabytes, which only informs.
    pub(crate) fn memory(&mut self, what: &str, pairs: &Pairs) {
        let what = format!("  peak memory of {what}");
        if pairs.before.iter().chain(&pairs.now).any(|peak| *peak <= 0.0) {
            return self.skip(&what, "", "the system does not tell");
        }
        self.push(&what, pairs, |peak| format!("{peak:.0} MB"), String::new(), String::new());
    }

    /// A row that was left out, and why.
    pub(crate) fn times_skipped(&mut self, what: &str, why: &str) {
        self.skip(what, &format!("<= {LIMIT}x"), why);
    }

    fn skip(&mut self, what: &str, limit: &str, why: &str) {
        let none = || String::from("-");
        let verdict = format!("NOT RUN: {why}");
        self.rows.push([what.into(), none(), none(), none(), none(), limit.into(), verdict]);
        self.say_last();
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
        self.rows.push([
            what.into(),
            cell(pairs.before_median()),
            cell(pairs.now_median()),
            format!("{:.3}x", pairs.ratio_of_medians()),
            format!("{:.3}x ({:.3}-{:.3})", ratios.median, ratios.least, ratios.most),
            limit,
            verdict,
        ]);
        self.say_last();
    }

    #[expect(clippy::print_stderr, reason = "progress, for whoever waits")]
    fn say_last(&self) {
        if let Some([what, before, now, _, ratios, _, verdict]) = self.rows.last() {
            eprintln!("  {what}: before {before}, now {now}, {ratios} {verdict}");
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["what", "before", "now", "of medians", "of pairs (range)", "limit", "verdict"];
        write_aligned(f, header, &self.rows)
    }
}
