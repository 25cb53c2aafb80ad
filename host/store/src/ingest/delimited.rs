//! CSV and its relatives: a line of names, then records.
//!
//! Records are cut by one thread with a full CSV reader, never at line ends: a quoted value may hold any number
//! of them. That is a small part of the work; values are parsed in parallel.

use std::fs::File;
use std::io::{BufRead, BufReader};

use csv::{ByteRecord, ReaderBuilder};

use super::error::{CORRECT_IT, IngestError, Problem};
use super::file::{Input, Visit};
use super::value::Cell;

/// Cuts records off a delimited file.
#[derive(Debug)]
pub(super) struct Delimited {
    reader: csv::Reader<File>,
    rows_per_batch: usize,
    input: String,
    /// What a record's line is to be raised by: the reader leaves the second byte of `\r\n` to the next record, and
    /// counts that line late.
    lag: u64,
    /// Records that were parsed: their memory serves again, or else a fifth of the time goes to the allocator.
    spare: Vec<Vec<ByteRecord>>,
}

/// Records with their positions.
#[derive(Debug)]
pub(super) struct Records {
    records: Vec<ByteRecord>,
    /// How many of them are filled.
    len: usize,
    lag: u64,
}

fn open(input: &Input) -> Result<csv::Reader<File>, IngestError> {
    let file = input.open_file()?;
    let mut builder = ReaderBuilder::new();
    Ok(builder.delimiter(input.delimiter).flexible(true).buffer_capacity(1 << 18).from_reader(file))
}

fn malformed(file: &str, error: &csv::Error) -> IngestError {
    IngestError::Malformed { file: file.into(), problem: error.to_string() }
}

/// The names in the first line.
pub(super) fn columns(input: &Input) -> Result<Vec<String>, IngestError> {
    let mut reader = open(input)?;
    let names = reader.byte_headers().map_err(|error| malformed(&input.name, &error))?;
    let name_of = |bytes: &[u8]| {
        std::str::from_utf8(bytes).map(|name| name.trim().to_owned()).map_err(|_| IngestError::Malformed {
            file: input.name.clone(),
            problem: "its first line is not UTF-8 text".into(),
        })
    };
    names.iter().map(name_of).collect()
}

impl Delimited {
    pub(super) fn new(input: &Input, rows_per_batch: usize) -> Result<Self, IngestError> {
        let mut first = vec![];
        BufReader::new(input.open_file()?)
            .read_until(b'\n', &mut first)
            .map_err(|source| IngestError::Io { doing: "read", path: input.path.clone(), source })?;
        let lag = u64::from(first.ends_with(b"\r\n"));
        Ok(Self { reader: open(input)?, rows_per_batch, input: input.name.clone(), lag, spare: vec![] })
    }

    pub(super) fn next(&mut self) -> Result<Option<Records>, IngestError> {
        let mut records = self.spare.pop().unwrap_or_default();
        let mut len = 0;
        while len < self.rows_per_batch {
            if records.len() == len {
                records.push(ByteRecord::new());
            }
            match self.reader.read_byte_record(&mut records[len]) {
                Ok(true) => len += 1,
                Ok(false) => break,
                Err(error) => return Err(malformed(&self.input, &error)),
            }
        }
        Ok((len > 0).then_some(Records { records, len, lag: self.lag }))
    }

    /// Takes back what was parsed.
    pub(super) fn recycle(&mut self, records: Records) {
        self.spare.push(records.records);
    }

    pub(super) fn done(&self) -> u64 {
        self.reader.position().byte()
    }
}

impl Records {
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &ByteRecord)> {
        self.records[..self.len]
            .iter()
            .map(|record| (record.position().map_or(0, |at| at.line() + self.lag), record))
    }

    pub(super) fn visit(&self, input: &Input, columns: &[usize], visit: &mut Visit<'_>) {
        let mut cells = Vec::with_capacity(columns.len());
        for (line, record) in self.iter() {
            if record.len() != input.columns.len() {
                let (found, names) = (record.len(), input.columns.len());
                let values = if found == 1 { "value" } else { "values" };
                let problem = format!("the row has {found} {values}, the first line has {names} names");
                visit(line, Err(Problem::new("", "", problem, CORRECT_IT)));
                continue;
            }
            cells.clear();
            cells.extend(columns.iter().map(|column| Cell::bytes(&record[*column])));
            visit(line, Ok(&cells));
        }
    }
}
