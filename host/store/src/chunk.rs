//! The bytes of a chunk: a run of one customer's orders, lines, other events or notes, at most 4 KB.
//!
//! ```text
//! count | known time of the first | source of the first | a row for each | an id of 8 bytes for each (not for lines)
//! ```
//!
//! Rows are variable-length integers; times are differences; a row says its source only if it is another than that of
//! the row before. Where chunks end is a function of what is in them and of nothing else, so a history has the same
//! chunks whatever the order in which it arrived.
//!
//! # Not here
//!
//! Keys, and which chunks lie in a customer's profile, are `sled_store`; checksums are [`codec`](crate::codec).

use stratagem_model::time::Time;
use stratagem_model::{EventId, EventKind, FlatEvent, Line, NO_ABOUT, NO_ITEM, Order};

use crate::claims::Note;
use crate::codec::{Malformed, Reader, put_signed, put_varint};

/// Bodies of chunks are no longer than this.
pub(crate) const CHUNK_BYTES_MAX: usize = 4 * 1024;

/// More than the three numbers in front can take.
const HEADER_BYTES_MAX: usize = 5 + 10 + 5;

/// One thing in a chunk.
pub(crate) trait Row {
    /// Whether the chunk ends with the ids of its rows.
    const HAS_ID: bool;

    /// When it, or what it belongs to, could be known.
    fn known_ms(&self) -> i64;

    fn id(&self) -> u64;

    /// Which ingest it came with; 0 of none that is recorded.
    fn source(&self) -> u32;

    /// Appends everything but the id. `since` is the known time less that of the row before; `source` is given if it is
    /// another than that of the row before.
    fn put(&self, since: u64, source: Option<u32>, out: &mut Vec<u8>);
}

/// Something with the source it came with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sourced<'a, T> {
    pub(crate) row: &'a T,
    pub(crate) source: u32,
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
    let (first_ms, first_source) = (rows[0].known_ms(), rows[0].source());
    let (mut encoded, mut taken, mut before_ms, mut before) = (Vec::new(), 0, first_ms, first_source);
    for row in rows {
        let fits = encoded.len();
        let source = (row.source() != before).then(|| row.source());
        // Wrapping, because any two instants have a difference modulo 2^64.
        row.put(row.known_ms().wrapping_sub(before_ms) as u64, source, &mut encoded);
        if taken > 0 && HEADER_BYTES_MAX + encoded.len() + (taken + 1) * id_bytes > CHUNK_BYTES_MAX {
            encoded.truncate(fits);
            break;
        }
        (before_ms, before) = (row.known_ms(), row.source());
        taken += 1;
    }
    let mut body = Vec::with_capacity(HEADER_BYTES_MAX + encoded.len() + taken * id_bytes);
    put_varint(&mut body, taken as u64);
    put_signed(&mut body, first_ms);
    put_varint(&mut body, first_source.into());
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
/// A byte with the flags below follows.
const HAS_MORE: u64 = 4;

const HAS_NO_HOUR: u8 = 1;
const IS_CORRECTION: u8 = 2;
const HAS_CHANNEL: u8 = 4;
const HAS_STORE: u8 = 8;
const HAS_COUPON: u8 = 16;
const HAS_STAFF: u8 = 32;
const HAS_SOURCE: u8 = 64;

impl Row for Sourced<'_, Order> {
    const HAS_ID: bool = true;

    fn known_ms(&self) -> i64 {
        self.row.known_time.0
    }

    fn id(&self) -> u64 {
        self.row.id.0
    }

    fn source(&self) -> u32 {
        self.source
    }

    fn put(&self, since: u64, source: Option<u32>, out: &mut Vec<u8>) {
        let order = self.row;
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let codes = [
            (order.channel, HAS_CHANNEL),
            (order.store, HAS_STORE),
            (order.coupon, HAS_COUPON),
            (order.staff, HAS_STAFF),
        ];
        let more = flag(!order.has_hour, HAS_NO_HOUR)
            | flag(order.is_correction, IS_CORRECTION)
            | codes.iter().fold(0, |flags, (code, has)| flags | flag(*code != NO_ITEM, *has))
            | flag(source.is_some(), HAS_SOURCE);
        let lag = order.known_time.0.wrapping_sub(order.event_time.0);
        let flags = if order.discount == 0 { 0 } else { HAS_DISCOUNT }
            | if lag == 0 { 0 } else { HAS_LAG }
            | if more == 0 { 0 } else { HAS_MORE };
        put_varint(out, since);
        put_varint(out, u64::from(order.lines) << 3 | flags);
        if more != 0 {
            out.push(more);
        }
        put_signed(out, order.gross);
        if flags & HAS_DISCOUNT != 0 {
            put_signed(out, order.discount);
        }
        if flags & HAS_LAG != 0 {
            put_signed(out, lag);
        }
        for (code, _) in codes.iter().filter(|(code, _)| *code != NO_ITEM) {
            put_varint(out, (*code).into());
        }
        if let Some(source) = source {
            put_varint(out, source.into());
        }
    }
}

/// Appends the orders of a chunk to `out`, and the source of each to `sources` if they are asked for.
pub(crate) fn decode_orders(
    body: &[u8],
    out: &mut Vec<Order>,
    mut sources: Option<&mut Vec<u32>>,
) -> Result<(), Malformed> {
    let Opened { mut rows, mut known_ms, mut source, ids } = open_with_ids(body)?;
    out.reserve(ids.len());
    for id in ids {
        known_ms = known_ms.wrapping_add_unsigned(rows.varint()?);
        let head = rows.varint()?;
        let more = if head & HAS_MORE == 0 { 0 } else { rows.byte()? };
        let gross = rows.signed()?;
        let discount = if head & HAS_DISCOUNT == 0 { 0 } else { rows.signed()? };
        let lag = if head & HAS_LAG == 0 { 0 } else { rows.signed()? };
        let mut order = Order::new(EventId(u64::from_le_bytes(*id)), Time(known_ms), gross);
        order.event_time = Time(known_ms.wrapping_sub(lag));
        order.discount = discount;
        order.lines = u32::try_from(head >> 3).map_err(|_| Malformed("an order has too many lines"))?;
        if more != 0 {
            source = decode_more(more, &mut rows, &mut order)?.unwrap_or(source);
        }
        out.push(order);
        if let Some(sources) = &mut sources {
            sources.push(source);
        }
    }
    end(&rows)
}

/// What few orders have; and a source, if it is another.
fn decode_more(more: u8, rows: &mut Reader<'_>, order: &mut Order) -> Result<Option<u32>, Malformed> {
    order.has_hour = more & HAS_NO_HOUR == 0;
    order.is_correction = more & IS_CORRECTION != 0;
    for (has, code) in [
        (HAS_CHANNEL, &mut order.channel),
        (HAS_STORE, &mut order.store),
        (HAS_COUPON, &mut order.coupon),
        (HAS_STAFF, &mut order.staff),
    ] {
        if more & has != 0 {
            *code = rows.small()?;
        }
    }
    if more & HAS_SOURCE == 0 { Ok(None) } else { rows.small().map(Some) }
}

impl Row for OrderLine<'_> {
    const HAS_ID: bool = false;

    fn known_ms(&self) -> i64 {
        self.known_ms
    }

    fn id(&self) -> u64 {
        0
    }

    /// That of its order.
    fn source(&self) -> u32 {
        0
    }

    fn put(&self, _: u64, _: Option<u32>, out: &mut Vec<u8>) {
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
    rows.varint()?;
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

const EVENT_HAS_LAG: u8 = 1;
const EVENT_HAS_SUBJECT: u8 = 2;
const EVENT_HAS_VALUE: u8 = 4;
const EVENT_HAS_ABOUT: u8 = 8;
const EVENT_IS_CORRECTION: u8 = 16;
const EVENT_HAS_SOURCE: u8 = 32;

impl Row for Sourced<'_, FlatEvent> {
    const HAS_ID: bool = true;

    fn known_ms(&self) -> i64 {
        self.row.known_time.0
    }

    fn id(&self) -> u64 {
        self.row.id.0
    }

    fn source(&self) -> u32 {
        self.source
    }

    fn put(&self, since: u64, source: Option<u32>, out: &mut Vec<u8>) {
        let event = self.row;
        let lag = event.known_time.0.wrapping_sub(event.event_time.0);
        let flags = if lag == 0 { 0 } else { EVENT_HAS_LAG }
            | if event.subject == NO_ITEM { 0 } else { EVENT_HAS_SUBJECT }
            | if event.value == 0 { 0 } else { EVENT_HAS_VALUE }
            | if event.about == NO_ABOUT { 0 } else { EVENT_HAS_ABOUT }
            | if event.is_correction { EVENT_IS_CORRECTION } else { 0 }
            | if source.is_some() { EVENT_HAS_SOURCE } else { 0 };
        out.extend([event.kind as u8, flags]);
        put_varint(out, since);
        if lag != 0 {
            put_signed(out, lag);
        }
        if event.subject != NO_ITEM {
            put_varint(out, event.subject.into());
        }
        if event.value != 0 {
            put_signed(out, event.value);
        }
        if event.about != NO_ABOUT {
            out.extend_from_slice(&event.about.to_le_bytes());
        }
        if let Some(source) = source {
            put_varint(out, source.into());
        }
    }
}

/// Appends the events of a chunk to `out`, and the source of each to `sources` if they are asked for.
pub(crate) fn decode_events(
    body: &[u8],
    out: &mut Vec<FlatEvent>,
    mut sources: Option<&mut Vec<u32>>,
) -> Result<(), Malformed> {
    let Opened { mut rows, mut known_ms, mut source, ids } = open_with_ids(body)?;
    out.reserve(ids.len());
    for id in ids {
        let kind = EventKind::from_code(rows.byte()?).ok_or(Malformed("an event has no known kind"))?;
        let flags = rows.byte()?;
        known_ms = known_ms.wrapping_add_unsigned(rows.varint()?);
        let lag = if flags & EVENT_HAS_LAG == 0 { 0 } else { rows.signed()? };
        let mut event = FlatEvent::new(kind, EventId(u64::from_le_bytes(*id)), Time(known_ms));
        event.event_time = Time(known_ms.wrapping_sub(lag));
        if flags & EVENT_HAS_SUBJECT != 0 {
            event.subject = rows.small()?;
        }
        if flags & EVENT_HAS_VALUE != 0 {
            event.value = rows.signed()?;
        }
        if flags & EVENT_HAS_ABOUT != 0 {
            event.about = rows.fixed()?;
        }
        event.is_correction = flags & EVENT_IS_CORRECTION != 0;
        if flags & EVENT_HAS_SOURCE != 0 {
            source = rows.small()?;
        }
        out.push(event);
        if let Some(sources) = &mut sources {
            sources.push(source);
        }
    }
    end(&rows)
}

impl Row for &Note {
    const HAS_ID: bool = true;

    /// All in one run: notes are read together or not at all.
    fn known_ms(&self) -> i64 {
        0
    }

    fn id(&self) -> u64 {
        self.id
    }

    fn source(&self) -> u32 {
        0
    }

    fn put(&self, _: u64, _: Option<u32>, out: &mut Vec<u8>) {
        out.push(self.kind.map_or(0, |kind| kind as u8));
        out.extend_from_slice(&self.content.to_le_bytes());
        put_varint(out, self.source.into());
        put_signed(out, self.known_ms);
    }
}

/// Appends the notes of a chunk to `out`.
pub(crate) fn decode_notes(body: &[u8], out: &mut Vec<Note>) -> Result<(), Malformed> {
    let Opened { mut rows, ids, .. } = open_with_ids(body)?;
    out.reserve(ids.len());
    for id in ids {
        let kind = match rows.byte()? {
            0 => None,
            code => Some(EventKind::from_code(code).ok_or(Malformed("a note has no known kind"))?),
        };
        let (id, content) = (u64::from_le_bytes(*id), rows.fixed()?);
        out.push(Note { kind, id, content, source: rows.small()?, known_ms: rows.signed()? });
    }
    end(&rows)
}

/// A chunk that has ids: its rows, the known time and the source of the first, and the ids.
struct Opened<'a> {
    rows: Reader<'a>,
    known_ms: i64,
    source: u32,
    ids: &'a [[u8; 8]],
}

fn open_with_ids(body: &[u8]) -> Result<Opened<'_>, Malformed> {
    let mut rows = Reader::new(body);
    let count: usize = rows.small()?;
    let known_ms = rows.signed()?;
    let source = rows.small()?;
    let fewer = Malformed("it has fewer rows than it says");
    let ids_bytes = count.checked_mul(8).filter(|bytes| *bytes <= rows.remaining()).ok_or(fewer)?;
    let rest = rows.take(rows.remaining())?;
    let (rows, ids) = rest.split_at(rest.len() - ids_bytes);
    Ok(Opened { rows: Reader::new(rows), known_ms, source, ids: ids.as_chunks().0 })
}

fn end(rows: &Reader<'_>) -> Result<(), Malformed> {
    if rows.is_empty() { Ok(()) } else { Err(Malformed("it has more bytes than rows")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_code() -> impl Strategy<Value = u32> {
        prop_oneof![4 => Just(NO_ITEM), 1 => any::<u32>()]
    }

    fn any_order() -> impl Strategy<Value = (Order, u32)> {
        let times = prop_oneof![any::<(i64, i64)>(), (0..2_000_000_000_000_i64).prop_map(|at| (at, at))];
        let amounts = (any::<i64>(), prop_oneof![Just(0), any::<i64>()]);
        let codes = (any_code(), any_code(), any_code(), any_code());
        let flags = any::<(bool, bool)>();
        (any::<u64>(), times, amounts, any::<u32>(), flags, codes, 0..3_u32).prop_map(
            |(
                id,
                (event, known),
                (gross, discount),
                lines,
                flags,
                (channel, store, coupon, staff),
                source,
            )| {
                let order = Order {
                    id: EventId(id),
                    event_time: Time(event),
                    known_time: Time(known),
                    gross,
                    discount,
                    lines,
                    has_hour: flags.0,
                    is_correction: flags.1,
                    channel,
                    store,
                    coupon,
                    staff,
                };
                (order, source)
            },
        )
    }

    fn any_event() -> impl Strategy<Value = (FlatEvent, u32)> {
        let kind = prop::sample::select(EventKind::ALL);
        let about = prop_oneof![Just(NO_ABOUT), any::<u64>()];
        (kind, any::<(u64, i64, i64, bool)>(), any_code(), any::<i64>(), about, 0..3_u32).prop_map(
            |(kind, (id, event, known, is_correction), subject, value, about, source)| {
                let times =
                    FlatEvent { event_time: Time(event), ..FlatEvent::new(kind, EventId(id), Time(known)) };
                (FlatEvent { subject, value, about, is_correction, ..times }, source)
            },
        )
    }

    fn any_note() -> impl Strategy<Value = Note> {
        let kind = prop::option::of(prop::sample::select(EventKind::ALL));
        (kind, any::<(u64, u64, u32, i64)>()).prop_map(|(kind, (id, content, source, known_ms))| Note {
            kind,
            id,
            content,
            source,
            known_ms,
        })
    }

    fn from<T>(rows: &[(T, u32)]) -> Vec<Sourced<'_, T>> {
        rows.iter().map(|(row, source)| Sourced { row, source: *source }).collect()
    }

    proptest! {
        #[test]
        fn chunks_come_back_and_stay_small(
            orders in prop::collection::vec(any_order(), 0..400),
            events in prop::collection::vec(any_event(), 0..400),
            lines in prop::collection::vec(any::<(u32, i32, i64)>(), 0..400),
            notes in prop::collection::vec(any_note(), 0..400),
        ) {
            let chunks = encode(&from(&orders));
            let (mut decoded, mut sources) = (Vec::new(), Vec::new());
            for chunk in &chunks {
                prop_assert!(chunk.body.len() <= CHUNK_BYTES_MAX);
                prop_assert_eq!(chunk.first_ms, orders[decoded.len()].0.known_time.0);
                prop_assert_eq!(decode_orders(&chunk.body, &mut decoded, Some(&mut sources)), Ok(()));
            }
            prop_assert_eq!(decoded.into_iter().zip(sources).collect::<Vec<_>>(), orders);

            let (mut decoded, mut sources) = (Vec::new(), Vec::new());
            for chunk in encode(&from(&events)) {
                prop_assert!(chunk.body.len() <= CHUNK_BYTES_MAX);
                prop_assert_eq!(decode_events(&chunk.body, &mut decoded, Some(&mut sources)), Ok(()));
            }
            prop_assert_eq!(decoded.into_iter().zip(sources).collect::<Vec<_>>(), events);

            let mut decoded = Vec::new();
            for chunk in encode(&notes.iter().collect::<Vec<_>>()) {
                prop_assert!(chunk.body.len() <= CHUNK_BYTES_MAX);
                prop_assert_eq!(decode_notes(&chunk.body, &mut decoded), Ok(()));
            }
            prop_assert_eq!(decoded, notes);

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
            let mut damaged = encode(&from(&orders)).remove(0).body;
            for (at, with) in flips {
                let at = at.index(damaged.len());
                damaged[at] ^= with;
            }
            for bytes in [bytes, damaged] {
                let _ = decode_orders(&bytes, &mut Vec::new(), None);
                let _ = decode_lines(&bytes, &mut Vec::new());
                let _ = decode_events(&bytes, &mut Vec::new(), Some(&mut Vec::new()));
                let _ = decode_notes(&bytes, &mut Vec::new());
            }
        }
    }

    #[test]
    fn what_comes_later_moves_no_earlier_chunk() {
        let order = |n: i64| {
            let time = Time(n * 86_400_000);
            (Order { lines: 3, ..Order::new(EventId(n as u64), time, n * 37 % 10_000) }, 1)
        };
        let orders: Vec<_> = (0..1_000).map(order).collect();
        let all = encode(&from(&orders));
        let fewer = encode(&from(&orders[..900]));
        assert!(fewer.len() > 2);
        assert_eq!(all[..fewer.len() - 1], fewer[..fewer.len() - 1]);
    }
}
