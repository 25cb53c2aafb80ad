//! What a strategy sees: a batch of customers in borrowed columns, and one row of it at a time.
//!
//! Nothing here copies. A [`BatchView`] can be made from plain slices, so the same strategy runs over the memory of a
//! component, of a test, or of a host's own columns.

use crate::column::{Column, Shape};
use crate::reference::{Reference, Table};
use crate::time;

/// The numbers of one column. Of the three value slices only the one of its type is used; the others are empty.
///
/// A flat column has one value a row and no offsets. A ragged column has `rows + 1` ascending offsets, the first 0,
/// and row `i` has the values from `offsets[i]` to `offsets[i + 1]`. Bit `i % 64` of `missing[i / 64]` is set when
/// row `i` has no value; the bitmap is empty when all rows have one.
#[derive(Debug, Clone, Copy, Default)]
pub struct ColumnView<'a> {
    pub(crate) s64s: &'a [i64],
    pub(crate) u32s: &'a [u32],
    pub(crate) bytes: &'a [u8],
    pub(crate) offsets: &'a [u32],
    pub(crate) missing: &'a [u64],
    pub(crate) narrow: bool,
}

impl<'a> ColumnView<'a> {
    /// A column of `i64`.
    pub fn s64s(values: &'a [i64]) -> Self {
        Self { s64s: values, ..Self::default() }
    }

    /// A column of `u32`.
    pub fn u32s(values: &'a [u32]) -> Self {
        Self { u32s: values, narrow: true, ..Self::default() }
    }

    /// UTF-8 text, in references only.
    pub fn bytes(values: &'a [u8]) -> Self {
        Self { bytes: values, ..Self::default() }
    }

    /// With any number of values a row; empty offsets leave the column flat.
    #[must_use]
    pub fn with_offsets(self, offsets: &'a [u32]) -> Self {
        Self { offsets, ..self }
    }

    /// With rows that have no value; an empty bitmap means that all have.
    #[must_use]
    pub fn with_missing(self, missing: &'a [u64]) -> Self {
        Self { missing, ..self }
    }

    #[inline(always)]
    pub(crate) fn is_missing(&self, row: usize) -> bool {
        self.missing.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// Whether every row can be read in this shape. That the offsets ascend is left to reading, which traps: looking
    /// at each of them would cost as much as a strategy's own work.
    pub(crate) fn fits(&self, ragged: bool, narrow: bool, rows: usize) -> bool {
        let values = if narrow { self.u32s.len() } else { self.s64s.len() };
        let length_fits = if ragged {
            self.offsets.len() == rows + 1 && self.offsets.last().is_some_and(|end| *end as usize <= values)
        } else {
            self.offsets.is_empty() && values == rows
        };
        let bitmap_fits = self.missing.is_empty() || self.missing.len() == rows.div_ceil(64);
        // A column without any value may be typed either way.
        length_fits && bitmap_fits && (narrow == self.narrow || values == 0)
    }
}

/// The columns of a reference table.
#[derive(Debug, Clone, Copy, Default)]
pub struct TableView<'a> {
    /// Rows of the table.
    pub rows: u32,
    /// Its columns, in the order that the contract gives for its name.
    pub columns: &'a [ColumnView<'a>],
}

/// The customers to decide about. Their order means nothing, and neither does which of them share a batch.
#[derive(Debug, Clone, Copy)]
pub struct BatchView<'a> {
    /// Milliseconds. Events known before this instant are in the columns; nothing else is.
    pub now: i64,
    /// What to add to a UTC time to get local time at `now`, milliseconds.
    pub utc_offset_ms: i64,
    /// How many customers.
    pub rows: u32,
    /// In the order in which the strategy asked for them.
    pub columns: &'a [ColumnView<'a>],
    /// In the order in which the strategy asked for them.
    pub references: &'a [TableView<'a>],
}

impl<'a> BatchView<'a> {
    /// A reference table that was asked for.
    pub fn table<R: Reference>(&self, table: Table<R>) -> R::View<'a> {
        R::view(self.references[table.slot as usize])
    }

    /// A moment not later than the next daily refresh of references, and never before `now`.
    pub fn next_daily_refresh(&self) -> i64 {
        time::next_midnight(self.now, self.utc_offset_ms, false)
    }

    /// A moment not later than the next weekly refresh of references, and never before `now`. A strategy that finds
    /// nothing in a weekly table today gives this as its wake time: the table may have changed by then.
    pub fn next_weekly_refresh(&self) -> i64 {
        time::next_midnight(self.now, self.utc_offset_ms, true)
    }
}

/// One customer of a batch, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    pub(crate) batch: &'a BatchView<'a>,
    pub(crate) row: usize,
}

impl<'a> Row<'a> {
    /// What a column has for this customer: see the table in [`column`](crate::column).
    #[inline(always)]
    pub fn get<T: Shape + ?Sized>(&self, column: Column<T>) -> T::Value<'a> {
        T::read(&self.batch.columns[column.slot as usize], self.row)
    }

    /// Milliseconds. Events known before this instant are in the columns; nothing else is.
    #[inline(always)]
    pub fn now(&self) -> i64 {
        self.batch.now
    }

    /// What to add to a UTC time to get local time at [`now`](Self::now), milliseconds.
    #[inline(always)]
    pub fn utc_offset_ms(&self) -> i64 {
        self.batch.utc_offset_ms
    }

    /// The batch this customer is in, for its reference tables.
    #[inline(always)]
    pub fn batch(&self) -> &'a BatchView<'a> {
        self.batch
    }
}
