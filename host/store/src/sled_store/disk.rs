//! The open database: what is applied, what is durable, and whether it still may be trusted.
//!
//! # Invariants
//!
//! - **Durable is flushed and synced.** sled's `flush` writes its log to the file but leaves it in the page cache, so
//!   [`Disk::commit`] also syncs the file.
//! - **Commits are shared.** Whoever commits takes along everything applied until then; those who waited meanwhile
//!   find theirs done. So a group is what arrives during one sync, a few milliseconds, and no timer is needed.
//! - **After a failed write nothing goes on.** sled's background writer stops for good after an error, and what is in
//!   memory may be more than what is on disk.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};

use sled::{Batch, Db, Tree};

use super::acknowledged::{Acknowledged, SEQUENCE, last_sequence, sequence_value};
use super::open::io_error;
use crate::StoreError;

/// Files and trees of an open store. Fields are dropped in this order: the database closes before its lock goes.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) path: PathBuf,
    pub(super) timelines: Tree,
    pub(super) meta: Tree,
    pub(super) dictionaries: Tree,
    pub(super) documents: Tree,
    pub(super) db: Db,
    /// Opened before anything was written, so that a sync through it reports every failed write.
    db_file: File,
    acknowledged: Acknowledged,
    failed: OnceLock<String>,
    /// Number of the last batch that was applied.
    applied: AtomicU64,
    /// Number of the last batch that is durable.
    durable: Mutex<u64>,
    /// Held as long as the store is open.
    lock: File,
}

impl Disk {
    /// Takes over an open database, and makes durable what a killed process may have left in the page cache.
    pub(super) fn new(path: PathBuf, db: Db, lock: File) -> Result<Self, StoreError> {
        let tree =
            |name| db.open_tree(name).map_err(|source| StoreError::Sled { doing: "open a tree", source });
        let (timelines, meta) = (tree("timelines")?, tree("meta")?);
        let (dictionaries, documents) = (tree("dictionaries")?, tree("documents")?);
        let applied = last_sequence(&[&timelines, &meta, &dictionaries, &documents])?;
        let acknowledged = Acknowledged::open(&path)?;
        acknowledged.check(applied)?;
        let db_path = path.join("sled/db");
        let db_file = File::open(&db_path).map_err(io_error("open", &db_path))?;
        db_file.sync_all().map_err(io_error("sync", &db_path))?;
        Ok(Self {
            path,
            timelines,
            meta,
            dictionaries,
            documents,
            db,
            db_file,
            acknowledged,
            failed: OnceLock::new(),
            applied: AtomicU64::new(applied),
            durable: Mutex::new(applied),
            lock,
        })
    }

    /// Refuses once a write has failed.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match self.failed.get() {
            None => Ok(()),
            Some(why) => Err(StoreError::Failed(why.clone())),
        }
    }

    /// Applies a batch, whole or not at all. It is durable after the next [`commit`](Self::commit).
    ///
    /// The caller holds the lock under which the store is written.
    pub(super) fn apply(&self, tree: &Tree, mut batch: Batch) -> Result<(), StoreError> {
        self.check()?;
        let number = self.applied.load(Ordering::SeqCst) + 1;
        batch.insert(SEQUENCE, sequence_value(number));
        tree.apply_batch(batch).map_err(|source| self.fail("write", source))?;
        self.applied.store(number, Ordering::SeqCst);
        Ok(())
    }

    /// Returns once everything that was applied before the call is durable.
    pub(super) fn commit(&self) -> Result<(), StoreError> {
        let wanted = self.applied.load(Ordering::SeqCst);
        let mut durable = self.exclusive(&self.durable)?;
        if *durable >= wanted {
            return Ok(());
        }
        let applied = self.applied.load(Ordering::SeqCst);
        self.db.flush().map_err(|source| self.fail("flush", source))?;
        let synced = self.db_file.sync_data().and_then(|()| self.acknowledged.advance(applied));
        synced.map_err(|error| self.fail("sync", error.into()))?;
        *durable = applied;
        Ok(())
    }

    /// Takes a lock under which something is written.
    pub(super) fn exclusive<'a, T>(&self, mutex: &'a Mutex<T>) -> Result<MutexGuard<'a, T>, StoreError> {
        let guard = mutex.lock().map_err(|_| {
            let why = "a thread panicked while it was writing".to_owned();
            StoreError::Failed(self.failed.get_or_init(|| why).clone())
        })?;
        // Whoever held it before may have failed.
        self.check()?;
        Ok(guard)
    }

    /// Closes the database and hands over the lock, which keeps others out.
    pub(super) fn close(self) -> File {
        self.lock
    }

    fn fail(&self, doing: &'static str, source: sled::Error) -> StoreError {
        self.failed.get_or_init(|| format!("cannot {doing}: {source}"));
        StoreError::Sled { doing, source }
    }
}

/// The error for a read that failed.
pub(super) fn unreadable(source: sled::Error) -> StoreError {
    StoreError::Sled { doing: "read", source }
}
