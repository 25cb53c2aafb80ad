//! Campaigns of the data, and what can be said of their effect.

use serde::{Deserialize, Serialize};
use stratagem_measure::observational::Observational;

/// A campaign of the data and what it may have caused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Treatment {
    pub campaign: String,
    /// Local date of its first touch.
    pub date: String,
    /// All customers it touched within a day of that touch.
    pub reached: u64,
    /// All customers it first touched later, but within the attribution window: they are untreated.
    pub late: u64,
    /// Customers with an order before that date: those who can be compared.
    pub customers: u64,
    /// Of these, or of as many drawn from them as can be matched: those it reached, and did not reach.
    pub treated: u64,
    pub untreated: u64,
    /// Share of the treated, and of the untreated, whom another campaign touched within the window, and which did.
    pub touched_otherwise: [f64; 2],
    pub concurrent: Vec<Concurrent>,
    /// Earlier dates at which nothing happened, and those left out because other touches followed.
    pub placebo_dates: u64,
    pub placebo_dates_left_out: u64,
    /// GMV per customer in the attribution window from that date, minor units.
    pub effect: Option<Observational>,
    /// Why there is none, and what would be needed.
    pub refusal: Option<(String, String)>,
}

/// Another campaign within the outcome window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Concurrent {
    /// Nothing for touches that name none.
    pub campaign: Option<String>,
    /// The share of the treated, and of the untreated, that it touched.
    pub treated: f64,
    pub untreated: f64,
}
