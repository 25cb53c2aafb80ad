//! The store on sled: one directory, one process at a time.
//!
//! What was measured on sled 0.34 shapes it. History lies in chunks, never a key for each event; values stay small; all
//! writes go through one lock, in batches, and are acknowledged after a shared flush and sync ([`disk`]); there are no
//! transactions and four trees. About 40 MB of memory a million customers are taken for the index, so one machine ends
//! at 30 to 50 million.
//!
//! # Map
//!
//! - [`open`]: create, open, lock, format; [`disk`], [`acknowledged`]: apply, commit, fail.
//! - [`append`] merges and lays out ([`layout`], [`profile`], [`keys`]); [`read`] goes the way back; [`undo`] takes back.
//! - [`dictionaries`], [`documents`], [`sources`], [`totals`]: what is not a timeline.
//! - [`verify`], [`compact`], [`info`]: what an operator asks for.
//!
//! # Not here
//!
//! The bytes of a chunk are [`chunk`](crate::chunk); the digest of a store's content is
//! [`fingerprint`](crate::fingerprint).

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sled::Batch;
use stratagem_model::{CustomerId, FlatEvent, Time, Timeline};

use crate::codec::{begin, seal, unseal};
use crate::first_known::FirstKnown;
use crate::{
    Appended, CustomerEvents, Projection, Settings, Source, Store, StoreError, Totals, Undone, fingerprint,
};

mod acknowledged;
mod append;
mod compact;
mod dictionaries;
mod disk;
mod documents;
mod info;
mod keys;
mod layout;
mod open;
mod profile;
mod read;
mod sources;
mod totals;
mod undo;
mod verify;

pub use compact::Compacted;
pub use info::Info;
pub use open::Options;
pub use verify::{Problem, Verified};

use dictionaries::Dictionaries;
use disk::{Disk, unreadable};
use documents::Documents;
use totals::StoredTotals;

const FINGERPRINT_KEY: &str = "fingerprint";

/// A [`Store`] in a directory.
#[derive(Debug)]
pub struct SledStore {
    settings: Settings,
    /// Whoever writes holds this. The totals are those of the last applied batch.
    writing: Mutex<StoredTotals>,
    dictionaries: Dictionaries,
    documents: Documents,
    known_fingerprint: Mutex<Option<KnownFingerprint>>,
    disk: Disk,
}

/// A fingerprint and what it is of; any change makes another revision.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct KnownFingerprint {
    revisions: (u64, u64),
    hex: String,
}

impl SledStore {
    /// Makes a new store with the default [`Options`].
    ///
    /// # Errors
    /// See [`Options::create`].
    pub fn create(path: impl AsRef<Path>, settings: Settings) -> Result<Self, StoreError> {
        Options::default().create(path, settings)
    }

    /// Opens a store with the default [`Options`].
    ///
    /// # Errors
    /// See [`Options::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Options::default().open(path)
    }

    /// Opens a store, or makes it, with the default [`Options`].
    ///
    /// # Errors
    /// See [`Options::open_or_create`].
    pub fn open_or_create(
        path: impl AsRef<Path>,
        settings: impl FnOnce() -> Settings,
    ) -> Result<Self, StoreError> {
        Options::default().open_or_create(path, settings)
    }

    /// The directory. Files of runs may lie beside the database.
    pub fn path(&self) -> &Path {
        &self.disk.path
    }

    fn over(disk: Disk, settings: Settings) -> Result<Self, StoreError> {
        let dictionaries = Dictionaries::load(&disk.dictionaries)?;
        let mut totals = stored_totals(&disk)?;
        if dictionaries.is_unsettled() {
            // What was being written when the process ended may never have been.
            undo::recount(&disk, &dictionaries, &mut totals)?;
        }
        Ok(Self {
            settings,
            writing: Mutex::new(totals),
            dictionaries,
            documents: Documents::default(),
            known_fingerprint: Mutex::new(None),
            disk,
        })
    }

    /// Applies a batch. Outside of the lock the caller commits: others apply theirs while one waits for the disk.
    fn apply_watched(
        &self,
        batch: Vec<CustomerEvents>,
        watch: &mut append::Watch<'_>,
    ) -> Result<Appended, StoreError> {
        let batch = append::sort(batch)?;
        let mut totals = self.disk.exclusive(&self.writing)?;
        let planned = append::plan_all(&self.disk, &batch, watch.stop)?;
        // Before the events: a word is known no later than what refers to it.
        let is_marked = self.dictionaries.lower(&self.disk, self.first_known_of(&batch))?;
        let mut appended = Appended::default();
        let changes = planned.into_iter().map(|plan| {
            appended += plan.appended;
            plan.change
        });
        append::write(&self.disk, &mut totals, changes.collect(), watch)?;
        if is_marked {
            self.dictionaries.settled(&self.disk)?;
        }
        Ok(appended)
    }

    fn first_known_of(&self, batch: &append::Sorted) -> FirstKnown {
        const CUSTOMERS_MIN: usize = 1_024;
        let all: Vec<_> = batch.events().collect();
        let products = if all.len() < CUSTOMERS_MIN { vec![] } else { self.dictionaries.times("product") };
        let of = |events: &[&CustomerEvents]| {
            let mut known = FirstKnown::new(&products);
            events.iter().for_each(|events| known.add(&events.timeline));
            known
        };
        all.par_chunks(CUSTOMERS_MIN).map(of).reduce(|| FirstKnown::new(&products), FirstKnown::merge)
    }

    /// Numbers that change whenever the content does.
    fn revisions(&self) -> Result<(u64, u64), StoreError> {
        Ok((stored_totals(&self.disk)?.revision, self.dictionaries.revision()))
    }

    fn remembered_fingerprint(&self) -> Result<Option<KnownFingerprint>, StoreError> {
        let memory = self.known_fingerprint.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.is_some() {
            return Ok(memory.clone());
        }
        let stored = self.disk.meta.get(FINGERPRINT_KEY).map_err(unreadable)?;
        // It can be computed again, so one that cannot be read is as good as none.
        Ok(stored.and_then(|value| unseal(&value).ok().and_then(|body| postcard::from_bytes(body).ok())))
    }

    fn remember_fingerprint(&self, known: KnownFingerprint) -> Result<(), StoreError> {
        let _writing = self.disk.exclusive(&self.writing)?;
        let mut batch = Batch::default();
        batch.insert(FINGERPRINT_KEY, sealed(&known));
        // Not committed: it costs nothing but time if it is lost.
        self.disk.apply(&self.disk.meta, batch)?;
        *self.known_fingerprint.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(())
    }
}

impl Store for SledStore {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn apply(&self, batch: Vec<CustomerEvents>) -> Result<Appended, StoreError> {
        let stop = AtomicBool::new(false);
        self.apply_watched(batch, &mut append::Watch { progress: &mut |_| {}, stop: &stop })
    }

    fn commit(&self) -> Result<(), StoreError> {
        self.disk.commit()
    }

    fn append_with_progress(
        &self,
        batch: Vec<CustomerEvents>,
        progress: &mut dyn FnMut(u64),
        stop: &AtomicBool,
    ) -> Result<Appended, StoreError> {
        let appended = self.apply_watched(batch, &mut append::Watch { progress, stop })?;
        self.disk.commit()?;
        Ok(appended)
    }

    fn scan(
        &self,
        buckets: Range<u16>,
        projection: Projection,
        visit: &mut dyn FnMut(CustomerId, &Timeline),
    ) -> Result<(), StoreError> {
        self.disk.check()?;
        read::scan(&self.disk.timelines, &buckets, projection, visit)
    }

    fn timelines(
        &self,
        customers: &[CustomerId],
        projection: Projection,
        visit: &mut dyn FnMut(CustomerId, &Timeline),
    ) -> Result<(), StoreError> {
        self.disk.check()?;
        read::visit(&self.disk.timelines, customers, projection, visit)
    }

    fn external_id(&self, customer: CustomerId) -> Result<Option<String>, StoreError> {
        self.disk.check()?;
        let profile = self.disk.timelines.get(keys::profile(customer)).map_err(unreadable)?;
        profile.map(|value| Ok(read::decode_profile(customer, &value)?.external_id.to_owned())).transpose()
    }

    fn totals(&self) -> Result<Totals, StoreError> {
        self.disk.check()?;
        Ok(stored_totals(&self.disk)?.shown())
    }

    fn intern(&self, dictionary: &str, words: &[&str]) -> Result<Vec<u32>, StoreError> {
        self.disk.check()?;
        loop {
            if let Some(codes) = self.dictionaries.codes(dictionary, words) {
                return Ok(codes);
            }
            let _writing = self.disk.exclusive(&self.writing)?;
            self.dictionaries.intern(&self.disk, dictionary, words)?;
            if words.is_empty() {
                return Ok(Vec::new());
            }
        }
    }

    fn dictionary(&self, dictionary: &str) -> Result<Vec<String>, StoreError> {
        self.disk.check()?;
        Ok(self.dictionaries.words(dictionary))
    }

    fn first_known(&self, dictionary: &str) -> Result<Vec<Time>, StoreError> {
        self.disk.check()?;
        Ok(self.dictionaries.times(dictionary).into_iter().map(Time).collect())
    }

    fn file_products(&self, source: u32, filings: Vec<FlatEvent>) -> Result<Appended, StoreError> {
        if filings.is_empty() {
            return Ok(Appended::default());
        }
        let timeline = Timeline { events: filings, ..Timeline::default() };
        let said = CustomerEvents { external_id: String::new(), source, timeline };
        let (stop, progress) = (AtomicBool::new(false), &mut |_| {});
        let mut totals = self.disk.exclusive(&self.writing)?;
        let plan = append::plan_of(&self.disk.timelines, keys::FILINGS, &[&said])?;
        let mut known = FirstKnown::new(&[]);
        known.add(&said.timeline);
        let is_marked = self.dictionaries.lower(&self.disk, known)?;
        let mut watch = append::Watch { progress, stop: &stop };
        append::write(&self.disk, &mut totals, vec![plan.change], &mut watch)?;
        if is_marked {
            self.dictionaries.settled(&self.disk)?;
        }
        Ok(plan.appended)
    }

    fn filings(&self) -> Result<Vec<FlatEvent>, StoreError> {
        let mut filings = vec![];
        self.timelines(&[keys::FILINGS], read::EVERYTHING, &mut |_, timeline| {
            filings.clone_from(&timeline.events);
        })?;
        Ok(filings)
    }

    fn put_source(&self, source: &Source) -> Result<u32, StoreError> {
        let code = {
            let _writing = self.disk.exclusive(&self.writing)?;
            sources::put(&self.disk, source)?
        };
        self.disk.commit()?;
        Ok(code)
    }

    fn sources(&self) -> Result<Vec<Source>, StoreError> {
        self.disk.check()?;
        Ok(sources::all(&self.disk)?.into_iter().map(|(_, source)| source).collect())
    }

    fn undo(&self, source: &Source, stop: &AtomicBool) -> Result<Undone, StoreError> {
        let mut totals = self.disk.exclusive(&self.writing)?;
        undo::undo(&self.disk, &self.dictionaries, &mut totals, source, stop)
    }

    fn put_document(&self, collection: &str, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
        {
            let _writing = self.disk.exclusive(&self.writing)?;
            self.documents.put(&self.disk, collection, key, bytes)?;
        }
        self.disk.commit()
    }

    fn document_keys(&self, collection: &str) -> Result<Vec<String>, StoreError> {
        self.disk.check()?;
        self.documents.keys(&self.disk, collection)
    }

    fn documents(&self, collection: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.disk.check()?;
        self.documents.all(&self.disk, collection)
    }

    fn fingerprint(&self) -> Result<String, StoreError> {
        self.disk.check()?;
        let revisions = self.revisions()?;
        if let Some(known) = self.remembered_fingerprint()?.filter(|known| known.revisions == revisions) {
            return Ok(known.hex);
        }
        let hex = fingerprint::of(self)?;
        // With appends going on there is no telling what was scanned.
        if self.revisions()? == revisions {
            self.remember_fingerprint(KnownFingerprint { revisions, hex: hex.clone() })?;
        }
        Ok(hex)
    }
}

fn stored_totals(disk: &Disk) -> Result<StoredTotals, StoreError> {
    match disk.timelines.get(keys::TOTALS).map_err(unreadable)? {
        None => Ok(StoredTotals::default()),
        Some(value) => {
            StoredTotals::decode(&value).map_err(|problem| keys::corrupt("timelines", keys::TOTALS, problem))
        }
    }
}

fn sealed(value: &impl Serialize) -> Vec<u8> {
    seal(postcard::to_extend(value, begin()).expect("a vector takes all bytes"))
}
