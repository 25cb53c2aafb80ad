//! Which categories products have, as of an instant: filings are events with two clocks.

use stratagem_model::event::{FlatEvent, Line, category_in_force};
use stratagem_model::{NO_ITEM, Time};
use stratagem_store::{Store, StoreError};

use crate::vocabulary::Vocabulary;

/// The filings of all products.
#[derive(Debug, Default)]
pub struct Filings {
    /// By product code.
    of: Vec<Product>,
}

#[derive(Debug, Default)]
struct Product {
    filings: Vec<Filing>,
    /// Its one category and since when that is known, if it never had another.
    only: Option<(u32, i64)>,
}

#[derive(Debug, Clone, Copy)]
struct Filing {
    since: Time,
    known: Time,
    /// When another content of the filing became known.
    corrected: Time,
    /// Place of the word.
    category: u32,
}

impl Filings {
    /// Reads them; categories become places in `categories`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) fn read(store: &dyn Store, categories: &Vocabulary) -> Result<Self, StoreError> {
        Ok(Self::new(&store.filings()?, |code| categories.place(code)))
    }

    /// Takes filings in the order in which they became known.
    pub(crate) fn new(events: &[FlatEvent], place: impl Fn(u32) -> u32) -> Self {
        let products = events.iter().map(|event| event.subject as usize + 1).max().unwrap_or(0);
        let mut of: Vec<Product> = (0..products).map(|_| Product::default()).collect();
        let any_correction = events.iter().any(|event| event.is_correction);
        for (at, event) in events.iter().enumerate() {
            let later = || events[at + 1..].iter().find(|later| later.is_correction && later.id == event.id);
            let corrected = any_correction.then(later).flatten().map_or(Time::MAX, |later| later.known_time);
            let category = place(u32::try_from(event.value).unwrap_or(NO_ITEM));
            let filing = Filing { since: event.event_time, known: event.known_time, corrected, category };
            of[event.subject as usize].filings.push(filing);
        }
        for product in &mut of {
            let first = product.filings.first();
            product.only = first
                .filter(|first| product.filings.iter().all(|other| other.category == first.category))
                .map(|first| (first.category, first.known.0));
        }
        Self { of }
    }

    /// The distinct categories of an order's lines as of `now`, ascending, appended to `out`.
    pub(crate) fn categories(&self, lines: &[Line], ordered: Time, now: Time, out: &mut Vec<u32>) {
        let start = out.len();
        for line in lines {
            let Some(product) = self.of.get(line.product as usize) else { continue };
            let category = match product.only {
                Some((category, known)) => (known < now.0).then_some(category),
                None => {
                    let known = product.filings.iter().filter(|f| f.known < now && now <= f.corrected);
                    category_in_force(known.map(|f| (f.since, f.known, f.category)), ordered)
                }
            };
            out.extend(category.filter(|category| *category != NO_ITEM));
        }
        out[start..].sort_unstable();
        let mut kept = start;
        for i in start..out.len() {
            if i == start || out[i] != out[kept - 1] {
                out[kept] = out[i];
                kept += 1;
            }
        }
        out.truncate(kept);
    }

    /// The instants after `known` from which on the categories of these lines may be others, ascending.
    pub(crate) fn changes(&self, lines: &[Line], known: Time) -> Vec<Time> {
        let mut changes = vec![];
        for line in lines {
            let Some(product) = self.of.get(line.product as usize) else { continue };
            match product.only {
                Some((_, at)) if at <= known.0 => {}
                _ => {
                    let times = product.filings.iter().flat_map(|filing| [filing.known, filing.corrected]);
                    changes.extend(times.filter(|at| known < *at && *at != Time::MAX));
                }
            }
        }
        changes.sort_unstable();
        changes.dedup();
        changes
    }
}
