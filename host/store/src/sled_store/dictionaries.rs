//! Dictionaries, held in memory and kept in pages.
//!
//! ```text
//! 0 | length u16 and name | code of its first word u32      words of a dictionary, each with its length in front
//! 1 | length u16 and name | page u32                        when each of 500 words was first known
//! 2                                                         how many changes there were
//! 3                                                         there while times may be earlier than they should be
//! ```
//!
//! # Invariants
//!
//! - **A word is durable no later than what holds its code**: it is applied first, and sled's log ends before what it
//!   lost.
//! - **A code never changes its word.**
//! - **A word is known no earlier than what refers to it.** Its time is lowered before that is written; if that is never
//!   written, the mark stays, and opening the store counts anew.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{OnceLock, PoisonError, RwLock};

use super::acknowledged::SEQUENCE;
use super::disk::{Disk, unreadable};
use super::keys::corrupt;
use crate::StoreError;
use crate::codec::{Malformed, Reader, begin, put_bytes, put_varint, seal, unseal};
use crate::first_known::{FirstKnown, NEVER};
use sled::{Batch, Tree};

/// The longest word and the longest name of a dictionary.
const WORD_BYTES_MAX: usize = 4 * 1024;

/// A page is full once another word would make it longer. One word always fits.
const PAGE_BYTES_MAX: usize = WORD_BYTES_MAX + 16;

const TIMES_PER_PAGE: usize = 500;

const TREE: &str = "dictionaries";
const WORDS: u8 = 0;
const TIMES: u8 = 1;
const REVISION: &[u8] = &[2];
const UNSETTLED: &[u8] = &[3];

/// What the tree holds, decoded.
#[derive(Debug, Default)]
pub(super) struct Dictionaries {
    content: RwLock<Content>,
}

#[derive(Debug, Default)]
struct Content {
    by_name: BTreeMap<String, Dictionary>,
    revision: u64,
    /// Whether times may be earlier than they should be.
    is_unsettled: bool,
}

#[derive(Debug, Default)]
struct Dictionary {
    words: WordList,
    /// Made when it is first asked for: only what writes asks.
    codes: OnceLock<HashMap<Box<str>, u32>>,
    /// Code of the first word of the last page.
    last_page: usize,
    /// When words were first known; shorter than the words if the last ones never were.
    times: Vec<i64>,
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
                batch.insert(page_key(WORDS, name, first), page);
            }
            batch.insert(REVISION, revision(content.revision + 1));
            (new, batch)
        });
        if new.is_empty() {
            return Ok(());
        }
        disk.apply(&disk.dictionaries, batch)?;
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

    /// When each word was first known; [`NEVER`] where nothing refers to it.
    pub(super) fn times(&self, name: &str) -> Vec<i64> {
        self.read(|content| content.by_name.get(name).map_or_else(Vec::new, Dictionary::all_times))
    }

    /// Lowers the times of words to those that are known, and says whether it marked them, so that they are
    /// [`settled`](Self::settled) once what refers to them is written. The caller holds the lock under which the store is
    /// written.
    pub(super) fn lower(&self, disk: &Disk, known: FirstKnown) -> Result<bool, StoreError> {
        let mut is_marked = false;
        let (attributes, tags) = (self.words("attribute"), self.words("tag"));
        for (dictionary, times) in known.into_times() {
            let Some(name) = dictionary.name(&attributes, &tags) else { continue };
            let is_lower = |dictionary: &Dictionary| {
                let known_at = |code: usize| dictionary.times.get(code).copied().unwrap_or(NEVER);
                let has_word = |code: usize| code < dictionary.words.len();
                times
                    .iter()
                    .any(|(code, known)| has_word(*code as usize) && *known < known_at(*code as usize))
            };
            // Almost always not: words are known since long.
            if !self.read(|content| content.by_name.get(&name).is_some_and(is_lower)) {
                continue;
            }
            let mut all = self.times(&name);
            for (code, known) in times {
                if let Some(first) = all.get_mut(code as usize) {
                    *first = known.min(*first);
                }
            }
            is_marked |= self.mark(disk)?;
            self.put_times(disk, &name, all)?;
        }
        Ok(is_marked)
    }

    /// Notes that times may be earlier than they should be, and says whether that is news.
    pub(super) fn mark(&self, disk: &Disk) -> Result<bool, StoreError> {
        if self.is_unsettled() {
            return Ok(false);
        }
        let mut batch = Batch::default();
        batch.insert(UNSETTLED, seal(begin()));
        disk.apply(&disk.dictionaries, batch)?;
        self.write(|content| content.is_unsettled = true);
        Ok(true)
    }

    /// Notes that times are what they should be.
    pub(super) fn settled(&self, disk: &Disk) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.remove(UNSETTLED);
        disk.apply(&disk.dictionaries, batch)?;
        self.write(|content| content.is_unsettled = false);
        Ok(())
    }

    pub(super) fn is_unsettled(&self) -> bool {
        self.read(|content| content.is_unsettled)
    }

    /// Sets the times of all words anew: what is not among them is known never.
    pub(super) fn reset(&self, disk: &Disk, known: FirstKnown) -> Result<(), StoreError> {
        let (attributes, tags) = (self.words("attribute"), self.words("tag"));
        let named = known.into_times().into_iter();
        let mut times: HashMap<String, Vec<(u32, i64)>> = named
            .filter_map(|(dictionary, times)| Some((dictionary.name(&attributes, &tags)?, times)))
            .collect();
        for (name, words) in self.sizes() {
            let mut all = vec![NEVER; usize::try_from(words).unwrap_or(usize::MAX)];
            for (code, known) in times.remove(&name).unwrap_or_default() {
                if let Some(first) = all.get_mut(code as usize) {
                    *first = known;
                }
            }
            self.put_times(disk, &name, all)?;
        }
        self.settled(disk)
    }

    fn put_times(&self, disk: &Disk, name: &str, times: Vec<i64>) -> Result<(), StoreError> {
        let (old, next) = (self.times(name), self.revision() + 1);
        let mut batch = Batch::default();
        let pages = times.chunks(TIMES_PER_PAGE).zip(old.chunks(TIMES_PER_PAGE));
        for (page, (new, old)) in pages.enumerate() {
            if new != old {
                let mut value = begin();
                value.extend(new.iter().flat_map(|time| time.to_le_bytes()));
                batch.insert(page_key(TIMES, name, page), seal(value));
            }
        }
        batch.insert(REVISION, revision(next));
        disk.apply(&disk.dictionaries, batch)?;
        self.write(|content| {
            content.by_name.entry(name.into()).or_default().times = times;
            content.revision = next;
        });
        Ok(())
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
            Some((&TIMES, rest)) => self.load_times(rest, &mut body),
            _ if key == UNSETTLED => {
                self.is_unsettled = true;
                Ok(())
            }
            _ if key == REVISION => {
                self.revision = body.varint()?;
                Ok(())
            }
            _ => Err(Malformed("the key is not one of a dictionary")),
        }
    }

    fn load_words(&mut self, key: &[u8], body: &mut Reader<'_>) -> Result<(), Malformed> {
        let (name, first) = parse_page(key)?;
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

    /// Words come before their times, which have higher keys.
    fn load_times(&mut self, key: &[u8], body: &mut Reader<'_>) -> Result<(), Malformed> {
        let (name, page) = parse_page(key)?;
        let dictionary = self.by_name.get_mut(name).ok_or(Malformed("there are times of no words"))?;
        dictionary.times.resize(page * TIMES_PER_PAGE, NEVER);
        let times = body.take(body.remaining())?;
        let (times, []) = times.as_chunks() else {
            return Err(Malformed("a page of times is cut off"));
        };
        dictionary.times.extend(times.iter().map(|time| i64::from_le_bytes(*time)));
        if dictionary.times.len() > dictionary.words.len() {
            return Err(Malformed("there are more times than words"));
        }
        Ok(())
    }
}

/// A dictionary's name, and the number in a key of it.
fn parse_page(key: &[u8]) -> Result<(&str, usize), Malformed> {
    let not_a_key = Malformed("the key is not one of a dictionary");
    let (len, rest) = key.split_first_chunk::<2>().ok_or(not_a_key)?;
    let (name, number) = rest.split_at_checked(u16::from_be_bytes(*len).into()).ok_or(not_a_key)?;
    let name = std::str::from_utf8(name).map_err(|_| not_a_key)?;
    let number = u32::from_be_bytes(number.try_into().map_err(|_| not_a_key)?);
    Ok((name, number as usize))
}

impl Dictionary {
    fn all_times(&self) -> Vec<i64> {
        let mut times = self.times.clone();
        times.resize(self.words.len(), NEVER);
        times
    }

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

/// The key of a page: of words by the code of its first, of times by its number.
fn page_key(what: u8, name: &str, number: usize) -> Vec<u8> {
    let len = u16::try_from(name.len()).expect("names are shorter than a word may be");
    let number = u32::try_from(number).expect("a dictionary of 2^32 words does not fit in memory");
    [&[what], &len.to_be_bytes()[..], name.as_bytes(), &number.to_be_bytes()].concat()
}

fn revision(revision: u64) -> Vec<u8> {
    let mut value = begin();
    put_varint(&mut value, revision);
    seal(value)
}
