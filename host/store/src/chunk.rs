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

use stratagem_model::Line;

use crate::codec::{Malformed, Reader, put_signed, put_varint};

mod events;
mod orders;

pub(crate) use events::{decode_events, decode_notes};
pub(crate) use orders::{decode_lines, decode_orders};

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
mod tests;
