//! What the gates of a run enforce.

use stratagem_model::gate::{Cap, ConsentRule, Holdout};
use stratagem_model::{CustomerId, Money, Reason};

/// The gates of a run. Everything in it is part of the run's receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        self.global_holdout.neither_ppm(&self.holdout)
    }
}
