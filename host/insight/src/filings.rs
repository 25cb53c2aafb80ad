//! Which categories products have, as of an instant: filings are events with two clocks.

use std::collections::HashMap;

use stratagem_model::event::{EventId, FlatEvent, Line, category_in_force};
use stratagem_model::{NO_ITEM, Time};
use stratagem_store::{Store, StoreError};

use crate::vocabulary::Vocabulary;

/// The filings of all products.
#[derive(Debug, Default)]
pub struct Filings {
    /// By product code.
    of: Vec<Product>,
}

/// Since when a product is in which category (the place of the word), and when that became known.
type Filing = (Time, Time, u32);

#[derive(Debug, Default)]
struct Product {
    /// Sorted.
    filings: Vec<Filing>,
    /// By filing, when another content of it became known.
    corrected: Vec<Time>,
    /// By filing, the last instant at which anything became known of those up to it.
    latest: Vec<Time>,
    has_corrections: bool,
    /// Its one category and since when that is known, if it never had another.
    only: Option<(u32, i64)>,
}

impl Product {
    fn is_known(&self, place: usize, now: Time) -> bool {
        self.filings[place].1 < now && now <= self.corrected[place]
    }
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
        let filed = || events.iter().rev().filter(|event| event.subject != NO_ITEM);
        let products = filed().map(|event| event.subject as usize + 1).max().unwrap_or(0);
        let mut all: Vec<Vec<(Filing, Time)>> = vec![vec![]; products];
        // By filing, when the content that came after became known.
        let mut next: HashMap<EventId, Time> = HashMap::new();
        for event in filed() {
            let category = place(u32::try_from(event.value).unwrap_or(NO_ITEM));
            let filing = (event.event_time, event.known_time, category);
            let corrected = next.insert(event.id, event.known_time).unwrap_or(Time::MAX);
            all[event.subject as usize].push((filing, corrected));
        }
        let product = |mut filings: Vec<(Filing, Time)>| {
            filings.sort_unstable();
            let (filings, corrected): (Vec<_>, Vec<_>) = filings.into_iter().unzip();
            let known = filings.iter().map(|(_, known, _)| known.0).min();
            let only = known.map(|known| (filings[0].2, known));
            let only = only.filter(|(category, _)| filings.iter().all(|filing| filing.2 == *category));
            let mut last = Time::MIN;
            let learnt = filings.iter().zip(&corrected).map(|((_, known, _), corrected)| {
                last = last.max(*known).max(if *corrected == Time::MAX { Time::MIN } else { *corrected });
                last
            });
            let has_corrections = corrected.iter().any(|at| *at != Time::MAX);
            Product { latest: learnt.collect(), filings, corrected, has_corrections, only }
        };
        Self { of: all.into_iter().map(product).collect() }
    }

    /// The distinct categories of an order's lines as of `now`, ascending, appended to `out`.
    pub(crate) fn categories(&self, lines: &[Line], ordered: Time, now: Time, out: &mut Vec<u32>) {
        let start = out.len();
        for line in lines {
            let Some(product) = self.of.get(line.product as usize) else { continue };
            let category = match product.only {
                Some((category, known)) => (known < now.0).then_some(category),
                None => category_in_force(&product.filings, ordered, |place| product.is_known(place, now)),
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

    /// The instants after `known` from which on the categories of these lines of an order may be others, ascending.
    pub(crate) fn changes(&self, lines: &[Line], ordered: Time, known: Time) -> Vec<Time> {
        let mut changes = vec![];
        for line in lines {
            let Some(product) = self.of.get(line.product as usize) else { continue };
            if product.only.is_some_and(|(_, at)| at <= known.0) {
                continue;
            }
            // What holds later matters only where nothing holds, or may come not to.
            let holds = product.filings.partition_point(|(since, ..)| *since <= ordered);
            let now = Time(known.0.saturating_add(1));
            let is_settled =
                (0..holds).rev().any(|place| product.is_known(place, now)) && !product.has_corrections;
            let relevant = if is_settled { 0..holds } else { 0..product.filings.len() };
            if relevant.end == 0 || product.latest[relevant.end - 1] <= known {
                continue;
            }
            let times = relevant.flat_map(|place| [product.filings[place].1, product.corrected[place]]);
            changes.extend(times.filter(|at| known < *at && *at != Time::MAX));
        }
        changes.sort_unstable();
        changes.dedup();
        changes
    }
}
