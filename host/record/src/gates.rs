//! What the gates of a run were set to.

use serde::{Deserialize, Serialize};
use stratagem_model::Money;
use stratagem_model::gate::{Cap, ConsentRule, Holdout};

/// The gates that all lanes of a run share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Gates {
    /// Customers no strategy may touch: the same for all strategies with the same salt.
    pub global_holdout: Holdout,
    pub consent: ConsentRule,
    /// The most that all touches of the run may cost in the worst case, minor units.
    pub budget: Option<Money>,
}

/// The gates of one lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OwnGates {
    /// Customers this lane may not touch.
    pub holdout: Holdout,
    pub cap: Option<Cap>,
    /// Days after which a customer whose proposal was suppressed is asked about again.
    pub retry_days: u32,
}
