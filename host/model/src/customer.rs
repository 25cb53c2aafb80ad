//! Customers and the buckets that partition them, for ever.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// How many buckets customers are spread over. Fixed for ever: it is in keys, exports and other engines.
pub const BUCKETS: u16 = 1024;

/// A customer's internal id: `xxh3_64` of the external id.
///
/// The same customer has the same id in every store and engine, whatever the order of ingest, and decisions of one
/// instant are written in the order of buckets and, within each, of ids: a place in the log, and no precedence. The
/// store refuses two external ids that share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomerId(pub u64);

impl CustomerId {
    /// The id of the customer known outside as `external`.
    pub fn from_external(external: &str) -> Self {
        Self(xxh3_64(external.as_bytes()))
    }

    /// The bucket this customer is kept in, below [`BUCKETS`].
    pub fn bucket(self) -> u16 {
        (self.0 % u64::from(BUCKETS)) as u16
    }

    /// A number below one million, uniform over customers and independent between salts.
    ///
    /// Assignment to holdouts and arms is this hash and never a random stream, so that every engine agrees.
    pub fn draw_ppm(self, salt: &str) -> u32 {
        let seed = xxh3_64(salt.as_bytes());
        (xxh3_64_with_seed(&self.0.to_le_bytes(), seed) % 1_000_000) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_buckets_are_fixed_for_ever() {
        let id = CustomerId::from_external("2375");
        assert_eq!(id, CustomerId(xxh3_64(b"2375")));
        assert_eq!(u64::from(id.bucket()), xxh3_64(b"2375") % 1024);
    }

    #[test]
    fn draws_are_uniform_and_independent_between_salts() {
        let below =
            |salt: &str| (0..100_000).filter(|n| CustomerId(*n).draw_ppm(salt) < 100_000).collect::<Vec<_>>();
        let (a, b) = (below("a"), below("b"));
        assert!((9_600..10_400).contains(&a.len()), "{} of 100,000 in a 10 % holdout", a.len());
        let both = a.iter().filter(|n| b.contains(n)).count();
        assert!((850..1_150).contains(&both), "{both} of 100,000 in two independent 10 % holdouts");
    }
}
