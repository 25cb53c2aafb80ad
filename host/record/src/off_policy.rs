//! An evaluation on a log of drawn actions.

use serde::{Deserialize, Serialize};
use stratagem_measure::off_policy::Evaluation;

use crate::lane::Lanes;

/// Strategies evaluated on a log of drawn actions. Nothing is decided, so there are no gates and no receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OffPolicy {
    pub log: LogRecord,
    pub reward: Reward,
    pub lanes: Lanes<Evaluation>,
    /// Engine, version and limits.
    pub engine: String,
}

/// Which log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LogRecord {
    /// The file's name without its directory, and the digest of its bytes.
    pub name: String,
    pub fingerprint: String,
    /// Rows of customers that the store does not have.
    pub unknown_customers: u64,
}

/// What is counted in the window after a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reward {
    /// Order value before discounts, minor units.
    Gmv,
    /// 1 with an order, else 0.
    Conversion,
}
