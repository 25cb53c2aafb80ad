//! Up to where the database must reach: a number in a file beside it.
//!
//! sled takes a damaged message in its log for the end of the log and opens without what came after, so a flipped bit
//! would silently take acknowledged events away. Every batch is therefore numbered in the database, and the number of
//! the last durable one is written here after it was synced. A database with lower numbers has lost something.
//!
//! The file is never synced itself: after a power loss it may be older, which asks for less, and a killed process
//! takes nothing from it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sled::Tree;
use xxhash_rust::xxh3::xxh3_64;

use super::disk::unreadable;
use super::keys::corrupt;
use super::open::io_error;
use crate::StoreError;
use crate::codec::{Reader, begin, put_varint, seal, unseal};

/// The key of the number of the last batch, in every tree. No other key of any tree is like it.
pub(super) const SEQUENCE: &[u8] = b"\xff\xffsequence";

const NAME: &str = "acknowledged";

/// The open file.
#[derive(Debug)]
pub(super) struct Acknowledged {
    file: File,
    path: PathBuf,
}

impl Acknowledged {
    pub(super) fn open(store: &Path) -> Result<Self, StoreError> {
        let path = store.join(NAME);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        Ok(Self { file: file.map_err(io_error("open", &path))?, path })
    }

    /// Refuses a database that has not all that was acknowledged.
    pub(super) fn check(&self, found: u64) -> Result<(), StoreError> {
        if found >= self.number() {
            return Ok(());
        }
        let problem = format!(
            "it ends before what was acknowledged; to go on without what is lost, remove `{}`",
            self.path.display()
        );
        Err(StoreError::Corrupt { key: "sled/db".into(), problem })
    }

    /// Records that all batches up to this one are durable.
    pub(super) fn advance(&self, sequence: u64) -> std::io::Result<()> {
        let number = sequence.to_le_bytes();
        let checksum = xxh3_64(&number).to_le_bytes();
        self.file.write_all_at(&[number, checksum].concat(), 0)
    }

    /// 0 if the file is new, or did not survive a power loss.
    fn number(&self) -> u64 {
        let (mut number, mut checksum) = ([0; 8], [0; 8]);
        let read =
            self.file.read_exact_at(&mut number, 0).and_then(|()| self.file.read_exact_at(&mut checksum, 8));
        match read {
            Ok(()) if xxh3_64(&number).to_le_bytes() == checksum => u64::from_le_bytes(number),
            _ => 0,
        }
    }
}

/// The number of the last batch that any of the trees has.
pub(super) fn last_sequence(trees: &[&Tree]) -> Result<u64, StoreError> {
    let mut last = 0;
    for tree in trees {
        if let Some(value) = tree.get(SEQUENCE).map_err(unreadable)? {
            let number = unseal(&value).and_then(|body| Reader::new(body).varint());
            let name = String::from_utf8_lossy(&tree.name()).into_owned();
            last = last.max(number.map_err(|problem| corrupt(&name, SEQUENCE, problem))?);
        }
    }
    Ok(last)
}

pub(super) fn sequence_value(sequence: u64) -> Vec<u8> {
    let mut value = begin();
    put_varint(&mut value, sequence);
    seal(value)
}
