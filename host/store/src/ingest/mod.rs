//! Files into the store: orders, customers, events, products and touches from CSV, NDJSON and Parquet.
//!
//! # Invariants
//!
//! - **Whole or resumable.** A file is read and checked to its end before the first write, and its events are one
//!   append: a refused file leaves no event behind. What stops while it is written is completed by another run.
//! - **The same file again changes nothing.** Ids come from the file, or else from what a row says.
//! - **Neither the order of rows nor the number of threads leaves a trace.**
//! - **Every row is accounted for**: accepted or rejected, and each reject says where and why.
//!
//! A file is held in memory while it is read, about 100 bytes a row.
//!
//! # Not here
//!
//! Where fields come from is `plan`, what kinds of files have which is `fields`, how values are read is `value`.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use stratagem_model::Zone;

use crate::{Appended, Source, Store, StoreError};

mod columnar;
mod customers;
mod delimited;
mod error;
mod events;
mod fields;
mod file;
mod filings;
mod flat;
mod mapping;
mod ndjson;
mod order_rows;
mod orders;
mod plan;
mod products;
mod read;
mod rejects;
mod table;
mod value;
mod words;

pub(crate) use error::ANOTHER_EVENT;
pub use error::{IngestError, RowError};
pub(crate) use events::has_amount;
pub use fields::Kind;
pub use file::Format;
pub(crate) use filings::filing_id;
pub use mapping::Mapping;
pub use table::{ReadAs, TableColumn, TableFile};

/// What to ingest a file as.
#[derive(Debug, Clone)]
pub struct Options {
    pub kind: Kind,
    pub mapping: Mapping,
    /// Else the file's extension says it.
    pub format: Option<Format>,
    /// Of CSV and TSV; else comma and tab.
    pub delimiter: Option<u8>,
    pub on_error: OnError,
    /// Zone of times that name none; else the store's.
    pub source_zone: Option<Zone>,
    /// Round amounts that are finer than the minor unit, instead of refusing them.
    pub round_money: bool,
    /// How many rows a thread parses at a time. Changes nothing but speed.
    pub rows_per_batch: usize,
}

impl Options {
    /// Everything guessed, and the first row that cannot be used stops.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            mapping: Mapping::default(),
            format: None,
            delimiter: None,
            on_error: OnError::Stop,
            source_zone: None,
            round_money: false,
            rows_per_batch: 16_384,
        }
    }
}

/// What a row that cannot be used does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnError {
    /// It stops the ingest; the store is as it was.
    Stop,
    /// It is counted and left out, and so is its whole order. With a path, all such rows are written there.
    Skip { rejects: Option<PathBuf> },
}

/// What an ingest is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Reading,
    Writing,
}

/// How far an ingest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub stage: Stage,
    /// Out of `total`: bytes or rows while a file is read, customers while they are written.
    pub done: u64,
    pub total: u64,
}

/// What an ingest did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The file's name without its directory.
    pub file: String,
    pub kind: Kind,
    pub format: Format,
    /// BLAKE3 of the file's bytes, hex.
    pub fingerprint: String,
    pub rows_read: u64,
    pub rows_accepted: u64,
    pub rows_rejected: u64,
    /// Events; of a file of products, products.
    pub appended: Appended,
    /// Fields that were not mapped, and the columns that were taken for them.
    pub guessed: Vec<(String, String)>,
    /// Columns that were not read.
    pub ignored: Vec<String>,
    /// The names of the attributes, of a file of customers.
    pub attributes: Vec<String>,
    pub warnings: Vec<String>,
    /// The first ten rejected rows, by line.
    pub rejects: Vec<RowError>,
}

/// Ingests a file.
///
/// Setting `cancel` ends it. While the file is read the store stays as it was; while customers are written, those
/// that are written stay, and the same ingest completes the rest.
///
/// # Errors
/// See [`IngestError`]. Nothing was written, unless it is [`IngestError::Store`]: then the source is recorded as
/// incomplete, and the same ingest can be run again. After [`IngestError::Conflict`] the file must be corrected.
pub fn ingest_file(
    store: &dyn Store,
    path: &Path,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
    cancel: &AtomicBool,
) -> Result<Report, IngestError> {
    let input = file::Input::open(path, options.format, options.delimiter)?;
    let plan = plan::Plan::new(options.kind, &options.mapping, &input.name, &input.columns)?;
    let settings = store.settings();
    let values = value::Values {
        zone: match &options.source_zone {
            Some(zone) => zone.clone(),
            None => Zone::new(&settings.zone).map_err(|error| IngestError::Malformed {
                file: "the store's settings".into(),
                problem: error.to_string(),
            })?,
        },
        currency: settings.currency.clone(),
        round_money: options.round_money,
        columns: plan.columns.iter().map(|column| input.columns[*column].clone()).collect(),
    };
    let job = Job { store, input: &input, plan: &plan, options, cancel };
    match options.kind {
        Kind::Orders => job.run(orders::Orders::new(order_rows::OrderFields::new(&plan, values)), progress),
        Kind::Customers => {
            job.run(flat::FlatEvents::new(customers::CustomerRows::new(&plan, values)), progress)
        }
        Kind::Events => job.run(flat::FlatEvents::new(events::EventRows::events(&plan, values)), progress),
        Kind::Touches => job.run(flat::FlatEvents::new(events::EventRows::touches(&plan, values)), progress),
        Kind::Products => job.run(products::Products::new(&plan, values), progress),
    }
}

struct Job<'j> {
    store: &'j dyn Store,
    input: &'j file::Input,
    plan: &'j plan::Plan,
    options: &'j Options,
    cancel: &'j AtomicBool,
}

impl Job<'_> {
    fn run<K: read::Rows>(
        &self,
        mut kind: K,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Report, IngestError> {
        let Self { store, input, plan, options, cancel } = *self;
        let is_stopping = options.on_error == OnError::Stop;
        let fingerprint = input.fingerprint()?;
        let rows_per_batch = options.rows_per_batch.max(1);
        let reading = read::Reading { input, columns: &plan.columns, rows_per_batch, is_stopping, cancel };
        let (rows, mut rejects) = reading.run(&mut kind, progress)?;
        if rejects.is_empty() || !is_stopping {
            kind.check(&mut rejects);
        }
        rejects.sort_by_key(|reject| reject.line);
        if let OnError::Skip { rejects: Some(path) } = &options.on_error {
            rejects::write(input, &rejects, path)?;
        }
        let rows_rejected = rejects.len() as u64;
        let mut errors = rejects.into_iter().take(10).map(|reject| reject.error(input)).peekable();
        if is_stopping && let Some(first) = errors.next_if(|_| true) {
            return Err(IngestError::Row(first));
        }
        if cancel.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(IngestError::Interrupted);
        }
        let mut source = Source {
            name: input.name.clone(),
            kind: options.kind.name().into(),
            fingerprint: fingerprint.clone(),
            rows,
            is_complete: false,
        };
        let warnings = kind.warnings();
        let before = store.sources()?.into_iter().find(|other| other.is_same(&source));
        let code = store.put_source(&source)?;
        let written = kind.write(&mut read::Destination { store, source: code, progress, cancel });
        let appended = match written {
            Ok(appended) => appended,
            Err(error) => {
                // Ingesting it again would be refused again: it is no source that waits to be completed.
                if matches!(error, StoreError::Conflict { .. }) {
                    match &before {
                        Some(before) => store.put_source(before).map(drop)?,
                        None => store.undo(&source, &AtomicBool::new(false)).map(|_| ())?,
                    }
                }
                return Err(located(error, &kind, input));
            }
        };
        source.is_complete = true;
        store.put_source(&source)?;
        Ok(Report {
            file: input.name.clone(),
            kind: options.kind,
            format: input.format,
            fingerprint,
            rows_read: rows,
            rows_accepted: rows - rows_rejected,
            rows_rejected,
            appended,
            guessed: plan.guessed.clone(),
            ignored: plan.ignored.clone(),
            attributes: plan.attributes.iter().map(|(name, _)| name.clone()).collect(),
            warnings,
            rejects: errors.collect(),
        })
    }
}

/// Says which row contradicts what is stored.
fn located(error: StoreError, kind: &impl read::Rows, input: &file::Input) -> IngestError {
    let StoreError::Conflict { customer, kind: event, id } = &error else { return error.into() };
    let Some(line) = kind.line_of(customer, event, *id) else { return error.into() };
    let problem = match customer.as_str() {
        "" => "the product is filed under another category".to_owned(),
        _ => format!("this {event} of customer `{customer}` is stored with another content"),
    };
    let problem = error::Problem::new("", "", problem, ANOTHER_EVENT);
    IngestError::Conflict(read::Reject { line, problem }.error(input))
}
