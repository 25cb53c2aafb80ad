//! The draw among the proposals of one customer: one is picked with probability proportional to its score.
//!
//! # Invariants
//!
//! - **The key is the whole of it.** A draw depends on salt, lane, customer, instant and group, and on the scores;
//!   another lane of the same customer and instant draws independently.
//! - **Exact.** No sum or product of scores overflows, whatever 64-bit scores a batch holds.

use stratagem_model::column::Proposal;
use stratagem_model::{CustomerId, PPM, Time};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The only group of proposals there is: all of a customer's are alternatives to each other.
pub(crate) const GROUP: u32 = 0;

/// What a draw is made by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DrawKey<'a> {
    pub(crate) salt: u64,
    /// The strategy's name.
    pub(crate) lane: &'a str,
    pub(crate) customer: CustomerId,
    pub(crate) time: Time,
    pub(crate) group: u32,
}

impl DrawKey<'_> {
    /// XXH3 with the salt as its seed, over the lane's length in bytes (u32), the lane in UTF-8, the customer (u64), the
    /// instant (i64, milliseconds) and the group (u32), all little-endian. Any engine draws the same by it.
    fn hash(self) -> u64 {
        let mut key = Vec::with_capacity(self.lane.len() + 24);
        let length = u32::try_from(self.lane.len()).expect("names of strategies are short");
        key.extend_from_slice(&length.to_le_bytes());
        key.extend_from_slice(self.lane.as_bytes());
        key.extend_from_slice(&self.customer.0.to_le_bytes());
        key.extend_from_slice(&self.time.0.to_le_bytes());
        key.extend_from_slice(&self.group.to_le_bytes());
        xxh3_64_with_seed(&key, self.salt)
    }

    /// The index of the proposal that is drawn among these.
    pub(crate) fn draw(self, proposals: &[Proposal], total: u128) -> usize {
        // Most often there is nothing to draw.
        if proposals.len() < 2 { 0 } else { pick(self.hash(), proposals, total) }
    }
}

/// What a score weighs. The contract knows none below 1.
fn weight(proposal: &Proposal) -> u128 {
    proposal.score.max(1).unsigned_abs().into()
}

/// What all these proposals weigh: with 2^20 proposals, the most of a batch, below 2^83.
pub(crate) fn total(proposals: &[Proposal]) -> u128 {
    proposals.iter().map(weight).sum()
}

/// The proposal in whose part of `0..total` the hash falls, when that is stretched over the hashes.
fn pick(hash: u64, proposals: &[Proposal], total: u128) -> usize {
    let point = stretched(hash, total);
    let mut below = 0;
    for (i, proposal) in proposals.iter().enumerate() {
        below += weight(proposal);
        if point < below {
            return i;
        }
    }
    unreachable!("the point lies below the total")
}

/// `hash * total / 2^64`, rounded down. The product has more than 128 bits: the total's upper and lower half are
/// multiplied on their own.
fn stretched(hash: u64, total: u128) -> u128 {
    let (hash, upper, lower) = (u128::from(hash), total >> 64, total & u128::from(u64::MAX));
    hash * upper + ((hash * lower) >> 64)
}

/// The share of a proposal, rounded, in what is sent.
pub(crate) fn propensity_ppm(sent_ppm: u32, proposal: &Proposal, total: u128) -> u32 {
    let share = u128::from(sent_ppm) * weight(proposal);
    u32::try_from((share + total / 2) / total).map_or(PPM, |ppm| ppm.min(PPM))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use stratagem_model::NO_ITEM;

    use super::*;

    fn proposals(scores: &[i64]) -> Vec<Proposal> {
        let proposal =
            |score: &i64| Proposal { row: 0, action: 0, item: NO_ITEM, score: *score, when: Time(0) };
        scores.iter().map(proposal).collect()
    }

    /// A natural number in digits of 32 bits, the lowest first.
    fn digits(of: u128) -> Vec<u64> {
        (0..4).map(|digit| (of >> (32 * digit)) as u64 & 0xffff_ffff).collect()
    }

    fn product(a: &[u64], b: &[u64]) -> Vec<u64> {
        let mut out = vec![0; a.len() + b.len()];
        for (i, a) in a.iter().enumerate() {
            let mut carry = 0;
            for (j, b) in b.iter().enumerate() {
                let sum = out[i + j] + a * b + carry;
                out[i + j] = sum & 0xffff_ffff;
                carry = sum >> 32;
            }
            out[i + b.len()] += carry;
        }
        out
    }

    /// The draw as it is meant: the first proposal with `hash * total < (scores up to it) * 2^64`, by numbers of any size.
    fn meant(hash: u64, scores: &[i64]) -> usize {
        let sum = |scores: &[i64]| {
            scores.iter().map(|score| u128::from(score.max(&1).unsigned_abs())).sum::<u128>()
        };
        let from_the_top = |digits: Vec<u64>| digits.into_iter().rev().collect::<Vec<_>>();
        let point = from_the_top(product(&digits(hash.into()), &digits(sum(scores))));
        let is_above = |i: &usize| {
            let end = product(&digits(1 << 64), &digits(sum(&scores[..=*i])));
            point < from_the_top(end)
        };
        (0..scores.len()).find(is_above).unwrap()
    }

    #[test]
    fn a_batch_full_of_the_highest_scores_is_drawn_from_end_to_end() {
        let count = 1 << 20;
        let proposals = proposals(&vec![i64::MAX; count]);
        let total = total(&proposals);
        assert_eq!(pick(0, &proposals, total), 0);
        assert_eq!(pick(u64::MAX, &proposals, total), count - 1);
        assert_eq!(pick(1 << 63, &proposals, total), count / 2);
        assert_eq!(propensity_ppm(PPM, &proposals[0], total), 1);
    }

    #[test]
    fn lanes_salts_groups_customers_and_instants_draw_on_their_own() {
        let base = DrawKey { salt: 1, lane: "ab", customer: CustomerId(2), time: Time(3), group: 0 };
        let keys = [
            base,
            DrawKey { salt: 2, ..base },
            DrawKey { lane: "b", ..base },
            DrawKey { lane: "", ..base },
            DrawKey { customer: CustomerId(3), ..base },
            DrawKey { time: Time(2), ..base },
            DrawKey { group: 1, ..base },
        ];
        let hashes: BTreeSet<_> = keys.iter().map(|key| key.hash()).collect();
        assert_eq!(hashes.len(), keys.len());
    }

    #[test]
    fn the_bytes_of_a_key_are_fixed() {
        let key = DrawKey { salt: 7, lane: "ab", customer: CustomerId(2), time: Time(-1), group: 3 };
        let bytes = b"\x02\0\0\0ab\x02\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x03\0\0\0";
        assert_eq!(key.hash(), xxh3_64_with_seed(bytes, 7));
    }

    proptest! {
        #[test]
        fn a_draw_is_what_numbers_of_any_size_make_it(
            hash in prop_oneof![any::<u64>(), 0..4_u64, u64::MAX - 4..=u64::MAX, (1 << 63) - 2..(1 << 63) + 2_u64],
            scores in prop::collection::vec(
                prop_oneof![1..4_i64, i64::MAX - 4..=i64::MAX, Just(i64::MAX), any::<i64>()],
                2..600,
            ),
        ) {
            let proposals = proposals(&scores);
            prop_assert_eq!(pick(hash, &proposals, total(&proposals)), meant(hash, &scores));
        }
    }
}
