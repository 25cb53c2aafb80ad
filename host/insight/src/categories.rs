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

    /// Adds the row's orders number `from..to`.
    pub(crate) fn add(&mut self, timelines: &Timelines, row: usize, from: u32, to: u32) {
        let start = timelines.orders(row).start;
        let bought = &mut self.rows[row];
        for order in start + from as usize..start + to as usize {
            let time = timelines.time[order];
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
    }

    pub(crate) fn of(&self, row: usize) -> &[Bought] {
        &self.rows[row]
    }
}
