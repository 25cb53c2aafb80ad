//! Which keys and values a customer's timeline is.
//!
//! # Invariants
//!
//! - **A function of the timeline alone.** However the events arrived, the same ones have the same bytes; a store can be
//!   compared, copied and checked by them.
//! - **A later event moves no earlier chunk**: chunks are filled from the front, so what lies before an event stays.

use std::collections::BTreeMap;

use sled::IVec;
use stratagem_model::{CustomerId, Timeline};

use super::keys::{self, Section};
use super::profile::{Counts, INLINE_BYTES_MAX, Profile};
use crate::chunk::{self, Chunk, OrderLine, Sourced};
use crate::claims::History;
use crate::codec::{begin, seal};

/// Keys of one customer with their values.
pub(super) type Values = BTreeMap<IVec, IVec>;

/// A key with its new value, or with none if it is to go.
pub(super) type Op = (IVec, Option<IVec>);

/// The keys and values of a timeline.
pub(super) fn lay_out(customer: CustomerId, external_id: &str, history: &History) -> Values {
    let timeline = &history.timeline;
    let orders = sourced(&timeline.orders, &history.order_sources);
    let events = sourced(&timeline.events, &history.event_sources);
    let notes: Vec<_> = history.notes.iter().collect();
    let mut values = Values::new();
    let mut room = INLINE_BYTES_MAX;
    // Every scan wants orders, so they are the first to get the room in the profile.
    let mut place = |section, chunks| place(customer, section, chunks, &mut room, &mut values);
    let orders = place(Section::Orders, chunk::encode(&orders));
    let events = place(Section::Events, chunk::encode(&events));
    let lines = place(Section::Lines, chunk::encode(&order_lines(timeline)));
    let notes = place(Section::Notes, chunk::encode(&notes));
    let profile = Profile {
        external_id,
        counts: Counts { notes: history.notes.len() as u64, ..counts(timeline) },
        keyed_chunks: values.len() as u64,
        orders: &orders,
        lines: &lines,
        events: &events,
        notes: &notes,
    };
    values.insert(keys::profile(customer).as_slice().into(), profile.encode().into());
    values
}

fn sourced<'a, T>(rows: &'a [T], sources: &[u32]) -> Vec<Sourced<'a, T>> {
    rows.iter().zip(sources).map(|(row, source)| Sourced { row, source: *source }).collect()
}

/// What to write and remove so that the `old` values of a customer become the `new` ones.
pub(super) fn changes(mut old: Values, new: Values) -> Vec<Op> {
    let mut ops = Vec::new();
    for (key, value) in new {
        if old.remove(&key).as_ref() != Some(&value) {
            ops.push((key, Some(value)));
        }
    }
    ops.extend(old.into_keys().map(|key| (key, None)));
    ops
}

/// How many rows a timeline has.
pub(super) fn counts(timeline: &Timeline) -> Counts {
    Counts {
        orders: timeline.orders.len() as u64,
        lines: timeline.lines.len() as u64,
        events: timeline.events.len() as u64,
        notes: 0,
    }
}

fn order_lines(timeline: &Timeline) -> Vec<OrderLine<'_>> {
    let known = timeline.orders.iter().flat_map(|order| {
        std::iter::repeat_n(order.known_time.0, usize::try_from(order.lines).unwrap_or(usize::MAX))
    });
    known.zip(&timeline.lines).map(|(known_ms, line)| OrderLine { known_ms, line }).collect()
}

/// Puts chunks under their keys, except the last if there is room for it in the profile; that one is returned.
fn place(
    customer: CustomerId,
    section: Section,
    mut chunks: Vec<Chunk>,
    room: &mut usize,
    values: &mut Values,
) -> Vec<u8> {
    let last = chunks.pop_if(|last| last.body.len() <= *room).map_or_else(Vec::new, |last| last.body);
    *room -= last.len();
    let mut before: Option<(i64, u32)> = None;
    for Chunk { first_ms, body } in chunks {
        let part = before.filter(|(ms, _)| *ms == first_ms).map_or(0, |(_, part)| part + 1);
        before = Some((first_ms, part));
        let mut value = begin();
        value.extend_from_slice(&body);
        values.insert(keys::chunk(customer, section, first_ms, part).as_slice().into(), seal(value).into());
    }
    last
}

#[cfg(test)]
mod tests {
    use stratagem_model::time::Time;
    use stratagem_model::{EventId, Line, Order};

    use super::*;

    fn history(orders: i64) -> History {
        let order = |n: i64| Order { lines: 2, ..Order::new(EventId(n as u64), Time(n * 1_000), n) };
        let line = |n| Line { product: n as u32, quantity: 1, gross: n };
        let timeline = Timeline {
            orders: (0..orders).map(order).collect(),
            lines: (0..orders * 2).map(line).collect(),
            events: vec![],
        };
        History { order_sources: vec![1; orders as usize], timeline, ..History::default() }
    }

    #[test]
    fn a_later_event_rewrites_the_end_of_a_long_history() {
        let customer = CustomerId(7);
        let mut before = lay_out(customer, "c", &history(5_000));
        assert!(before.len() > 20);
        for orders in 5_001..5_500 {
            let after = lay_out(customer, "c", &history(orders));
            let ops = changes(before, after.clone());
            assert!(ops.len() <= 6, "one order more changed {} values", ops.len());
            before = after;
        }
    }

    #[test]
    fn chunks_of_one_instant_have_keys_of_their_own() {
        let mut timeline = history(3_000);
        for order in &mut timeline.timeline.orders {
            order.known_time = Time(5);
        }
        let values = lay_out(CustomerId(7), "c", &timeline);
        let profile = &values[keys::profile(CustomerId(7)).as_slice()];
        let keyed = Profile::decode(profile).unwrap().keyed_chunks;
        assert!(keyed > 10);
        assert_eq!(values.len() as u64, keyed + 1);
    }
}
