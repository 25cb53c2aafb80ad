//! Reads a file through: batches are cut off by one thread and parsed by all, and merged in the order of the file.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::error::{IngestError, Problem, RowError};
use super::file::{Batch, Input, Reader};
use super::value::Cell;
use super::{Progress, Stage};
use crate::{Appended, CustomerEvents, Store, StoreError};

/// What the rows of one kind of file become.
pub(super) trait Rows: Send + Sync {
    /// What one batch gives. Parts know nothing of each other.
    type Part: Default + Send;

    /// Takes a row into the part, or says what is wrong with it and takes nothing.
    fn row(&self, part: &mut Self::Part, line: u64, cells: &[Cell<'_>]) -> Result<(), Box<Problem>>;

    /// A row that could not even be cut into cells.
    fn broken_row(&self, _part: &mut Self::Part) {}

    /// Adds a part; called in the order of the file.
    fn merge(&mut self, part: Self::Part);

    /// What can only be seen once all rows are there; rejects the rows it concerns.
    fn check(&mut self, rejects: &mut Vec<Reject>);

    /// What the reader of the report should know.
    fn warnings(&self) -> Vec<String>;

    /// Puts everything that was not rejected into the store.
    fn write(&mut self, to: &mut Destination<'_>) -> Result<Appended, StoreError>;

    /// The line of an event that was to be written.
    fn line_of(&self, _customer: &str, _kind: &str, _id: u64) -> Option<u64> {
        None
    }
}

/// Where the rows go.
pub(super) struct Destination<'d> {
    pub(super) store: &'d dyn Store,
    /// The number of the file among the store's sources.
    pub(super) source: u32,
    pub(super) progress: &'d mut dyn FnMut(Progress),
    pub(super) cancel: &'d AtomicBool,
}

impl Destination<'_> {
    /// Appends all events of a file.
    pub(super) fn append(&mut self, mut events: Vec<CustomerEvents>) -> Result<Appended, StoreError> {
        events.iter_mut().for_each(|events| events.source = self.source);
        let total = events.len() as u64;
        let progress = &mut *self.progress;
        let mut report = |done| progress(Progress { stage: Stage::Writing, done, total });
        report(0);
        self.store.append_with_progress(events, &mut report, self.cancel)
    }
}

/// A row that cannot be used.
#[derive(Debug)]
pub(super) struct Reject {
    pub(super) line: u64,
    pub(super) problem: Box<Problem>,
}

impl Reject {
    pub(super) fn error(self, input: &Input) -> RowError {
        let Problem { column, value, problem, remedy } = *self.problem;
        RowError {
            file: input.name.clone(),
            line: self.line,
            is_row: matches!(input.format, super::Format::Parquet),
            column,
            value,
            problem,
            remedy: remedy.into(),
        }
    }
}

/// How a file is read.
pub(super) struct Reading<'r> {
    pub(super) input: &'r Input,
    /// The columns that become cells.
    pub(super) columns: &'r [usize],
    pub(super) rows_per_batch: usize,
    /// Whether the first row that cannot be used ends it.
    pub(super) is_stopping: bool,
    pub(super) cancel: &'r AtomicBool,
}

struct Parsed<P> {
    part: P,
    rows: u64,
    rejects: Vec<Reject>,
}

impl Reading<'_> {
    /// Reads all rows into `kind`. Gives how many there are, and those that were rejected.
    pub(super) fn run<K: Rows>(
        &self,
        kind: &mut K,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(u64, Vec<Reject>), IngestError> {
        let mut reader = self.input.read(self.columns, self.rows_per_batch)?;
        let (mut rows, mut rejects) = (0, vec![]);
        let mut batches = self.cut(&mut reader)?;
        while !batches.is_empty() {
            if self.cancel.load(Ordering::Relaxed) {
                return Err(IngestError::Interrupted);
            }
            let done = reader.done();
            let shared: &K = kind;
            let (next, parsed) = rayon::join(
                || self.cut(&mut reader),
                || batches.par_iter().map(|batch| self.parse(shared, batch)).collect::<Vec<_>>(),
            );
            for parsed in parsed {
                let parsed = parsed?;
                rows += parsed.rows;
                rejects.extend(parsed.rejects);
                kind.merge(parsed.part);
            }
            if self.is_stopping && !rejects.is_empty() {
                break;
            }
            progress(Progress { stage: Stage::Reading, done, total: self.input.total });
            batches.into_iter().for_each(|batch| reader.recycle(batch));
            batches = next?;
        }
        Ok((rows, rejects))
    }

    /// Enough batches to keep all threads busy while the next are cut off.
    fn cut(&self, reader: &mut Reader) -> Result<Vec<Batch>, IngestError> {
        let mut batches = vec![];
        while batches.len() < 2 * rayon::current_num_threads() {
            match reader.next()? {
                Some(batch) => batches.push(batch),
                None => break,
            }
        }
        Ok(batches)
    }

    fn parse<K: Rows>(&self, kind: &K, batch: &Batch) -> Result<Parsed<K::Part>, IngestError> {
        let mut parsed = Parsed { part: K::Part::default(), rows: 0, rejects: vec![] };
        batch.visit(self.input, self.columns, &mut |line, cells| {
            parsed.rows += 1;
            let problem = match cells {
                Ok(cells) => kind.row(&mut parsed.part, line, cells).err(),
                Err(problem) => {
                    kind.broken_row(&mut parsed.part);
                    Some(problem)
                }
            };
            parsed.rejects.extend(problem.map(|problem| Reject { line, problem }));
        })?;
        Ok(parsed)
    }
}
