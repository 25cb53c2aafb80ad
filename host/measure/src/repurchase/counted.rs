//! Sums over customers of whom many look the same.

use rayon::iter::ParallelIterator;
use rayon::slice::{ParallelSlice, ParallelSliceMut};

/// Rows with equal ones counted: a likelihood is a sum, so this is exact.
#[derive(Debug)]
pub(super) struct Counted<T> {
    pub(super) customers: u64,
    /// The distinct numbers of orders, rising.
    orders: Vec<u32>,
    rows: Vec<Row<T>>,
}

/// A row that `customers` customers have.
#[derive(Debug)]
struct Row<T> {
    /// Position of its number of orders in [`Counted::orders`].
    group: usize,
    value: T,
    customers: f64,
}

impl<T: Copy + PartialEq + Send + Sync> Counted<T> {
    /// Counts rows by a key that begins with the number of orders and tells all rows apart that differ.
    pub(super) fn of<K: Ord>(rows: &[T], key: impl Fn(&T) -> (u32, K) + Sync) -> Self {
        let mut sorted = rows.to_vec();
        sorted.par_sort_unstable_by_key(&key);
        let mut counted = Self { customers: rows.len() as u64, orders: Vec::new(), rows: Vec::new() };
        for same in sorted.chunk_by(|one, other| one == other) {
            let value = same[0];
            let (orders, _) = key(&value);
            if counted.orders.last() != Some(&orders) {
                counted.orders.push(orders);
            }
            counted.rows.push(Row { group: counted.orders.len() - 1, value, customers: same.len() as f64 });
        }
        counted
    }

    /// The sum over customers of what `term` gives for a row, with what `group` gives for its number of orders.
    ///
    /// Parts are fixed and added in order, so that the threads leave no trace.
    pub(super) fn sum<G: Send + Sync, const N: usize>(
        &self,
        group: impl Fn(u32) -> G,
        term: impl Fn(&G, &T) -> [f64; N] + Sync,
    ) -> [f64; N] {
        let groups: Vec<G> = self.orders.iter().map(|&orders| group(orders)).collect();
        let part = |rows: &[Row<T>]| {
            rows.iter().fold([0.0; N], |mut sum, row| {
                let term = term(&groups[row.group], &row.value);
                (0..N).for_each(|index| sum[index] += row.customers * term[index]);
                sum
            })
        };
        let parts: Vec<[f64; N]> = self.rows.par_chunks(1_024).map(part).collect();
        parts.iter().fold([0.0; N], |sum, part| std::array::from_fn(|index| sum[index] + part[index]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_are_computed_once_and_count_as_often_as_they_are_there() {
        let rows = [(2, 30), (0, 90), (2, 30), (2, 31), (0, 90), (0, 90)];
        let counted = Counted::of(&rows, |&(orders, time)| (orders, time));
        assert_eq!((counted.customers, &counted.orders, counted.rows.len()), (6, &vec![0, 2], 3));
        let [customers, sum] =
            counted.sum(|orders| orders * 1_000, |group, row| [1.0, f64::from(group + row.1)]);
        assert_eq!((customers, sum), (6.0, 3.0 * 90.0 + 2.0 * 2_030.0 + 2_031.0));
    }
}
