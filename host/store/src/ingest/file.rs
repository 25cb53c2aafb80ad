//! A file as batches of rows, whatever its format.
//!
//! A batch is cut off in the order of the file by one thread, and turned into cells by any number of them: so the
//! rows, their numbers and their order never depend on how many threads there are.
//!
//! # Not here
//!
//! What cells mean is `value`; the formats themselves are `delimited`, `ndjson` and `columnar`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::columnar::{self, Columnar};
use super::delimited::{self, Delimited};
use super::error::{IngestError, Problem};
use super::ndjson::{self, Ndjson};
use super::value::Cell;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Separated by commas, unless another delimiter is given.
    Csv,
    /// Separated by tabs, unless another delimiter is given.
    Tsv,
    /// One JSON object a line.
    Ndjson,
    Parquet,
}

impl Format {
    /// The format that a file's extension names.
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" | "txt" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "parquet" | "pq" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// The name used in commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named =
            [Self::Csv, Self::Tsv, Self::Ndjson, Self::Parquet].into_iter().find(|f| f.name() == text);
        named.ok_or_else(|| format!("`{text}` is not one of `csv`, `tsv`, `ndjson`, `parquet`"))
    }
}

/// A file with the names of its columns.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) path: PathBuf,
    /// The file's name without its directory, for messages.
    pub(super) name: String,
    pub(super) format: Format,
    pub(super) delimiter: u8,
    pub(super) columns: Vec<String>,
    /// Of what [`Reader::done`] counts: bytes, or rows of a Parquet file.
    pub(super) total: u64,
}

/// Rows that were cut off together.
#[derive(Debug)]
pub(super) enum Batch {
    Delimited(delimited::Records),
    Ndjson(ndjson::Lines),
    Columnar(columnar::Rows),
}

/// Cuts batches off a file.
#[derive(Debug)]
pub(super) enum Reader {
    Delimited(Delimited),
    Ndjson(Ndjson),
    Columnar(Columnar),
}

impl Input {
    /// Opens a file and finds its columns.
    pub(super) fn open(
        path: &Path,
        format: Option<Format>,
        delimiter: Option<u8>,
    ) -> Result<Self, IngestError> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let format = format.or_else(|| Format::of_path(path));
        let format = format.ok_or_else(|| IngestError::UnknownFormat { file: name.clone() })?;
        let delimiter = delimiter.unwrap_or(if format == Format::Tsv { b'\t' } else { b',' });
        let mut input = Self { path: path.into(), name, format, delimiter, columns: vec![], total: 0 };
        let metadata = input.open_file()?.metadata().map_err(|source| input.io(source))?;
        input.total = metadata.len();
        if input.total == 0 {
            return Err(IngestError::Empty { file: input.name });
        }
        match format {
            Format::Csv | Format::Tsv => input.columns = delimited::columns(&input)?,
            Format::Ndjson => input.columns = ndjson::columns(&input)?,
            Format::Parquet => (input.columns, input.total) = columnar::columns(&input)?,
        }
        Ok(input)
    }

    /// Begins to read some of the columns, so many rows a batch.
    pub(super) fn read(&self, columns: &[usize], rows_per_batch: usize) -> Result<Reader, IngestError> {
        Ok(match self.format {
            Format::Csv | Format::Tsv => Reader::Delimited(Delimited::new(self, rows_per_batch)?),
            Format::Ndjson => Reader::Ndjson(Ndjson::new(self, rows_per_batch)?),
            Format::Parquet => Reader::Columnar(Columnar::new(self, columns, rows_per_batch)?),
        })
    }

    pub(super) fn open_file(&self) -> Result<File, IngestError> {
        File::open(&self.path).map_err(|source| self.io(source))
    }

    pub(super) fn io(&self, source: std::io::Error) -> IngestError {
        IngestError::Io { doing: "read", path: self.path.clone(), source }
    }

    /// BLAKE3 of the file's bytes, hex.
    pub(super) fn fingerprint(&self) -> Result<String, IngestError> {
        let mut digest = blake3::Hasher::new();
        digest.update_reader(self.open_file()?).map_err(|source| self.io(source))?;
        Ok(digest.finalize().to_hex().to_string())
    }
}

impl Reader {
    /// The next rows; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Batch>, IngestError> {
        Ok(match self {
            Self::Delimited(reader) => reader.next()?.map(Batch::Delimited),
            Self::Ndjson(reader) => reader.next()?.map(Batch::Ndjson),
            Self::Columnar(reader) => reader.next()?.map(Batch::Columnar),
        })
    }

    /// Takes back a batch that was parsed.
    pub(super) fn recycle(&mut self, batch: Batch) {
        if let (Self::Delimited(reader), Batch::Delimited(records)) = (self, batch) {
            reader.recycle(records);
        }
    }

    /// How much of the input's total has been read.
    pub(super) fn done(&self) -> u64 {
        match self {
            Self::Delimited(reader) => reader.done(),
            Self::Ndjson(reader) => reader.done(),
            Self::Columnar(reader) => reader.done(),
        }
    }
}

/// Called for each row with its line, and its cells or what is wrong with the row as a whole.
pub(super) type Visit<'v> = dyn FnMut(u64, Result<&[Cell<'_>], Box<Problem>>) + 'v;

impl Batch {
    /// Visits the rows; cells are in the order of `columns`.
    pub(super) fn visit(
        &self,
        input: &Input,
        columns: &[usize],
        visit: &mut Visit<'_>,
    ) -> Result<(), IngestError> {
        match self {
            Self::Delimited(records) => records.visit(input, columns, visit),
            Self::Ndjson(lines) => lines.visit(input, columns, visit),
            Self::Columnar(rows) => return rows.visit(input, columns, visit),
        }
        Ok(())
    }
}
