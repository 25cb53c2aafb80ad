//! The strategy library: the ledger of runs, what each strategy version did and earned.
//!
//! Runs are appended and never changed. Each names everything it depended on (component, parameters, data, gates,
//! seed, engine), so that anyone with the same can run it again and compare the receipt.
//!
//! # Not here
//!
//! How a run is computed is `stratagem-replay`; how it is shown is `stratagem-report`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use stratagem_gates::Policy;
use stratagem_measure::off_policy::Evaluation;
use stratagem_model::Currency;
use stratagem_model::parameter::Value;
use stratagem_model::plan::Text;
use stratagem_replay::audit::Finding;
use stratagem_replay::logged::Reward;
use stratagem_replay::simulation::Simulation;
use stratagem_replay::{Evidence, FailureCount, Receipt, Summary};
use stratagem_runtime::LogLine;
use stratagem_store::{Store, StoreError};

const COLLECTION: &str = "runs";

/// A run as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Run {
    /// `r0001`, `r0002`, ... in the order of appending.
    pub id: String,
    /// When it was appended, RFC 3339: for people; nothing depends on it.
    pub recorded_at: String,
    pub strategy: StrategyRecord,
    pub data: DataRecord,
    pub policy: Policy,
    pub retry_days: u32,
    /// Minutes until a table of the whole population is used after the instant as of which it is made.
    pub table_lag_minutes: u32,
    /// How many variants of this strategy, other versions and parameters, the library has on this data with this one:
    /// the best of many looks better than it is.
    #[serde(default)]
    pub variants_tried: u32,
    pub summary: Summary,
    pub receipt: Receipt,
    pub failures: Vec<FailureCount>,
    pub audits: Vec<Finding>,
    pub log: Vec<LoggedLine>,
    /// Of a simulation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulation: Option<Simulation>,
    /// Of an evaluation on a log with propensities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_policy: Option<OffPolicy>,
    /// What each customer's outcome says of the run, where a report was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

impl Run {
    /// Whether it replayed history, and is neither a simulation nor an evaluation on a log.
    pub fn is_replay(&self) -> bool {
        self.simulation.is_none() && self.off_policy.is_none()
    }
}

/// A strategy evaluated on a log of drawn actions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OffPolicy {
    /// The log's name without its directory, and the digest of its bytes.
    pub log: String,
    pub fingerprint: String,
    pub reward: Reward,
    /// Rows of customers that the store does not have.
    pub unknown_customers: u64,
    pub evaluation: Evaluation,
}

/// Which strategy ran, with which parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StrategyRecord {
    pub name: String,
    pub version: String,
    /// SHA-256 of the component, hex.
    pub digest: String,
    pub title: Text,
    /// Every parameter with its value, in schema order.
    pub parameters: Vec<(String, Value)>,
}

/// On which data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DataRecord {
    /// Digest of everything in the store, hex.
    pub fingerprint: String,
    pub customers: u64,
    pub orders: u64,
    pub zone: String,
    pub currency: Currency,
}

/// A line the strategy logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LoggedLine {
    pub level: String,
    pub message: String,
}

impl From<LogLine> for LoggedLine {
    fn from(line: LogLine) -> Self {
        Self { level: line.level.into(), message: line.message }
    }
}

/// Why the library could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryError {
    #[error("cannot reach the library")]
    Store(#[from] StoreError),
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

/// Appends a run, giving it its id, once it is durable.
///
/// # Errors
/// The store cannot be read or written.
pub fn append(store: &dyn Store, mut run: Run) -> Result<Run, LibraryError> {
    run.id = next_id(&store.document_keys(COLLECTION)?);
    let bytes = serde_json::to_vec(&run).expect("a run has only string keys");
    store.put_document(COLLECTION, &run.id, &bytes)?;
    Ok(run)
}

/// All runs in the order of appending.
///
/// # Errors
/// The store cannot be read, or a run is damaged.
pub fn runs(store: &dyn Store) -> Result<Vec<Run>, LibraryError> {
    let parse = |(id, bytes): (String, Vec<u8>)| {
        serde_json::from_slice(&bytes).map_err(|source| LibraryError::Damaged { id, source })
    };
    let mut documents = store.documents(COLLECTION)?;
    documents.sort_by_key(|(id, _)| number(id));
    documents.into_iter().map(parse).collect()
}

/// Of a run only what it ran on.
#[derive(Deserialize)]
struct Origin {
    strategy: StrategyRecord,
    data: DataRecord,
}

/// How many variants of a run's strategy there are on the same data, with the run's own.
///
/// # Errors
/// The store cannot be read.
pub fn variants_tried(store: &dyn Store, run: &Run) -> Result<u32, LibraryError> {
    let variant = |strategy: &StrategyRecord| (strategy.digest.clone(), format!("{:?}", strategy.parameters));
    let mut variants = BTreeSet::from([variant(&run.strategy)]);
    for (_, bytes) in store.documents(COLLECTION)? {
        // A run that is damaged stands in the way of reading it, not of recording another.
        let Ok(other) = serde_json::from_slice::<Origin>(&bytes) else { continue };
        if other.strategy.name == run.strategy.name && other.data.fingerprint == run.data.fingerprint {
            variants.insert(variant(&other.strategy));
        }
    }
    Ok(variants.len() as u32)
}

fn next_id(ids: &[String]) -> String {
    let last = ids.iter().map(|id| number(id)).max().unwrap_or(0);
    format!("r{:04}", last + 1)
}

/// The number in a run's id. As text, `r10000` would come before `r9999`.
fn number(id: &str) -> u32 {
    id.trim_start_matches('r').parse().unwrap_or(0)
}

/// The run with this id, or with `latest` the last.
///
/// # Errors
/// There is none, or the library cannot be read.
pub fn run(store: &dyn Store, id: &str) -> Result<Run, LibraryError> {
    let mut runs = runs(store)?;
    let at = match id {
        "latest" => runs.len().checked_sub(1),
        id => runs.iter().position(|run| run.id == id),
    };
    match (at, runs.first(), runs.last()) {
        (Some(at), ..) => Ok(runs.swap_remove(at)),
        (None, Some(first), Some(last)) => {
            Err(LibraryError::NoSuchRun { id: id.into(), first: first.id.clone(), last: last.id.clone() })
        }
        _ => Err(LibraryError::Empty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_on_past_four_digits() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(next_id(&[]), "r0001");
        assert_eq!(next_id(&ids(&["r0001", "r0002"])), "r0003");
        assert_eq!(
            next_id(&ids(&["r10000", "r9999"])),
            "r10001",
            "the keys of a store are in the order of texts"
        );
    }
}
