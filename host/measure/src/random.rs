//! Random numbers by seed: the same on every machine and for any number of threads.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The generator of one draw (bootstrap draw, world, fold): draws of one seed are independent streams, so that any
/// thread may make any draw.
pub fn stream(seed: u64, draw: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(draw);
    generator
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    #[test]
    fn draws_of_a_seed_differ_and_stay_the_same() {
        let first = |seed, draw| stream(seed, draw).random::<u64>();
        assert_eq!(first(1, 1), first(1, 1));
        assert!(first(1, 1) != first(1, 2) && first(1, 1) != first(2, 1));
    }
}
