//! What the host made of a proposal.
//!
//! # Not here
//!
//! The bytes that receipts digest, and what the codes stand for: `encoding`.

use serde::{Deserialize, Serialize};

use crate::customer::CustomerId;
use crate::time::Time;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $code:literal $name:literal,)*) => {
        /// Why a decision is what it is. The numbers are in receipts: never renumber.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[repr(u8)]
        pub enum Reason { $($(#[$doc])* $variant = $code,)* }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name used in logs and reports.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The reason with this number.
            pub fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

reasons! {
    /// Passed every gate and was carried out.
    Sent = 0 "sent",
    /// Another proposal for the same customer was drawn.
    NotDrawn = 1 "not-drawn",
    /// In the global holdout: walks the same path, untouched.
    HeldOutGlobally = 2 "held-out-globally",
    /// In the strategy's holdout: walks the same path, untouched.
    HeldOut = 3 "held-out",
    /// The customer has not consented to this channel.
    NoConsent = 4 "no-consent",
    /// As many touches in the rolling window as are allowed.
    FrequencyCap = 5 "frequency-cap",
    /// The run's budget does not cover the worst case of this action.
    Budget = 6 "budget",
    /// Fallback: the strategy trapped.
    Trapped = 16 "fallback-trapped",
    /// Fallback: the strategy used up its fuel.
    OutOfFuel = 17 "fallback-out-of-fuel",
    /// Fallback: the strategy asked for more memory, tables or handles than it may have.
    OutOfMemory = 18 "fallback-out-of-memory",
    /// Fallback: the strategy ran longer than the wall-clock net allows.
    TimedOut = 19 "fallback-timed-out",
    /// Fallback: the strategy said that it cannot answer.
    Refused = 20 "fallback-refused",
    /// Fallback: the output breaks the contract.
    BrokenOutput = 21 "fallback-broken-output",
}

impl Reason {
    /// Whether the action was carried out.
    pub fn is_sent(self) -> bool {
        self == Self::Sent
    }

    /// Whether the customer is a control who walks the path without being touched.
    pub fn is_held_out(self) -> bool {
        matches!(self, Self::HeldOut | Self::HeldOutGlobally)
    }

    /// Whether the batch failed and this is its declared fallback.
    pub fn is_fallback(self) -> bool {
        self as u8 >= Self::Trapped as u8
    }
}

/// No action: what a failed batch without a declared fallback gets.
pub const NO_ACTION: u32 = u32::MAX;

/// What became of one proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The step at which it was decided.
    pub time: Time,
    pub customer: CustomerId,
    /// Index into the plan's actions, or [`NO_ACTION`].
    pub action: u32,
    /// Which of the customer's independent wishes it belongs to; there is one.
    pub group: u32,
    /// What the content is about, or [`NO_ITEM`](crate::NO_ITEM).
    pub item: u32,
    /// How much of what the action gives, where that is for the strategy to say; not yet.
    pub amount: i64,
    pub score: i64,
    /// When it is carried out.
    pub when: Time,
    pub reason: Reason,
    /// Parts per million: with which probability this proposal would have been sent, over the draws of holdouts
    /// and among competing proposals. 0 where a rule that draws nothing forbade it.
    pub propensity_ppm: u32,
}

impl Decision {
    /// Whether the action was carried out: it passed the gates, as the strategy's proposal or as its fallback.
    pub fn is_carried_out(&self) -> bool {
        self.reason.is_sent() || (self.reason.is_fallback() && self.action != NO_ACTION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_keep_their_numbers_and_names() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(*reason as u8), Some(*reason));
        }
        assert_eq!(Reason::FrequencyCap as u8, 5);
        assert!(Reason::Refused.is_fallback() && !Reason::Budget.is_fallback());
    }
}
