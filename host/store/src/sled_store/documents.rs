//! Documents of the ledger, split into values.
//!
//! ```text
//! length u16 and collection | key, escaped | 0 0 | part u32
//! ```
//!
//! The first part also holds the length and a checksum of the whole.

use std::sync::{PoisonError, RwLock};

use sled::Batch;
use xxhash_rust::xxh3::xxh3_64;

use super::acknowledged::SEQUENCE;
use super::disk::{Disk, unreadable};
use super::keys::corrupt;
use crate::StoreError;
use crate::codec::{Malformed, Reader, begin, put_varint, seal, unseal};

/// The longest collection and the longest key.
const NAME_BYTES_MAX: usize = 1024;

const PART_BYTES: usize = 4 * 1024;

/// Follows a zero byte that belongs to a key.
const ESCAPE: u8 = 0xff;

const TREE: &str = "documents";

/// Documents are replaced under this lock and read under it, so that no one reads half of one.
#[derive(Debug, Default)]
pub(super) struct Documents {
    replacing: RwLock<()>,
}

impl Documents {
    /// Applies a document. The caller holds the lock under which the store is written, and commits.
    pub(super) fn put(
        &self,
        disk: &Disk,
        collection: &str,
        key: &str,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        for (what, name) in [("collection", collection), ("document key", key)] {
            if name.len() > NAME_BYTES_MAX {
                return Err(StoreError::too_long(what, name, NAME_BYTES_MAX));
            }
        }
        let prefix = key_prefix(collection, key);
        let mut batch = Batch::default();
        // A shorter document leaves no parts of the longer one it replaces.
        for old in disk.documents.scan_prefix(&prefix).keys() {
            batch.remove(old.map_err(unreadable)?);
        }
        let mut head = begin();
        put_varint(&mut head, bytes.len() as u64);
        head.extend_from_slice(&xxh3_64(bytes).to_le_bytes());
        batch.insert(part_key(&prefix, 0), seal(head));
        for (part, piece) in (1..).zip(bytes.chunks(PART_BYTES)) {
            let mut value = begin();
            value.extend_from_slice(piece);
            batch.insert(part_key(&prefix, part), seal(value));
        }
        let _replacing = self.replacing.write().unwrap_or_else(PoisonError::into_inner);
        disk.apply(&disk.documents, batch)
    }

    /// The keys of a collection's documents, ascending.
    pub(super) fn keys(&self, disk: &Disk, collection: &str) -> Result<Vec<String>, StoreError> {
        let _reading = self.replacing.read().unwrap_or_else(PoisonError::into_inner);
        let prefix = collection_prefix(collection);
        let mut keys = vec![];
        for key in disk.documents.scan_prefix(&prefix).keys() {
            let key = key.map_err(unreadable)?;
            let (name, part) =
                parse_key(&key[prefix.len()..]).map_err(|problem| corrupt(TREE, &key, problem))?;
            if part == 0 {
                keys.push(name);
            }
        }
        Ok(keys)
    }

    /// The documents of a collection by ascending key.
    pub(super) fn all(&self, disk: &Disk, collection: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let _reading = self.replacing.read().unwrap_or_else(PoisonError::into_inner);
        let prefix = collection_prefix(collection);
        let mut documents: Vec<(String, Vec<u8>)> = Vec::new();
        let mut open: Option<Open> = None;
        for entry in disk.documents.scan_prefix(&prefix) {
            let (key, value) = entry.map_err(unreadable)?;
            read_part(&key[prefix.len()..], &value, &mut documents, &mut open)
                .map_err(|problem| corrupt(TREE, &key, problem))?;
        }
        close(&documents, open).map_err(|problem| corrupt(TREE, &prefix, problem))?;
        Ok(documents)
    }
}

/// Names of all collections, ascending by length, with how many documents they have.
pub(super) fn collections(disk: &Disk) -> Result<Vec<(String, u64)>, StoreError> {
    let mut collections: Vec<(String, u64)> = Vec::new();
    for key in disk.documents.range(..SEQUENCE).keys() {
        let key = key.map_err(unreadable)?;
        let (name, part) = collection_of(&key).map_err(|problem| corrupt(TREE, &key, problem))?;
        match collections.last_mut() {
            Some((last, count)) if *last == name => *count += u64::from(part == 0),
            _ => collections.push((name.into(), 1)),
        }
    }
    Ok(collections)
}

fn collection_of(key: &[u8]) -> Result<(&str, u32), Malformed> {
    let not_a_key = Malformed("the key is not one of a document");
    let (len, rest) = key.split_first_chunk::<2>().ok_or(not_a_key)?;
    let (name, rest) = rest.split_at_checked(u16::from_be_bytes(*len).into()).ok_or(not_a_key)?;
    let name = std::str::from_utf8(name).map_err(|_| not_a_key)?;
    Ok((name, parse_key(rest)?.1))
}

/// What the first part said of the document whose parts are being read.
struct Open {
    len: usize,
    checksum: u64,
    next_part: u32,
}

fn read_part(
    key: &[u8],
    value: &[u8],
    documents: &mut Vec<(String, Vec<u8>)>,
    open: &mut Option<Open>,
) -> Result<(), Malformed> {
    let (name, part) = parse_key(key)?;
    let body = unseal(value)?;
    if part == 0 {
        close(documents, open.take())?;
        let mut head = Reader::new(body);
        let len = head.small()?;
        let checksum = head.take(8)?.try_into().map_err(|_| Malformed("it ends too early"))?;
        *open = Some(Open { len, checksum: u64::from_le_bytes(checksum), next_part: 1 });
        documents.push((name, Vec::new()));
        return Ok(());
    }
    match (open, documents.last_mut()) {
        (Some(open), Some((known, bytes))) if open.next_part == part && *known == name => {
            open.next_part += 1;
            bytes.extend_from_slice(body);
            Ok(())
        }
        _ => Err(Malformed("the part before is missing")),
    }
}

fn close(documents: &[(String, Vec<u8>)], open: Option<Open>) -> Result<(), Malformed> {
    match (open, documents.last()) {
        (None, _) => Ok(()),
        (Some(open), Some((_, bytes))) if open.len == bytes.len() && open.checksum == xxh3_64(bytes) => {
            Ok(())
        }
        _ => Err(Malformed("parts of the document before are missing")),
    }
}

fn collection_prefix(collection: &str) -> Vec<u8> {
    let len = u16::try_from(collection.len()).unwrap_or(u16::MAX);
    [&len.to_be_bytes()[..], collection.as_bytes()].concat()
}

/// Zero bytes are escaped and two of them end the key, so that keys sort as the text does.
fn key_prefix(collection: &str, key: &str) -> Vec<u8> {
    let mut prefix = collection_prefix(collection);
    for byte in key.bytes() {
        prefix.push(byte);
        if byte == 0 {
            prefix.push(ESCAPE);
        }
    }
    prefix.extend([0, 0]);
    prefix
}

fn part_key(prefix: &[u8], part: u32) -> Vec<u8> {
    [prefix, &part.to_be_bytes()].concat()
}

fn parse_key(key: &[u8]) -> Result<(String, u32), Malformed> {
    let not_a_key = Malformed("the key is not one of a document");
    let (rest, part) = key.split_last_chunk::<4>().ok_or(not_a_key)?;
    let Some((escaped, [0, 0])) = rest.split_last_chunk::<2>() else {
        return Err(not_a_key);
    };
    // No UTF-8 text has this byte, so every one is an escape.
    let name = escaped.iter().copied().filter(|byte| *byte != ESCAPE).collect();
    let name = String::from_utf8(name).map_err(|_| not_a_key)?;
    Ok((name, u32::from_be_bytes(*part)))
}
