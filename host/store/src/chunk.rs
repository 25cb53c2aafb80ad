//! The bytes of a chunk: a run of one customer's orders, lines or other events, at most 4 KB.
//!
//! ```text
//! count | known time of the first | a row for each | an id of 8 bytes for each (not for lines)
//! ```
//!
//! Rows are variable-length integers; times are differences. Where chunks end is a function of what is in them and of
//! nothing else, so a history has the same chunks whatever the order in which it arrived.
//!
//! # Not here
//!
//! Keys, and which chunks lie in a customer's profile, are `sled_store`; checksums are [`codec`](crate::codec).

use stratagem_model::time::Time;
use stratagem_model::{EventId, EventKind, FlatEvent, Line, NO_ITEM, Order};

use crate::codec::{Malformed, Reader, put_signed, put_varint};

/// Bodies of chunks are no longer than this.
pub(crate) const CHUNK_BYTES_MAX: usize = 4 * 1024;

/// More than the two numbers in front can take.
const HEADER_BYTES_MAX: usize = 5 + 10;

/// One thing in a chunk.
pub(crate) trait Row {
    /// Whether the chunk ends with the ids of its rows.
    const HAS_ID: bool;

    /// When it, or what it belongs to, could be known.
    fn known_ms(&self) -> i64;

    fn id(&self) -> u64;

    /// Appends everything but the id. `since` is the known time less that of the row before.
    fn put(&self, since: u64, out: &mut Vec<u8>);
}

/// A line with the known time of its order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrderLine<'a> {
    pub(crate) known_ms: i64,
    pub(crate) line: &'a Line,
}

/// An encoded run of rows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Known time of the first row.
    pub(crate) first_ms: i64,
    pub(crate) body: Vec<u8>,
}

/// Encodes rows in as few chunks as greed finds.
pub(crate) fn encode<T: Row>(rows: &[T]) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut rest = rows;
    while let Some(first) = rest.first() {
        let (body, taken) = encode_one(rest);
        chunks.push(Chunk { first_ms: first.known_ms(), body });
        rest = &rest[taken..];
    }
    chunks
}

/// Encodes as many of the rows as fit, at least one.
fn encode_one<T: Row>(rows: &[T]) -> (Vec<u8>, usize) {
    let id_bytes = if T::HAS_ID { 8 } else { 0 };
    let first_ms = rows[0].known_ms();
    let (mut encoded, mut taken, mut before_ms) = (Vec::new(), 0, first_ms);
    for row in rows {
        let fits = encoded.len();
        // Wrapping, because any two instants have a difference modulo 2^64.
        row.put(row.known_ms().wrapping_sub(before_ms) as u64, &mut encoded);
        if taken > 0 && HEADER_BYTES_MAX + encoded.len() + (taken + 1) * id_bytes > CHUNK_BYTES_MAX {
            encoded.truncate(fits);
            break;
        }
        before_ms = row.known_ms();
        taken += 1;
    }
    let mut body = Vec::with_capacity(HEADER_BYTES_MAX + encoded.len() + taken * id_bytes);
    put_varint(&mut body, taken as u64);
    put_signed(&mut body, first_ms);
    body.append(&mut encoded);
    if T::HAS_ID {
        for row in &rows[..taken] {
            body.extend_from_slice(&row.id().to_le_bytes());
        }
    }
    (body, taken)
}

const HAS_DISCOUNT: u64 = 1;
const HAS_LAG: u64 = 2;

impl Row for &Order {
    const HAS_ID: bool = true;

    fn known_ms(&self) -> i64 {
        self.known_time.0
    }

    fn id(&self) -> u64 {
        self.id.0
    }

    fn put(&self, since: u64, out: &mut Vec<u8>) {
        let lag = self.known_time.0.wrapping_sub(self.event_time.0);
        let flags = if self.discount == 0 { 0 } else { HAS_DISCOUNT } | if lag == 0 { 0 } else { HAS_LAG };
        put_varint(out, since);
        put_varint(out, u64::from(self.lines) << 2 | flags);
        put_signed(out, self.gross);
        if flags & HAS_DISCOUNT != 0 {
            put_signed(out, self.discount);
        }
        if flags & HAS_LAG != 0 {
            put_signed(out, lag);
        }
    }
}

/// Appends the orders of a chunk to `out`.
pub(crate) fn decode_orders(body: &[u8], out: &mut Vec<Order>) -> Result<(), Malformed> {
    let (mut rows, mut known_ms, ids) = open_with_ids(body)?;
    out.reserve(ids.len());
    for id in ids {
        known_ms = known_ms.wrapping_add_unsigned(rows.varint()?);
        let head = rows.varint()?;
        let gross = rows.signed()?;
        let discount = if head & HAS_DISCOUNT == 0 { 0 } else { rows.signed()? };
        let lag = if head & HAS_LAG == 0 { 0 } else { rows.signed()? };
        out.push(Order {
            id: EventId(u64::from_le_bytes(*id)),
            event_time: Time(known_ms.wrapping_sub(lag)),
            known_time: Time(known_ms),
            gross,
            discount,
            lines: u32::try_from(head >> 2).map_err(|_| Malformed("an order has too many lines"))?,
        });
    }
    end(&rows)
}

impl Row for OrderLine<'_> {
    const HAS_ID: bool = false;

    fn known_ms(&self) -> i64 {
        self.known_ms
    }

    fn id(&self) -> u64 {
        0
    }

    fn put(&self, _: u64, out: &mut Vec<u8>) {
        put_varint(out, self.line.product.into());
        put_signed(out, self.line.quantity.into());
        put_signed(out, self.line.gross);
    }
}

/// Appends the lines of a chunk to `out`.
pub(crate) fn decode_lines(body: &[u8], out: &mut Vec<Line>) -> Result<(), Malformed> {
    let mut rows = Reader::new(body);
    let count: usize = rows.small()?;
    rows.signed()?;
    // Three numbers a line, of a byte or more each.
    if count > rows.remaining() / 3 {
        return Err(Malformed("it has fewer rows than it says"));
    }
    out.reserve(count);
    for _ in 0..count {
        let product = rows.small()?;
        let quantity = i32::try_from(rows.signed()?).map_err(|_| Malformed("a quantity is out of range"))?;
        out.push(Line { product, quantity, gross: rows.signed()? });
    }
    end(&rows)
}

/// The kind's code takes the lower five bits of a row's first byte.
const KIND_MASK: u8 = 0x1f;
const EVENT_HAS_LAG: u8 = 0x20;
const EVENT_HAS_SUBJECT: u8 = 0x40;
const EVENT_HAS_VALUE: u8 = 0x80;

impl Row for &FlatEvent {
    const HAS_ID: bool = true;

    fn known_ms(&self) -> i64 {
        self.known_time.0
    }

    fn id(&self) -> u64 {
        self.id.0
    }

    fn put(&self, since: u64, out: &mut Vec<u8>) {
        let lag = self.known_time.0.wrapping_sub(self.event_time.0);
        let flags = if lag == 0 { 0 } else { EVENT_HAS_LAG }
            | if self.subject == NO_ITEM { 0 } else { EVENT_HAS_SUBJECT }
            | if self.value == 0 { 0 } else { EVENT_HAS_VALUE };
        out.push(self.kind as u8 | flags);
        put_varint(out, since);
        if lag != 0 {
            put_signed(out, lag);
        }
        if self.subject != NO_ITEM {
            put_varint(out, self.subject.into());
        }
        if self.value != 0 {
            put_signed(out, self.value);
        }
    }
}

/// Appends the events of a chunk to `out`.
pub(crate) fn decode_events(body: &[u8], out: &mut Vec<FlatEvent>) -> Result<(), Malformed> {
    let (mut rows, mut known_ms, ids) = open_with_ids(body)?;
    out.reserve(ids.len());
    for id in ids {
        let head = rows.byte()?;
        known_ms = known_ms.wrapping_add_unsigned(rows.varint()?);
        let lag = if head & EVENT_HAS_LAG == 0 { 0 } else { rows.signed()? };
        let subject = if head & EVENT_HAS_SUBJECT == 0 { NO_ITEM } else { rows.small()? };
        let value = if head & EVENT_HAS_VALUE == 0 { 0 } else { rows.signed()? };
        out.push(FlatEvent {
            kind: EventKind::from_code(head & KIND_MASK).ok_or(Malformed("an event has no known kind"))?,
            id: EventId(u64::from_le_bytes(*id)),
            event_time: Time(known_ms.wrapping_sub(lag)),
            known_time: Time(known_ms),
            subject,
            value,
        });
    }
    end(&rows)
}

/// The rows, the known time of the first, and the ids of a chunk that has ids.
fn open_with_ids(body: &[u8]) -> Result<(Reader<'_>, i64, &[[u8; 8]]), Malformed> {
    let mut rows = Reader::new(body);
    let count: usize = rows.small()?;
    let first_ms = rows.signed()?;
    let fewer = Malformed("it has fewer rows than it says");
    let ids_bytes = count.checked_mul(8).filter(|bytes| *bytes <= rows.remaining()).ok_or(fewer)?;
    let rest = rows.take(rows.remaining())?;
    let (rows, ids) = rest.split_at(rest.len() - ids_bytes);
    Ok((Reader::new(rows), first_ms, ids.as_chunks().0))
}

fn end(rows: &Reader<'_>) -> Result<(), Malformed> {
    if rows.is_empty() { Ok(()) } else { Err(Malformed("it has more bytes than rows")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_order() -> impl Strategy<Value = Order> {
        let times = prop_oneof![any::<(i64, i64)>(), (0..2_000_000_000_000_i64).prop_map(|at| (at, at))];
        (any::<u64>(), times, any::<i64>(), prop_oneof![Just(0), any::<i64>()], any::<u32>()).prop_map(
            |(id, (event, known), gross, discount, lines)| Order {
                id: EventId(id),
                event_time: Time(event),
                known_time: Time(known),
                gross,
                discount,
                lines,
            },
        )
    }

    fn any_event() -> impl Strategy<Value = FlatEvent> {
        let kind = prop::sample::select(EventKind::ALL);
        (kind, any::<(u64, i64, i64)>(), prop_oneof![Just(NO_ITEM), any::<u32>()], any::<i64>()).prop_map(
            |(kind, (id, event, known), subject, value)| FlatEvent {
                kind,
                id: EventId(id),
                event_time: Time(event),
                known_time: Time(known),
                subject,
                value,
            },
        )
    }

    proptest! {
        #[test]
        fn chunks_come_back_and_stay_small(
            orders in prop::collection::vec(any_order(), 0..400),
            events in prop::collection::vec(any_event(), 0..400),
            lines in prop::collection::vec(any::<(u32, i32, i64)>(), 0..400),
        ) {
            let chunks = encode(&orders.iter().collect::<Vec<_>>());
            let mut decoded = Vec::new();
            for chunk in &chunks {
                prop_assert!(chunk.body.len() <= CHUNK_BYTES_MAX);
                prop_assert_eq!(chunk.first_ms, orders[decoded.len()].known_time.0);
                prop_assert_eq!(decode_orders(&chunk.body, &mut decoded), Ok(()));
            }
            prop_assert_eq!(decoded, orders);

            let mut decoded = Vec::new();
            for chunk in encode(&events.iter().collect::<Vec<_>>()) {
                prop_assert!(chunk.body.len() <= CHUNK_BYTES_MAX);
                prop_assert_eq!(decode_events(&chunk.body, &mut decoded), Ok(()));
            }
            prop_assert_eq!(decoded, events);

            let line = |(product, quantity, gross)| Line { product, quantity, gross };
            let lines: Vec<_> = lines.into_iter().map(line).collect();
            let rows: Vec<_> = lines.iter().map(|line| OrderLine { known_ms: -5, line }).collect();
            let mut decoded = Vec::new();
            for chunk in encode(&rows) {
                prop_assert!(chunk.body.len() <= CHUNK_BYTES_MAX);
                prop_assert_eq!(decode_lines(&chunk.body, &mut decoded), Ok(()));
            }
            prop_assert_eq!(decoded, lines);
        }

        #[test]
        fn any_bytes_are_a_chunk_or_an_error(
            bytes: Vec<u8>,
            orders in prop::collection::vec(any_order(), 1..20),
            flips: Vec<(prop::sample::Index, u8)>,
        ) {
            let mut damaged = encode(&orders.iter().collect::<Vec<_>>()).remove(0).body;
            for (at, with) in flips {
                let at = at.index(damaged.len());
                damaged[at] ^= with;
            }
            for bytes in [bytes, damaged] {
                let _ = decode_orders(&bytes, &mut Vec::new());
                let _ = decode_lines(&bytes, &mut Vec::new());
                let _ = decode_events(&bytes, &mut Vec::new());
            }
        }
    }

    #[test]
    fn what_comes_later_moves_no_earlier_chunk() {
        let order = |n: i64| Order {
            id: EventId(n as u64),
            event_time: Time(n * 86_400_000),
            known_time: Time(n * 86_400_000),
            gross: n * 37 % 10_000,
            discount: 0,
            lines: 3,
        };
        let orders: Vec<_> = (0..1_000).map(order).collect();
        let all = encode(&orders.iter().collect::<Vec<_>>());
        let fewer = encode(&orders[..900].iter().collect::<Vec<_>>());
        assert!(fewer.len() > 2);
        assert_eq!(all[..fewer.len() - 1], fewer[..fewer.len() - 1]);
    }
}
