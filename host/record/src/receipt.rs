//! Digests that let anyone re-execute a run and compare.

use serde::{Deserialize, Serialize};

/// What a run's decisions were, in 32 bytes, and how many.
///
/// Each bucket's decisions are hashed in the order of step and customer, and the buckets' hashes in order: so the
/// digest does not depend on how buckets were spread over shards and workers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Receipt {
    pub decisions: u64,
    /// The number of the encoding that is digested. Digests of different encodings cannot be compared.
    pub encoding: u32,
    /// BLAKE3, hex.
    pub decisions_digest: String,
    /// Engine, version and limits.
    pub engine: String,
}
