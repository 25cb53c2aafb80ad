//! Category pairs: which categories are bought in one basket more often than by chance.
//!
//! Over the baskets with a category known before an instant, `n` in all, `a` with the antecedent, `b` with the
//! consequent, `ab` with both: confidence = ab / a, lift = ab n / (a b).

use std::collections::HashMap;
use std::sync::Arc;

use stratagem_model::column::{Column, ColumnKind};
use stratagem_model::time::Time;
use stratagem_model::{PPM, Table};

use crate::timelines::Timelines;

/// Which pairs a strategy wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PairOptions {
    pub(crate) min_baskets: i64,
    pub(crate) min_confidence_ppm: i64,
    pub(crate) min_lift_ppm: i64,
    pub(crate) per_category: i64,
}

impl Default for PairOptions {
    fn default() -> Self {
        Self { min_baskets: 20, min_confidence_ppm: 0, min_lift_ppm: i64::from(PPM), per_category: 50 }
    }
}

/// Baskets that became known between one instant and the next.
#[derive(Debug, Clone, Default)]
struct Period {
    baskets: u64,
    by_category: HashMap<u32, u64>,
    /// Keyed by the smaller category in the upper half.
    by_pair: HashMap<u64, u64>,
}

impl Period {
    fn merge(&mut self, other: Self) {
        self.baskets += other.baskets;
        for (category, count) in other.by_category {
            *self.by_category.entry(category).or_default() += count;
        }
        for (pair, count) in other.by_pair {
            *self.by_pair.entry(pair).or_default() += count;
        }
    }
}

/// Counts of one or more shards, by the first instant they may be seen at.
#[derive(Debug)]
pub(crate) struct PairCounts {
    instants: Vec<Time>,
    periods: Vec<Period>,
}

impl PairCounts {
    pub(crate) fn new(instants: &[Time]) -> Self {
        Self { instants: instants.to_vec(), periods: vec![Period::default(); instants.len()] }
    }

    pub(crate) fn count(&mut self, timelines: &Timelines) {
        for order in 0..timelines.known.len() {
            let categories = timelines.order_categories(order);
            // Known at the instant itself is not before it: the first instant later than the order.
            let known = timelines.order_known(order);
            let period = self.instants.partition_point(|instant| *instant <= known);
            let Some(period) = self.periods.get_mut(period) else { continue };
            if categories.is_empty() {
                continue;
            }
            period.baskets += 1;
            for (i, first) in categories.iter().enumerate() {
                *period.by_category.entry(*first).or_default() += 1;
                for second in &categories[i + 1..] {
                    *period.by_pair.entry(pair_key(*first, *second)).or_default() += 1;
                }
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (period, other) in self.periods.iter_mut().zip(other.periods) {
            period.merge(other);
        }
    }
}

fn pair_key(smaller: u32, larger: u32) -> u64 {
    u64::from(smaller) << 32 | u64::from(larger)
}

/// Counts up to each instant, and the tables made from them for each request.
#[derive(Debug)]
pub(crate) struct PairTables {
    instants: Vec<Time>,
    counts: PairCounts,
    /// By request, then by instant.
    tables: Vec<Vec<Arc<Table>>>,
}

impl PairTables {
    pub(crate) fn new(instants: Vec<Time>, counts: PairCounts) -> Self {
        Self { instants, counts, tables: vec![] }
    }

    /// Makes the tables of these requests, in order.
    pub(crate) fn make(&mut self, requests: &[PairOptions]) {
        self.tables = vec![vec![]; requests.len()];
        if requests.is_empty() {
            return;
        }
        let mut so_far = Period::default();
        for period in std::mem::take(&mut self.counts.periods) {
            so_far.merge(period);
            for (options, tables) in requests.iter().zip(&mut self.tables) {
                tables.push(Arc::new(table(&so_far, options)));
            }
        }
    }

    pub(crate) fn at(&self, request: usize, now: Time) -> Arc<Table> {
        let tables = &self.tables[request];
        let instant = self.instants.partition_point(|instant| *instant <= now);
        let instant = instant.checked_sub(1).expect("the first instant is not after the first step");
        Arc::clone(&tables[instant])
    }
}

struct Pair {
    antecedent: u32,
    consequent: u32,
    baskets: i64,
    confidence_ppm: i64,
    lift_ppm: i64,
}

fn table(counts: &Period, options: &PairOptions) -> Table {
    let ppm = i128::from(PPM);
    let mut pairs = vec![];
    for (key, both) in &counts.by_pair {
        let both = i128::from(*both);
        if both < i128::from(options.min_baskets) {
            continue;
        }
        let (first, second) = ((key >> 32) as u32, *key as u32);
        let with = |category: u32| i128::from(counts.by_category[&category]);
        let lift = both * i128::from(counts.baskets) * ppm / (with(first) * with(second));
        for (antecedent, consequent) in [(first, second), (second, first)] {
            let confidence = both * ppm / with(antecedent);
            let is_wanted = lift >= i128::from(options.min_lift_ppm)
                && confidence >= i128::from(options.min_confidence_ppm);
            if is_wanted {
                pairs.push(Pair {
                    antecedent,
                    consequent,
                    baskets: both as i64,
                    confidence_ppm: confidence as i64,
                    lift_ppm: i64::try_from(lift).unwrap_or(i64::MAX),
                });
            }
        }
    }
    pairs.sort_unstable_by_key(|p| (p.antecedent, -p.lift_ppm, p.consequent));
    let mut of_category = (u32::MAX, 0);
    pairs.retain(|p| {
        of_category =
            if of_category.0 == p.antecedent { (p.antecedent, of_category.1 + 1) } else { (p.antecedent, 1) };
        of_category.1 <= options.per_category
    });
    let mut columns = [ColumnKind::U32, ColumnKind::U32, ColumnKind::S64, ColumnKind::S64, ColumnKind::S64]
        .map(Column::flat);
    for pair in &pairs {
        columns[0].u32s.push(pair.antecedent);
        columns[1].u32s.push(pair.consequent);
        columns[2].s64s.push(pair.baskets);
        columns[3].s64s.push(pair.confidence_ppm);
        columns[4].s64s.push(pair.lift_ppm);
    }
    Table { rows: pairs.len() as u32, columns: columns.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_and_lift_follow_their_formulas() {
        // The counts of dry noodles/pasta (7,825) with pasta sauce (6,455) in 155,659 baskets, 3,528 with both.
        let counts = Period {
            baskets: 155_659,
            by_category: HashMap::from([(1, 7_825), (2, 6_455)]),
            by_pair: HashMap::from([(pair_key(1, 2), 3_528)]),
        };
        let table = table(&counts, &PairOptions::default());
        assert_eq!(table.columns[0].u32s, [1, 2]);
        assert_eq!(table.columns[1].u32s, [2, 1]);
        assert_eq!(table.columns[3].s64s, [450_862, 546_553]);
        assert_eq!(table.columns[4].s64s, [10_872_319, 10_872_319], "lift 10.872319835");
    }
}
