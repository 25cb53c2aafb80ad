//! What the gates between a proposal and a decision can be set to.
//!
//! # Not here
//!
//! Deciding by them is `stratagem-gates`.

use serde::{Deserialize, Serialize};

use crate::{CustomerId, DAY_MS, PPM};

/// A share of customers kept untouched as controls, by a salted hash of the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Holdout {
    pub ppm: u32,
    pub salt: String,
}

impl Holdout {
    /// Whether this customer is held out.
    pub fn has(&self, customer: CustomerId) -> bool {
        self.ppm > 0 && customer.draw_ppm(&self.salt) < self.ppm
    }

    /// The probability, in parts per million, of being neither in this holdout nor in another.
    pub fn neither_ppm(&self, other: &Self) -> u32 {
        let outside = |holdout: &Self| u64::from(PPM - holdout.ppm.min(PPM));
        (outside(self) * outside(other) / u64::from(PPM)) as u32
    }
}

/// What silence about consent means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentRule {
    /// A customer may be contacted until they unsubscribe.
    OptOut,
    /// A customer may be contacted only after they subscribed.
    OptIn,
}

impl ConsentRule {
    /// Whether a customer may be contacted whose consent is known to be given (`Some(true)`), withdrawn, or neither.
    pub fn allows(self, consent: Option<bool>) -> bool {
        consent.unwrap_or(self == Self::OptOut)
    }
}

/// A customer gets at most `touches` contacts in any window of `days` times 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cap {
    pub touches: u32,
    pub days: u32,
}

impl Cap {
    /// The length of the window, milliseconds.
    pub fn window_ms(self) -> i64 {
        i64::from(self.days) * DAY_MS
    }
}
