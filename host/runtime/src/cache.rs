//! Compiled code on disk, so that a strategy is compiled once.
//!
//! A compiled file is native code, so it is run only if this user's key authenticates it: a keyed BLAKE3 over
//! the whole content stands before it. Anything else (another engine, a damaged or foreign file) is compiled
//! again and replaced. Files are written under another name and renamed, so a crash leaves no half of one.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const KEY_FILE: &str = "key";
const TAG_BYTES: usize = blake3::OUT_LEN;

/// A directory of compiled strategies with the key that authenticates them.
#[derive(Clone)]
pub struct Cache {
    dir: PathBuf,
    key: [u8; blake3::KEY_LEN],
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Cache {
    /// Opens or makes the cache in `dir`, with a fresh key if it has none.
    ///
    /// # Errors
    /// The directory or its key cannot be written or read.
    pub fn open(dir: impl Into<PathBuf>) -> io::Result<Self> {
        let dir = dir.into();
        fs::create_dir_all(&dir)?;
        let path = dir.join(KEY_FILE);
        let key = match fs::read(&path).map(<[u8; blake3::KEY_LEN]>::try_from) {
            Ok(Ok(key)) => key,
            Ok(Err(_)) => return Err(io::Error::other("its key file is damaged: delete the directory")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => make_key(&dir, &path)?,
            Err(error) => return Err(error),
        };
        Ok(Self { dir, key })
    }

    /// The compiled code of a component for this engine, if it is here and authentic.
    pub(crate) fn read(&self, name: &str) -> Option<Vec<u8>> {
        let mut content = fs::read(self.dir.join(name)).ok()?;
        if content.len() < TAG_BYTES {
            return None;
        }
        let code = content.split_off(TAG_BYTES);
        let tag: [u8; TAG_BYTES] = content.try_into().ok()?;
        // The name is part of what is authenticated, so one strategy's code cannot stand in for another's.
        (self.tag(name, &code) == tag).then_some(code)
    }

    /// Keeps compiled code under a name.
    pub(crate) fn write(&self, name: &str, code: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        file.write_all(self.tag(name, code).as_bytes())?;
        file.write_all(code)?;
        file.persist(self.dir.join(name))?;
        Ok(())
    }

    fn tag(&self, name: &str, code: &[u8]) -> blake3::Hash {
        blake3::Hasher::new_keyed(&self.key).update(name.as_bytes()).update(&[0]).update(code).finalize()
    }
}

/// A file name for a component under an engine: both digests, so that another engine never finds it.
pub(crate) fn name(component: &[u8; 32], engine: &wasmtime::Engine) -> String {
    let mut hasher = Blake(blake3::Hasher::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let mut digest = blake3::Hasher::new();
    digest.update(component).update(hasher.0.finalize().as_bytes());
    format!("{}.cwasm", digest.finalize().to_hex())
}

struct Blake(blake3::Hasher);

impl Hasher for Blake {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        u64::from_le_bytes(self.0.finalize().as_bytes()[..8].try_into().expect("8 of 32 bytes"))
    }
}

fn make_key(dir: &Path, path: &Path) -> io::Result<[u8; blake3::KEY_LEN]> {
    let mut key = [0; blake3::KEY_LEN];
    getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
    // Temporary files are readable by their owner alone, which the rename keeps.
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(&key)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(key),
        // Another process made one in the meantime.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => fs::read(path)?
            .try_into()
            .map_err(|_| io::Error::other("its key file is damaged: delete the directory")),
        Err(error) => Err(error.error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_this_key_wrote_under_this_name_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path()).unwrap();
        cache.write("a", b"code").unwrap();
        assert_eq!(cache.read("a").as_deref(), Some(&b"code"[..]));
        assert_eq!(
            Cache::open(dir.path()).unwrap().read("a").as_deref(),
            Some(&b"code"[..]),
            "the key is kept"
        );

        fs::copy(dir.path().join("a"), dir.path().join("b")).unwrap();
        assert_eq!(cache.read("b"), None, "moved to another name");
        let mut content = fs::read(dir.path().join("a")).unwrap();
        *content.last_mut().unwrap() ^= 1;
        fs::write(dir.path().join("a"), content).unwrap();
        assert_eq!(cache.read("a"), None, "one bit flipped");
        let other = tempfile::tempdir().unwrap();
        Cache::open(other.path()).unwrap().write("c", b"code").unwrap();
        fs::copy(other.path().join("c"), dir.path().join("c")).unwrap();
        assert_eq!(cache.read("c"), None, "another key's");
        fs::write(dir.path().join("d"), b"short").unwrap();
        assert_eq!(cache.read("d"), None);
    }
}
