//! Reads everything and says what is wrong.

use rayon::prelude::*;
use serde::Serialize;
use stratagem_model::{BUCKETS, CustomerId};

use super::acknowledged::SEQUENCE;
use super::disk::unreadable;
use super::keys::{self, Section};
use super::layout;
use super::read::{self, Raw};
use super::totals::StoredTotals;
use super::{SledStore, documents, stored_totals, undo};
use crate::amounts::Amounts;
use crate::codec::Malformed;
use crate::{Store, StoreError, Totals};

const TREE: &str = "timelines";

/// What a store is found to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verified {
    /// Counted, not remembered.
    pub totals: Totals,
    /// In the order of keys. At most one for each customer.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Problem {
    pub key: String,
    pub problem: String,
}

#[derive(Default)]
struct Found {
    totals: StoredTotals,
    problems: Vec<Problem>,
}

impl SledStore {
    /// Reads every value and checks it: checksums, order, counts, and that each customer is laid out as it would be
    /// written today. Appends wait meanwhile.
    ///
    /// # Errors
    /// The database itself cannot be read. Damage within it is in the report.
    pub fn verify(&self) -> Result<Verified, StoreError> {
        let _writing = self.disk.exclusive(&self.writing)?;
        let buckets: Vec<Result<Found, StoreError>> =
            (0..BUCKETS).into_par_iter().map(|bucket| self.verify_bucket(bucket)).collect();
        let mut found = Found::default();
        for bucket in buckets {
            let bucket = bucket?;
            found.totals.add(&bucket.totals);
            found.problems.extend(bucket.problems);
        }
        let filings = self.verify_customer(keys::FILINGS, &mut found.totals);
        found.note(filings)?;
        self.verify_totals(&mut found)?;
        if found.problems.is_empty() {
            self.verify_words(&mut found)?;
        }
        self.verify_the_rest(&mut found)?;
        Ok(Verified { totals: found.totals.shown(), problems: found.problems })
    }

    fn verify_bucket(&self, bucket: u16) -> Result<Found, StoreError> {
        let mut found = Found::default();
        let (from, to) = keys::bounds(&(bucket..bucket + 1));
        let mut last = None;
        for key in self.disk.timelines.range(from..to).keys() {
            let key = key.map_err(unreadable)?;
            match keys::parse(&key) {
                Err(problem) => found.note(Err(keys::corrupt(TREE, &key, problem)))?,
                Ok((customer, _)) if last == Some(customer) => {}
                Ok((customer, section)) => {
                    last = Some(customer);
                    if section == Section::Profile {
                        let checked = self.verify_customer(customer, &mut found.totals);
                        found.note(checked)?;
                    } else {
                        let problem = Malformed("a customer has events and no profile");
                        found.note(Err(keys::corrupt(TREE, &key, problem)))?;
                    }
                }
            }
        }
        Ok(found)
    }

    fn verify_customer(&self, customer: CustomerId, totals: &mut StoredTotals) -> Result<(), StoreError> {
        let Some(raw) = Raw::read_all(&self.disk.timelines, customer)? else {
            return Ok(());
        };
        let history = raw.history(customer)?;
        let timeline = &history.timeline;
        let external_id = read::decode_profile(customer, &raw.profile)?.external_id.to_owned();
        let problem = |problem| Err(keys::corrupt(TREE, &keys::profile(customer), Malformed(problem)));
        if customer != keys::FILINGS && CustomerId::from_external(&external_id) != customer {
            return problem("the external id is another customer's");
        }
        let by = |a: (_, _, u8, _), b: (_, _, u8, _)| a < b;
        let orders = timeline.orders.iter().map(|order| (order.known_time, order.event_time, 0, order.id));
        let events = timeline
            .events
            .iter()
            .map(|event| (event.known_time, event.event_time, event.kind as u8, event.id));
        if !orders.is_sorted_by(|a, b| by(*a, *b)) || !events.is_sorted_by(|a, b| by(*a, *b)) {
            return problem("events are out of order");
        }
        let now = Amounts::of(timeline);
        if layout::lay_out(customer, &external_id, &history) != raw.into_values(customer) {
            return problem("chunks begin or end where they should not");
        }
        if customer != keys::FILINGS {
            totals.customers += 1;
            totals.replace(&Amounts::default(), &now);
        }
        Ok(())
    }

    fn verify_totals(&self, found: &mut Found) -> Result<(), StoreError> {
        for key in self.disk.timelines.range(BUCKETS.to_be_bytes()..).keys() {
            let key = key.map_err(unreadable)?;
            let is_filing = matches!(keys::parse(&key), Ok((keys::FILINGS, _)));
            if !is_filing && key != keys::TOTALS && key != SEQUENCE {
                found.note(Err(keys::corrupt(TREE, &key, Malformed("the key is not one of a customer"))))?;
            }
        }
        let stored = stored_totals(&self.disk);
        if let Ok(stored) = &stored {
            found.totals.revision = stored.revision;
            let is_undoing = || {
                let sources = super::sources::all(&self.disk);
                sources.is_ok_and(|all| all.iter().any(|(_, source)| !source.is_complete))
            };
            let is_right =
                *stored == found.totals || (stored.is_before_recount(&found.totals) && is_undoing());
            if !is_right {
                let problem = Malformed("the totals are not those of the customers that can be read");
                found.note(Err(keys::corrupt(TREE, keys::TOTALS, problem)))?;
            }
        }
        found.note(stored.map(drop))
    }

    /// Words that were first known at another time than what refers to them.
    fn verify_words(&self, found: &mut Found) -> Result<(), StoreError> {
        let (known, _) = undo::count(&self.disk, &self.dictionaries)?;
        let (attributes, tags) = (self.dictionaries.words("attribute"), self.dictionaries.words("tag"));
        for (dictionary, times) in known.into_times() {
            let Some(name) = dictionary.name(&attributes, &tags) else { continue };
            let stored = self.dictionaries.times(&name);
            // An append that was stopped may have left a word that is known too early, and never one too late.
            let is_late =
                |(code, known): &(u32, i64)| stored.get(*code as usize).is_some_and(|stored| stored > known);
            if times.iter().any(is_late) {
                let problem = "a word was first known later than what refers to it".into();
                found.problems.push(Problem { key: format!("dictionaries/{name}"), problem });
            }
        }
        Ok(())
    }

    fn verify_the_rest(&self, found: &mut Found) -> Result<(), StoreError> {
        match documents::collections(&self.disk) {
            Err(damaged) => found.note(Err(damaged))?,
            Ok(collections) => {
                for (collection, _) in collections {
                    found.note(self.documents(&collection).map(drop))?;
                }
            }
        }
        found.note(self.sources().map(drop))?;
        // Dictionaries were read whole when the store was opened.
        let blobs = self.disk.path.join("sled/blobs");
        let outside = std::fs::read_dir(&blobs).into_iter().flatten().flatten();
        for blob in outside {
            let problem = "a value left the log, so it was never synced".into();
            found.problems.push(Problem { key: blob.path().display().to_string(), problem });
        }
        Ok(())
    }
}

impl Found {
    /// Damage goes into the report, and everything else that fails ends it.
    fn note(&mut self, checked: Result<(), StoreError>) -> Result<(), StoreError> {
        match checked {
            Err(StoreError::Corrupt { key, problem }) => {
                self.problems.push(Problem { key, problem });
                Ok(())
            }
            other => other,
        }
    }
}
