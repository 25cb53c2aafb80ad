//! Dictionaries and the categories of products, held in memory and kept in pages.
//!
//! ```text
//! 0 | length u16 and name | code of its first word u32      words of a dictionary, each with its length in front
//! 1 | page u32                                              category codes of 1,000 products
//! 2                                                         how many changes there were
//! ```
//!
//! # Invariants
//!
//! - **A code is durable before anyone sees it**: an event that holds it cannot outlive its word.
//! - **A code never changes its word.**

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{OnceLock, PoisonError, RwLock};

use sled::{Batch, Tree};
use stratagem_model::NO_ITEM;

use super::acknowledged::SEQUENCE;
use super::disk::{Disk, unreadable};
use super::keys::corrupt;
use crate::StoreError;
use crate::codec::{Malformed, Reader, begin, put_bytes, put_varint, seal, unseal};

/// The longest word and the longest name of a dictionary.
const WORD_BYTES_MAX: usize = 4 * 1024;

/// A page is full once another word would make it longer. One word always fits.
const PAGE_BYTES_MAX: usize = WORD_BYTES_MAX + 16;

const CATEGORIES_PER_PAGE: usize = 1_000;

const TREE: &str = "dictionaries";
const WORDS: u8 = 0;
const CATEGORIES: u8 = 1;
const REVISION: &[u8] = &[2];

/// What the tree holds, decoded.
#[derive(Debug, Default)]
pub(super) struct Dictionaries {
    content: RwLock<Content>,
}

#[derive(Debug, Default)]
struct Content {
    by_name: BTreeMap<String, Dictionary>,
    categories: Vec<u32>,
    revision: u64,
}

#[derive(Debug, Default)]
struct Dictionary {
    words: WordList,
    /// Made when it is first asked for: only what writes asks.
    codes: OnceLock<HashMap<Box<str>, u32>>,
    /// Code of the first word of the last page.
    last_page: usize,
}

impl Dictionaries {
    pub(super) fn load(tree: &Tree) -> Result<Self, StoreError> {
        let mut content = Content::default();
        for entry in tree.range(..SEQUENCE) {
            let (key, value) = entry.map_err(unreadable)?;
            content.load(&key, &value).map_err(|problem| corrupt(TREE, &key, problem))?;
        }
        Ok(Self { content: RwLock::new(content) })
    }

    /// Codes of words, as far as all are known.
    pub(super) fn codes(&self, name: &str, words: &[&str]) -> Option<Vec<u32>> {
        self.read(|content| {
            let codes = content.by_name.get(name)?.codes();
            words.iter().map(|word| codes.get(*word).copied()).collect()
        })
    }

    /// Gives unknown words the next codes. The caller holds the lock under which the store is written.
    pub(super) fn intern(&self, disk: &Disk, name: &str, words: &[&str]) -> Result<(), StoreError> {
        if name.len() > WORD_BYTES_MAX {
            return Err(StoreError::too_long("dictionary name", name, WORD_BYTES_MAX));
        }
        if let Some(long) = words.iter().find(|word| word.len() > WORD_BYTES_MAX) {
            return Err(StoreError::too_long("word", long, WORD_BYTES_MAX));
        }
        let (new, batch) = self.read(|content| {
            let empty = Dictionary::default();
            let dictionary = content.by_name.get(name).unwrap_or(&empty);
            let new = dictionary.unknown(words);
            let mut batch = Batch::default();
            for (first, page) in dictionary.pages_with(&new) {
                batch.insert(words_key(name, first), page);
            }
            batch.insert(REVISION, revision(content.revision + 1));
            (new, batch)
        });
        if new.is_empty() {
            return Ok(());
        }
        disk.apply(&disk.dictionaries, batch)?;
        disk.commit()?;
        self.write(|content| {
            let dictionary = content.by_name.entry(name.into()).or_default();
            dictionary.last_page = dictionary.pages_with(&new).last().map_or(0, |(first, _)| *first);
            new.iter().for_each(|word| dictionary.push(word));
            content.revision += 1;
        });
        Ok(())
    }

    pub(super) fn words(&self, name: &str) -> Vec<String> {
        self.read(|content| {
            let words = content.by_name.get(name).into_iter().flat_map(|dictionary| dictionary.words.iter());
            words.map(Into::into).collect()
        })
    }

    /// Names of all dictionaries with how many words they have.
    pub(super) fn sizes(&self) -> Vec<(String, u64)> {
        self.read(|content| {
            content
                .by_name
                .iter()
                .map(|(name, dictionary)| (name.clone(), dictionary.words.len() as u64))
                .collect()
        })
    }

    /// Sets categories. The caller holds the lock under which the store is written.
    pub(super) fn put_categories(&self, disk: &Disk, pairs: &[(u32, u32)]) -> Result<(), StoreError> {
        let (mut categories, next) = self.read(|content| (content.categories.clone(), content.revision + 1));
        let mut changed = BTreeSet::new();
        for (product, category) in pairs {
            let at = *product as usize;
            categories.resize(categories.len().max(at + 1), NO_ITEM);
            if std::mem::replace(&mut categories[at], *category) != *category {
                changed.insert(at / CATEGORIES_PER_PAGE);
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::default();
        for page in changed {
            let codes =
                categories.chunks(CATEGORIES_PER_PAGE).nth(page).expect("it was resized to hold the page");
            let mut value = begin();
            value.extend(codes.iter().flat_map(|code| code.to_le_bytes()));
            batch.insert(categories_key(page), seal(value));
        }
        batch.insert(REVISION, revision(next));
        disk.apply(&disk.dictionaries, batch)?;
        disk.commit()?;
        self.write(|content| {
            content.categories = categories;
            content.revision = next;
        });
        Ok(())
    }

    pub(super) fn categories(&self) -> Vec<u32> {
        self.read(|content| {
            let mut categories = content.categories.clone();
            let products = content.by_name.get("product").map_or(0, |products| products.words.len());
            categories.resize(categories.len().max(products), NO_ITEM);
            categories
        })
    }

    pub(super) fn revision(&self) -> u64 {
        self.read(|content| content.revision)
    }

    // Content is replaced by code that cannot panic half way, so a poisoned lock guards sound content.

    fn read<T>(&self, look: impl FnOnce(&Content) -> T) -> T {
        look(&self.content.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, change: impl FnOnce(&mut Content)) {
        change(&mut self.content.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Content {
    fn load(&mut self, key: &[u8], value: &[u8]) -> Result<(), Malformed> {
        let mut body = Reader::new(unseal(value)?);
        match key.split_first() {
            Some((&WORDS, rest)) => self.load_words(rest, &mut body),
            Some((&CATEGORIES, rest)) => self.load_categories(rest, &mut body),
            _ if key == REVISION => {
                self.revision = body.varint()?;
                Ok(())
            }
            _ => Err(Malformed("the key is not one of a dictionary")),
        }
    }

    fn load_words(&mut self, key: &[u8], body: &mut Reader<'_>) -> Result<(), Malformed> {
        let not_a_key = Malformed("the key is not one of a dictionary");
        let (len, rest) = key.split_first_chunk::<2>().ok_or(not_a_key)?;
        let (name, first) = rest.split_at_checked(u16::from_be_bytes(*len).into()).ok_or(not_a_key)?;
        let name = std::str::from_utf8(name).map_err(|_| not_a_key)?;
        let first = u32::from_be_bytes(first.try_into().map_err(|_| not_a_key)?) as usize;
        let dictionary = self.by_name.entry(name.into()).or_default();
        if dictionary.words.len() != first {
            return Err(Malformed("the words before this page are missing"));
        }
        dictionary.last_page = first;
        while !body.is_empty() {
            dictionary.push(body.text()?);
        }
        Ok(())
    }

    fn load_categories(&mut self, key: &[u8], body: &mut Reader<'_>) -> Result<(), Malformed> {
        let page = key.try_into().map_err(|_| Malformed("the key is not one of a page of categories"))?;
        self.categories.resize(u32::from_be_bytes(page) as usize * CATEGORIES_PER_PAGE, NO_ITEM);
        let codes = body.take(body.remaining())?;
        let (codes, []) = codes.as_chunks() else {
            return Err(Malformed("a page of categories is cut off"));
        };
        self.categories.extend(codes.iter().map(|code| u32::from_le_bytes(*code)));
        Ok(())
    }
}

impl Dictionary {
    /// Each word without a code, once, in the order given.
    fn unknown<'w>(&self, words: &[&'w str]) -> Vec<&'w str> {
        let mut seen = HashSet::new();
        let words = words.iter().copied();
        words.filter(|word| !self.codes().contains_key(*word) && seen.insert(*word)).collect()
    }

    /// The last page and those after it, once the new words are added: code of the first word, and the value.
    fn pages_with(&self, new: &[&str]) -> Vec<(usize, Vec<u8>)> {
        let mut pages: Vec<(usize, Vec<u8>)> = Vec::new();
        for (code, word) in self.words.iter().chain(new.iter().copied()).enumerate().skip(self.last_page) {
            let mut entry = Vec::with_capacity(word.len() + 2);
            put_bytes(&mut entry, word.as_bytes());
            match pages.last_mut() {
                Some((_, page)) if page.len() + entry.len() <= PAGE_BYTES_MAX => page.append(&mut entry),
                _ => {
                    let mut page = begin();
                    page.append(&mut entry);
                    pages.push((code, page));
                }
            }
        }
        pages.into_iter().map(|(first, page)| (first, seal(page))).collect()
    }

    fn codes(&self) -> &HashMap<Box<str>, u32> {
        self.codes.get_or_init(|| self.words.iter().map(Box::from).zip(0..).collect())
    }

    fn push(&mut self, word: &str) {
        let code =
            u32::try_from(self.words.len()).expect("a dictionary of 2^32 words does not fit in memory");
        if let Some(codes) = self.codes.get_mut() {
            codes.insert(word.into(), code);
        }
        self.words.push(word);
    }
}

/// Words in one text: a store of a hundred thousand products opens without as many allocations.
#[derive(Debug, Default)]
struct WordList {
    text: String,
    /// Where each word ends.
    ends: Vec<usize>,
}

impl WordList {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn push(&mut self, word: &str) {
        self.text.push_str(word);
        self.ends.push(self.text.len());
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(start, end)| &self.text[*start..*end])
    }
}

fn words_key(name: &str, first: usize) -> Vec<u8> {
    let len = u16::try_from(name.len()).expect("names are shorter than a word may be");
    let first = u32::try_from(first).expect("a dictionary of 2^32 words does not fit in memory");
    [&[WORDS], &len.to_be_bytes()[..], name.as_bytes(), &first.to_be_bytes()].concat()
}

fn categories_key(page: usize) -> Vec<u8> {
    let page = u32::try_from(page).expect("there are fewer pages than codes");
    [&[CATEGORIES], &page.to_be_bytes()[..]].concat()
}

fn revision(revision: u64) -> Vec<u8> {
    let mut value = begin();
    put_varint(&mut value, revision);
    seal(value)
}
