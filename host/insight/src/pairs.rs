//! Category pairs: which categories are bought in one basket more often than by chance.
//!
//! Over the baskets with a category known before an instant, `n` in all, `a` with the antecedent, `b` with the
//! consequent, `ab` with both: confidence = ab / a, lift = ab n / (a b).

use std::collections::HashMap;
use std::sync::Arc;

use stratagem_model::column::{Column, ColumnKind};
use stratagem_model::plan::Schedule;
use stratagem_model::time::Time;
use stratagem_model::{PPM, Table};

use crate::publication::Publication;
use crate::timelines::Timelines;

/// Which pairs a strategy wants to see, and how often they are counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PairRequest {
    pub(crate) options: PairOptions,
    pub(crate) schedule: Schedule,
}

/// Which pairs are left out.
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

/// Baskets that became known between one instant and the next, less those in whose place others came.
#[derive(Debug, Clone, Default)]
struct Period {
    baskets: i64,
    by_category: HashMap<u32, i64>,
    /// Keyed by the smaller category in the upper half.
    by_pair: HashMap<u64, i64>,
}

impl Period {
    fn count(&mut self, categories: &[u32], by: i64) {
        if categories.is_empty() {
            return;
        }
        self.baskets += by;
        for (i, first) in categories.iter().enumerate() {
            *self.by_category.entry(*first).or_default() += by;
            for second in &categories[i + 1..] {
                *self.by_pair.entry(pair_key(*first, *second)).or_default() += by;
            }
        }
    }

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
            // Known at the instant itself is not before it: the first instant later than the order.
            let known = timelines.order_known(order);
            let period = self.instants.partition_point(|instant| *instant <= known);
            let Some(period) = self.periods.get_mut(period) else { continue };
            period.count(timelines.order_categories(order), 1);
            if let Some(earlier) = timelines.replaced.earlier(order) {
                period.count(timelines.order_categories(earlier), -1);
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
    counts: PairCounts,
    /// By request: its schedule, and a table as of each of its instants.
    tables: Vec<(Publication, Vec<Arc<Table>>)>,
}

impl PairTables {
    pub(crate) fn new(counts: PairCounts) -> Self {
        Self { counts, tables: vec![] }
    }

    /// Makes the tables of these requests, in order. All instants of their schedules were counted to.
    pub(crate) fn make(&mut self, requests: &[PairRequest], publication: impl Fn(Schedule) -> Publication) {
        self.tables = requests.iter().map(|request| (publication(request.schedule), vec![])).collect();
        let mut so_far = Period::default();
        let periods = std::mem::take(&mut self.counts.periods);
        for (instant, period) in self.counts.instants.iter().zip(periods) {
            so_far.merge(period);
            for (request, (publication, tables)) in requests.iter().zip(&mut self.tables) {
                if publication.instants().binary_search(instant).is_ok() {
                    tables.push(Arc::new(table(&so_far, &request.options)));
                }
            }
        }
    }

    pub(crate) fn at(&self, request: usize, now: Time) -> Arc<Table> {
        let (publication, tables) = &self.tables[request];
        let table = publication.in_use(now).expect("the first table is in use before the first step");
        Arc::clone(&tables[table])
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
        // Of none where all were corrected.
        if both < i128::from(options.min_baskets).max(1) {
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

    #[test]
    fn each_request_keeps_its_own_schedule() {
        use stratagem_model::time::{DAY_MS, Zone};

        // Day 4 is a Monday. A pair becomes known on each day, so that a table says of which day it is.
        let days = (4, 17);
        let publication = |schedule| Publication::new(&Zone::utc(), schedule, days, 60);
        let daily = publication(Schedule::Daily);
        let mut instants = [daily.instants(), publication(Schedule::Weekly).instants()].concat();
        instants.sort_unstable();
        instants.dedup();
        let mut counts = PairCounts::new(&instants);
        for period in &mut counts.periods {
            let by_category = HashMap::from([(1, 1), (2, 1)]);
            period.merge(Period { baskets: 1, by_category, by_pair: HashMap::from([(pair_key(1, 2), 1)]) });
        }
        let options = PairOptions { min_baskets: 0, min_lift_ppm: 0, ..PairOptions::default() };
        let requests = [Schedule::Weekly, Schedule::Daily].map(|schedule| PairRequest { options, schedule });
        let mut tables = PairTables::new(counts);
        tables.make(&requests, publication);
        for day in 4..=17 {
            let now = Time(day * DAY_MS + DAY_MS / 2);
            let baskets = [0, 1].map(|request| tables.at(request, now).columns[2].s64s[0]);
            let made = |day: i64| instants.partition_point(|at| at.0 <= day * DAY_MS) as i64;
            let monday = day - (day - 4) % 7;
            assert_eq!(baskets, [made(monday), made(day)], "day {day}");
        }
    }
}
