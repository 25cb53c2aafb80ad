//! What was tried to break a run, and what was found.

use serde::{Deserialize, Serialize};

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audit {
    /// The history is cut at this many instants; decisions before each cut must not change.
    LookAhead { cuts: u32 },
    /// Every customer is asked about at every step; no decision may change.
    Wake,
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    pub audit: Audit,
    /// Decisions that were compared, over all cuts.
    pub compared: u64,
    /// The first difference in the order of time, in words; nothing if there is none.
    pub difference: Option<String>,
}
