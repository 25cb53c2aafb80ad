//! Counts over the whole store, as they lie beside the timelines.
//!
//! They are replaced in the same sled batch as the customers they count, so a crash leaves both or neither.

use serde::{Deserialize, Serialize};
use stratagem_model::Order;

use crate::Totals;
use crate::codec::{Malformed, begin, seal, unseal};

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
    pub(super) fn count_order(&mut self, order: &Order) {
        let at = order.event_time.0;
        self.add(&Self {
            orders: 1,
            lines: order.lines.into(),
            first_order_ms: Some(at),
            last_order_ms: Some(at),
            gross: order.gross.into(),
            ..Self::default()
        });
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
