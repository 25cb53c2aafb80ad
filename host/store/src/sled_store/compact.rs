//! Writing a store anew, because sled never gives space back.
//!
//! The copy is made beside the database, read back and compared, and then takes its place by two renames:
//!
//! | there is | so | and opening |
//! |---|---|---|
//! | `sled`, perhaps `sled.new` | the copy was not complete, or not yet in use | deletes `sled.new` |
//! | `sled.old` and `sled.new`, no `sled` | the copy is complete; the second rename was missed | renames `sled.new` |
//! | `sled` and `sled.old` | only the clearing up was missed | deletes `sled.old` |

use std::fs;
use std::path::Path;

use serde::Serialize;
use sled::{Batch, Db, Tree};
use xxhash_rust::xxh3::Xxh3Default;

use super::disk::unreadable;
use super::info::size;
use super::open::{Options, io_error, sync};
use super::{SledStore, disk};
use crate::StoreError;

/// What the database is called while it is being replaced.
pub(super) const OLD: &str = "sled.old";

/// What its copy is called until it is in place.
const NEW: &str = "sled.new";

const TREES: [&str; 4] = ["timelines", "meta", "dictionaries", "documents"];

const OPS_PER_BATCH: usize = 500;

/// What a compaction did to the size of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Compacted {
    pub bytes_before: u64,
    pub bytes_after: u64,
}

impl SledStore {
    /// Writes the store at `path` anew without the space that it no longer uses. It needs room for a second one.
    ///
    /// # Errors
    /// Those of [`SledStore::open`]; or the copy could not be made, and the store is what it was.
    pub fn compact(path: impl AsRef<Path>) -> Result<Compacted, StoreError> {
        let path = path.as_ref();
        let store = Self::open(path)?;
        let (old, new) = (path.join("sled"), path.join(NEW));
        let bytes_before = size(&old)?;
        let copied = Options::default().open_db(path, &new).and_then(|copy| copy_all(&store.disk.db, &copy));
        if let Err(error) = copied {
            remove(&new)?;
            return Err(error);
        }
        sync_copy(&new)?;
        let lock = store.disk.close();
        rename(&old, &path.join(OLD))?;
        rename(&new, &old)?;
        sync(path)?;
        remove(&path.join(OLD))?;
        drop(lock);
        Ok(Compacted { bytes_before, bytes_after: size(&old)? })
    }
}

/// Brings a compaction that was stopped to one of its ends. The caller holds the store's lock.
pub(super) fn finish_interrupted(path: &Path) -> Result<(), StoreError> {
    let (current, old, new) = (path.join("sled"), path.join(OLD), path.join(NEW));
    if !current.exists() && old.exists() {
        rename(if new.exists() { &new } else { &old }, &current)?;
        sync(path)?;
    }
    remove(&new)?;
    remove(&old)
}

fn copy_all(from: &Db, to: &Db) -> Result<(), StoreError> {
    for name in TREES {
        let open =
            |db: &Db| db.open_tree(name).map_err(|source| StoreError::Sled { doing: "open a tree", source });
        let (from, to) = (open(from)?, open(to)?);
        copy(&from, &to)?;
        if digest(&from)? != digest(&to)? {
            let problem = "the copy is not equal; the store was left as it is".into();
            return Err(StoreError::Corrupt { key: name.into(), problem });
        }
    }
    to.flush().map_err(|source| StoreError::Sled { doing: "flush", source })?;
    Ok(())
}

fn copy(from: &Tree, to: &Tree) -> Result<(), StoreError> {
    let apply = |batch: &mut Batch| {
        to.apply_batch(std::mem::take(batch)).map_err(|source| StoreError::Sled { doing: "write", source })
    };
    let mut batch = Batch::default();
    for (at, entry) in from.iter().enumerate() {
        let (key, value) = entry.map_err(disk::unreadable)?;
        batch.insert(key, value);
        if at % OPS_PER_BATCH == OPS_PER_BATCH - 1 {
            apply(&mut batch)?;
        }
    }
    apply(&mut batch)
}

fn digest(tree: &Tree) -> Result<(u64, u128), StoreError> {
    let (mut count, mut digest) = (0, Xxh3Default::new());
    for entry in tree {
        let (key, value) = entry.map_err(unreadable)?;
        for part in [&key, &value] {
            digest.update(&(part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        count += 1;
    }
    Ok((count, digest.digest128()))
}

/// Syncs the files of a closed database.
fn sync_copy(directory: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(directory).map_err(io_error("list", directory))? {
        sync(&entry.map_err(io_error("list", directory))?.path())?;
    }
    sync(directory)
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(io_error("rename", from))
}

fn remove(directory: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(io_error("remove", directory)(error))
        }
        _ => Ok(()),
    }
}
