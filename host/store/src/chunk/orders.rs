//! Orders and their lines in a chunk.

use stratagem_model::time::Time;
use stratagem_model::{EventId, Line, NO_ITEM, Order};

use super::{Opened, OrderLine, Row, Sourced, end, open_with_ids};
use crate::codec::{Malformed, Reader, put_signed, put_varint};

const HAS_DISCOUNT: u64 = 1;
const HAS_LAG: u64 = 2;
/// A byte with the flags below follows.
const HAS_MORE: u64 = 4;

const HAS_NO_HOUR: u8 = 1;
const IS_CORRECTION: u8 = 2;
/// By [`ORDER_DETAILS`](stratagem_model::ORDER_DETAILS).
const HAS_DETAILS: [u8; 4] = [4, 8, 16, 32];
/// Any of them.
const HAS_DETAIL: u8 = 4 | 8 | 16 | 32;
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
        let codes = order.details();
        let more = flag(!order.has_hour, HAS_NO_HOUR)
            | flag(order.is_correction, IS_CORRECTION)
            | codes.iter().zip(HAS_DETAILS).fold(0, |flags, (code, has)| flags | flag(*code != NO_ITEM, has))
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
        for code in codes.iter().filter(|code| **code != NO_ITEM) {
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
        let mut codes = [NO_ITEM; 4];
        if more & HAS_DETAIL != 0 {
            for (has, code) in HAS_DETAILS.into_iter().zip(&mut codes) {
                if more & has != 0 {
                    *code = rows.small()?;
                }
            }
        }
        if more & HAS_SOURCE != 0 {
            source = rows.small()?;
        }
        let [channel, store, coupon, staff] = codes;
        // Made at once: an order that is filled in field by field is written twice.
        out.push(Order {
            id: EventId(u64::from_le_bytes(*id)),
            event_time: Time(known_ms.wrapping_sub(lag)),
            known_time: Time(known_ms),
            gross,
            discount,
            lines: u32::try_from(head >> 3).map_err(|_| Malformed("an order has too many lines"))?,
            has_hour: more & HAS_NO_HOUR == 0,
            is_correction: more & IS_CORRECTION != 0,
            channel,
            store,
            coupon,
            staff,
        });
        if let Some(sources) = &mut sources {
            sources.push(source);
        }
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
