//! Where two strategies would have disturbed the same customers.

use serde::{Deserialize, Serialize};

/// What two runs have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Collisions {
    /// Customers that both contact.
    pub customers: u64,
    /// Contacts of the first strategy that lie within `days` of a contact of the second.
    pub contacts: u64,
    pub days: u32,
}
