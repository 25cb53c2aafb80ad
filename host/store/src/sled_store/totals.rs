//! Counts over the whole store, as they lie beside the timelines.
//!
//! They are replaced in the same sled batch as the customers they count, so a crash leaves both or neither.

use crate::Totals;
use crate::amounts::Amounts;
use crate::codec::{Malformed, begin, seal, unseal};
use serde::{Deserialize, Serialize};

/// [`Totals`] with room for any sum, and a number that grows with each change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredTotals {
    pub(super) customers: u64,
    pub(super) orders: u64,
    pub(super) lines: u64,
    pub(super) events: u64,
    first_order_ms: Option<i64>,
    last_order_ms: Option<i64>,
    gross: i128,
    /// How many batches changed the timelines.
    pub(super) revision: u64,
}

impl StoredTotals {
    /// Counts that a customer has now other amounts than before.
    pub(super) fn replace(&mut self, before: &Amounts, now: &Amounts) {
        let change = |count: &mut u64, before: i64, now: i64| {
            *count = count.saturating_add_signed(now - before);
        };
        change(&mut self.orders, before.orders, now.orders);
        change(&mut self.lines, before.lines, now.lines);
        change(&mut self.events, before.events, now.events);
        self.gross += now.gross - before.gross;
        self.first_order_ms = self.first_order_ms.into_iter().chain(now.first_order_ms).min();
        self.last_order_ms = self.last_order_ms.max(now.last_order_ms);
    }

    pub(super) fn add(&mut self, more: &Self) {
        self.customers += more.customers;
        self.orders += more.orders;
        self.lines += more.lines;
        self.events += more.events;
        self.first_order_ms = self.first_order_ms.into_iter().chain(more.first_order_ms).min();
        self.last_order_ms = self.last_order_ms.max(more.last_order_ms);
        self.gross += more.gross;
    }

    /// Whether these are the totals of what was counted, while an undo is not complete: it counts anew at its end, and
    /// until then the first and the last order may be ones that are gone.
    pub(super) fn is_before_recount(&self, counted: &Self) -> bool {
        let Self { first_order_ms, last_order_ms, .. } = *self;
        let is_wider = first_order_ms.is_some()
            && first_order_ms <= counted.first_order_ms.or(first_order_ms)
            && last_order_ms >= counted.last_order_ms;
        is_wider && *self == Self { first_order_ms, last_order_ms, ..counted.clone() }
    }

    pub(super) fn shown(&self) -> Totals {
        Totals {
            customers: self.customers,
            orders: self.orders,
            lines: self.lines,
            events: self.events,
            first_order_ms: self.first_order_ms,
            last_order_ms: self.last_order_ms,
            gross: i64::try_from(self.gross).unwrap_or(if self.gross < 0 { i64::MIN } else { i64::MAX }),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        seal(postcard::to_extend(self, begin()).expect("a vector takes all bytes"))
    }

    pub(super) fn decode(value: &[u8]) -> Result<Self, Malformed> {
        postcard::from_bytes(unseal(value)?).map_err(|_| Malformed("totals cannot be read"))
    }
}
