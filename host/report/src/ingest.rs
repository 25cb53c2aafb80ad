//! What an ingest did.

use serde::Serialize;
use stratagem_model::money::group;
use stratagem_store::Appended;
use stratagem_store::ingest::{Kind, Report};

use crate::document::{Document, Tone};
use crate::numbers::{plural, short};

/// A report with the keys of its JSON form.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Ingested<'r> {
    file: &'r str,
    kind: &'static str,
    format: &'static str,
    fingerprint: &'r str,
    rows_read: u64,
    rows_accepted: u64,
    rows_rejected: u64,
    appended: Appended,
    guessed: Vec<Guess<'r>>,
    ignored: &'r [String],
    attributes: &'r [String],
    warnings: &'r [String],
    /// The first ten.
    rejects: Vec<Reject<'r>>,
}

#[derive(Debug, Serialize)]
struct Guess<'r> {
    field: &'r str,
    column: &'r str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Reject<'r> {
    line: u64,
    is_row: bool,
    column: &'r str,
    value: &'r str,
    problem: &'r str,
    remedy: &'r str,
}

impl<'r> From<&'r Report> for Ingested<'r> {
    fn from(report: &'r Report) -> Self {
        let reject = |reject: &'r stratagem_store::ingest::RowError| Reject {
            line: reject.line,
            is_row: reject.is_row,
            column: &reject.column,
            value: &reject.value,
            problem: &reject.problem,
            remedy: &reject.remedy,
        };
        Self {
            file: &report.file,
            kind: report.kind.name(),
            format: report.format.name(),
            fingerprint: &report.fingerprint,
            rows_read: report.rows_read,
            rows_accepted: report.rows_accepted,
            rows_rejected: report.rows_rejected,
            appended: report.appended,
            guessed: report.guessed.iter().map(|(field, column)| Guess { field, column }).collect(),
            ignored: &report.ignored,
            attributes: &report.attributes,
            warnings: &report.warnings,
            rejects: report.rejects.iter().map(reject).collect(),
        }
    }
}

pub(crate) fn document(report: &Report) -> Document {
    let mut out = Document::new(verdict(report));
    if !report.rejects.is_empty() {
        out.tone = Tone::Warning;
        let shown = report.rejects.len() as u64;
        let which = if shown < report.rows_rejected { format!(", the first {shown}") } else { String::new() };
        let text = format!("{} left out{which}", plural(report.rows_rejected, "row"));
        out.alert(Tone::Warning, text, report.rejects.iter().map(ToString::to_string).collect());
    }
    for warning in &report.warnings {
        out.alert(Tone::Warning, warning, vec![]);
    }
    let mut facts = vec![(
        "file",
        format!("{}, {}, fingerprint {}", report.file, report.format.name(), short(&report.fingerprint)),
    )];
    if !report.guessed.is_empty() {
        facts.push(("guessed", format!("--map {}", mapping(&report.guessed))));
    }
    if !report.attributes.is_empty() {
        facts.push(("attributes", report.attributes.join(", ")));
    }
    if !report.ignored.is_empty() {
        facts.push(("not read", report.ignored.join(", ")));
    }
    out.facts(facts);
    out
}

/// Fields and their columns as a shell passes them to `--map`: a column is in double quotes where its name has a
/// character that means something there, and the whole in single quotes where a shell would take it apart.
fn mapping(guessed: &[(String, String)]) -> String {
    let quoted = |column: &str| match column.contains([',', '=', '+', '*', '\'']) {
        true => format!("\"{column}\""),
        false => column.into(),
    };
    let fields = guessed.iter().map(|(field, column)| format!("{field}={}", quoted(column)));
    let text = fields.collect::<Vec<_>>().join(",");
    let is_plain = |c: char| c.is_alphanumeric() || "_-.,=+:/".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn verdict(report: &Report) -> String {
    let Appended { customers_new, added, corrected, unchanged } = report.appended;
    let rejected = group(report.rows_rejected);
    let noun = match report.kind {
        Kind::Orders => "order",
        // Of a customer, each attribute is one.
        Kind::Customers | Kind::Events => "event",
        Kind::Products => "product",
        Kind::Touches => "touch",
    };
    let mut out = format!(
        "{}: {} -> {}",
        report.kind,
        plural(report.rows_read, "row"),
        plural(added, &format!("new {noun}"))
    );
    if corrected > 0 {
        out += &format!(", {}", plural(corrected, "correction"));
    }
    if unchanged > 0 {
        out += &format!(", {} already there", group(unchanged));
    }
    if customers_new > 0 {
        out += &format!(", {}", plural(customers_new, "new customer"));
    }
    out + &format!("; {rejected} rejected")
}
