//! New events of one customer into those it has.
//!
//! # Invariants
//!
//! - **An id has one content.** Equal events under one id are one event; different ones are a conflict, whether they
//!   meet in a batch or years apart.
//! - **Order of arrival leaves no trace**: the outcome is sorted by `(known_time, id, kind)`, which no two events share.

use stratagem_model::{EventKind, FlatEvent, Line, Order, Timeline};

use super::totals::StoredTotals;
use crate::StoreError;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) timeline: Timeline,
    /// What the store has more than before.
    pub(super) growth: StoredTotals,
    pub(super) added: u64,
    pub(super) unchanged: u64,
}

/// Merges timelines in any order into one that is sorted and has each id once.
pub(super) fn merge(
    external_id: &str,
    existing: &Timeline,
    incoming: &[&Timeline],
) -> Result<Merged, StoreError> {
    let mut merged = Merged::default();
    let mut orders = orders_of(external_id, existing)?;
    let old_orders = orders.len();
    for timeline in incoming {
        orders.extend(orders_of(external_id, timeline)?);
    }
    keep_one_each(external_id, orders, old_orders, &mut merged, |merged, order, is_new| {
        merged.timeline.orders.push(order.order.clone());
        merged.timeline.lines.extend_from_slice(order.lines);
        if is_new {
            merged.growth.count_order(order.order);
        }
    })?;
    let events =
        existing.events.iter().chain(incoming.iter().flat_map(|timeline| &timeline.events)).collect();
    keep_one_each(
        external_id,
        events,
        existing.events.len(),
        &mut merged,
        |merged, event: &FlatEvent, is_new| {
            merged.timeline.events.push(event.clone());
            merged.growth.events += u64::from(is_new);
        },
    )?;
    Ok(merged)
}

/// Something known by its kind and id.
trait Identified: Copy + PartialEq {
    fn kind(self) -> EventKind;
    fn id(self) -> u64;
    fn known_ms(self) -> i64;
}

#[derive(Clone, Copy, PartialEq)]
struct WithLines<'a> {
    order: &'a Order,
    lines: &'a [Line],
}

impl Identified for WithLines<'_> {
    fn kind(self) -> EventKind {
        EventKind::Order
    }

    fn id(self) -> u64 {
        self.order.id.0
    }

    fn known_ms(self) -> i64 {
        self.order.known_time.0
    }
}

impl Identified for &FlatEvent {
    fn kind(self) -> EventKind {
        self.kind
    }

    fn id(self) -> u64 {
        self.id.0
    }

    fn known_ms(self) -> i64 {
        self.known_time.0
    }
}

fn orders_of<'a>(external_id: &str, timeline: &'a Timeline) -> Result<Vec<WithLines<'a>>, StoreError> {
    let mut lines = timeline.lines.as_slice();
    let mut orders = Vec::with_capacity(timeline.orders.len());
    for order in &timeline.orders {
        let Some((own, rest)) = lines.split_at_checked(order.lines as usize) else {
            return Err(uneven(external_id));
        };
        lines = rest;
        orders.push(WithLines { order, lines: own });
    }
    if lines.is_empty() { Ok(orders) } else { Err(uneven(external_id)) }
}

fn uneven(external_id: &str) -> StoreError {
    StoreError::Uneven { customer: external_id.into() }
}

/// Calls `keep` for each distinct item in the order of `(known_time, id, kind)`; the first `old` are not new.
fn keep_one_each<T: Identified>(
    external_id: &str,
    items: Vec<T>,
    old: usize,
    merged: &mut Merged,
    keep: impl Fn(&mut Merged, T, bool),
) -> Result<(), StoreError> {
    let mut items: Vec<(T, bool)> =
        items.into_iter().enumerate().map(|(index, item)| (item, index >= old)).collect();
    // Old before new, so that the one kept of two equal ones is the old one.
    items.sort_unstable_by_key(|(item, is_new)| (item.id(), item.kind(), *is_new));
    for pair in items.windows(2) {
        let (first, second) = (pair[0].0, pair[1].0);
        if (first.id(), first.kind()) == (second.id(), second.kind()) && first != second {
            return Err(StoreError::Conflict {
                customer: external_id.into(),
                kind: first.kind().name().into(),
                id: first.id(),
            });
        }
    }
    let all = items.len();
    items.dedup_by_key(|(item, _)| (item.id(), item.kind()));
    merged.unchanged += (all - items.len()) as u64;
    items.sort_unstable_by_key(|(item, _)| (item.known_ms(), item.id(), item.kind()));
    for (item, is_new) in items {
        merged.added += u64::from(is_new);
        keep(merged, item, is_new);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use stratagem_model::time::Time;
    use stratagem_model::{EventId, NO_ITEM};

    use super::*;

    fn event(kind: EventKind, id: u64, known_ms: i64) -> FlatEvent {
        let at = Time(known_ms);
        FlatEvent { kind, id: EventId(id), event_time: at, known_time: at, subject: NO_ITEM, value: 0 }
    }

    fn events(events: Vec<FlatEvent>) -> Timeline {
        Timeline { events, ..Timeline::default() }
    }

    #[test]
    fn ids_are_known_within_their_kind() {
        let old = events(vec![event(EventKind::Visit, 1, 10)]);
        let new = events(vec![
            event(EventKind::View, 1, 10),
            event(EventKind::Visit, 1, 10),
            event(EventKind::Visit, 2, 5),
            event(EventKind::Visit, 2, 5),
        ]);
        let merged = merge("c", &old, &[&new]).unwrap();
        assert_eq!((merged.added, merged.unchanged, merged.growth.events), (2, 2, 2));
        let ids: Vec<_> = merged.timeline.events.iter().map(|e| (e.known_time.0, e.id.0, e.kind)).collect();
        assert_eq!(ids, [(5, 2, EventKind::Visit), (10, 1, EventKind::Visit), (10, 1, EventKind::View)]);
    }

    #[test]
    fn another_time_or_line_under_an_id_is_a_conflict() {
        let moved = merge(
            "c",
            &events(vec![event(EventKind::Visit, 7, 10)]),
            &[&events(vec![event(EventKind::Visit, 7, 11)])],
        );
        assert!(matches!(moved, Err(StoreError::Conflict { id: 7, ref kind, .. }) if kind == "visit"));

        let order = Order {
            id: EventId(1),
            event_time: Time(0),
            known_time: Time(0),
            gross: 5,
            discount: 0,
            lines: 1,
        };
        let with = |product| Timeline {
            orders: vec![order.clone()],
            lines: vec![Line { product, quantity: 1, gross: 5 }],
            events: vec![],
        };
        assert!(matches!(merge("c", &with(1), &[&with(2)]), Err(StoreError::Conflict { .. })));
        let mut uneven = with(1);
        uneven.lines.clear();
        assert!(matches!(merge("c", &with(1), &[&uneven]), Err(StoreError::Uneven { .. })));
    }
}
