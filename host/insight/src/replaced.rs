//! Entries of a timeline that stand in the place of earlier ones: corrections of orders, and products filed elsewhere.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Entries that stand in the place of earlier ones: few, or none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Replaced {
    /// By the earlier entry, the later one.
    by: HashMap<u32, u32>,
    /// By the later entry, the earlier one.
    of: HashMap<u32, u32>,
    /// Later entries that differ in nothing but how products are filed: no event of the customer.
    refilings: HashSet<u32>,
    rows: HashSet<u32>,
}

impl Replaced {
    pub(crate) fn insert(&mut self, row: u32, earlier: u32, later: u32, is_refiling: bool) {
        self.by.insert(earlier, later);
        self.of.insert(later, earlier);
        if is_refiling {
            self.refilings.insert(later);
        }
        self.rows.insert(row);
    }

    /// Whether a row has any.
    #[inline]
    pub(crate) fn has(&self, row: usize) -> bool {
        !self.rows.is_empty() && self.has_among(row)
    }

    /// Out of line: most stores have none at all.
    #[cold]
    fn has_among(&self, row: usize) -> bool {
        self.rows.contains(&(row as u32))
    }

    /// The entry whose place an entry takes.
    pub(crate) fn earlier(&self, entry: usize) -> Option<usize> {
        Self::other(&self.of, entry)
    }

    /// The entry that takes an entry's place.
    pub(crate) fn later(&self, entry: usize) -> Option<usize> {
        Self::other(&self.by, entry)
    }

    fn other(of: &HashMap<u32, u32>, entry: usize) -> Option<usize> {
        if of.is_empty() { None } else { of.get(&(entry as u32)).map(|at| *at as usize) }
    }

    pub(crate) fn is_refiling(&self, entry: usize) -> bool {
        !self.refilings.is_empty() && self.refilings.contains(&(entry as u32))
    }

    /// The entry of the same content as it was known first, before its products were filed elsewhere.
    pub(crate) fn unfiled(&self, entry: usize) -> usize {
        let mut first = entry;
        while self.is_refiling(first)
            && let Some(earlier) = self.earlier(first)
        {
            first = earlier;
        }
        first
    }

    /// The same for entries that are somewhere else now.
    pub(crate) fn moved(&self, to: impl Fn(u32) -> u32) -> Self {
        let moved = |map: &HashMap<u32, u32>| map.iter().map(|(from, at)| (to(*from), to(*at))).collect();
        Self {
            by: moved(&self.by),
            of: moved(&self.of),
            refilings: self.refilings.iter().map(|at| to(*at)).collect(),
            rows: self.rows.clone(),
        }
    }
}

/// Orders that count, by their entries.
#[derive(Debug, Clone)]
pub struct Counted<'a> {
    entries: Range<usize>,
    end: usize,
    /// Only of rows that have any.
    replaced: Option<&'a Replaced>,
}

impl<'a> Counted<'a> {
    /// Of these entries, which are all that is known of their row.
    pub(crate) fn new(entries: Range<usize>, replaced: Option<&'a Replaced>) -> Self {
        Self { end: entries.end, entries, replaced }
    }
}

impl Iterator for Counted<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let Some(replaced) = self.replaced else { return self.entries.next() };
        let end = self.end;
        self.entries.find(|entry| replaced.by.get(&(*entry as u32)).is_none_or(|by| *by as usize >= end))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let most = self.entries.len();
        (if self.replaced.is_none() { most } else { 0 }, Some(most))
    }
}
