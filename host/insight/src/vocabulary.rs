//! The words of a dictionary as of an instant.
//!
//! A store gives words codes in the order in which they arrived. Here a word is known by its *place* among all words of
//! its dictionary in their own order, and a strategy sees its *rank* among those first known before the instant. So
//! neither the order of arrival nor a word of the future can be seen, and a tie that is broken by rank is broken by word.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use stratagem_model::column::{Column, ColumnKind};
use stratagem_model::{NO_ITEM, Table, Time};
use stratagem_store::{Store, StoreError};

/// Ranks are kept for fewer instants the more words there are: at most this many ranks.
const RANKS_MAX: usize = 8_000_000;

/// The words of a dictionary in their own order.
#[derive(Debug, Default)]
pub struct Vocabulary {
    words: Vec<String>,
    /// By place, when each word was first known, milliseconds.
    known: Vec<i64>,
    place_of_code: Vec<u32>,
    /// The distinct instants at which words became known, ascending.
    instants: Vec<i64>,
    /// Ranks that were asked for, by how many instants had passed.
    made: Mutex<BTreeMap<usize, Arc<Words>>>,
}

/// The words that are known at an instant.
#[derive(Debug)]
pub struct Words {
    /// By place; [`NO_ITEM`] of a word that is not known.
    rank_of: Vec<u32>,
    /// By rank.
    place_of: Vec<u32>,
    table: OnceLock<Arc<Table>>,
}

impl Vocabulary {
    /// Reads a dictionary.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn read(store: &dyn Store, dictionary: &str) -> Result<Self, StoreError> {
        let (words, known) = (store.dictionary(dictionary)?, store.first_known(dictionary)?);
        Ok(Self::new(words.into_iter().zip(known.into_iter().map(|time| time.0)).collect()))
    }

    /// Words in the order of their codes, with when each was first known.
    fn new(words: Vec<(String, i64)>) -> Self {
        let mut sorted: Vec<_> = (0_u32..).zip(words).collect();
        sorted.sort_unstable_by(|(_, a), (_, b)| a.cmp(b));
        let mut place_of_code = vec![NO_ITEM; sorted.len()];
        for (place, (code, _)) in (0..).zip(&sorted) {
            place_of_code[*code as usize] = place;
        }
        let (words, known): (Vec<_>, Vec<_>) = sorted.into_iter().map(|(_, word)| word).unzip();
        let mut instants: Vec<_> = known.iter().copied().filter(|at| *at != Time::MAX.0).collect();
        instants.sort_unstable();
        instants.dedup();
        Self { words, known, place_of_code, instants, made: Mutex::default() }
    }

    /// All words, by place.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The place of a code of the store; [`NO_ITEM`] of one without a word.
    pub fn place(&self, code: u32) -> u32 {
        self.place_of_code.get(code as usize).copied().unwrap_or(NO_ITEM)
    }

    /// The words known before `now`.
    pub fn as_of(&self, now: Time) -> Arc<Words> {
        let passed = self.instants.partition_point(|at| *at < now.0);
        let made = || self.made.lock().expect("no code panics while it holds the lock");
        if let Some(words) = made().get(&passed) {
            return Arc::clone(words);
        }
        // Outside of the lock: other threads ask for other instants.
        let words = Arc::new(self.make(now));
        let mut made = made();
        if made.len() > RANKS_MAX / self.words.len().max(1) {
            made.pop_first();
        }
        Arc::clone(made.entry(passed).or_insert(words))
    }

    fn make(&self, now: Time) -> Words {
        let (mut rank_of, mut place_of) = (vec![NO_ITEM; self.words.len()], vec![]);
        for (place, known) in (0..).zip(&self.known) {
            if *known < now.0 {
                rank_of[place as usize] = place_of.len() as u32;
                place_of.push(place);
            }
        }
        Words { rank_of, place_of, table: OnceLock::new() }
    }

    /// The words themselves, as a strategy sees them.
    pub fn table(&self, words: &Words) -> Arc<Table> {
        let make = || {
            let mut column = Column::ragged(ColumnKind::Bytes);
            for place in &words.place_of {
                column.bytes.extend_from_slice(self.words[*place as usize].as_bytes());
                column.end_row();
            }
            Arc::new(Table { rows: words.len(), columns: vec![column] })
        };
        Arc::clone(words.table.get_or_init(make))
    }
}

impl Words {
    /// The rank of a place; [`NO_ITEM`] of a word that is not known, and of none.
    pub fn rank(&self, place: u32) -> u32 {
        self.rank_of.get(place as usize).copied().unwrap_or(NO_ITEM)
    }

    /// The place of a rank; `None` if there are not as many words.
    pub fn place(&self, rank: u32) -> Option<u32> {
        self.place_of.get(rank as usize).copied()
    }

    /// How many words there are.
    pub fn len(&self) -> u32 {
        self.place_of.len() as u32
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.place_of.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_in_the_order_of_words_known_by_then() {
        let words = [("tea", 30), ("bread", 10), ("milk", 20), ("never", i64::MAX)];
        let vocabulary = Vocabulary::new(words.map(|(word, known)| (word.to_owned(), known)).into());
        assert_eq!(vocabulary.words(), ["bread", "milk", "never", "tea"]);
        let ranks = |now| {
            let words = vocabulary.as_of(Time(now));
            [0, 1, 2, 3].map(|code| words.rank(vocabulary.place(code)))
        };
        assert_eq!(ranks(10), [NO_ITEM; 4], "known at an instant is not known before it");
        assert_eq!(ranks(30), [NO_ITEM, 0, 1, NO_ITEM]);
        assert_eq!(ranks(31), [2, 0, 1, NO_ITEM]);
        let words = vocabulary.as_of(Time(31));
        assert_eq!([0, 1, 2, 3].map(|rank| words.place(rank)), [Some(0), Some(1), Some(3), None]);
        let table = vocabulary.table(&words);
        assert_eq!((table.rows, table.columns[0].bytes.as_slice()), (3, &b"breadmilktea"[..]));
    }
}
