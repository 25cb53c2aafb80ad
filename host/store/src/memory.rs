//! A store in memory: the second backend of the conformance suite, and what tests of other crates scan.
//!
//! Nothing is durable and nothing is fast; everything that [`Store`] promises about content holds.
//!
//! # Not here
//!
//! Limits of disks, keys and values: [`SledStore`](crate::SledStore) has them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard};

use stratagem_model::{CustomerId, EventId, EventKind, FlatEvent, Line, NO_ITEM, Order, Timeline};

use crate::{Appended, CustomerEvents, Projection, Settings, Source, Store, StoreError, Totals};

/// A [`Store`] that lives as long as the value.
#[derive(Debug)]
pub struct MemoryStore {
    settings: Settings,
    content: Mutex<Content>,
}

#[derive(Debug, Default)]
struct Content {
    /// By bucket first: the order of scans.
    customers: BTreeMap<(u16, CustomerId), Customer>,
    dictionaries: BTreeMap<String, Vec<String>>,
    product_categories: Vec<u32>,
    sources: BTreeMap<(String, String), Source>,
    documents: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    totals: Totals,
}

#[derive(Debug, Clone, Default)]
struct Customer {
    external_id: String,
    orders: BTreeMap<EventId, (Order, Vec<Line>)>,
    events: BTreeMap<(EventKind, EventId), FlatEvent>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(settings: Settings) -> Self {
        Self { settings, content: Mutex::default() }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().expect("no code panics while it holds the lock")
    }
}

impl Customer {
    /// Adds what is new and refuses what differs from what is there.
    fn append(&mut self, timeline: &Timeline, appended: &mut Appended) -> Result<(), (EventKind, EventId)> {
        let mut lines = timeline.lines.iter().copied();
        for order in &timeline.orders {
            let entry = (order.clone(), lines.by_ref().take(order.lines as usize).collect());
            match self.orders.get(&order.id) {
                None => drop(self.orders.insert(order.id, entry)),
                Some(stored) if *stored == entry => {
                    appended.unchanged += 1;
                    continue;
                }
                Some(_) => return Err((EventKind::Order, order.id)),
            }
            appended.added += 1;
        }
        for event in &timeline.events {
            match self.events.get(&(event.kind, event.id)) {
                None => drop(self.events.insert((event.kind, event.id), event.clone())),
                Some(stored) if stored == event => {
                    appended.unchanged += 1;
                    continue;
                }
                Some(_) => return Err((event.kind, event.id)),
            }
            appended.added += 1;
        }
        Ok(())
    }

    fn timeline(&self, projection: Projection, out: &mut Timeline) {
        out.clear();
        let mut orders: Vec<_> = self.orders.values().collect();
        orders.sort_by_key(|(order, _)| (order.known_time, order.id));
        for (order, lines) in orders {
            out.orders.push(order.clone());
            if projection.lines {
                out.lines.extend_from_slice(lines);
            }
        }
        if projection.events {
            out.events.extend(self.events.values().cloned());
            out.events.sort_by_key(|event| (event.known_time, event.id, event.kind));
        }
    }
}

impl Content {
    fn count(&mut self) {
        let mut totals = Totals { customers: self.customers.len() as u64, ..Totals::default() };
        for customer in self.customers.values() {
            totals.events += customer.events.len() as u64;
            for (order, lines) in customer.orders.values() {
                let at = order.event_time.0;
                totals.orders += 1;
                totals.lines += lines.len() as u64;
                totals.gross = totals.gross.saturating_add(order.gross);
                totals.first_order_ms = Some(totals.first_order_ms.map_or(at, |first| first.min(at)));
                totals.last_order_ms = Some(totals.last_order_ms.map_or(at, |last| last.max(at)));
            }
        }
        self.totals = totals;
    }
}

impl Store for MemoryStore {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn append(&self, batch: Vec<CustomerEvents>) -> Result<Appended, StoreError> {
        let mut content = self.content();
        let mut appended = Appended::default();
        // Changed copies, put back only once the whole batch is known to have no conflict.
        let mut changed: BTreeMap<(u16, CustomerId), Customer> = BTreeMap::new();
        for CustomerEvents { external_id, timeline } in batch {
            let lines: u64 = timeline.orders.iter().map(|order| u64::from(order.lines)).sum();
            if lines != timeline.lines.len() as u64 {
                return Err(StoreError::Uneven { customer: external_id });
            }
            let id = CustomerId::from_external(&external_id);
            let key = (id.bucket(), id);
            let customer = changed.entry(key).or_insert_with(|| {
                content.customers.get(&key).cloned().unwrap_or_else(|| {
                    appended.customers_new += 1;
                    Customer { external_id: external_id.clone(), ..Customer::default() }
                })
            });
            if customer.external_id != external_id {
                let first = customer.external_id.clone();
                return Err(StoreError::IdCollision { first, second: external_id });
            }
            customer.append(&timeline, &mut appended).map_err(|(kind, id)| StoreError::Conflict {
                customer: external_id,
                kind: kind.name().into(),
                id: id.0,
            })?;
        }
        content.customers.append(&mut changed);
        content.count();
        Ok(appended)
    }

    fn scan(
        &self,
        buckets: Range<u16>,
        projection: Projection,
        visit: &mut dyn FnMut(CustomerId, &Timeline),
    ) -> Result<(), StoreError> {
        // A copy, so that `visit` may use the store.
        let range = (buckets.start, CustomerId(0))..(buckets.end, CustomerId(0));
        let customers: Vec<_> = match buckets.is_empty() {
            true => vec![],
            false => self.content().customers.range(range).map(|((_, id), c)| (*id, c.clone())).collect(),
        };
        let mut timeline = Timeline::default();
        for (id, customer) in customers {
            customer.timeline(projection, &mut timeline);
            visit(id, &timeline);
        }
        Ok(())
    }

    fn external_id(&self, customer: CustomerId) -> Result<Option<String>, StoreError> {
        Ok(self.content().customers.get(&(customer.bucket(), customer)).map(|c| c.external_id.clone()))
    }

    fn totals(&self) -> Result<Totals, StoreError> {
        Ok(self.content().totals.clone())
    }

    fn intern(&self, dictionary: &str, words: &[&str]) -> Result<Vec<u32>, StoreError> {
        let mut content = self.content();
        let known = content.dictionaries.entry(dictionary.into()).or_default();
        let mut codes: BTreeMap<String, u32> = (0..).zip(known.iter()).map(|(i, w)| (w.clone(), i)).collect();
        let code_of = |word: &&str| {
            *codes.entry((*word).into()).or_insert_with(|| {
                known.push((*word).into());
                u32::try_from(known.len() - 1).expect("a dictionary has fewer than 2^32 words")
            })
        };
        Ok(words.iter().map(code_of).collect())
    }

    fn dictionary(&self, dictionary: &str) -> Result<Vec<String>, StoreError> {
        Ok(self.content().dictionaries.get(dictionary).cloned().unwrap_or_default())
    }

    fn put_product_categories(&self, pairs: &[(u32, u32)]) -> Result<(), StoreError> {
        let categories = &mut self.content().product_categories;
        for (product, category) in pairs {
            let at = *product as usize;
            categories.resize(categories.len().max(at + 1), NO_ITEM);
            categories[at] = *category;
        }
        Ok(())
    }

    fn product_categories(&self) -> Result<Vec<u32>, StoreError> {
        let content = self.content();
        let mut categories = content.product_categories.clone();
        let products = content.dictionaries.get("product").map_or(0, Vec::len);
        categories.resize(categories.len().max(products), NO_ITEM);
        Ok(categories)
    }

    fn put_source(&self, source: &Source) -> Result<(), StoreError> {
        let key = (source.kind.clone(), source.fingerprint.clone());
        self.content().sources.insert(key, source.clone());
        Ok(())
    }

    fn sources(&self) -> Result<Vec<Source>, StoreError> {
        Ok(self.content().sources.values().cloned().collect())
    }

    fn put_document(&self, collection: &str, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.content().documents.entry(collection.into()).or_default().insert(key.into(), bytes.into());
        Ok(())
    }

    fn document_keys(&self, collection: &str) -> Result<Vec<String>, StoreError> {
        let content = self.content();
        Ok(content.documents.get(collection).into_iter().flat_map(|all| all.keys().cloned()).collect())
    }

    fn documents(&self, collection: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        Ok(self.content().documents.get(collection).cloned().unwrap_or_default().into_iter().collect())
    }

    fn fingerprint(&self) -> Result<String, StoreError> {
        crate::fingerprint::of(self)
    }
}
