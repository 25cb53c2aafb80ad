//! A store in memory: the second backend of the conformance suite, and what tests of other crates scan.
//!
//! Nothing is durable and nothing is fast; everything that [`Store`] promises about content holds.
//!
//! # Not here
//!
//! Limits of disks, keys and values: [`SledStore`](crate::SledStore) has them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard};

use stratagem_model::{CustomerId, FlatEvent, Time, Timeline};

use crate::amounts::Amounts;
use crate::claims::{History, merge};
use crate::first_known::{FirstKnown, NEVER};
use crate::{Appended, CustomerEvents, Projection, Settings, Source, Store, StoreError, Totals, Undone};

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
    /// Of products.
    filings: History,
    dictionaries: BTreeMap<String, Vec<String>>,
    sources: BTreeMap<(String, String), (u32, Source)>,
    documents: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    totals: Totals,
}

#[derive(Debug, Clone, Default)]
struct Customer {
    external_id: String,
    history: History,
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
    fn timeline(&self, projection: Projection) -> Timeline {
        let mut timeline = self.history.timeline.clone();
        if !projection.lines {
            timeline.lines.clear();
        }
        if !projection.events {
            timeline.events.clear();
        }
        timeline
    }
}

impl Content {
    fn count(&mut self) {
        let mut totals = Totals { customers: self.customers.len() as u64, ..Totals::default() };
        let mut gross = 0;
        for customer in self.customers.values() {
            let amounts = Amounts::of(&customer.history.timeline);
            totals.orders += amounts.orders.unsigned_abs();
            totals.lines += amounts.lines.unsigned_abs();
            totals.events += amounts.events.unsigned_abs();
            gross += amounts.gross;
            let first = totals.first_order_ms.into_iter().chain(amounts.first_order_ms).min();
            totals.first_order_ms = first;
            totals.last_order_ms = totals.last_order_ms.max(amounts.last_order_ms);
        }
        totals.gross = i64::try_from(gross).unwrap_or(if gross < 0 { i64::MIN } else { i64::MAX });
        self.totals = totals;
    }

    fn words(&self, dictionary: &str) -> &[String] {
        self.dictionaries.get(dictionary).map_or(&[], Vec::as_slice)
    }
}

impl Store for MemoryStore {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn apply(&self, batch: Vec<CustomerEvents>) -> Result<Appended, StoreError> {
        let mut content = self.content();
        let mut appended = Appended::default();
        let mut by_customer: BTreeMap<(u16, CustomerId), Vec<&CustomerEvents>> = BTreeMap::new();
        for events in &batch {
            let id = CustomerId::from_external(&events.external_id);
            by_customer.entry((id.bucket(), id)).or_default().push(events);
        }
        // Changed copies, put back only once the whole batch is known to have no conflict.
        let mut changed: BTreeMap<(u16, CustomerId), Customer> = BTreeMap::new();
        for (key, incoming) in by_customer {
            let stored = content.customers.get(&key);
            appended.customers_new += u64::from(stored.is_none());
            let mut customer = stored.cloned().unwrap_or_default();
            if stored.is_none() {
                customer.external_id.clone_from(&incoming[0].external_id);
            }
            if let Some(other) = incoming.iter().find(|events| events.external_id != customer.external_id) {
                let second = other.external_id.clone();
                return Err(StoreError::IdCollision { first: customer.external_id, second });
            }
            let merged = merge(&customer.external_id, &customer.history, &incoming)?;
            appended += Appended {
                customers_new: 0,
                added: merged.added,
                corrected: merged.corrected,
                unchanged: merged.unchanged,
            };
            customer.history = merged.history;
            changed.insert(key, customer);
        }
        content.customers.append(&mut changed);
        content.count();
        Ok(appended)
    }

    fn commit(&self) -> Result<(), StoreError> {
        Ok(())
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
            false => {
                let content = self.content();
                content.customers.range(range).map(|((_, id), c)| (*id, c.timeline(projection))).collect()
            }
        };
        customers.iter().for_each(|(id, timeline)| visit(*id, timeline));
        Ok(())
    }

    fn timelines(
        &self,
        customers: &[CustomerId],
        projection: Projection,
        visit: &mut dyn FnMut(CustomerId, &Timeline),
    ) -> Result<(), StoreError> {
        for id in customers {
            let found = self.content().customers.get(&(id.bucket(), *id)).map(|c| c.timeline(projection));
            found.iter().for_each(|timeline| visit(*id, timeline));
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

    fn first_known(&self, dictionary: &str) -> Result<Vec<Time>, StoreError> {
        let content = self.content();
        let mut known = FirstKnown::new(&vec![NEVER; content.words("product").len()]);
        content.customers.values().for_each(|customer| known.add(&customer.history.timeline));
        known.add(&content.filings.timeline);
        let mut times = vec![Time::MAX; content.words(dictionary).len()];
        for (of, found) in known.into_times() {
            if of.name(content.words("attribute"), content.words("tag")).as_deref() != Some(dictionary) {
                continue;
            }
            for (code, known) in found {
                if let Some(time) = times.get_mut(code as usize) {
                    *time = Time(known);
                }
            }
        }
        Ok(times)
    }

    fn file_products(&self, source: u32, filings: Vec<FlatEvent>) -> Result<Appended, StoreError> {
        let timeline = Timeline { events: filings, ..Timeline::default() };
        let said = CustomerEvents { external_id: String::new(), source, timeline };
        if said.timeline.events.is_empty() {
            return Ok(Appended::default());
        }
        let mut content = self.content();
        let merged = merge("", &content.filings, &[&said])?;
        content.filings = merged.history;
        let (added, corrected, unchanged) = (merged.added, merged.corrected, merged.unchanged);
        Ok(Appended { customers_new: 0, added, corrected, unchanged })
    }

    fn filings(&self) -> Result<Vec<FlatEvent>, StoreError> {
        Ok(self.content().filings.timeline.events.clone())
    }

    fn put_source(&self, source: &Source) -> Result<u32, StoreError> {
        let mut content = self.content();
        let key = (source.kind.clone(), source.fingerprint.clone());
        let next = content.sources.values().map(|(code, _)| *code).max().unwrap_or(0) + 1;
        let code = content.sources.get(&key).map_or(next, |(code, _)| *code);
        content.sources.insert(key, (code, source.clone()));
        Ok(code)
    }

    fn sources(&self) -> Result<Vec<Source>, StoreError> {
        Ok(self.content().sources.values().map(|(_, source)| source.clone()).collect())
    }

    fn undo(&self, source: &Source, _: &AtomicBool) -> Result<Undone, StoreError> {
        let mut content = self.content();
        let key = (source.kind.clone(), source.fingerprint.clone());
        let Some((code, _)) = content.sources.get(&key).cloned() else { return Ok(Undone::default()) };
        let mut undone = Undone::default();
        let mut changed = vec![];
        for (key, customer) in &content.customers {
            let without = customer.history.without(&customer.external_id, code);
            if let Some(history) = without.map_err(StoreError::of_others)? {
                changed.push((*key, history));
            }
        }
        let filings = content.filings.without("", code).map_err(StoreError::of_others)?;
        undone.changed = changed.len() as u64 + u64::from(filings.is_some());
        for (key, history) in changed {
            if history.is_empty() {
                content.customers.remove(&key);
                undone.customers_gone += 1;
            } else if let Some(customer) = content.customers.get_mut(&key) {
                customer.history = history;
            }
        }
        content.filings = filings.unwrap_or_else(|| std::mem::take(&mut content.filings));
        content.sources.remove(&key);
        content.count();
        Ok(undone)
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
