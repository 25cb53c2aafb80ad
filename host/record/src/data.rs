//! On which data, and on which of its days.

use serde::{Deserialize, Serialize};
use stratagem_model::Currency;

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

/// The days a run covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Period {
    /// First and last local day with decisions, or with rows of a log.
    pub from: String,
    pub until: String,
    /// Last local day of the data, or of what is simulated.
    pub data_end: String,
    /// Days after a touch, or a row, in which orders count for it.
    pub window_days: u32,
}
