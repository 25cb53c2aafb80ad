//! Typed arrays over customers: the only form in which data crosses to a strategy.

use crate::parameter::Value;
use crate::time::Time;

/// The type of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    S64,
    U32,
    /// UTF-8 text, in references only.
    Bytes,
}

/// A column under construction or ready to hand over. Of the three value lists, only the one of `kind` is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub kind: ColumnKind,
    pub s64s: Vec<i64>,
    pub u32s: Vec<u32>,
    pub bytes: Vec<u8>,
    /// Rows + 1 ascending numbers for a ragged column, else empty.
    pub offsets: Vec<u32>,
    /// Bit `i % 64` of word `i / 64` set: row `i` has no value. Empty when all have.
    pub missing: Vec<u64>,
}

impl Column {
    /// An empty column with one value a row.
    pub fn flat(kind: ColumnKind) -> Self {
        Self { kind, s64s: vec![], u32s: vec![], bytes: vec![], offsets: vec![], missing: vec![] }
    }

    /// An empty column with any number of values a row.
    pub fn ragged(kind: ColumnKind) -> Self {
        Self { offsets: vec![0], ..Self::flat(kind) }
    }

    /// Empties the column and keeps its memory.
    pub fn clear(&mut self) {
        self.s64s.clear();
        self.u32s.clear();
        self.bytes.clear();
        self.missing.clear();
        if !self.offsets.is_empty() {
            self.offsets.clear();
            self.offsets.push(0);
        }
    }

    /// Appends a row's value, or that it has none.
    pub fn push_s64(&mut self, value: Option<i64>) {
        if value.is_none() {
            self.mark_missing(self.s64s.len());
        }
        self.s64s.push(value.unwrap_or(0));
    }

    /// Appends a row's value, or that it has none.
    pub fn push_u32(&mut self, value: Option<u32>) {
        if value.is_none() {
            self.mark_missing(self.u32s.len());
        }
        self.u32s.push(value.unwrap_or(0));
    }

    /// Ends a row of a ragged column after its values were pushed.
    pub fn end_row(&mut self) {
        let len = match self.kind {
            ColumnKind::S64 => self.s64s.len(),
            ColumnKind::U32 => self.u32s.len(),
            ColumnKind::Bytes => self.bytes.len(),
        };
        self.offsets.push(u32::try_from(len).expect("a batch has fewer than 2^32 values"));
    }

    /// Makes the missing bitmap long enough for `rows`, if there is one at all.
    pub fn finish(&mut self, rows: usize) {
        if !self.missing.is_empty() {
            self.missing.resize(rows.div_ceil(64), 0);
        }
    }

    fn mark_missing(&mut self, row: usize) {
        self.missing.resize(self.missing.len().max(row / 64 + 1), 0);
        self.missing[row / 64] |= 1 << (row % 64);
    }
}

/// A reference table: the same for every row of a batch.
#[derive(Debug, Clone)]
pub struct Table {
    pub rows: u32,
    pub columns: Vec<Column>,
}

/// What a strategy is asked: borrowed, because it is handed over and forgotten.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    pub now: Time,
    pub utc_offset_ms: i64,
    pub parameters: &'a [Value],
    pub rows: u32,
    pub columns: &'a [Column],
    pub references: &'a [&'a Table],
}

/// What a strategy answered, checked: every list has its full length.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    pub proposals: Vec<Proposal>,
    /// One a row; `i64::MAX` for never.
    pub wakes: Vec<i64>,
}

/// What a strategy asks for one row, in the order of `(row, action, item)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proposal {
    pub row: u32,
    pub action: u32,
    pub item: u32,
    /// At least 1: the weight among the row's proposals.
    pub score: i64,
    pub when: Time,
}
