//! What the gates of a run enforce.

use serde::{Deserialize, Serialize};
use stratagem_model::time::DAY_MS;
use stratagem_model::{CustomerId, Money, PPM, Reason};

/// The gates of a run. Everything in it is part of the run's receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Policy {
    /// Customers no strategy may touch: the same for all strategies with the same salt.
    pub global_holdout: Holdout,
    /// Customers this strategy may not touch.
    pub holdout: Holdout,
    pub consent: ConsentRule,
    pub cap: Option<Cap>,
    /// The most that all touches of the run may cost in the worst case, minor units.
    pub budget: Option<Money>,
    /// The salt of draws among competing proposals.
    pub seed: u64,
}

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
}

/// What silence about consent means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentRule {
    /// A customer may be contacted until he unsubscribes.
    OptOut,
    /// A customer may be contacted only after he subscribed.
    OptIn,
}

impl ConsentRule {
    pub(crate) fn allows(self, consent: Option<bool>) -> bool {
        consent.unwrap_or(self == Self::OptOut)
    }
}

/// At most this many contacts of a customer in any window of so many days of 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cap {
    pub touches: u32,
    pub days: u32,
}

impl Cap {
    pub(crate) fn window_ms(self) -> i64 {
        i64::from(self.days) * DAY_MS
    }
}

impl Policy {
    /// No gates but opt-out consent: for tests and audits of a strategy alone.
    pub fn open() -> Self {
        let none = Holdout { ppm: 0, salt: String::new() };
        Self {
            global_holdout: none.clone(),
            holdout: none,
            consent: ConsentRule::OptOut,
            cap: None,
            budget: None,
            seed: 0,
        }
    }

    /// In which holdout a customer is, if any.
    pub fn holdout(&self, customer: CustomerId) -> Option<Reason> {
        if self.global_holdout.has(customer) {
            return Some(Reason::HeldOutGlobally);
        }
        self.holdout.has(customer).then_some(Reason::HeldOut)
    }

    /// The probability, in parts per million, of being in no holdout.
    pub fn sent_ppm(&self) -> u32 {
        let in_neither = |holdout: &Holdout| u64::from(PPM - holdout.ppm.min(PPM));
        (in_neither(&self.global_holdout) * in_neither(&self.holdout) / u64::from(PPM)) as u32
    }
}
