//! Customers by the month of their first order.

use serde::{Deserialize, Serialize};
use stratagem_model::Money;

/// Customers whose first order in the data lies in one month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cohort {
    /// Such as `2017-03`.
    pub month: String,
    pub customers: u64,
    /// Of these, those who ordered in that month, the month after, and so on to the last that the data covers.
    pub active: Vec<u64>,
    /// Value of their orders before discounts in each of these months, minor units.
    pub gmv: Vec<Money>,
}
