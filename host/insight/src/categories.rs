//! What each customer bought by category, kept up incrementally as his orders become known.

use crate::timelines::Timelines;

/// One category of one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bought {
    pub(crate) category: u32,
    pub(crate) orders: u32,
    pub(crate) last_time: i64,
}

/// The categories of each row, ascending, over its known orders.
#[derive(Debug)]
pub(crate) struct CategoryHistory {
    rows: Vec<Vec<Bought>>,
}

impl CategoryHistory {
    pub(crate) fn new(rows: usize) -> Self {
        Self { rows: vec![vec![]; rows] }
    }

    /// Adds the row's entries number `from..to`.
    pub(crate) fn add(&mut self, timelines: &Timelines, row: usize, from: u32, to: u32) {
        if timelines.replaced.has(row) {
            // What stood in the place of a new entry has to go.
            if from != to {
                self.rows[row].clear();
                timelines.counted(row, to).for_each(|order| self.add_order(timelines, row, order));
            }
            return;
        }
        let start = timelines.entries(row).start;
        for order in start + from as usize..start + to as usize {
            self.add_order(timelines, row, order);
        }
    }

    fn add_order(&mut self, timelines: &Timelines, row: usize, order: usize) {
        let (bought, time) = (&mut self.rows[row], timelines.time[order]);
        for category in timelines.order_categories(order) {
            match bought.binary_search_by_key(category, |b| b.category) {
                Ok(at) => {
                    bought[at].orders += 1;
                    bought[at].last_time = bought[at].last_time.max(time);
                }
                Err(at) => bought.insert(at, Bought { category: *category, orders: 1, last_time: time }),
            }
        }
    }

    pub(crate) fn of(&self, row: usize) -> &[Bought] {
        &self.rows[row]
    }
}
