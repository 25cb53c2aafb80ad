//! How runs, strategies and stores are shown: terminal text, Markdown, HTML, JSON and CSV.
//!
//! Pure functions from what is known to a text that ends in a newline. What is shown is built once, as a
//! `document`, and then rendered as text, Markdown or a page, so that all say the same.
//!
//! # Invariants
//!
//! - **The first line is the verdict**: what was done, which kind of evidence it is, and what it may claim.
//! - **Nothing causal from an observational replay**: attributed is always called so.
//! - **Machine forms lose nothing**: JSON is the record itself, CSV has full precision.
//! - **No table wraps**: what is wider than the terminal is broken into blocks that repeat the first column.
//! - **A page is whole and harmless**: no script, nothing to fetch, everything escaped, and less than 500 kB.
//! - **Both languages say the same**: each sentence is written in both where it is made.
//!
//! # Not here
//!
//! Where the text goes, and whether the terminal can show colour, is the caller's to know; what the numbers are is
//! `stratagem-replay`.

mod backtest;
mod catalogue;
mod chart;
mod compare;
mod document;
mod flat;
#[cfg(test)]
mod gallery;
mod html;
mod ingest;
mod inspect;
mod lang;
mod list;
mod markdown;
mod numbers;
mod repurchase;
mod statistics;
mod store;
mod sweep;
mod table;
mod text;
mod typeset;

use serde::Serialize;
use stratagem_record::{Collisions, Run};
use stratagem_store::ingest::Report;
use stratagem_store::{Compacted, Info, Source, Undone, Verified};

use numbers::Digests;

pub use inspect::InspectInfo;
pub use lang::Lang;
pub use repurchase::{RepurchaseFit, SpendFit, TimeUnit};
pub use statistics::{ArmEffect, Correction, Effects, LogEvaluation, OutcomeEffects, Power, PowerAnswer};
pub use sweep::{Sweep, SweepBy};

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

/// A run in full. CSV: of a replay one row an action, of a simulation one row a world, of a run on a log one row an
/// estimator. The language is that of text: JSON and CSV have one form.
pub fn backtest(run: &Run, format: Format, style: Style, lang: Lang) -> String {
    match format {
        Format::Text => text::render(&backtest::document(run, Digests::Short, lang), style),
        Format::Json => json(run),
        Format::Csv => flat::runs(std::slice::from_ref(run)),
    }
}

/// A run in full, as the Markdown file that is kept beside it.
pub fn markdown(run: &Run, lang: Lang) -> String {
    markdown::render(&backtest::document(run, Digests::Full, lang))
}

/// A run in full, as one page with its charts that needs no other file.
pub fn html(run: &Run, lang: Lang) -> String {
    html::render(&backtest::document(run, Digests::Full, lang), &backtest::title(run, lang))
}

/// Runs side by side, with what keeps them from being compared. CSV: the rows of each run, as [`backtest`] has them;
/// of several modes, whose columns differ, one row a value: run, mode, row within the run, column and value.
pub fn compare(runs: &[Run], format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(&compare::document(runs), style),
        Format::Json => json(&runs),
        Format::Csv => flat::runs(runs),
    }
}

/// A model of orders. CSV: its parameters.
pub fn repurchase(found: &RepurchaseFit, format: Format, style: Style, lang: Lang) -> String {
    match format {
        Format::Text => text::render(&repurchase::orders(found, lang), style),
        Format::Json => json(found),
        Format::Csv => flat::estimates(&found.fit.parameters),
    }
}

/// The same as a file: a page, or Markdown.
pub fn repurchase_page(found: &RepurchaseFit, lang: Lang, is_html: bool) -> String {
    page(&repurchase::orders(found, lang), found.fit.model.kind().name(), is_html)
}

/// A model of order values. CSV: its parameters.
pub fn spend(found: &SpendFit, format: Format, style: Style, lang: Lang) -> String {
    match format {
        Format::Text => text::render(&repurchase::spend(found, lang), style),
        Format::Json => json(found),
        Format::Csv => flat::estimates(&found.fit.parameters),
    }
}

/// The same as a file: a page, or Markdown.
pub fn spend_page(found: &SpendFit, lang: Lang, is_html: bool) -> String {
    page(&repurchase::spend(found, lang), "Gamma-Gamma", is_html)
}

/// A policy on a log. CSV: one row an estimator.
pub fn evaluation(found: &LogEvaluation, format: Format, style: Style, lang: Lang) -> String {
    match format {
        Format::Text => text::render(&statistics::evaluation(found, lang), style),
        Format::Json => json(found),
        Format::Csv => flat::evaluation(&found.evaluation),
    }
}

/// The same as a file: a page, or Markdown.
pub fn evaluation_page(found: &LogEvaluation, lang: Lang, is_html: bool) -> String {
    page(&statistics::evaluation(found, lang), &found.policy, is_html)
}

/// Randomised arms compared. CSV: one row an outcome and arm.
pub fn effects(found: &Effects, format: Format, style: Style, lang: Lang) -> String {
    match format {
        Format::Text => text::render(&statistics::effects(found, lang), style),
        Format::Json => json(found),
        Format::Csv => flat::effects(found),
    }
}

/// The same as a file: a page, or Markdown.
pub fn effects_page(found: &Effects, lang: Lang, is_html: bool) -> String {
    page(&statistics::effects(found, lang), &found.file, is_html)
}

/// What a sample can show. CSV: the question and its answer in one row, whose first column says which it is.
pub fn power(found: &Power, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(&statistics::power(found), style),
        Format::Json => json(found),
        Format::Csv => flat::power(found),
    }
}

fn page(document: &document::Document, title: &str, is_html: bool) -> String {
    if is_html { html::render(document, title) } else { markdown::render(document) }
}

/// Variants over one period and the best of them over another. CSV: the rows of each run, as [`backtest`] has them.
pub fn sweep(sweep: &Sweep, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(&sweep::document(sweep), style),
        Format::Json => json(sweep),
        Format::Csv => {
            let runs = sweep.variants.iter().map(|(_, run)| run).chain([&sweep.last]);
            flat::runs(&runs.cloned().collect::<Vec<_>>())
        }
    }
}

/// Two runs side by side, and where they would have disturbed the same customers. JSON and CSV are those of
/// [`compare`].
pub fn compare_pair(runs: &[Run], collisions: Option<Collisions>, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(&compare::pair(runs, collisions), style),
        Format::Json | Format::Csv => compare(runs, format, style),
    }
}

/// Runs side by side, as a Markdown file.
pub fn markdown_comparison(runs: &[Run]) -> String {
    markdown::render(&compare::document(runs))
}

/// One row a run, with what its mode may say of it.
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

/// What undoing an ingest took away.
pub fn store_undone(source: &Source, undone: &Undone, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(&store::undone(source, undone), style),
        Format::Json => json(undone),
        Format::Csv => flat::undone(undone),
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
