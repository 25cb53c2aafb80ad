//! Made-up products: their names, categories and prices.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};
use stratagem_model::{Currency, EventKind, FlatEvent, Money, Time};

use super::Spec;
use crate::ingest::filing_id;
use crate::{Store, StoreError};

/// Products by number; those of a category have every n-th number.
pub(super) struct Catalogue {
    categories: u32,
    /// Minor units.
    prices: Vec<Money>,
}

impl Catalogue {
    pub(super) fn new(spec: &Spec, currency: &Currency) -> Self {
        // Without minor units the unit is small: a yen, a won.
        let unit = if currency.digits == 0 { 100.0 } else { f64::from(10_u32.pow(currency.digits)) };
        let price = LogNormal::new(4.0_f64.ln(), 0.8).expect("the deviation is positive");
        let mut rng = ChaCha8Rng::seed_from_u64(spec.seed);
        let mut draw = || ((price.sample(&mut rng) * unit).round() as Money).max(1);
        Self { categories: spec.categories, prices: (0..spec.products).map(|_| draw()).collect() }
    }

    /// The product at a place, from 0 to 1, among those of a category.
    pub(super) fn product(&self, category: u32, place: f64) -> u32 {
        let products = self.prices.len() as u32;
        let count = (products - category).div_ceil(self.categories);
        category + self.categories * ((f64::from(count) * place) as u32).min(count - 1)
    }

    pub(super) fn price(&self, product: u32) -> Money {
        self.prices[product as usize]
    }

    /// What a product and its category are called.
    pub(super) fn names(&self, product: u32) -> (String, String) {
        (format!("p{product:06}"), format!("category-{:02}", product % self.categories))
    }

    /// Enters all products into a store and gives their codes.
    pub(super) fn enter(&self, store: &dyn Store) -> Result<Vec<u32>, StoreError> {
        let names: Vec<_> = (0..self.prices.len() as u32).map(|product| self.names(product)).collect();
        let products: Vec<_> = names.iter().map(|(product, _)| product.as_str()).collect();
        store.intern("product", &products)
    }

    /// Files each product that was bought, since it was first bought.
    pub(super) fn file(
        &self,
        store: &dyn Store,
        source: u32,
        codes: &[u32],
        first_bought: &[i64],
    ) -> Result<(), StoreError> {
        let bought = (0..).zip(first_bought).filter(|(_, first)| **first != i64::MAX);
        let bought: Vec<(u32, Time)> = bought.map(|(product, first)| (product, Time(*first))).collect();
        let categories: Vec<_> = bought.iter().map(|(product, _)| self.names(*product).1).collect();
        let words: Vec<_> = categories.iter().map(String::as_str).collect();
        let categories = store.intern("category", &words)?;
        let filing = |((product, since), (category, word)): (&(u32, Time), (u32, &str))| FlatEvent {
            subject: codes[*product as usize],
            value: category.into(),
            ..FlatEvent::new(EventKind::Filing, filing_id(&self.names(*product).0, *since, word), *since)
        };
        let filings = bought.iter().zip(categories.into_iter().zip(words)).map(filing).collect();
        store.file_products(source, filings).map(drop)
    }
}
