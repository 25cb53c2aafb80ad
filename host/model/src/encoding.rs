//! The canonical bytes of a decision: all of it that reaches a delivery, in words and not in codes.
//!
//! One encoding for every engine, with a number. A record is, integers being little-endian and a text its length in bytes
//! (u32) and its UTF-8:
//!
//! ```text
//! encoding u8 = 2 | time i64, ms UTC | customer u64 | portfolio text | lane text | arm text | version text
//! | action text | group u32 | item text | amount i64 | reason u8 | propensity u32, ppm
//! ```
//!
//! No action, and no item, is the empty text. A single run has the empty portfolio and arm, and its strategy's name as
//! lane. Scores are not in it, nor is the time of day that the strategy proposed.
//!
//! # Invariants
//!
//! - **Different decisions have different bytes**, and none begins with another's: records follow each other unseparated.
//! - **No code is in it.** Codes hang on the order of ingest; what they stand for does not.

use std::borrow::Cow;

use crate::NO_ITEM;
use crate::decision::Decision;

/// The number of the encoding: never reused for other bytes.
pub const DECISION_ENCODING: u8 = 2;

/// Whose decisions they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidedBy {
    /// Empty for a single run.
    pub portfolio: String,
    /// The strategy's name.
    pub lane: String,
    /// Empty where a lane has one version only.
    pub arm: String,
    /// The strategy's version.
    pub version: String,
}

/// What items are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemNames {
    /// By code. A code beyond them is called by its number.
    Words(Vec<String>),
    /// Items are the strategy's own numbers.
    Numbers,
}

impl ItemNames {
    /// What an item is called: the empty text for no item.
    pub fn word(&self, item: u32) -> Cow<'_, str> {
        match self {
            _ if item == NO_ITEM => Cow::Borrowed(""),
            Self::Words(words) if (item as usize) < words.len() => Cow::Borrowed(&words[item as usize]),
            _ => Cow::Owned(item.to_string()),
        }
    }
}

/// What the codes of decisions stand for.
#[derive(Debug, Clone)]
pub struct DecisionNames {
    by: DecidedBy,
    actions: Vec<String>,
    items: ItemNames,
    /// From the portfolio to the action, by action, and at the end for no action: most of a record's bytes, made once.
    heads: Vec<Vec<u8>>,
}

impl DecisionNames {
    /// The names of decisions about these actions and items.
    pub fn new(by: DecidedBy, actions: Vec<String>, items: ItemNames) -> Self {
        let head = |action: &str| {
            let mut out = vec![];
            for text in [&by.portfolio, &by.lane, &by.arm, &by.version] {
                put_text(text, &mut out);
            }
            put_text(action, &mut out);
            out
        };
        let heads = actions.iter().map(String::as_str).chain([""]).map(head).collect();
        Self { by, actions, items, heads }
    }

    /// Whose they are.
    pub fn by(&self) -> &DecidedBy {
        &self.by
    }

    /// An action's id: the empty text for no action.
    pub fn action(&self, action: u32) -> &str {
        self.actions.get(action as usize).map_or("", String::as_str)
    }

    /// What an item is called: the empty text for no item.
    pub fn item(&self, item: u32) -> Cow<'_, str> {
        self.items.word(item)
    }

    /// Appends a decision's canonical bytes.
    pub fn encode(&self, decision: &Decision, out: &mut Vec<u8>) {
        out.push(DECISION_ENCODING);
        out.extend_from_slice(&decision.time.0.to_le_bytes());
        out.extend_from_slice(&decision.customer.0.to_le_bytes());
        out.extend_from_slice(&self.heads[(decision.action as usize).min(self.actions.len())]);
        out.extend_from_slice(&decision.group.to_le_bytes());
        put_text(&self.item(decision.item), out);
        out.extend_from_slice(&decision.amount.to_le_bytes());
        out.push(decision.reason as u8);
        out.extend_from_slice(&decision.propensity_ppm.to_le_bytes());
    }

    /// A decision's canonical bytes.
    pub fn encoded(&self, decision: &Decision) -> Vec<u8> {
        let mut out = vec![];
        self.encode(decision, &mut out);
        out
    }
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    let length = u32::try_from(text.len()).expect("names are short");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::customer::CustomerId;
    use crate::decision::{NO_ACTION, Reason};
    use crate::time::Time;

    fn by() -> DecidedBy {
        let [portfolio, lane, arm, version] = ["p", "l", "a", "v"].map(str::to_owned);
        DecidedBy { portfolio, lane, arm, version }
    }

    fn names(by: DecidedBy) -> DecisionNames {
        let words = |words: [&str; 3]| words.map(str::to_owned).to_vec();
        DecisionNames::new(by, words(["x", "xx", "y"]), ItemNames::Words(words(["tea", "te", "milk"])))
    }

    const BASE: Decision = Decision {
        time: Time(1),
        customer: CustomerId(2),
        action: 0,
        group: 3,
        item: 0,
        amount: 4,
        score: 5,
        when: Time(6),
        reason: Reason::Sent,
        propensity_ppm: 7,
    };

    #[test]
    fn the_bytes_of_a_record_are_fixed() {
        let mut want = b"\x02\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0".to_vec();
        want.extend_from_slice(b"\x01\0\0\0p\x01\0\0\0l\x01\0\0\0a\x01\0\0\0v\x01\0\0\0x");
        want.extend_from_slice(b"\x03\0\0\0\x03\0\0\0tea\x04\0\0\0\0\0\0\0\0\x07\0\0\0");
        assert_eq!(names(by()).encoded(&BASE), want);
    }

    #[test]
    fn every_field_that_reaches_a_delivery_is_in_the_canonical_bytes() {
        let others = [
            Decision { time: Time(9), ..BASE },
            Decision { customer: CustomerId(9), ..BASE },
            Decision { action: 1, ..BASE },
            Decision { action: NO_ACTION, ..BASE },
            Decision { group: 9, ..BASE },
            Decision { item: 1, ..BASE },
            Decision { item: NO_ITEM, ..BASE },
            Decision { amount: 9, ..BASE },
            Decision { reason: Reason::Budget, ..BASE },
            Decision { propensity_ppm: 9, ..BASE },
        ];
        let names_of_base = names(by());
        let mut all = vec![names_of_base.encoded(&BASE)];
        all.extend(others.iter().map(|other| names_of_base.encoded(other)));
        let z = || "z".to_owned();
        for by in [
            DecidedBy { portfolio: z(), ..by() },
            DecidedBy { lane: z(), ..by() },
            DecidedBy { arm: z(), ..by() },
            DecidedBy { version: z(), ..by() },
        ] {
            all.push(names(by).encoded(&BASE));
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        let other = Decision { score: 9, when: Time(9), ..BASE };
        assert_eq!(names_of_base.encoded(&other), names_of_base.encoded(&BASE), "no delivery knows them");
    }

    #[test]
    fn an_item_without_a_word_is_called_by_its_number() {
        let names = names(by());
        assert_eq!([names.item(2), names.item(3), names.item(NO_ITEM)], ["milk", "3", ""]);
        assert_eq!(ItemNames::Numbers.word(2), "2");
    }

    /// Few values for each field and short texts, so that equal and nearly equal decisions turn up.
    fn decision() -> impl Strategy<Value = (DecidedBy, Decision)> {
        let text = || prop::sample::select(vec!["", "a", "aa", "b", "\u{1}\0\0\0"]).prop_map(str::to_owned);
        let by = (text(), text(), text(), text());
        let by = by.prop_map(|(portfolio, lane, arm, version)| DecidedBy { portfolio, lane, arm, version });
        let number = || prop::sample::select(vec![0_u32, 1, 256, u32::MAX]);
        let whole = || prop::sample::select(vec![i64::MIN, -1, 0, 1, i64::MAX]);
        let reason = prop::sample::select(Reason::ALL.to_vec());
        let codes =
            (prop::sample::select(vec![0, 1, 2, NO_ACTION]), prop::sample::select(vec![0, 1, 2, 7, NO_ITEM]));
        (by, codes, (number(), number(), number()), (whole(), whole()), reason).prop_map(
            |(by, (action, item), (customer, group, propensity_ppm), (time, amount), reason)| {
                let (time, customer) = (Time(time), CustomerId(customer.into()));
                (by, Decision { time, customer, action, group, item, amount, reason, propensity_ppm, ..BASE })
            },
        )
    }

    proptest! {
        #[test]
        fn different_decisions_have_different_bytes(a in decision(), b in decision(), is_alike: bool) {
            let b = if is_alike { (a.0.clone(), Decision { item: b.1.item, action: b.1.action, ..a.1 }) } else { b };
            let bytes = |(by, decision): &(DecidedBy, Decision)| names(by.clone()).encoded(decision);
            let (of_a, of_b) = (bytes(&a), bytes(&b));
            prop_assert_eq!(of_a == of_b, a == b);
            prop_assert!(a == b || !of_b.starts_with(&of_a), "one record begins with the other");
        }
    }
}
