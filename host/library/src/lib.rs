//! The strategy library: the ledger of runs, what each strategy version did and earned.
//!
//! Runs are appended and never changed. Each names everything it depended on (component, parameters, data, gates,
//! seed, engine), so that anyone with the same can run it again and compare the receipt.
//!
//! # Invariants
//!
//! - **A run that cannot be read stands in the way of itself alone**, not of the others and not of new ones.
//! - **No id is given twice**, whatever can be read.
//!
//! # Not here
//!
//! What a run is, `stratagem-record`; how it is computed, `stratagem-replay`; how it is shown, `stratagem-report`.

mod variants;

use serde::Deserialize;
use stratagem_record::{Draft, FORMAT, Run};
use stratagem_store::{Store, StoreError};

const COLLECTION: &str = "runs";

/// Why the library could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryError {
    #[error("cannot reach the library")]
    Store(#[from] StoreError),
    #[error("run `{id}` was recorded in format {format}, and this version reads {FORMAT}")]
    Format { id: String, format: u32 },
    #[error("run `{id}` in the library is damaged")]
    Damaged {
        id: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("there is no run `{id}` in the library; it has `{first}` to `{last}`")]
    NoSuchRun { id: String, first: String, last: String },
    #[error("the library is empty; `stratagem backtest` appends a run")]
    Empty,
}

impl LibraryError {
    /// The next thing to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Format { .. } => Some("run the backtest again: it becomes a new run"),
            Self::Damaged { .. } => {
                Some("`stratagem store verify` finds out whether more is; run the backtest again")
            }
            Self::Store(_) | Self::NoSuchRun { .. } | Self::Empty => None,
        }
    }
}

/// What the library holds, in the order of appending.
#[derive(Debug)]
pub struct Listing {
    pub runs: Vec<Run>,
    /// One for each run that cannot be read.
    pub unreadable: Vec<LibraryError>,
}

/// Appends a run, giving it its id, once it is durable.
///
/// # Errors
/// The store cannot be read or written.
pub fn append(store: &dyn Store, draft: Draft) -> Result<Run, LibraryError> {
    let documents = store.documents(COLLECTION)?;
    let variants_tried = variants::tried(documents.iter().map(|(_, bytes)| bytes.as_slice()), &draft);
    let run = draft.numbered(next_id(documents.iter().map(|(id, _)| id.as_str())), variants_tried);
    let bytes = serde_json::to_vec(&run).expect("a run has only string keys");
    store.put_document(COLLECTION, &run.id, &bytes)?;
    Ok(run)
}

/// All runs, and why some cannot be read.
///
/// # Errors
/// The store cannot be read.
pub fn runs(store: &dyn Store) -> Result<Listing, LibraryError> {
    let mut documents = store.documents(COLLECTION)?;
    documents.sort_by_key(|(id, _)| number(id));
    let mut listing = Listing { runs: vec![], unreadable: vec![] };
    for (id, bytes) in documents {
        match read(&id, &bytes) {
            Ok(run) => listing.runs.push(run),
            Err(error) => listing.unreadable.push(error),
        }
    }
    Ok(listing)
}

/// The run with this id, or with `latest` the last.
///
/// # Errors
/// There is none, it is of another format or damaged, or the store cannot be read.
pub fn run(store: &dyn Store, id: &str) -> Result<Run, LibraryError> {
    let mut documents = store.documents(COLLECTION)?;
    documents.sort_by_key(|(id, _)| number(id));
    let found = match id {
        "latest" => documents.last(),
        id => documents.iter().find(|(found, _)| found == id),
    };
    match (found, documents.first(), documents.last()) {
        (Some((id, bytes)), ..) => read(id, bytes),
        (None, Some((first, _)), Some((last, _))) => {
            Err(LibraryError::NoSuchRun { id: id.into(), first: first.clone(), last: last.clone() })
        }
        _ => Err(LibraryError::Empty),
    }
}

/// Of a run only its format. That of the first had no number.
#[derive(Deserialize)]
struct Stamp {
    #[serde(default = "first_format")]
    format: u32,
}

fn first_format() -> u32 {
    1
}

fn read(id: &str, bytes: &[u8]) -> Result<Run, LibraryError> {
    let damaged = |source| LibraryError::Damaged { id: id.into(), source };
    let Stamp { format } = serde_json::from_slice(bytes).map_err(damaged)?;
    if format != FORMAT {
        return Err(LibraryError::Format { id: id.into(), format });
    }
    serde_json::from_slice(bytes).map_err(damaged)
}

fn next_id<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let last = ids.map(number).max().unwrap_or(0);
    format!("r{:04}", last + 1)
}

/// The number in a run's id. As text, `r10000` would come before `r9999`.
fn number(id: &str) -> u32 {
    id.trim_start_matches('r').parse().unwrap_or(0)
}

#[cfg(test)]
mod tests;
