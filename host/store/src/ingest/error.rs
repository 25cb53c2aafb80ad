//! What can be wrong with a file, down to the value, and what to do about it.

use std::fmt;
use std::path::PathBuf;

use super::fields::Kind;
use crate::StoreError;

/// Why a file was not ingested. No event was added to the store, unless it is [`IngestError::Store`] and says so.
///
/// The message says what and which; [`IngestError::hint`] says what to do next; the cause is in `source()`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// With [`OnError::Stop`](super::OnError::Stop): the first row, in the order of the file, that cannot be used.
    #[error("{0}, or skip such rows with --on-error skip")]
    Row(RowError),
    /// The first row of a table that cannot be read.
    #[error("{0}")]
    TableRow(RowError),
    /// The first row found that says something else than the store of the same event.
    #[error("{0}")]
    Conflict(RowError),
    #[error("cannot use `{part}` in the mapping: {problem}")]
    Mapping { part: String, problem: String },
    #[error("{kind} have no field `{field}`; they have {}", list(fields))]
    UnknownField { kind: Kind, field: String, fields: Vec<String>, nearest: Option<String> },
    #[error("`{file}` has no column `{column}` for `{field}`; it has {}", list(columns))]
    MissingColumn {
        file: String,
        field: String,
        column: String,
        columns: Vec<String>,
        nearest: Option<String>,
    },
    #[error("`{file}` has no column `{column}`; it has {}", list(columns))]
    NoColumn { file: String, column: String, columns: Vec<String>, nearest: Option<String> },
    #[error(
        "`{file}` has no column that could be `{field}`, which {kind} must have; it has {}",
        list(columns)
    )]
    MissingField { file: String, kind: Kind, field: String, columns: Vec<String> },
    #[error("`{file}` has two columns `{column}`")]
    AmbiguousColumn { file: String, column: String },
    #[error("two columns of `{file}` would be the attribute `{attribute}`")]
    AmbiguousAttribute { file: String, attribute: String },
    #[error("`{file}` is empty")]
    Empty { file: String },
    #[error("the name of `{file}` does not say its format")]
    UnknownFormat { file: String },
    #[error("`{file}`: {problem}")]
    Malformed { file: String, problem: String },
    #[error("the rejects would replace the file they come from, `{}`", .0.display())]
    RejectsOverInput(PathBuf),
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot read `{file}` as Parquet")]
    Parquet {
        file: String,
        #[source]
        source: parquet::errors::ParquetError,
    },
    #[error("interrupted while reading; the store is as it was")]
    Interrupted,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IngestError {
    /// The next thing to try.
    pub fn hint(&self) -> Option<String> {
        let did_you_mean =
            |name: &Option<String>| name.as_ref().map(|name| format!("did you mean `{name}`?"));
        match self {
            Self::UnknownField { nearest, .. } => did_you_mean(nearest),
            Self::MissingColumn { nearest, columns, .. } | Self::NoColumn { nearest, columns, .. } => {
                did_you_mean(nearest).or_else(|| delimiter_hint(columns))
            }
            Self::MissingField { field, columns, .. } => {
                delimiter_hint(columns).or_else(|| Some(format!("name its column with --map {field}=COLUMN")))
            }
            Self::Mapping { .. } => Some(
                "write FIELD=COLUMN, FIELD=COLUMN+COLUMN or FIELD='constant', separated by commas".into(),
            ),
            Self::AmbiguousColumn { .. } => Some("rename one of them in the file's first line".into()),
            Self::AmbiguousAttribute { .. } => {
                Some("map one of them to another name with --map NAME=COLUMN, or rename it".into())
            }
            Self::Empty { .. } => Some("a CSV file begins with a line of column names".into()),
            Self::UnknownFormat { .. } => Some("add --format csv, tsv, ndjson or parquet".into()),
            Self::RejectsOverInput(_) => Some("choose another file for --rejects".into()),
            Self::Store(error) => error.hint().map(Into::into),
            Self::Row(_)
            | Self::TableRow(_)
            | Self::Conflict(_)
            | Self::Malformed { .. }
            | Self::Io { .. }
            | Self::Parquet { .. }
            | Self::Interrupted => None,
        }
    }
}

/// A file read with the wrong delimiter shows up as one column with the right one in its name.
fn delimiter_hint(columns: &[String]) -> Option<String> {
    let [column] = columns else { return None };
    let delimiter = [';', '\t', '|', ','].into_iter().find(|c| column.contains(*c))?;
    let name = if delimiter == '\t' { "tab".into() } else { delimiter.to_string() };
    Some(format!("its columns seem to be separated by `{name}`: add --delimiter '{name}'"))
}

/// A row that cannot be used.
///
/// Displays as `transactions.csv:1032: column `quantity`: `x` is not a whole number; correct it`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    pub file: String,
    /// The line in the file, from 1; of a Parquet file the row, from 1.
    pub line: u64,
    /// Whether `line` counts rows, because the file has no lines.
    pub is_row: bool,
    /// Empty when the row as a whole is wrong.
    pub column: String,
    /// As it is in the file, shortened.
    pub value: String,
    pub problem: String,
    pub remedy: String,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, is_row, column, problem, remedy, .. } = self;
        match is_row {
            true => write!(f, "{file} row {line}: ")?,
            false => write!(f, "{file}:{line}: ")?,
        }
        if !column.is_empty() {
            write!(f, "column `{column}`: ")?;
        }
        write!(f, "{problem}; {remedy}")
    }
}

/// What is wrong in a row, without where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) column: String,
    pub(super) value: String,
    pub(super) problem: String,
    pub(super) remedy: &'static str,
}

/// The usual remedy.
pub(super) const CORRECT_IT: &str = "correct it";

/// The remedy where the store has it otherwise.
pub(crate) const ANOTHER_EVENT: &str =
    "if it is a correction, say with a column `known` when that became known; else give it another id";

impl Problem {
    /// Boxed, because almost no row has one and results should stay small.
    pub(super) fn new(column: &str, value: &str, problem: String, remedy: &'static str) -> Box<Self> {
        Box::new(Self { column: column.into(), value: shorten(value), problem, remedy })
    }
}

impl fmt::Display for Problem {
    /// With the column, as a row of rejects says it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.column.is_empty() {
            write!(f, "column `{}`: ", self.column)?;
        }
        f.write_str(&self.problem)
    }
}

/// At most 60 characters of a value, for messages.
pub(super) fn shorten(value: &str) -> String {
    match value.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", &value[..end]),
        None => value.into(),
    }
}

/// Names in backticks; of very many the first ones.
fn list(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(30).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(30);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    if shown.is_empty() { "none".into() } else { shown.join(", ") + &tail }
}

/// The name among `names` that was most likely meant.
pub(super) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let name = name.to_lowercase();
    let scored = names.into_iter().map(|other| (distance(&name, &other.to_lowercase()), other));
    let (edits, other) = scored.min_by_key(|(edits, _)| *edits)?;
    let is_near = edits <= (name.chars().count() / 3).max(1);
    is_near.then(|| other.into())
}

/// Levenshtein's distance: how many characters to insert, delete or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_only_if_it_is_near() {
        let names = ["household_id", "basket_id", "quantity"];
        assert_eq!(nearest("houshold_id", names).as_deref(), Some("household_id"));
        assert_eq!(nearest("Quantitiy", names).as_deref(), Some("quantity"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
