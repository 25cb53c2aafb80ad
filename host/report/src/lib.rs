//! How runs, strategies and stores are shown: terminal text, Markdown, JSON and CSV.
//!
//! Pure functions from what is known to a text that ends in a newline. What is shown is built once, as a
//! `document`, and then rendered as text or Markdown, so that both say the same.
//!
//! # Invariants
//!
//! - **The first line is the verdict**: what was done, which kind of evidence it is, and what it may claim.
//! - **Nothing causal from an observational replay**: attributed is always called so.
//! - **Machine forms lose nothing**: JSON is the record itself, CSV has full precision.
//! - **No table wraps**: what is wider than the terminal is broken into blocks that repeat the first column.
//!
//! # Not here
//!
//! Where the text goes, and whether the terminal can show colour, is the caller's to know; what the numbers are is
//! `stratagem-replay`.

mod backtest;
mod catalogue;
mod compare;
mod document;
mod flat;
mod ingest;
mod inspect;
mod list;
mod markdown;
mod numbers;
mod store;
mod table;
mod text;

use serde::Serialize;
use stratagem_library::Run;
use stratagem_store::ingest::Report;
use stratagem_store::{Compacted, Info, Verified};

use numbers::Digests;

pub use inspect::InspectInfo;

/// The form of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people, on a terminal.
    #[default]
    Text,
    /// The record as it is kept, indented. Its keys are stable.
    Json,
    /// One flat table with a header. Amounts of money are exact decimals without thousands separators.
    Csv,
}

/// How text is laid out. Changes nothing in JSON and CSV.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether ANSI bold, green, yellow and red may be used. Nothing is said by colour alone.
    pub color: bool,
    /// Columns of the terminal; `None` for no limit, as in a pipe.
    pub width: Option<u16>,
}

/// A run in full. CSV: one row an action.
pub fn backtest(run: &Run, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(&backtest::document(run, Digests::Short), style),
        Format::Json => json(run),
        Format::Csv => flat::runs(std::slice::from_ref(run)),
    }
}

/// A run in full, as the Markdown file that is kept beside it.
pub fn markdown(run: &Run) -> String {
    markdown::render(&backtest::document(run, Digests::Full))
}

/// Runs side by side, with what keeps them from being compared. CSV: one row a run and action.
pub fn compare(runs: &[Run], format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(&compare::document(runs), style),
        Format::Json => json(&runs),
        Format::Csv => flat::runs(runs),
    }
}

/// Runs side by side, as a Markdown file.
pub fn markdown_comparison(runs: &[Run]) -> String {
    markdown::render(&compare::document(runs))
}

/// One row a run.
pub fn library_list(runs: &[Run], format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(&list::document(runs), style),
        Format::Json => json(&runs),
        Format::Csv => flat::list(runs),
    }
}

/// What a strategy says of itself, and with a plan, what it needs and can do. CSV: its parameters.
pub fn strategy_inspect(info: &InspectInfo, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(&inspect::document(info), style),
        Format::Json => json(info),
        Format::Csv => flat::parameters(&info.description.parameters),
    }
}

/// The columns that strategies may ask for.
pub fn column_catalogue(format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(&catalogue::document(), style),
        Format::Json => json(&catalogue::rows()),
        Format::Csv => flat::columns(&catalogue::rows()),
    }
}

/// What a store holds. CSV: its sources.
pub fn store_info(info: &Info, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(&store::info(info), style),
        Format::Json => json(info),
        Format::Csv => flat::sources(&info.sources),
    }
}

/// What a check of a whole store found. CSV: its problems.
pub fn store_verified(verified: &Verified, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(&store::verified(verified), style),
        Format::Json => json(verified),
        Format::Csv => flat::problems(&verified.problems),
    }
}

/// What writing a store anew did to its size.
pub fn store_compacted(compacted: &Compacted, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(&store::compacted(compacted), style),
        Format::Json => json(compacted),
        Format::Csv => flat::compacted(compacted),
    }
}

/// What an ingest did. CSV: the first rejected rows.
pub fn ingested(report: &Report, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(&ingest::document(report), style),
        Format::Json => json(&ingest::Ingested::from(report)),
        Format::Csv => flat::rejects(&report.rejects),
    }
}

fn json(value: &impl Serialize) -> String {
    let mut out = serde_json::to_string_pretty(value).expect("reports have only string keys");
    out.push('\n');
    out
}
