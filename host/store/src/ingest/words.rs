//! Texts as small numbers while a file is read.
//!
//! Each batch numbers its own texts, so that threads share nothing; merging translates. The store's dictionaries
//! are asked only when the whole file is known to be good.

use std::collections::HashMap;
use std::sync::Arc;

use crate::{Store, StoreError};

/// No text.
pub(super) const NONE: u32 = u32::MAX;

/// Distinct texts, numbered in the order in which they were first met.
#[derive(Debug, Default)]
pub(super) struct Words {
    codes: HashMap<Arc<str>, u32>,
    words: Vec<Arc<str>>,
    recent: u32,
}

impl Words {
    /// The number of a text.
    pub(super) fn code(&mut self, word: &str) -> u32 {
        // Neighbouring rows tend to be about the same customer and order.
        if self.words.get(self.recent as usize).is_none_or(|recent| **recent != *word) {
            self.recent = match self.codes.get(word) {
                Some(code) => *code,
                None => self.push(word.into()),
            };
        }
        self.recent
    }

    fn push(&mut self, word: Arc<str>) -> u32 {
        let code = u32::try_from(self.words.len()).expect("a file has fewer than 2^32 distinct texts");
        self.codes.insert(word.clone(), code);
        self.words.push(word);
        code
    }

    pub(super) fn word(&self, code: u32) -> &Arc<str> {
        &self.words[code as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// Adds the texts of another and says which number each has here.
    pub(super) fn merge(&mut self, other: Self) -> Vec<u32> {
        let code_of = |word: Arc<str>| self.codes.get(&word).copied().unwrap_or_else(|| self.push(word));
        other.words.into_iter().map(code_of).collect()
    }

    /// Enters the used texts into a dictionary of the store, in alphabetical order so that the order of rows
    /// leaves no trace. Gives the dictionary's code of each text, [`NONE`] of the unused.
    pub(super) fn intern(
        &self,
        store: &dyn Store,
        dictionary: &str,
        is_used: impl Fn(u32) -> bool,
    ) -> Result<Vec<u32>, StoreError> {
        let mut used: Vec<u32> = (0..self.words.len() as u32).filter(|code| is_used(*code)).collect();
        used.sort_unstable_by_key(|code| self.word(*code));
        let words: Vec<&str> = used.iter().map(|code| &**self.word(*code)).collect();
        let mut codes = vec![NONE; self.words.len()];
        if !words.is_empty() {
            for (code, stored) in used.iter().zip(store.intern(dictionary, &words)?) {
                codes[*code as usize] = stored;
            }
        }
        Ok(codes)
    }
}
