//! The value at a customer's profile key: who it is, how much it has, and its newest chunks.
//!
//! The last, unfilled chunk of each kind lies here as long as there is room. So most customers are one value, which is
//! read and replaced at once, and a live event rewrites nothing else.

use crate::codec::{Malformed, Reader, begin, put_bytes, put_varint, seal, unseal};

/// The longest external id. It is in every profile, and a longer one would be no id.
pub(super) const EXTERNAL_ID_BYTES_MAX: usize = 512;

/// Chunks in a profile have no more bytes than this, together.
pub(super) const INLINE_BYTES_MAX: usize = 2 * 1024;

/// A profile's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Profile<'a> {
    pub(super) external_id: &'a str,
    pub(super) counts: Counts,
    /// How many chunks have keys of their own.
    pub(super) keyed_chunks: u64,
    /// Bodies of the last chunks; empty if there is none, or none here.
    pub(super) orders: &'a [u8],
    pub(super) lines: &'a [u8],
    pub(super) events: &'a [u8],
    pub(super) notes: &'a [u8],
}

/// How many rows a customer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) orders: u64,
    pub(super) lines: u64,
    pub(super) events: u64,
    pub(super) notes: u64,
}

impl<'a> Profile<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut value = begin();
        put_bytes(&mut value, self.external_id.as_bytes());
        let Counts { orders, lines, events, notes } = self.counts;
        for count in [orders, lines, events, notes, self.keyed_chunks] {
            put_varint(&mut value, count);
        }
        for body in [self.orders, self.lines, self.events, self.notes] {
            put_bytes(&mut value, body);
        }
        seal(value)
    }

    pub(super) fn decode(value: &'a [u8]) -> Result<Self, Malformed> {
        let mut body = Reader::new(unseal(value)?);
        let profile = Self {
            external_id: body.text()?,
            counts: Counts {
                orders: body.varint()?,
                lines: body.varint()?,
                events: body.varint()?,
                notes: body.varint()?,
            },
            keyed_chunks: body.varint()?,
            orders: body.bytes()?,
            lines: body.bytes()?,
            events: body.bytes()?,
            notes: body.bytes()?,
        };
        if body.is_empty() { Ok(profile) } else { Err(Malformed("a profile is too long")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_come_back() {
        let profile = Profile {
            external_id: "客户-17",
            counts: Counts { orders: 3, lines: 1 << 40, events: 0, notes: 5 },
            keyed_chunks: 2,
            orders: b"orders",
            lines: b"",
            events: b"events",
            notes: b"notes",
        };
        assert_eq!(Profile::decode(&profile.encode()), Ok(profile));
    }

    #[test]
    fn the_largest_profile_is_a_value() {
        let (id, body) = ("x".repeat(EXTERNAL_ID_BYTES_MAX), vec![0; INLINE_BYTES_MAX]);
        let counts = Counts { orders: u64::MAX, lines: u64::MAX, events: u64::MAX, notes: u64::MAX };
        let profile = Profile {
            external_id: &id,
            counts,
            keyed_chunks: u64::MAX,
            orders: &body,
            lines: &[],
            events: &[],
            notes: &[],
        };
        assert_eq!(Profile::decode(&profile.encode()), Ok(profile));
    }
}
