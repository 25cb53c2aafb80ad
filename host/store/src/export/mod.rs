//! A store's content as Parquet files that other tools read, and that `stratagem ingest` reads back into a new store.
//!
//! | file | a row is | columns |
//! |---|---|---|
//! | `orders.parquet` | a line of an order, or what its lines leave of its value | `customer order correction time date_only known channel store coupon staff product quantity gross discount` |
//! | `events.parquet` | any other event | `customer kind id time known subject value about` |
//! | `customers.parquet` | a customer | `customer` |
//! | `products.parquet` | that a product is filed | `product category time known` |
//!
//! Times are instants in UTC, missing where something holds always; amounts are decimals with the digits of the currency.
//! Ids are the hashes that the store knows them by, `#` and hex, which ingest takes as they are; the sum of an order's
//! rows (with one number of `correction`) is the order.
//!
//! # Invariants
//!
//! - **Ingested again, it is the same content**, with the same fingerprint.
//! - **Memory is bounded** by a bucket and a row group, whatever the size of the store.
//! - **A file is there whole or not at all**: it has another name until it is complete.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow_array::{ArrayRef, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::Serialize;
use stratagem_model::{BUCKETS, NO_ITEM, Timeline};

use crate::{Projection, Store, StoreError};

mod rows;
mod words;

use rows::{CustomerRows, EventRows, OrderRows, ProductRows};
use words::Words;

/// Rows are handed to the writer once there are this many.
const ROWS_PER_BATCH: usize = 64 * 1024;

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Exported {
    /// Each file with its number of rows.
    pub files: Vec<(PathBuf, u64)>,
}

/// Writes a store's content into a directory, which is made if it is not there. `progress` is called with the number
/// of buckets done, of [`BUCKETS`].
///
/// # Errors
/// One of the files is there already, or cannot be written; or the store cannot be read.
pub fn to_parquet(
    store: &dyn Store,
    directory: &Path,
    progress: &mut dyn FnMut(u16),
) -> Result<Exported, StoreError> {
    fs::create_dir_all(directory).map_err(io_error("make the directory", directory))?;
    let words = Words::load(store)?;
    let digits = store.settings().currency.digits;
    let mut orders = Table::create(directory, "orders", OrderRows::new(digits))?;
    let mut events = Table::create(directory, "events", EventRows::default())?;
    let mut customers = Table::create(directory, "customers", CustomerRows::default())?;
    let mut products = Table::create(directory, "products", ProductRows::default())?;
    for filing in store.filings()? {
        products.rows.push(&filing, &words)?;
    }
    let mut bucket_customers: Vec<(String, Timeline)> = Vec::new();
    for bucket in 0..BUCKETS {
        read_bucket(store, bucket, &mut bucket_customers)?;
        for (customer, timeline) in bucket_customers.drain(..) {
            customers.rows.push(&customer);
            orders.rows.push(&customer, &timeline, &words)?;
            events.rows.push(&customer, &timeline, &words, &store.settings().currency)?;
            orders.write(ROWS_PER_BATCH)?;
            events.write(ROWS_PER_BATCH)?;
        }
        customers.write(ROWS_PER_BATCH)?;
        progress(bucket + 1);
    }
    let files = vec![orders.finish()?, events.finish()?, customers.finish()?, products.finish()?];
    Ok(Exported { files })
}

fn read_bucket(store: &dyn Store, bucket: u16, into: &mut Vec<(String, Timeline)>) -> Result<(), StoreError> {
    let everything = Projection { lines: true, events: true };
    let mut found = Vec::new();
    store.scan(bucket..bucket + 1, everything, &mut |customer, timeline| {
        found.push((customer, timeline.clone()));
    })?;
    for (customer, timeline) in found {
        // A customer is never removed.
        let external_id = store.external_id(customer)?.ok_or_else(|| StoreError::Corrupt {
            key: format!("customer {:016x}", customer.0),
            problem: "it was scanned and has no profile".into(),
        })?;
        into.push((external_id, timeline));
    }
    Ok(())
}

/// Rows of one file, in columns, until they are written.
trait Columns {
    fn len(&self) -> usize;

    /// Names and values of the columns; they are empty afterwards.
    fn take(&mut self) -> Vec<(&'static str, ArrayRef)>;
}

/// A file that is being written.
struct Table<C> {
    rows: C,
    writer: ArrowWriter<File>,
    written: u64,
    path: PathBuf,
    partial: PathBuf,
}

impl<C: Columns> Table<C> {
    fn create(directory: &Path, name: &str, mut rows: C) -> Result<Self, StoreError> {
        let path = directory.join(format!("{name}.parquet"));
        let partial = directory.join(format!("{name}.parquet.partial"));
        if path.exists() {
            return Err(io_error("write", &path)(std::io::ErrorKind::AlreadyExists.into()));
        }
        let file = File::create(&partial).map_err(io_error("write", &partial))?;
        let zstd = ZstdLevel::try_new(3).expect("3 is a level");
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(zstd)).build();
        // No rows yet, so this is where the columns' types are said.
        let schema = batch(rows.take()).schema();
        let writer = ArrowWriter::try_new(file, schema, Some(properties));
        let writer = writer.map_err(parquet_error(&partial))?;
        Ok(Self { rows, writer, written: 0, path, partial })
    }

    /// Writes the rows if there are as many.
    fn write(&mut self, at_least: usize) -> Result<(), StoreError> {
        if self.rows.len() >= at_least {
            self.written += self.rows.len() as u64;
            self.writer.write(&batch(self.rows.take())).map_err(parquet_error(&self.path))?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(PathBuf, u64), StoreError> {
        self.write(1)?;
        let file = self.writer.into_inner().map_err(parquet_error(&self.path))?;
        file.sync_all().map_err(io_error("sync", &self.partial))?;
        fs::rename(&self.partial, &self.path).map_err(io_error("rename", &self.partial))?;
        Ok((self.path, self.written))
    }
}

/// Whether a column may miss values is said by name, for all batches alike.
fn batch(columns: Vec<(&'static str, ArrayRef)>) -> RecordBatch {
    const MAY_MISS: [&str; 13] = [
        "channel", "store", "coupon", "staff", "product", "category", "quantity", "discount", "subject",
        "value", "about", "time", "known",
    ];
    let columns = columns.into_iter().map(|(name, values)| (name, values, MAY_MISS.contains(&name)));
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns are filled row by row")
}

fn parquet_error(path: &Path) -> impl FnOnce(parquet::errors::ParquetError) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Parquet { path, source }
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { doing, path, source }
}

/// A code that stands for no word.
fn unknown(dictionary: &str, code: u32) -> StoreError {
    debug_assert_ne!(code, NO_ITEM, "nothing needs no word");
    StoreError::Corrupt {
        key: format!("dictionaries/{dictionary}"),
        problem: format!("code {code} is in use and has no word"),
    }
}
