//! How much customers have, as totals count it.

use stratagem_model::{Order, Timeline};

/// How much a customer has: distinct ids, each with its newest content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    pub(crate) orders: i64,
    pub(crate) lines: i64,
    pub(crate) events: i64,
    pub(crate) gross: i128,
    /// Event times of the first and last order, in any of their contents.
    pub(crate) first_order_ms: Option<i64>,
    pub(crate) last_order_ms: Option<i64>,
}

impl Amounts {
    /// Counts a timeline whose lines were read.
    pub(crate) fn of(timeline: &Timeline) -> Self {
        let mut amounts = Self {
            events: timeline.events.iter().filter(|event| !event.is_correction).count() as i64,
            ..Self::default()
        };
        for (at, order) in timeline.orders.iter().enumerate() {
            let time = order.event_time.0;
            amounts.first_order_ms = Some(amounts.first_order_ms.map_or(time, |first| first.min(time)));
            amounts.last_order_ms = amounts.last_order_ms.max(Some(time));
            amounts.orders += i64::from(!order.is_correction);
            amounts.lines += i64::from(order.lines);
            amounts.gross += i128::from(order.gross);
            let corrects = |earlier: &&Order| earlier.id == order.id;
            if order.is_correction
                && let Some(earlier) = timeline.orders[..at].iter().rev().find(corrects)
            {
                amounts.lines -= i64::from(earlier.lines);
                amounts.gross -= i128::from(earlier.gross);
            }
        }
        amounts
    }
}
