//! Products filed under categories, as events of the store.

use stratagem_model::event::category_in_force;
use stratagem_model::{EventId, EventKind, FlatEvent, Time, id_of};

use super::words::Words;
use crate::{Store, StoreError};

/// That a product is in a category from an instant on; both as words of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Filed {
    pub(super) product: u32,
    pub(super) known: Time,
    pub(super) since: Time,
    pub(super) category: u32,
}

impl Filed {
    pub(super) fn id(&self, product: &str, category: &str) -> EventId {
        filing_id(product, self.since, category)
    }
}

/// The id of a filing. What holds always is one filing of a product, so that another is a contradiction; else several may
/// be of one instant.
pub(crate) fn filing_id(product: &str, since: Time, category: &str) -> EventId {
    EventId(match since {
        Time::MIN => id_of(product),
        Time(since) => id_of(&format!("{product}\n{since}\n{category}")),
    })
}

/// The fewest filings, or nearly, by which every order finds each of its products under the category that it says as
/// soon as it is known itself.
pub(super) fn needed<I: Iterator<Item = Filed>>(products: usize, said: impl Fn() -> I) -> Vec<Filed> {
    // Nearly every product is in one category for ever: its first filing is enough.
    let mut firsts: Vec<Option<Filed>> = vec![None; products];
    let mut has_moved = vec![false; products];
    for filed in said() {
        let product = filed.product as usize;
        match &mut firsts[product] {
            Some(first) => {
                has_moved[product] |= first.category != filed.category;
                *first = filed.min(*first);
            }
            first => *first = Some(filed),
        }
    }
    let mut needed: Vec<_> =
        firsts.into_iter().flatten().filter(|f| !has_moved[f.product as usize]).collect();
    if has_moved.contains(&true) {
        let of_moved = said().filter(|filed| has_moved[filed.product as usize]).collect();
        needed.extend(needed_of_moved(of_moved));
        needed.sort_unstable();
    }
    needed
}

/// Of products that were in several categories.
fn needed_of_moved(mut said: Vec<Filed>) -> Vec<Filed> {
    said.sort_unstable();
    said.dedup();
    let mut needed = vec![];
    for of_product in said.chunk_by(|a, b| a.product == b.product) {
        // Sorted, as `category_in_force` takes them.
        let mut filings: Vec<(Time, Time, u32)> = vec![];
        let mut before = usize::MAX;
        // A filing may hold for orders that were looked at before; then those need their own.
        while filings.len() != before {
            before = filings.len();
            for filed in of_product {
                let found = category_in_force(&filings, filed.since, |place| filings[place].1 <= filed.known);
                let filing = (filed.since, filed.known, filed.category);
                if found != Some(filed.category)
                    && let Err(place) = filings.binary_search(&filing)
                {
                    filings.insert(place, filing);
                }
            }
        }
        let product = of_product[0].product;
        needed.extend(filings.into_iter().map(|(since, known, category)| Filed {
            product,
            known,
            since,
            category,
        }));
    }
    needed
}

/// Files products in the store. Gives how many filings there are now, and what became of them.
pub(super) fn write(
    store: &dyn Store,
    source: u32,
    filed: &[Filed],
    products: (&Words, &[u32]),
    categories: &Words,
) -> Result<crate::Appended, StoreError> {
    let mut is_used = vec![false; categories.len()];
    filed.iter().for_each(|filed| is_used[filed.category as usize] = true);
    let codes = categories.intern(store, "category", |code| is_used[code as usize])?;
    let event = |filed: &Filed| {
        let id = filed.id(products.0.word(filed.product), categories.word(filed.category));
        FlatEvent {
            event_time: filed.since,
            subject: products.1[filed.product as usize],
            value: codes[filed.category as usize].into(),
            ..FlatEvent::new(EventKind::Filing, id, filed.known)
        }
    };
    let appended = store.file_products(source, filed.iter().map(event).collect())?;
    store.commit()?;
    Ok(appended)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_order_finds_its_categories_once_it_is_known(
            said in prop::collection::vec((0..3_u32, 0..6_i64, 0..6_i64, 0..3_u32), 0..40),
        ) {
            let said: Vec<_> = said
                .into_iter()
                .map(|(product, since, late, category)| Filed {
                    product,
                    known: Time(since + late),
                    since: Time(since),
                    category,
                })
                .collect();
            let needed = needed(3, || said.iter().copied());
            prop_assert!(needed.iter().all(|filed| said.contains(filed)));
            for order in &said {
                let contradicts = |other: &&Filed| {
                    (other.product, other.since) == (order.product, order.since) && other.category != order.category
                };
                if said.iter().any(|other| contradicts(&other)) {
                    continue;
                }
                let of = needed.iter().filter(|filed| filed.product == order.product && filed.known <= order.known);
                let mut of: Vec<_> = of.map(|filed| (filed.since, filed.known, filed.category)).collect();
                of.sort_unstable();
                prop_assert_eq!(category_in_force(&of, order.since, |_| true), Some(order.category));
            }
        }
    }

    #[test]
    fn a_product_that_stays_where_it_is_is_filed_once() {
        let filed = |day: i64, category| Filed { product: 0, known: Time(day), since: Time(day), category };
        let said = || (0..100).map(|day| filed(day, u32::from(day >= 60)));
        assert_eq!(needed(1, said), [filed(0, 0), filed(60, 1)]);
    }
}
