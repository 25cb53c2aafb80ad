//! Parquet, in any compression. Its rows have numbers, not lines.

use std::fs::File;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray, RecordBatch, StringArray};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use super::error::IngestError;
use super::file::{Input, Visit};
use super::value::Cell;

/// Cuts rows off a Parquet file.
pub(super) struct Columnar {
    reader: ParquetRecordBatchReader,
    rows: u64,
    input: String,
}

impl std::fmt::Debug for Columnar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Columnar").field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// Some columns of consecutive rows.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) first: u64,
    pub(super) columns: RecordBatch,
}

fn open(input: &Input) -> Result<ParquetRecordBatchReaderBuilder<File>, IngestError> {
    ParquetRecordBatchReaderBuilder::try_new(input.open_file()?)
        .map_err(|source| unreadable(&input.name, source))
}

fn unreadable(file: &str, source: ParquetError) -> IngestError {
    IngestError::Parquet { file: file.into(), source }
}

/// The names of the columns, and how many rows there are.
pub(super) fn columns(input: &Input) -> Result<(Vec<String>, u64), IngestError> {
    let builder = open(input)?;
    let names = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
    let rows = builder.metadata().file_metadata().num_rows();
    Ok((names, u64::try_from(rows).unwrap_or(0)))
}

impl Columnar {
    pub(super) fn new(input: &Input, columns: &[usize], rows_per_batch: usize) -> Result<Self, IngestError> {
        let builder = open(input)?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
        let reader = builder.with_projection(mask).with_batch_size(rows_per_batch).build();
        let reader = reader.map_err(|source| unreadable(&input.name, source))?;
        Ok(Self { reader, rows: 0, input: input.name.clone() })
    }

    pub(super) fn next(&mut self) -> Result<Option<Rows>, IngestError> {
        let Some(columns) = self.reader.next() else { return Ok(None) };
        let columns = columns.map_err(|source| unreadable(&self.input, source.into()))?;
        let first = self.rows + 1;
        self.rows += columns.num_rows() as u64;
        Ok(Some(Rows { first, columns }))
    }

    pub(super) fn done(&self) -> u64 {
        self.rows
    }
}

impl Rows {
    pub(super) fn visit(
        &self,
        input: &Input,
        columns: &[usize],
        visit: &mut Visit<'_>,
    ) -> Result<(), IngestError> {
        let typed = columns.iter().map(|column| {
            let name = &input.columns[*column];
            // The reader gives the wanted columns in the order of the file.
            let place = columns.iter().filter(|other| *other < column).count();
            Values::new(self.columns.column(place)).map_err(|error| IngestError::Malformed {
                file: input.name.clone(),
                problem: format!("cannot use column `{name}`: {error}"),
            })
        });
        let typed = typed.collect::<Result<Vec<_>, _>>()?;
        let mut cells = Vec::with_capacity(columns.len());
        for row in 0..self.columns.num_rows() {
            cells.clear();
            cells.extend(typed.iter().map(|values| values.cell(row)));
            visit(self.first + row as u64, Ok(&cells));
        }
        Ok(())
    }
}

/// A column in one of the few types that cells have.
enum Values {
    Missing,
    Text(StringArray),
    Integer(PrimitiveArray<Int64Type>),
    Float(PrimitiveArray<Float64Type>),
    Boolean(BooleanArray),
    Instant(PrimitiveArray<TimestampMillisecondType>),
    Local(PrimitiveArray<TimestampMillisecondType>),
    Date(PrimitiveArray<Date32Type>),
    Decimal(PrimitiveArray<Decimal128Type>, u32),
}

impl Values {
    fn new(column: &ArrayRef) -> Result<Self, ArrowError> {
        // Not the default: a value that does not fit is an error there, never silently missing.
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let cast = |to: &DataType| cast_with_options(column, to, &options);
        Ok(match column.data_type() {
            DataType::Null => Self::Missing,
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::Dictionary(..)
            | DataType::UInt64 => Self::Text(cast(&DataType::Utf8)?.as_string::<i32>().clone()),
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32 => Self::Integer(cast(&DataType::Int64)?.as_primitive().clone()),
            DataType::Float16 | DataType::Float32 | DataType::Float64 => {
                Self::Float(cast(&DataType::Float64)?.as_primitive().clone())
            }
            DataType::Boolean => Self::Boolean(column.as_boolean().clone()),
            DataType::Timestamp(_, zone) => {
                let unit = DataType::Timestamp(TimeUnit::Millisecond, zone.clone());
                let times = cast(&unit)?.as_primitive().clone();
                if zone.is_some() { Self::Instant(times) } else { Self::Local(times) }
            }
            DataType::Date32 | DataType::Date64 => {
                Self::Date(cast(&DataType::Date32)?.as_primitive().clone())
            }
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale) => {
                let scale = (*scale).max(0);
                let digits = cast(&DataType::Decimal128(38, scale))?.as_primitive().clone();
                Self::Decimal(digits, u32::from(scale.unsigned_abs()))
            }
            other => {
                let problem = format!("its type {other} is no text, number or time");
                return Err(ArrowError::NotYetImplemented(problem));
            }
        })
    }

    fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Missing => Cell::Missing,
            Self::Text(values) if values.is_valid(row) => Cell::text(values.value(row)),
            Self::Integer(values) if values.is_valid(row) => Cell::Integer(values.value(row)),
            // Some writers have no other way to say that a number is missing.
            Self::Float(values) if values.is_valid(row) && !values.value(row).is_nan() => {
                Cell::Float(values.value(row))
            }
            Self::Boolean(values) if values.is_valid(row) => Cell::Boolean(values.value(row)),
            Self::Instant(values) if values.is_valid(row) => Cell::Instant(values.value(row)),
            Self::Local(values) if values.is_valid(row) => Cell::Local(values.value(row)),
            Self::Date(values) if values.is_valid(row) => Cell::Date(values.value(row)),
            Self::Decimal(values, scale) if values.is_valid(row) => {
                Cell::Decimal { digits: values.value(row), scale: *scale }
            }
            _ => Cell::Missing,
        }
    }
}
