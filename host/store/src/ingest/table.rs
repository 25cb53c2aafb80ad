//! Files that are no history: a log of actions and rewards, a table of arms and outcomes. Read as named columns.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use stratagem_model::{Time, Zone};

use super::error::{CORRECT_IT, IngestError, Problem, nearest};
use super::file::{Format, Input};
use super::value::{Cell, Origin, TimeMemo, Values};

/// What a column is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadAs {
    /// Texts, by their place among the distinct ones. Missing is the empty text.
    Words,
    /// Numbers; `true` is 1 and `false` 0. A missing one is refused.
    Numbers,
    /// Instants. A missing one is refused.
    Times,
}

/// A column that was read: one value a row.
#[derive(Debug, Clone, PartialEq)]
pub enum TableColumn {
    /// Places in `words`, which are in the order of their first row.
    Words {
        codes: Vec<u32>,
        words: Vec<String>,
    },
    Numbers(Vec<f64>),
    Times(Vec<Time>),
}

impl TableColumn {
    /// Places and distinct texts. Empty if it was not read as [`ReadAs::Words`].
    pub fn words(&self) -> (&[u32], &[String]) {
        match self {
            Self::Words { codes, words } => (codes, words),
            _ => (&[], &[]),
        }
    }

    /// Numbers. Empty if it was not read as [`ReadAs::Numbers`].
    pub fn numbers(&self) -> &[f64] {
        match self {
            Self::Numbers(values) => values,
            _ => &[],
        }
    }

    /// Instants. Empty if it was not read as [`ReadAs::Times`].
    pub fn times(&self) -> &[Time] {
        match self {
            Self::Times(values) => values,
            _ => &[],
        }
    }
}

/// A file whose columns are known and whose rows are not yet read.
#[derive(Debug)]
pub struct TableFile {
    input: Input,
}

impl TableFile {
    /// Opens a CSV, TSV, NDJSON or Parquet file.
    ///
    /// # Errors
    /// It cannot be read, or has no columns.
    pub fn open(path: &Path, delimiter: Option<u8>) -> Result<Self, IngestError> {
        Ok(Self { input: Input::open(path, None, delimiter)? })
    }

    /// The file's name without its directory.
    pub fn name(&self) -> &str {
        &self.input.name
    }

    /// The names of all columns.
    pub fn columns(&self) -> &[String] {
        &self.input.columns
    }

    /// BLAKE3 of the file's bytes, hex.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn fingerprint(&self) -> Result<String, IngestError> {
        self.input.fingerprint()
    }

    /// What a row's number in messages counts: lines, of which the first names the columns, or rows.
    pub fn line(&self, row: usize) -> String {
        let name = &self.input.name;
        match self.input.format {
            Format::Csv | Format::Tsv => format!("{name}:{}", row + 2),
            Format::Ndjson => format!("{name}:{}", row + 1),
            Format::Parquet => format!("{name} row {}", row + 1),
        }
    }

    /// Reads columns, in the order in which they are asked for. Times that name no zone are in `zone`.
    ///
    /// # Errors
    /// A column is not there, a value cannot be read as asked (the first such row is named), or it was cancelled.
    pub fn read(
        &self,
        wanted: &[(&str, ReadAs)],
        zone: &Zone,
        cancel: &AtomicBool,
    ) -> Result<Vec<TableColumn>, IngestError> {
        let places: Vec<_> = wanted.iter().map(|(name, _)| self.place(name)).collect::<Result<_, _>>()?;
        let mut builders: Vec<_> =
            wanted.iter().map(|(name, read_as)| Builder::new(name, *read_as)).collect();
        let values = Values {
            zone: zone.clone(),
            currency: stratagem_model::Currency::new("USD").expect("it is in the table of currencies"),
            round_money: false,
            columns: wanted.iter().map(|(name, _)| (*name).to_owned()).collect(),
        };
        let mut reader = self.input.read(&places, 16_384)?;
        let mut first_problem = None;
        while let Some(batch) = reader.next()? {
            if cancel.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(IngestError::Interrupted);
            }
            batch.visit(&self.input, &places, &mut |line, cells| {
                if first_problem.is_some() {
                    return;
                }
                let taken = cells.and_then(|cells| {
                    builders
                        .iter_mut()
                        .enumerate()
                        .try_for_each(|(at, builder)| builder.push(at, cells, &values))
                });
                first_problem = taken.err().map(|problem| super::read::Reject { line, problem });
            })?;
            if let Some(reject) = first_problem {
                return Err(IngestError::TableRow(reject.error(&self.input)));
            }
            reader.recycle(batch);
        }
        Ok(builders.into_iter().map(|builder| builder.column).collect())
    }

    fn place(&self, column: &str) -> Result<usize, IngestError> {
        let (file, columns) = (self.input.name.clone(), &self.input.columns);
        let mut places = (0..columns.len()).filter(|at| columns[*at] == column);
        match (places.next(), places.next()) {
            (Some(place), None) => Ok(place),
            (Some(_), Some(_)) => Err(IngestError::AmbiguousColumn { file, column: column.into() }),
            (None, _) => Err(IngestError::NoColumn {
                file,
                column: column.into(),
                columns: columns.clone(),
                nearest: nearest(column, columns.iter().map(String::as_str)),
            }),
        }
    }
}

struct Builder {
    name: String,
    column: TableColumn,
    codes: HashMap<String, u32>,
    memo: TimeMemo,
}

impl Builder {
    fn new(name: &str, read_as: ReadAs) -> Self {
        let column = match read_as {
            ReadAs::Words => TableColumn::Words { codes: vec![], words: vec![] },
            ReadAs::Numbers => TableColumn::Numbers(vec![]),
            ReadAs::Times => TableColumn::Times(vec![]),
        };
        Self { name: name.into(), column, codes: HashMap::new(), memo: TimeMemo::default() }
    }

    fn push(&mut self, at: usize, cells: &[Cell<'_>], values: &Values) -> Result<(), Box<Problem>> {
        match &mut self.column {
            TableColumn::Words { codes, words } => {
                let (origin, mut scratch) = (Origin::Column(at), String::new());
                let text = values.text(&origin, cells, &mut scratch)?.unwrap_or_default();
                let code = self.codes.get(text).copied().unwrap_or_else(|| {
                    let code = words.len() as u32;
                    words.push(text.into());
                    self.codes.insert(text.into(), code);
                    code
                });
                codes.push(code);
            }
            TableColumn::Numbers(numbers) => numbers.push(number(cells[at], &self.name)?),
            TableColumn::Times(times) => {
                times.push(values.time(&Origin::Column(at), cells, &mut self.memo)?)
            }
        }
        Ok(())
    }
}

fn number(cell: Cell<'_>, column: &str) -> Result<f64, Box<Problem>> {
    let number = match cell {
        Cell::Missing => return Err(Problem::new(column, "", "the value is missing".into(), CORRECT_IT)),
        Cell::Integer(whole) => Some(whole as f64),
        Cell::Float(number) => Some(number),
        Cell::Boolean(flag) => Some(f64::from(u8::from(flag))),
        Cell::Decimal { digits, scale } => Some(digits as f64 / 10_f64.powi(scale as i32)),
        Cell::Text(text) if text.eq_ignore_ascii_case("true") => Some(1.0),
        Cell::Text(text) if text.eq_ignore_ascii_case("false") => Some(0.0),
        Cell::Text(text) => text.parse().ok(),
        Cell::Broken | Cell::Instant(_) | Cell::Local(_) | Cell::Date(_) | Cell::Nested(_) => None,
    };
    number.filter(|number| number.is_finite()).ok_or_else(|| {
        let shown = super::error::shorten(&cell.show());
        Problem::new(column, &cell.show(), format!("`{shown}` is not a number"), CORRECT_IT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str, wanted: &[(&str, ReadAs)]) -> Result<Vec<TableColumn>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.csv");
        std::fs::write(&path, text).unwrap();
        let file = TableFile::open(&path, None).map_err(|error| error.to_string())?;
        file.read(wanted, &Zone::utc(), &AtomicBool::new(false)).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_are_read_as_asked() {
        let wanted = [("arm", ReadAs::Words), ("spend", ReadAs::Numbers), ("at", ReadAs::Times)];
        let columns =
            table("at,spend,arm\n2017-01-01,1.5,b\n2017-01-02,true,a\n2017-01-03,-2e1,b\n", &wanted).unwrap();
        assert_eq!(columns[0].words(), ([0, 1, 0].as_slice(), ["b".to_owned(), "a".to_owned()].as_slice()));
        assert_eq!(columns[1].numbers(), [1.5, 1.0, -20.0]);
        assert_eq!(columns[2].times().len(), 3);
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        let numbers = [("spend", ReadAs::Numbers)];
        let error = table("spend\n1\nx\ny\n", &numbers).unwrap_err();
        assert_eq!(error, "log.csv:3: column `spend`: `x` is not a number; correct it");
        assert!(table("spend,arm\n1,a\n,b\n", &numbers).unwrap_err().contains("the value is missing"));
        assert!(table("spend\nNaN\n", &numbers).unwrap_err().contains("`NaN` is not a number"));
        let error = table("spent\n1\n", &numbers).unwrap_err();
        assert_eq!(error, "`log.csv` has no column `spend`; it has `spent`");
    }
}
