//! Events that are no orders, put together from rows of customers, events or touches.
//!
//! # Rules
//!
//! - An event with an id is known by it: an equal one in the file counts as unchanged and keeps the earliest known time,
//!   a different one is rejected unless it is a correction, which became known later.
//! - An event without an id gets one from what it says and from how many equal ones came before it, so the same
//!   file gives the same ids again.
//!
//! # Not here
//!
//! What a row means is `customers` and `events`.

use std::collections::HashSet;

use stratagem_model::{EventId, EventKind, FlatEvent, NO_ITEM, Time};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::error::{CORRECT_IT, Problem};
use super::read::{Destination, Reject, Rows};
use super::value::{Cell, TimeMemo};
use super::words::Words;
use crate::{Appended, CustomerEvents, StoreError};

/// Turns rows into drafts of events.
pub(super) trait ReadRow: Send + Sync {
    fn read(&self, part: &mut Part, line: u64, cells: &[Cell<'_>]) -> Result<(), Box<Problem>>;

    /// What the reader of the report should know.
    fn warnings(&self) -> Vec<String> {
        vec![]
    }
}

/// A word of one of the part's dictionaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word {
    dictionary: u32,
    word: u32,
}

/// What an event's value is before dictionaries are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    Number(i64),
    Word(Word),
}

/// An event that refers to texts by number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draft {
    pub(super) customer: u32,
    pub(super) kind: EventKind,
    /// Without an id outside: a hash of what the event says.
    pub(super) id: u64,
    pub(super) is_derived: bool,
    pub(super) event_time: Time,
    pub(super) known_time: Time,
    pub(super) subject: Option<Word>,
    pub(super) value: Value,
    pub(super) about: u64,
    pub(super) line: u64,
}

/// Drafts with the texts they refer to.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) customers: Words,
    dictionaries: Vec<(String, Words)>,
    pub(super) drafts: Vec<Draft>,
    /// Customers that are there even if nothing is said of them, and the lines that say so.
    pub(super) members: Vec<(u32, u64)>,
    pub(super) scratch: String,
    pub(super) time: TimeMemo,
    pub(super) known: TimeMemo,
}

impl Part {
    /// The number of a word in a dictionary.
    pub(super) fn word(&mut self, dictionary: &str, word: &str) -> Word {
        let dictionary = self.dictionary(dictionary);
        Word { dictionary, word: self.dictionaries[dictionary as usize].1.code(word) }
    }

    fn dictionary(&mut self, name: &str) -> u32 {
        let found = self.dictionaries.iter().position(|(known, _)| known == name);
        let place = found.unwrap_or_else(|| {
            self.dictionaries.push((name.into(), Words::default()));
            self.dictionaries.len() - 1
        });
        u32::try_from(place).expect("a file has fewer than 2^32 columns")
    }

    fn merge(&mut self, other: Self) {
        let customers = self.customers.merge(other.customers);
        let merge_dictionary = |(name, words): (String, Words)| {
            let dictionary = self.dictionary(&name);
            let codes = self.dictionaries[dictionary as usize].1.merge(words);
            (dictionary, codes)
        };
        let words: Vec<_> = other.dictionaries.into_iter().map(merge_dictionary).collect();
        let word = |old: Word| {
            let (dictionary, codes) = &words[old.dictionary as usize];
            Word { dictionary: *dictionary, word: codes[old.word as usize] }
        };
        self.drafts.extend(other.drafts.into_iter().map(|draft| Draft {
            customer: customers[draft.customer as usize],
            subject: draft.subject.map(word),
            value: match draft.value {
                Value::Number(number) => Value::Number(number),
                Value::Word(old) => Value::Word(word(old)),
            },
            ..draft
        }));
        let members = other.members.into_iter();
        self.members.extend(members.map(|(customer, line)| (customers[customer as usize], line)));
    }
}

/// All events of a file.
pub(super) struct FlatEvents<R> {
    reader: R,
    all: Part,
    duplicates: u64,
}

impl<R: ReadRow> FlatEvents<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, all: Part::default(), duplicates: 0 }
    }

    /// Rejects the rows that contradict an earlier one, with everything they say.
    fn reject_contradictions(&mut self, rejects: &mut Vec<Reject>) {
        let drafts = &mut self.all.drafts;
        drafts.sort_unstable_by_key(|draft| (key(draft), draft.known_time, draft.line));
        let mut lines = HashSet::new();
        for same in drafts.chunk_by(|a, b| key(a) == key(b) && !a.is_derived) {
            // What was said before and not rejected, each content once.
            let mut said: Vec<&Draft> = vec![&same[0]];
            for draft in &same[1..] {
                if said.iter().any(|before| content(before) == content(draft)) {
                    continue;
                }
                let last = said[said.len() - 1];
                if draft.known_time > last.known_time && draft.known_time > draft.event_time {
                    said.push(draft);
                    continue;
                }
                // Of two that are known at once, the later line is the one that contradicts.
                let (first, other) = if draft.line < last.line { (draft, last) } else { (last, draft) };
                if lines.insert(other.line) {
                    let problem =
                        format!("line {} says something else of the same {}", first.line, first.kind.name());
                    let problem = Problem::new("", "", problem, CORRECT_IT);
                    rejects.push(Reject { line: other.line, problem });
                }
            }
        }
        drafts.retain(|draft| !lines.contains(&draft.line));
        self.all.members.retain(|(_, line)| !lines.contains(line));
    }

    /// Keeps one of what is said twice, and gives ids to what has none.
    fn settle_ids(&mut self) {
        let drafts = &mut self.all.drafts;
        let before = drafts.len();
        // Known times ascend, so that the earliest stays.
        drafts.sort_by_key(|draft| (key(draft), content(draft), draft.known_time));
        drafts.dedup_by(|later, earlier| {
            key(later) == key(earlier) && content(later) == content(earlier) && !later.is_derived
        });
        self.duplicates = (before - drafts.len()) as u64;
        drafts.sort_unstable_by_key(|draft| (key(draft), draft.known_time));
        for equal in drafts.chunk_by_mut(|a, b| key(a) == key(b)).filter(|equal| equal[0].is_derived) {
            for (count, draft) in (0_u64..).zip(equal) {
                let id = xxh3_64_with_seed(&count.to_le_bytes(), draft.id);
                draft.id = xxh3_64_with_seed(b"derived", id);
            }
        }
    }
}

/// What an event is known by.
fn key(draft: &Draft) -> (u32, EventKind, bool, u64) {
    (draft.customer, draft.kind, draft.is_derived, draft.id)
}

/// What an event says. When that became known is another matter.
fn content(draft: &Draft) -> (Time, Option<Word>, Value, u64) {
    (draft.event_time, draft.subject, draft.value, draft.about)
}

impl<R: ReadRow> Rows for FlatEvents<R> {
    type Part = Part;

    fn row(&self, part: &mut Part, line: u64, cells: &[Cell<'_>]) -> Result<(), Box<Problem>> {
        let before = part.drafts.len();
        let read = self.reader.read(part, line, cells);
        if read.is_err() {
            part.drafts.truncate(before);
        }
        read
    }

    fn merge(&mut self, part: Part) {
        self.all.merge(part);
    }

    fn check(&mut self, rejects: &mut Vec<Reject>) {
        self.reject_contradictions(rejects);
        self.settle_ids();
    }

    fn warnings(&self) -> Vec<String> {
        self.reader.warnings()
    }

    fn write(&mut self, to: &mut Destination<'_>) -> Result<Appended, StoreError> {
        let Part { customers, dictionaries, drafts, members, .. } = &mut self.all;
        let mut is_used: Vec<_> = dictionaries.iter().map(|(_, words)| vec![false; words.len()]).collect();
        for draft in &*drafts {
            let value = match draft.value {
                Value::Word(word) => Some(word),
                Value::Number(_) => None,
            };
            for word in draft.subject.into_iter().chain(value) {
                is_used[word.dictionary as usize][word.word as usize] = true;
            }
        }
        let mut codes = vec![];
        for ((name, words), is_used) in dictionaries.iter().zip(&is_used) {
            codes.push(words.intern(to.store, name, |code| is_used[code as usize])?);
        }
        let code = |word: Word| codes[word.dictionary as usize][word.word as usize];
        let mut events: Vec<_> =
            members.iter().map(|(customer, _)| new_customer(customers, *customer)).collect();
        drafts.sort_unstable_by_key(|d| (d.customer, d.known_time, d.id, d.kind));
        for drafts in drafts.chunk_by(|a, b| a.customer == b.customer) {
            let mut customer = new_customer(customers, drafts[0].customer);
            customer.timeline.events.extend(drafts.iter().map(|draft| FlatEvent {
                event_time: draft.event_time,
                subject: draft.subject.map_or(NO_ITEM, code),
                value: match draft.value {
                    Value::Number(number) => number,
                    Value::Word(word) => i64::from(code(word)),
                },
                about: draft.about,
                ..FlatEvent::new(draft.kind, EventId(draft.id), draft.known_time)
            }));
            events.push(customer);
        }
        let mut appended = to.append(events)?;
        appended.unchanged += self.duplicates;
        Ok(appended)
    }

    fn line_of(&self, customer: &str, kind: &str, id: u64) -> Option<u64> {
        let is_it = |draft: &&Draft| {
            (draft.id, draft.kind.name()) == (id, kind)
                && &**self.all.customers.word(draft.customer) == customer
        };
        self.all.drafts.iter().find(is_it).map(|draft| draft.line)
    }
}

fn new_customer(customers: &Words, customer: u32) -> CustomerEvents {
    CustomerEvents::new(customers.word(customer).to_string(), Default::default())
}
