//! The file of rejects: each row that was not taken as it was, with its line and what is wrong with it.
//!
//! It has the format of its source (CSV for Parquet), so that it can be corrected and ingested with the same
//! mapping. The rows are read a second time rather than kept.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use arrow_cast::display::{ArrayFormatter, FormatOptions};
use csv::{ByteRecord, WriterBuilder};
use serde_json::{Map, Value as Json};

use super::columnar::Rows;
use super::delimited::Records;
use super::error::IngestError;
use super::file::{Batch, Input};
use super::ndjson::Lines;
use super::plan::REJECT_COLUMNS;
use super::read::Reject;

/// Writes the rejected rows in the order of their file.
pub(super) fn write(input: &Input, rejects: &[Reject], path: &Path) -> Result<(), IngestError> {
    let io = |source| IngestError::Io { doing: "write", path: path.into(), source };
    let is_input = match (path.canonicalize(), input.path.canonicalize()) {
        (Ok(rejects), Ok(input)) => rejects == input,
        _ => false,
    };
    if is_input {
        return Err(IngestError::RejectsOverInput(path.into()));
    }
    let mut out = BufWriter::new(File::create(path).map_err(io)?);
    let problems: HashMap<u64, String> = rejects.iter().map(|r| (r.line, r.problem.to_string())).collect();
    let all: Vec<usize> = (0..input.columns.len()).collect();
    let mut reader = input.read(&all, 4096)?;
    if input.format != super::Format::Ndjson {
        let names = input.columns.iter().map(|name| name.as_bytes().to_vec()).collect();
        write_record(&mut out, input, REJECT_COLUMNS.map(String::from), names).map_err(io)?;
    }
    let mut left = problems.len();
    while left > 0
        && let Some(batch) = reader.next()?
    {
        left -= match batch {
            Batch::Delimited(records) => write_records(&mut out, input, &records, &problems),
            Batch::Ndjson(lines) => write_lines(&mut out, &lines, &problems),
            Batch::Columnar(rows) => write_rows(&mut out, input, &rows, &problems),
        }
        .map_err(io)?;
    }
    out.flush().map_err(io)
}

type Count = std::io::Result<usize>;

fn write_records(
    out: &mut impl Write,
    input: &Input,
    records: &Records,
    problems: &HashMap<u64, String>,
) -> Count {
    let mut count = 0;
    for (line, record) in records.iter() {
        let Some(problem) = problems.get(&line) else { continue };
        let values = record.iter().map(<[u8]>::to_vec).collect();
        write_record(out, input, [line.to_string(), problem.clone()], values)?;
        count += 1;
    }
    Ok(count)
}

fn write_rows(out: &mut impl Write, input: &Input, rows: &Rows, problems: &HashMap<u64, String>) -> Count {
    let options = FormatOptions::default();
    let other = |error: arrow_schema::ArrowError| std::io::Error::other(error);
    let columns = rows.columns.columns().iter();
    let columns = columns.map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
    let columns = columns.collect::<Result<Vec<_>, _>>().map_err(other)?;
    let mut count = 0;
    for row in 0..rows.columns.num_rows() {
        let line = rows.first + row as u64;
        let Some(problem) = problems.get(&line) else { continue };
        let text = |column: &ArrayFormatter<'_>| column.value(row).try_to_string().map(String::into_bytes);
        let values = columns.iter().map(text).collect::<Result<_, _>>().map_err(other)?;
        write_record(out, input, [line.to_string(), problem.clone()], values)?;
        count += 1;
    }
    Ok(count)
}

/// Writes one record, without the columns that an earlier file of rejects put in front.
fn write_record(
    out: &mut impl Write,
    input: &Input,
    front: [String; 2],
    mut values: Vec<Vec<u8>>,
) -> std::io::Result<()> {
    if input.columns.starts_with(&REJECT_COLUMNS.map(String::from)) {
        values.drain(..values.len().min(2));
    }
    let mut record = ByteRecord::from(front.to_vec());
    values.iter().for_each(|value| record.push_field(value));
    let delimiter = if input.format == super::Format::Parquet { b',' } else { input.delimiter };
    let mut writer = WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(vec![]);
    writer.write_byte_record(&record).map_err(std::io::Error::other)?;
    out.write_all(&writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?)
}

fn write_lines(out: &mut impl Write, lines: &Lines, problems: &HashMap<u64, String>) -> Count {
    let mut count = 0;
    for (line, text) in lines.iter() {
        let Some(problem) = problems.get(&line) else { continue };
        let mut object = serde_json::from_slice::<Map<String, Json>>(text).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(text).into_owned();
            Map::from_iter([("rejected_text".into(), Json::from(text))])
        });
        object.insert(REJECT_COLUMNS[0].into(), line.into());
        object.insert(REJECT_COLUMNS[1].into(), problem.clone().into());
        serde_json::to_writer(&mut *out, &object)?;
        out.write_all(b"\n")?;
        count += 1;
    }
    Ok(count)
}
