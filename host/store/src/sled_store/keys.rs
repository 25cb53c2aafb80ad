//! Keys of the tree `timelines`.
//!
//! ```text
//! bucket u16 | customer u64 | kind u8                                        the profile
//! bucket u16 | customer u64 | kind u8 | first known time i64 | part u24      a chunk
//! fffe ff..ff ...                                                            the same of the filings of products
//! ffff "totals"                                                              counts over the whole store
//! ```
//!
//! All numbers are big-endian, and times have their sign flipped, so that keys sort as numbers do. A part counts the
//! chunks of one customer and kind that begin at the same instant; its three bytes keep a key within the 22 that sled
//! holds without an allocation.

use stratagem_model::{BUCKETS, CustomerId};

use crate::StoreError;
use crate::codec::Malformed;

/// What lies at a key of a customer. The numbers are in stored keys: never renumber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Section {
    /// External id, counts, and the newest chunks.
    Profile = 0,
    Orders = 1,
    Lines = 2,
    Events = 3,
    /// What further sources say, for when an ingest is undone; no scan reads it.
    Notes = 4,
}

/// Stands for the customer whose events are the filings of products. Its bucket is none of a customer's, so a scan never
/// meets it.
pub(super) const FILINGS: CustomerId = CustomerId(u64::MAX);

const FILINGS_BUCKET: u16 = 0xfffe;

fn bucket(customer: CustomerId) -> u16 {
    if customer == FILINGS { FILINGS_BUCKET } else { customer.bucket() }
}

/// Not a bucket's, so a scan never meets it.
pub(super) const TOTALS: &[u8] = b"\xff\xfftotals";

const PREFIX_BYTES: usize = 2 + 8;
const CHUNK_KEY_BYTES: usize = PREFIX_BYTES + 1 + 8 + 3;
const _: () = assert!(CHUNK_KEY_BYTES <= 22, "sled holds no longer keys inline");

/// What all keys of a customer begin with.
pub(super) fn prefix(customer: CustomerId) -> [u8; PREFIX_BYTES] {
    let mut key = [0; PREFIX_BYTES];
    key[..2].copy_from_slice(&bucket(customer).to_be_bytes());
    key[2..].copy_from_slice(&customer.0.to_be_bytes());
    key
}

pub(super) fn profile(customer: CustomerId) -> [u8; PREFIX_BYTES + 1] {
    let mut key = [0; PREFIX_BYTES + 1];
    key[..PREFIX_BYTES].copy_from_slice(&prefix(customer));
    key[PREFIX_BYTES] = Section::Profile as u8;
    key
}

pub(super) fn chunk(
    customer: CustomerId,
    section: Section,
    first_ms: i64,
    part: u32,
) -> [u8; CHUNK_KEY_BYTES] {
    let mut key = [0; CHUNK_KEY_BYTES];
    let [high, part @ ..] = part.to_be_bytes();
    assert!(high == 0, "2^24 chunks of 4 KB in one instant do not fit in memory");
    key[..PREFIX_BYTES].copy_from_slice(&prefix(customer));
    key[PREFIX_BYTES] = section as u8;
    key[PREFIX_BYTES + 1..PREFIX_BYTES + 9].copy_from_slice(&sortable(first_ms).to_be_bytes());
    key[PREFIX_BYTES + 9..].copy_from_slice(&part);
    key
}

/// Whose key it is, and what lies there.
pub(super) fn parse(key: &[u8]) -> Result<(CustomerId, Section), Malformed> {
    let not_a_key = Malformed("the key is not one of a customer");
    let (bucket, rest) = key.split_first_chunk::<2>().ok_or(not_a_key)?;
    let (customer, rest) = rest.split_first_chunk::<8>().ok_or(not_a_key)?;
    let customer = CustomerId(u64::from_be_bytes(*customer));
    if self::bucket(customer) != u16::from_be_bytes(*bucket) {
        return Err(Malformed("the customer is not of this bucket"));
    }
    let section = match (rest.first(), key.len()) {
        (Some(0), len) if len == PREFIX_BYTES + 1 => Section::Profile,
        (Some(1), CHUNK_KEY_BYTES) => Section::Orders,
        (Some(2), CHUNK_KEY_BYTES) => Section::Lines,
        (Some(3), CHUNK_KEY_BYTES) => Section::Events,
        (Some(4), CHUNK_KEY_BYTES) => Section::Notes,
        _ => return Err(not_a_key),
    };
    Ok((customer, section))
}

/// The keys of a range of buckets: from the first, up to and without the second.
pub(super) fn bounds(buckets: &std::ops::Range<u16>) -> ([u8; 2], [u8; 2]) {
    let end = buckets.end.min(BUCKETS);
    (buckets.start.min(end).to_be_bytes(), end.to_be_bytes())
}

/// The error for a value that is not what it should be.
pub(super) fn corrupt(tree: &str, key: &[u8], problem: Malformed) -> StoreError {
    StoreError::Corrupt { key: name(tree, key), problem: problem.0.into() }
}

/// A key as people can read and copy it.
pub(super) fn name(tree: &str, key: &[u8]) -> String {
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{tree}/{hex}")
}

fn sortable(ms: i64) -> u64 {
    (ms as u64) ^ (1 << 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_customer_then_kind_then_time_then_part() {
        let customer = CustomerId(5);
        let keys = [
            profile(customer).to_vec(),
            chunk(customer, Section::Orders, i64::MIN, 0).to_vec(),
            chunk(customer, Section::Orders, -1, 0).to_vec(),
            chunk(customer, Section::Orders, 0, 0).to_vec(),
            chunk(customer, Section::Orders, 0, 1).to_vec(),
            chunk(customer, Section::Orders, 0, 0x0001_0000).to_vec(),
            chunk(customer, Section::Orders, i64::MAX, 0).to_vec(),
            chunk(customer, Section::Lines, 0, 0).to_vec(),
            chunk(customer, Section::Events, 0, 0).to_vec(),
            profile(CustomerId(5 + u64::from(BUCKETS))).to_vec(),
            profile(CustomerId(6)).to_vec(),
            TOTALS.to_vec(),
        ];
        assert!(keys.is_sorted());
        for key in &keys[..8] {
            assert_eq!(parse(key).map(|(customer, _)| customer), Ok(CustomerId(5)));
        }
        assert!(parse(TOTALS).is_err());
    }
}
