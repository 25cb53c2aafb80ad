//! The columns that strategies may ask for.

use serde::Serialize;
use stratagem_insight::CATALOGUE;
use stratagem_model::ColumnKind;

use crate::document::Document;
use crate::table::{Table, prose, words};

/// A column, in the words of reports.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ColumnRow {
    pub(crate) name: &'static str,
    pub(crate) r#type: &'static str,
    /// Whether a row has a list of values.
    pub(crate) is_ragged: bool,
    /// Whether the strategy may limit it to the newest values.
    pub(crate) is_windowed: bool,
    pub(crate) meaning: &'static str,
}

/// Families of columns whose names depend on the data.
const FAMILIES: [(&str, &str, &str); 3] = [
    ("attribute.<name>", "u32", "the newest value of an attribute, as its code"),
    ("event.<kind>.count", "s64", "events of a kind so far"),
    ("event.<kind>.last-time", "s64", "time of the last event of a kind"),
];

pub(crate) fn rows() -> Vec<ColumnRow> {
    let standard = CATALOGUE.iter().map(|info| ColumnRow {
        name: info.name,
        r#type: match info.kind {
            ColumnKind::S64 => "s64",
            ColumnKind::U32 => "u32",
            ColumnKind::Bytes => "bytes",
        },
        is_ragged: info.is_ragged,
        is_windowed: info.is_windowed,
        meaning: info.meaning,
    });
    let families = FAMILIES.iter().map(|(name, r#type, meaning)| ColumnRow {
        name,
        r#type,
        is_ragged: false,
        is_windowed: false,
        meaning,
    });
    standard.chain(families).collect()
}

pub(crate) fn document() -> Document {
    let rows = rows();
    let mut out = Document::new(format!("{} columns, each as of the instant of the decision", rows.len()));
    let mut table = Table::new(vec![words("column"), words("type"), words("window"), prose("meaning")]);
    for row in &rows {
        let list = if row.is_ragged { format!("list<{}>", row.r#type) } else { row.r#type.into() };
        let window = if row.is_windowed { "yes" } else { "" };
        table.row([row.name.into(), list, window.into(), row.meaning.into()]);
    }
    out.table(table);
    out.note("A column with a window can be limited to the last n values, or those of the last n days.");
    out
}
