//! Creating and opening: the lock, the room on the disk, what a crash left behind, the format.
//!
//! ```text
//! DIR/lock            held while the store is open
//! DIR/sled/           the database
//! DIR/acknowledged    up to where it must reach
//! DIR/*               other files of runs; left alone
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sled::Batch;

use super::disk::{Disk, unreadable};
use super::keys::corrupt;
use super::{SledStore, compact};
use crate::codec::{Malformed, begin, seal, unseal};
use crate::{Settings, StoreError};

/// Grows when this version could no longer read what is stored.
pub(super) const FORMAT: u32 = 2;

/// A store is not opened with less room than this. Filling up is fatal for sled, so it is better not to start.
const FREE_BYTES_MIN: u64 = 256 * MB;

const MB: u64 = 1024 * 1024;

/// How long the database of a store that this process just closed may take to let go of its file.
const CLOSING_TRIES: u32 = 200;
const CLOSING_PAUSE: Duration = Duration::from_millis(10);

const FORMAT_KEY: &str = "format";
const SETTINGS_KEY: &str = "settings";

/// How a store is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Memory for pages of the database. It is a target: the index of all pages comes on top, about 40 MB for a
    /// million customers.
    pub cache_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { cache_bytes: 256 * MB }
    }
}

impl Options {
    /// Makes a new store.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if there is one, and all that [`open`](Self::open) returns.
    pub fn create(&self, path: impl AsRef<Path>, settings: Settings) -> Result<SledStore, StoreError> {
        let path = path.as_ref();
        let disk = self.open_disk(path)?;
        match read_format(&disk)? {
            None => initialise(disk, settings),
            Some(_) => Err(StoreError::Exists(path.into())),
        }
    }

    /// Opens a store that is there.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`InUse`](StoreError::InUse), [`Format`](StoreError::Format) or
    /// [`DiskFull`](StoreError::DiskFull); or the database cannot be read.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<SledStore, StoreError> {
        let path = path.as_ref();
        if !is_there(path) {
            return Err(StoreError::Missing(path.into()));
        }
        let disk = self.open_disk(path)?;
        match read_format(&disk)? {
            None => Err(StoreError::Missing(path.into())),
            Some(found) => check_format(disk, found),
        }
    }

    /// Opens a store, or makes it.
    ///
    /// # Errors
    /// All that [`open`](Self::open) returns except [`StoreError::Missing`].
    pub fn open_or_create(
        &self,
        path: impl AsRef<Path>,
        settings: impl FnOnce() -> Settings,
    ) -> Result<SledStore, StoreError> {
        let disk = self.open_disk(path.as_ref())?;
        match read_format(&disk)? {
            None => initialise(disk, settings()),
            Some(found) => check_format(disk, found),
        }
    }

    /// The database at a path, made if there is none, with nothing else in use of it.
    pub(super) fn open_disk(&self, path: &Path) -> Result<Disk, StoreError> {
        fs::create_dir_all(path).map_err(io_error("make the directory", path))?;
        let lock = lock(path)?;
        check_room(path, free_bytes(path)?)?;
        compact::finish_interrupted(path)?;
        let db = self.open_db(path, &path.join("sled"))?;
        Disk::new(path.into(), db, lock)
    }

    /// A sled database in `directory`, which belongs to the store at `path`.
    pub(super) fn open_db(&self, path: &Path, directory: &Path) -> Result<sled::Db, StoreError> {
        let config = sled::Config::new().path(directory).cache_capacity(self.cache_bytes);
        let failed = match open_when_closed(&config) {
            Ok(db) => return Ok(db),
            Err(failed) => failed,
        };
        if is_locked(&failed) {
            return Err(StoreError::InUse(path.into()));
        }
        if set_leftovers_aside(path, directory)? {
            return open_when_closed(&config).map_err(|source| StoreError::Sled { doing: "open", source });
        }
        Err(StoreError::Sled { doing: "open", source: failed })
    }
}

/// A database's own threads may hold its file for a moment after the last handle is gone.
fn open_when_closed(config: &sled::Config) -> sled::Result<sled::Db> {
    for _ in 0..CLOSING_TRIES {
        match open_caught(config) {
            Err(error) if is_locked(&error) => std::thread::sleep(CLOSING_PAUSE),
            other => return other,
        }
    }
    open_caught(config)
}

/// sled panics on some damaged files.
fn open_caught(config: &sled::Config) -> sled::Result<sled::Db> {
    // Nothing outlives a failed opening that could be seen half changed.
    catch_unwind(AssertUnwindSafe(|| config.open()))
        .unwrap_or(Err(sled::Error::Corruption { at: None, bt: () }))
}

fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}

/// Whether there is a database, or was one when a compaction ended halfway.
fn is_there(path: &Path) -> bool {
    path.join("sled").is_dir() || path.join(compact::OLD).is_dir()
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let lock_path = path.join("lock");
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&lock_path)
        .map_err(io_error("open", &lock_path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(path.into())),
        Err(TryLockError::Error(error)) => Err(io_error("lock", &lock_path)(error)),
    }
}

fn free_bytes(path: &Path) -> Result<u64, StoreError> {
    let disk =
        rustix::fs::statvfs(path).map_err(|error| io_error("see the free space of", path)(error.into()))?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn check_room(path: &Path, free: u64) -> Result<(), StoreError> {
    if free < FREE_BYTES_MIN {
        let (free_mb, needed_mb) = (free / MB, FREE_BYTES_MIN / MB);
        return Err(StoreError::DiskFull { path: path.into(), free_mb, needed_mb });
    }
    Ok(())
}

/// Moves snapshots that a crash left unfinished out of the database's way; it fails to open with them (sled issue
/// 1527) and can do without.
fn set_leftovers_aside(path: &Path, directory: &Path) -> Result<bool, StoreError> {
    let mut any = false;
    for entry in fs::read_dir(directory).map_err(io_error("list", directory))? {
        let leftover = entry.map_err(io_error("list", directory))?.path();
        if leftover.extension().is_some_and(|extension| extension == "generating") {
            let aside = path.join(leftover.file_name().unwrap_or_default());
            fs::rename(&leftover, &aside).map_err(io_error("move aside", &leftover))?;
            any = true;
        }
    }
    Ok(any)
}

fn read_format(disk: &Disk) -> Result<Option<u32>, StoreError> {
    let Some(value) = disk.meta.get(FORMAT_KEY).map_err(unreadable)? else {
        return Ok(None);
    };
    // Never sealed: a version that seals otherwise must still be able to read it.
    let number = value.as_ref().try_into().map_err(|_| {
        corrupt("meta", FORMAT_KEY.as_bytes(), Malformed("a format is a number of four bytes"))
    })?;
    Ok(Some(u32::from_be_bytes(number)))
}

fn check_format(disk: Disk, found: u32) -> Result<SledStore, StoreError> {
    if found != FORMAT {
        return Err(StoreError::Format { path: disk.path.clone(), found, supported: FORMAT });
    }
    let damaged = |problem| corrupt("meta", SETTINGS_KEY.as_bytes(), problem);
    let value = disk.meta.get(SETTINGS_KEY).map_err(unreadable)?.ok_or(Malformed("there are no settings"));
    let value = value.map_err(damaged)?;
    let settings = unseal(&value).map_err(damaged)?;
    let settings =
        postcard::from_bytes(settings).map_err(|_| damaged(Malformed("settings cannot be read")))?;
    SledStore::over(disk, settings)
}

fn initialise(disk: Disk, settings: Settings) -> Result<SledStore, StoreError> {
    let mut batch = Batch::default();
    batch.insert(FORMAT_KEY, &FORMAT.to_be_bytes());
    batch.insert(
        SETTINGS_KEY,
        seal(postcard::to_extend(&settings, begin()).expect("a vector takes all bytes")),
    );
    disk.apply(&disk.meta, batch)?;
    disk.commit()?;
    // The files are only there for good once the directories that name them are synced.
    let sled = disk.path.join("sled");
    for path in [&sled.join("conf"), &sled, &disk.path] {
        sync(path)?;
    }
    SledStore::over(disk, settings)
}

/// Syncs a file or directory.
pub(super) fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(io_error("sync", path))
}

pub(super) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = PathBuf::from(path);
    move |source| StoreError::Io { doing, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nearly_full_disk_is_refused() {
        let path = Path::new("store");
        assert!(check_room(path, FREE_BYTES_MIN).is_ok());
        let refused = check_room(path, FREE_BYTES_MIN - 1).unwrap_err();
        assert!(matches!(refused, StoreError::DiskFull { free_mb: 255, needed_mb: 256, .. }));
        assert!(free_bytes(&std::env::temp_dir()).unwrap() > 0);
    }
}
