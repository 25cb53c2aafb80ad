//! Digests that let anyone re-execute a run and compare.

use stratagem_model::{BUCKETS, Decision, DecisionNames};

/// The digest of a shard's decisions by bucket.
pub(crate) type BucketDigests = Vec<(u16, [u8; 32])>;

/// Of so many bytes several parts are hashed side by side.
const HASHED_AT_ONCE: usize = 16 * 1024;

#[derive(Default)]
struct Buffered {
    hasher: blake3::Hasher,
    bytes: Vec<u8>,
}

/// Digests a shard's decisions, which are in the order of step and then `(bucket, customer)`.
pub(crate) fn digest_buckets(decisions: &[Decision], names: &DecisionNames) -> BucketDigests {
    // Boxed, because a hasher is two kilobytes and would move whenever a bucket before it turns up.
    let mut hashers: Vec<(u16, Box<Buffered>)> = vec![];
    for decision in decisions {
        let bucket = decision.customer.bucket();
        let at = hashers.binary_search_by_key(&bucket, |(bucket, _)| *bucket).unwrap_or_else(|at| {
            hashers.insert(at, (bucket, Box::default()));
            at
        });
        let Buffered { hasher, bytes } = &mut *hashers[at].1;
        names.encode(decision, bytes);
        if bytes.len() >= HASHED_AT_ONCE {
            hasher.update(bytes);
            bytes.clear();
        }
    }
    let finish = |(bucket, mut buffered): (u16, Box<Buffered>)| {
        let Buffered { hasher, bytes } = &mut *buffered;
        (bucket, *hasher.update(bytes).finalize().as_bytes())
    };
    hashers.into_iter().map(finish).collect()
}

/// The digest over all buckets.
pub(crate) fn digest(mut buckets: BucketDigests) -> String {
    buckets.sort_unstable();
    debug_assert!(buckets.len() <= usize::from(BUCKETS), "each bucket lies in one shard");
    let mut hasher = blake3::Hasher::new();
    for (bucket, digest) in buckets {
        hasher.update(&bucket.to_be_bytes()).update(&digest);
    }
    hasher.finalize().to_hex().to_string()
}
