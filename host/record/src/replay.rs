//! A replay over history.

use serde::{Deserialize, Serialize};

use crate::audit::Finding;
use crate::cohort::Cohort;
use crate::evidence::Evidence;
use crate::gates::{Gates, OwnGates};
use crate::lane::{FailureCount, Lanes, LoggedLine};
use crate::receipt::Receipt;
use crate::summary::Summary;
use crate::treatment::Treatment;

/// A replay over history: what would have been done, and what happened anyway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Replay {
    pub gates: Gates,
    /// Share of order value that is margin, parts per million: declared, not measured.
    pub margin_ppm: u32,
    pub lanes: Lanes<Replayed>,
    pub receipt: Receipt,
    pub audits: Vec<Finding>,
    /// All customers of the data, touched or not.
    pub cohorts: Vec<Cohort>,
    /// Campaigns of the data and what they may have caused, where a report was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub treatments: Option<Vec<Treatment>>,
}

/// A lane of a replay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Replayed {
    pub gates: OwnGates,
    pub summary: Summary,
    /// What each customer's outcome says of the arms, where a report was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    pub failures: Vec<FailureCount>,
    pub log: Vec<LoggedLine>,
}
