//! The one engine under every bootstrap here: sums of rows drawn with replacement.
//!
//! Drawing n of n rows is, in the same distribution, first drawing how many picks fall to each of some groups of rows
//! (multinomial, so each a binomial number given those before it), then the picks within each group. The groups are
//! chosen for speed:
//!
//! - A row that repeats often, such as a customer who spent nothing, is a group of its own: nothing is left to pick.
//! - All other rows form groups of a power of two, so that bits of a random word are picks without bias; none is larger
//!   than the fastest cache.
//!
//! # Invariants
//!
//! - Draw `b` of a seed is the same for any number of threads and for any order of the rows.

use std::cmp::{Ordering, Reverse};

use rand::Rng;
use rand_distr::{Binomial, Distribution};
use rayon::prelude::*;

use crate::{Refusal, random};

/// From so many equal rows on, a binomial number is cheaper than the picks.
const EQUAL_ROWS_MIN: usize = 128;

/// Bits of a pick, and picks in a random word.
const PICK_BITS: usize = 12;
const PICKS: usize = 64 / PICK_BITS;

/// Customers to be drawn with replacement, each a row of `K` numbers, within their strata.
#[derive(Debug, Clone)]
pub struct Resampler<const K: usize> {
    rows: usize,
    strata: Vec<Stratum<K>>,
}

/// Rows that are drawn from one another.
#[derive(Debug, Clone)]
pub(super) struct Stratum<const K: usize> {
    rows: usize,
    /// The largest first.
    groups: Vec<Group<K>>,
}

#[derive(Debug, Clone)]
enum Group<const K: usize> {
    /// One row, so many times.
    Equal([f64; K], usize),
    /// A power of two of rows.
    Rows(Vec<[f64; K]>),
}

impl<const K: usize> Resampler<K> {
    /// All rows in one stratum.
    ///
    /// # Errors
    /// There are no rows, or a value is not finite.
    pub fn new(rows: &[[f64; K]]) -> Result<Self, Refusal> {
        Self::stratified(rows, &vec![0; rows.len()])
    }

    /// Rows with the stratum of each: a draw takes as many rows from a stratum as it has. An arm's strata do not
    /// reach into another arm, whose rows are another resampler.
    ///
    /// # Errors
    /// There are no rows, a value is not finite, or there are more or fewer strata than rows.
    pub fn stratified(rows: &[[f64; K]], strata: &[u32]) -> Result<Self, Refusal> {
        if rows.is_empty() {
            return Err(Refusal::TooFew { what: "the sample".into(), unit: "customers", have: 0, need: 1 });
        }
        if rows.len() != strata.len() {
            let (what, value) = ("the number of strata given for the rows".into(), strata.len() as f64);
            return Err(Refusal::BadValue { what, value, must: "the number of rows" });
        }
        if let Some(value) = rows.as_flattened().iter().find(|value| !value.is_finite()) {
            return Err(Refusal::BadValue { what: "a value".into(), value: *value, must: "finite" });
        }
        // Adding 0 makes -0 equal to 0 in the order by bits.
        let mut sorted: Vec<(u32, [f64; K])> =
            strata.iter().zip(rows).map(|(stratum, row)| (*stratum, row.map(|value| value + 0.0))).collect();
        sorted.par_sort_unstable_by(|one, other| one.0.cmp(&other.0).then_with(|| compare(&one.1, &other.1)));
        let strata = sorted.chunk_by(|one, other| one.0 == other.0).map(Stratum::of_sorted).collect();
        Ok(Self { rows: rows.len(), strata })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The mean of each column as it is.
    pub fn means(&self) -> [f64; K] {
        let mut sums = [0.0; K];
        self.strata.iter().for_each(|stratum| add(&mut sums, &stratum.sums()));
        sums.map(|sum| sum / self.rows as f64)
    }

    pub(super) fn strata(&self) -> &[Stratum<K>] {
        &self.strata
    }

    /// The sums of each column in one draw.
    pub fn draw(&self, generator: &mut impl Rng) -> [f64; K] {
        let mut sums = [0.0; K];
        self.strata.iter().for_each(|stratum| stratum.draw(generator, &mut sums));
        sums
    }
}

impl Resampler<1> {
    /// One value of each customer, all in one stratum.
    ///
    /// # Errors
    /// There are no values, or one is not finite.
    pub fn of_values(values: &[f64]) -> Result<Self, Refusal> {
        Self::new(values.as_chunks().0)
    }
}

impl<const K: usize> Stratum<K> {
    fn of_sorted(sorted: &[(u32, [f64; K])]) -> Self {
        let (mut groups, mut others) = (Vec::new(), Vec::new());
        for equal in sorted.chunk_by(|one, other| compare(&one.1, &other.1).is_eq()) {
            if equal.len() >= EQUAL_ROWS_MIN {
                groups.push(Group::Equal(equal[0].1, equal.len()));
            } else {
                others.extend(equal.iter().map(|(_, row)| *row));
            }
        }
        let mut left = others.as_slice();
        while !left.is_empty() {
            let (group, rest) = left.split_at(1 << left.len().ilog2().min(PICK_BITS as u32));
            groups.push(Group::Rows(group.to_vec()));
            left = rest;
        }
        groups.sort_by_key(|group| Reverse(group.rows()));
        Self { rows: sorted.len(), groups }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Each row with how often it occurs; equal rows that are few come one by one.
    pub(super) fn weighted_rows(&self) -> impl Iterator<Item = (&[f64; K], usize)> {
        self.groups.iter().flat_map(|group| {
            let (rows, times) = match group {
                Group::Equal(row, times) => (std::slice::from_ref(row), *times),
                Group::Rows(rows) => (rows.as_slice(), 1),
            };
            rows.iter().map(move |row| (row, times))
        })
    }

    pub(super) fn sums(&self) -> [f64; K] {
        let mut sums = [0.0; K];
        self.weighted_rows().for_each(|(row, times)| add(&mut sums, &row.map(|value| value * times as f64)));
        sums
    }

    fn draw(&self, generator: &mut impl Rng, sums: &mut [f64; K]) {
        let (mut picks_left, mut rows_left) = (self.rows, self.rows);
        for group in &self.groups {
            let share = group.rows() as f64 / rows_left as f64;
            let binomial =
                Binomial::new(picks_left as u64, share).expect("a share of the rows left is a probability");
            let picks = binomial.sample(generator) as usize;
            match group {
                Group::Equal(row, _) => add(sums, &row.map(|value| value * picks as f64)),
                Group::Rows(rows) => pick(rows, picks, generator, sums),
            }
            picks_left -= picks;
            rows_left -= group.rows();
        }
    }
}

impl<const K: usize> Group<K> {
    fn rows(&self) -> usize {
        match self {
            Self::Equal(_, times) => *times,
            Self::Rows(rows) => rows.len(),
        }
    }
}

/// Adds so many of the rows, each drawn uniformly, to the sums. The number of rows is a power of two.
fn pick<const K: usize>(rows: &[[f64; K]], picks: usize, generator: &mut impl Rng, sums: &mut [f64; K]) {
    let last = rows.len() - 1;
    // A sum for each pick of a word: additions that do not wait for one another.
    let mut lanes = [[0.0; K]; PICKS];
    let mut add_word = |picks: usize, generator: &mut _| {
        let word = Rng::next_u64(generator) as usize;
        for (pick, lane) in lanes.iter_mut().enumerate().take(picks) {
            add(lane, &rows[(word >> (pick * PICK_BITS)) & last]);
        }
    };
    (0..picks / PICKS).for_each(|_| add_word(PICKS, generator));
    add_word(picks % PICKS, generator);
    lanes.iter().for_each(|lane| add(sums, lane));
}

fn add<const K: usize>(sums: &mut [f64; K], row: &[f64; K]) {
    sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
}

fn compare<const K: usize>(one: &[f64; K], other: &[f64; K]) -> Ordering {
    one.iter()
        .zip(other)
        .map(|(one, other)| one.total_cmp(other))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// The column sums of rows drawn with replacement, as many as there are: one set of sums a draw, in the order of the
/// draws, made in parallel.
///
/// A bootstrap mean is a sum over the number of rows; a ratio is one column's sum over another's, of the same draw.
/// Source: B. Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics 7 (1979).
///
/// # Errors
/// There are no rows, or a value is not finite.
pub fn resample_sums<const K: usize>(
    values: &[[f64; K]],
    draws: usize,
    seed: u64,
) -> Result<Vec<[f64; K]>, Refusal> {
    let resampler = Resampler::new(values)?;
    Ok((0..draws as u64)
        .into_par_iter()
        .map(|draw| resampler.draw(&mut random::stream(seed, draw)))
        .collect())
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    /// Spend of a few customers among many who spent nothing, with orders beside it.
    fn spend() -> Vec<[f64; 2]> {
        (0..1_000_u32).map(|i| if i % 7 == 0 { [f64::from(i * i % 977), 1.0] } else { [0.0, -0.0] }).collect()
    }

    #[test]
    fn threads_and_the_order_of_rows_change_nothing() {
        let rows = spend();
        let draws = resample_sums(&rows, 50, 7).unwrap();
        let reversed: Vec<_> = rows.iter().rev().copied().collect();
        assert_eq!(draws, resample_sums(&reversed, 50, 7).unwrap());
        let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(draws, single.install(|| resample_sums(&rows, 50, 7)).unwrap());
        assert_ne!(draws, resample_sums(&rows, 50, 8).unwrap());
    }

    #[test]
    fn picks_are_multinomial() {
        // Rows that repeat often, rows in groups of two sizes, and one that is alone; each column counts one kind.
        let kinds = [300, 100, 90, 45, 1_usize];
        let rows: Vec<[f64; 5]> = (0..5)
            .flat_map(|kind| {
                std::iter::repeat_n(std::array::from_fn(|i| f64::from(u8::from(i == kind))), kinds[kind])
            })
            .collect();
        let (n, draws) = (rows.len() as f64, 40_000);
        let counts = resample_sums(&rows, draws, 3).unwrap();
        assert!(counts.iter().all(|counts| counts.iter().sum::<f64>() == n));
        let mean = |value: &dyn Fn(&[f64; 5]) -> f64| counts.iter().map(value).sum::<f64>() / draws as f64;
        let share = kinds.map(|rows| rows as f64 / n);
        for one in 0..5 {
            let found = mean(&|counts| counts[one]);
            let error = (n * share[one] * (1.0 - share[one]) / draws as f64).sqrt();
            assert!((found - n * share[one]).abs() < 4.0 * error, "kind {one}: {found} picks");
            for other in 0..5 {
                let spread = |kind: usize| n * share[kind] * (1.0 - share[kind]);
                let expected = if one == other { spread(one) } else { -n * share[one] * share[other] };
                let found =
                    mean(&|counts| (counts[one] - n * share[one]) * (counts[other] - n * share[other]));
                let error = (2.0 * spread(one) * spread(other) / draws as f64).sqrt();
                assert!(
                    (found - expected).abs() < 5.0 * error,
                    "kinds {one}, {other}: {found}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn draws_are_distributed_as_picking_rows_one_by_one() {
        let (rows, draws) = (spend(), 20_000);
        let sorted = |mut sums: Vec<f64>| {
            sums.sort_by(f64::total_cmp);
            sums
        };
        let found = sorted(resample_sums(&rows, draws, 1).unwrap().iter().map(|sums| sums[0]).collect());
        let one_by_one = (0..draws as u64).map(|draw| {
            let mut generator = random::stream(2, draw);
            (0..rows.len()).map(|_| rows[generator.random_range(0..rows.len())][0]).sum()
        });
        let expected = sorted(one_by_one.collect());
        // Kolmogorov-Smirnov: the largest distance between two empirical distributions, below its 1 % point.
        let below =
            |sums: &[f64], value: f64| sums.partition_point(|sum| *sum <= value) as f64 / draws as f64;
        let distance = found
            .iter()
            .chain(&expected)
            .map(|value| (below(&found, *value) - below(&expected, *value)).abs());
        let distance = distance.fold(0.0, f64::max);
        assert!(distance < 1.628 * (2.0 / draws as f64).sqrt(), "distance {distance}");
    }

    #[test]
    fn a_draw_takes_as_many_from_a_stratum_as_it_has() {
        let rows: Vec<[f64; 2]> =
            (0..500).map(|i| if i < 200 { [1.0, 0.0] } else { [0.0, f64::from(i)] }).collect();
        let strata: Vec<u32> = (0..500).map(|i| u32::from(i >= 200)).collect();
        let resampler = Resampler::stratified(&rows, &strata).unwrap();
        let draws: Vec<_> = (0..20).map(|draw| resampler.draw(&mut random::stream(1, draw))).collect();
        assert!(draws.iter().all(|sums| sums[0] == 200.0) && draws.iter().any(|sums| sums[1] != draws[0][1]));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert!(resample_sums::<1>(&[], 10, 1).is_err());
        assert!(resample_sums(&[[1.0], [f64::NAN]], 10, 1).is_err());
        assert!(Resampler::stratified(&[[1.0], [2.0]], &[0]).is_err());
    }
}
