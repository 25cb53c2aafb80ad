//! What there is to say about a store without reading its timelines.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::open::{FORMAT, io_error};
use super::{SledStore, documents};
use crate::{Settings, Source, Store, StoreError, Totals};

/// A store's size, settings and sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Info {
    pub path: PathBuf,
    pub format: u32,
    pub settings: Settings,
    pub totals: Totals,
    /// Bytes of the database on disk.
    pub database_bytes: u64,
    /// Bytes of other files in the store's directory, such as logs of runs.
    pub other_bytes: u64,
    /// Names with numbers of words.
    pub dictionaries: Vec<(String, u64)>,
    /// Names with numbers of documents.
    pub collections: Vec<(String, u64)>,
    pub sources: Vec<Source>,
}

impl SledStore {
    /// What there is to say about the store without reading its timelines.
    ///
    /// # Errors
    /// Files or the database cannot be read.
    pub fn info(&self) -> Result<Info, StoreError> {
        let path = self.path();
        let database_bytes = size(&path.join("sled"))?;
        Ok(Info {
            path: path.into(),
            format: FORMAT,
            settings: self.settings.clone(),
            totals: self.totals()?,
            database_bytes,
            other_bytes: size(path)?.saturating_sub(database_bytes),
            dictionaries: self.dictionaries.sizes(),
            collections: documents::collections(&self.disk)?,
            sources: self.sources()?,
        })
    }
}

/// Bytes that a file, or everything in a directory, takes on disk.
pub(super) fn size(path: &Path) -> Result<u64, StoreError> {
    use std::os::unix::fs::MetadataExt;

    let metadata = fs::symlink_metadata(path).map_err(io_error("see the size of", path))?;
    if !metadata.is_dir() {
        // A database has holes where segments are free.
        return Ok(metadata.blocks() * 512);
    }
    let mut bytes = 0;
    for entry in fs::read_dir(path).map_err(io_error("list", path))? {
        bytes += size(&entry.map_err(io_error("list", path))?.path())?;
    }
    Ok(bytes)
}
