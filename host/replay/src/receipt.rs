//! Digests that let anyone re-execute a run and compare.

use stratagem_model::{BUCKETS, Decision, DecisionNames};

/// The digest of a shard's decisions by bucket.
pub(crate) type BucketDigests = Vec<(u16, [u8; 32])>;

/// Digests a shard's decisions, which are in the order of step and then `(bucket, customer)`.
pub(crate) fn digest_buckets(decisions: &[Decision], names: &DecisionNames) -> BucketDigests {
    let mut bytes = vec![];
    // Boxed, because a hasher is two kilobytes and would move whenever a bucket before it turns up.
    let mut hashers: Vec<(u16, Box<blake3::Hasher>)> = vec![];
    for decision in decisions {
        let bucket = decision.customer.bucket();
        let at = hashers.binary_search_by_key(&bucket, |(bucket, _)| *bucket).unwrap_or_else(|at| {
            hashers.insert(at, (bucket, Box::default()));
            at
        });
        bytes.clear();
        names.encode(decision, &mut bytes);
        hashers[at].1.update(&bytes);
    }
    hashers.into_iter().map(|(bucket, hasher)| (bucket, *hasher.finalize().as_bytes())).collect()
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
