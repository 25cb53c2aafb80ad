//! Reference tables: what is the same for every customer of a batch.
//!
//! The host computes them over the whole population as of the local midnight that their schedule names, so that no
//! strategy sees the future in them.

use std::fmt;
use std::marker::PhantomData;

use crate::batch::TableView;

/// How often a table is recomputed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// At each local midnight.
    Daily,
    /// At the local midnight that begins each Monday.
    Weekly,
}

/// A table that was asked for; made by [`PlanBuilder`](crate::PlanBuilder), read with
/// [`BatchView::table`](crate::BatchView::table).
pub struct Table<R> {
    pub(crate) slot: u32,
    kind: PhantomData<fn() -> R>,
}

impl<R> Table<R> {
    pub(crate) fn new(slot: u32) -> Self {
        Self { slot, kind: PhantomData }
    }
}

impl<R> Clone for Table<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Table<R> {}

impl<R> fmt::Debug for Table<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({})", self.slot)
    }
}

/// A kind of table, which says what its columns are.
pub trait Reference {
    /// The table with its columns named and typed.
    type View<'a>;

    /// Whether the columns are those of this kind, in number, type and length.
    #[doc(hidden)]
    fn fits(table: &TableView<'_>) -> bool;

    /// Names the columns of a table that fits.
    #[doc(hidden)]
    fn view(table: TableView<'_>) -> Self::View<'_>;
}

/// Which categories are bought together: the table `category.pairs`.
#[derive(Debug)]
pub enum CategoryPairs {}

/// Which pairs of categories to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairOptions {
    /// Fewest baskets with both.
    pub min_baskets: i64,
    /// Least share of the antecedent's baskets that have the consequent too, parts per million.
    pub min_confidence_ppm: i64,
    /// Least lift, parts per million: 1,000,000 is what chance alone gives.
    pub min_lift_ppm: i64,
    /// Most consequents kept for an antecedent, those with the highest lift.
    pub per_category: i64,
}

/// What the host takes where nothing else is asked for.
impl Default for PairOptions {
    fn default() -> Self {
        Self { min_baskets: 20, min_confidence_ppm: 0, min_lift_ppm: 1_000_000, per_category: 50 }
    }
}

/// Pairs of categories, ordered by antecedent, then falling lift, then consequent. The slices have the same length.
#[derive(Debug, Clone, Copy)]
pub struct Pairs<'a> {
    /// Code of the category that was bought.
    pub antecedents: &'a [u32],
    /// Code of the category that goes with it.
    pub consequents: &'a [u32],
    /// Baskets with both.
    pub baskets: &'a [i64],
    /// Share of the antecedent's baskets that have the consequent too, parts per million.
    pub confidence_ppm: &'a [i64],
    /// How much more often together than by chance, parts per million.
    pub lift_ppm: &'a [i64],
}

impl Reference for CategoryPairs {
    type View<'a> = Pairs<'a>;

    fn fits(table: &TableView<'_>) -> bool {
        let rows = table.rows as usize;
        let is_narrow = [true, true, false, false, false];
        table.columns.len() == is_narrow.len()
            && table.columns.iter().zip(is_narrow).all(|(column, narrow)| column.fits(false, narrow, rows))
    }

    fn view(table: TableView<'_>) -> Pairs<'_> {
        let columns = table.columns;
        Pairs {
            antecedents: columns[0].u32s,
            consequents: columns[1].u32s,
            baskets: columns[2].s64s,
            confidence_ppm: columns[3].s64s,
            lift_ppm: columns[4].s64s,
        }
    }
}

/// The text behind codes: the tables `category.names` and `attribute.<name>`.
#[derive(Debug)]
pub enum Names {}

/// A dictionary: a code is an index into it.
#[derive(Debug, Clone, Copy)]
pub struct Dictionary<'a> {
    offsets: &'a [u32],
    bytes: &'a [u8],
}

impl<'a> Dictionary<'a> {
    /// The text of a code, if there is such a code and its text is UTF-8.
    pub fn text(&self, code: u32) -> Option<&'a str> {
        let code = code as usize;
        let (start, end) = (*self.offsets.get(code)?, *self.offsets.get(code + 1)?);
        std::str::from_utf8(self.bytes.get(start as usize..end as usize)?).ok()
    }

    /// The code of a text, by looking at every one: do this once per batch, not once per row.
    pub fn code(&self, text: &str) -> Option<u32> {
        let mut bounds = self.offsets.windows(2);
        let at = bounds.position(|b| self.bytes.get(b[0] as usize..b[1] as usize) == Some(text.as_bytes()));
        at.and_then(|code| u32::try_from(code).ok())
    }

    /// How many codes there are.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there is no code at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Reference for Names {
    type View<'a> = Dictionary<'a>;

    fn fits(table: &TableView<'_>) -> bool {
        let [text] = table.columns else { return false };
        text.offsets.len() == table.rows as usize + 1
            && text.offsets.is_sorted()
            && text.offsets.last().is_some_and(|end| *end as usize <= text.bytes.len())
    }

    fn view(table: TableView<'_>) -> Dictionary<'_> {
        let text = &table.columns[0];
        Dictionary { offsets: text.offsets, bytes: text.bytes }
    }
}
