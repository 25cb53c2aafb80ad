//! Where data came from: a record for each ingest, and the number that its rows carry.

use serde::{Deserialize, Serialize};
use sled::Batch;

use super::disk::{Disk, unreadable};
use super::{keys, sealed};
use crate::codec::{Malformed, unseal};
use crate::{Source, StoreError};

const PREFIX: &str = "source/";

const NAME_BYTES_MAX: usize = 1024;

/// A source as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    code: u32,
    source: Source,
}

/// Applies a record. The caller holds the lock under which the store is written.
pub(super) fn put(disk: &Disk, source: &Source) -> Result<u32, StoreError> {
    for text in [&source.name, &source.kind, &source.fingerprint] {
        if text.len() > NAME_BYTES_MAX {
            return Err(StoreError::too_long("name of a source", text, NAME_BYTES_MAX));
        }
    }
    let kept = all(disk)?;
    let known = kept.iter().find(|(_, other)| other.is_same(source)).map(|(code, _)| *code);
    let next = || kept.iter().map(|(code, _)| *code).max().unwrap_or(0) + 1;
    let code = known.unwrap_or_else(next);
    let mut batch = Batch::default();
    batch.insert(key(source).as_bytes(), sealed(&Kept { code, source: source.clone() }));
    disk.apply(&disk.meta, batch)?;
    Ok(code)
}

/// Applies that there is no such record any more.
pub(super) fn remove(disk: &Disk, source: &Source) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    batch.remove(key(source).as_bytes());
    disk.apply(&disk.meta, batch)
}

/// All records with their numbers, in the order of kind and fingerprint.
pub(super) fn all(disk: &Disk) -> Result<Vec<(u32, Source)>, StoreError> {
    let mut sources = Vec::new();
    for entry in disk.meta.scan_prefix(PREFIX) {
        let (key, value) = entry.map_err(unreadable)?;
        let damaged = Malformed("a source cannot be read");
        let kept: Result<Kept, _> =
            unseal(&value).and_then(|body| postcard::from_bytes(body).map_err(|_| damaged));
        let kept = kept.map_err(|problem| keys::corrupt("meta", &key, problem))?;
        sources.push((kept.code, kept.source));
    }
    Ok(sources)
}

/// A zero byte between, so that keys sort by kind first.
fn key(source: &Source) -> String {
    format!("{PREFIX}{}\0{}", source.kind, source.fingerprint)
}
