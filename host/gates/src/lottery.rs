//! The order in which customers are served where there is not enough for all: drawn anew at each instant.

use stratagem_model::{CustomerId, Time};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A customer's place in the order of an instant: the lowest is served first, of equals the lower id.
///
/// XXH3 with the salt as its seed, over the instant (i64, milliseconds) and the customer (u64), little-endian.
pub fn lottery(salt: u64, time: Time, customer: CustomerId) -> u64 {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&time.0.to_le_bytes());
    key[8..].copy_from_slice(&customer.0.to_le_bytes());
    xxh3_64_with_seed(&key, salt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_first_today_is_as_likely_as_anyone_to_be_last_tomorrow() {
        let first_half = |day: i64| {
            let mut places: Vec<_> =
                (0..10_000).map(|id| (lottery(1, Time(day), CustomerId(id)), id)).collect();
            places.sort_unstable();
            let mut first: Vec<_> = places[..5_000].iter().map(|(_, id)| *id).collect();
            first.sort_unstable();
            first
        };
        let (today, tomorrow) = (first_half(1), first_half(2));
        let both = today.iter().filter(|id| tomorrow.binary_search(id).is_ok()).count();
        assert!((2_300..2_700).contains(&both), "{both} of 5,000 are in the first half on both days");
        let low_ids = today.iter().filter(|id| **id < 5_000).count();
        assert!((2_300..2_700).contains(&low_ids), "{low_ids} of the first 5,000 have low ids");
    }
}
