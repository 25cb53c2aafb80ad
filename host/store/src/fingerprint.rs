//! The digest of what a store would scan.
//!
//! # Invariants
//!
//! - **Equal content, equal digest**, whatever the backend and the order of ingest. Codes of words depend on that order,
//!   so words are digested in their place; a word that nothing refers to is no content, and which source said what is
//!   none either.
//! - **The number of threads leaves no trace**: buckets are digested apart and joined in their order.

use rayon::prelude::*;
use stratagem_model::{
    BUCKETS, CustomerId, EventKind, FlatEvent, Line, NO_ITEM, ORDER_DETAILS, Order, Timeline,
};

use crate::{Projection, Store, StoreError, attribute_values, subject_dictionary, tag_values};

/// Says what is digested and how; another layout needs another one.
const DOMAIN: &str = "stratagem store content 2";

/// The digest of a store's customers, events and filings, hex.
pub(crate) fn of(store: &dyn Store) -> Result<String, StoreError> {
    let words = Words::load(store)?;
    let buckets: Vec<Result<blake3::Hash, StoreError>> =
        (0..BUCKETS).into_par_iter().map(|bucket| digest_bucket(store, &words, bucket)).collect();
    let mut digest = blake3::Hasher::new_derive_key(DOMAIN);
    for bucket in buckets {
        digest.update(bucket?.as_bytes());
    }
    let mut filings = Vec::new();
    put_events(&mut filings, &words, &store.filings()?);
    digest.update(&filings);
    Ok(digest.finalize().to_hex().to_string())
}

/// Stands for a word wherever it is.
type WordDigest = [u8; 16];

/// Digests of the words of each dictionary that events refer to.
struct Words {
    products: Vec<WordDigest>,
    /// By [`ORDER_DETAILS`].
    of_orders: Vec<Vec<WordDigest>>,
    categories: Vec<WordDigest>,
    /// By kind of event, as [`EventKind::ALL`] lists them.
    subjects: Vec<Vec<WordDigest>>,
    /// By code of the attribute, and of the tag.
    attribute_values: Vec<Vec<WordDigest>>,
    tag_values: Vec<Vec<WordDigest>>,
}

impl Words {
    fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let load = |name: &str| -> Result<Vec<WordDigest>, StoreError> {
            Ok(store.dictionary(name)?.iter().map(|word| digest_word(word)).collect())
        };
        let values = |dictionary: &str, values: fn(&str) -> String| {
            store.dictionary(dictionary)?.iter().map(|name| load(&values(name))).collect::<Result<_, _>>()
        };
        Ok(Self {
            products: load("product")?,
            of_orders: ORDER_DETAILS.iter().map(|name| load(name)).collect::<Result<_, _>>()?,
            categories: load("category")?,
            subjects: EventKind::ALL
                .iter()
                .map(|kind| load(subject_dictionary(*kind)))
                .collect::<Result<_, _>>()?,
            attribute_values: values("attribute", attribute_values)?,
            tag_values: values("tag", tag_values)?,
        })
    }

    /// What the value of an event is a code of.
    fn values_of(&self, event: &FlatEvent) -> Option<&[WordDigest]> {
        let subject = event.subject as usize;
        match event.kind {
            EventKind::Attribute => self.attribute_values.get(subject).map(Vec::as_slice),
            EventKind::Tag => self.tag_values.get(subject).map(Vec::as_slice),
            EventKind::Filing => Some(&self.categories),
            _ => None,
        }
    }
}

fn digest_bucket(store: &dyn Store, words: &Words, bucket: u16) -> Result<blake3::Hash, StoreError> {
    // Long updates are what BLAKE3 is fast at.
    const UPDATE_BYTES: usize = 64 * 1024;
    let mut digest = blake3::Hasher::new();
    let mut bytes = Vec::with_capacity(2 * UPDATE_BYTES);
    let everything = Projection { lines: true, events: true };
    store.scan(bucket..bucket + 1, everything, &mut |customer, timeline| {
        put_customer(&mut bytes, words, customer, timeline);
        if bytes.len() >= UPDATE_BYTES {
            digest.update(&bytes);
            bytes.clear();
        }
    })?;
    digest.update(&bytes);
    Ok(digest.finalize())
}

fn put_customer(out: &mut Vec<u8>, words: &Words, customer: CustomerId, timeline: &Timeline) {
    put(out, customer.0);
    put(out, timeline.orders.len() as u64);
    put(out, timeline.events.len() as u64);
    let mut lines = timeline.lines.iter();
    for order in &timeline.orders {
        put_order(out, words, order);
        let from = out.len();
        for line in lines.by_ref().take(order.lines as usize) {
            put_line(out, words, line);
        }
        // Lines are in the order of their products' codes.
        out[from..].as_chunks_mut::<LINE_BYTES>().0.sort_unstable();
    }
    put_events(out, words, &timeline.events);
}

fn put_order(out: &mut Vec<u8>, words: &Words, order: &Order) {
    put(out, order.id.0);
    for number in [order.event_time.0, order.known_time.0, order.gross, order.discount, order.lines.into()] {
        put(out, number as u64);
    }
    put(out, u64::from(order.has_hour));
    order.details().iter().zip(&words.of_orders).for_each(|(code, words)| put_word(out, words, *code));
}

/// What [`put_line`] puts.
const LINE_BYTES: usize = 16 + 8 + 8;

fn put_line(out: &mut Vec<u8>, words: &Words, line: &Line) {
    put_word(out, &words.products, line.product);
    put(out, i64::from(line.quantity) as u64);
    put(out, line.gross as u64);
}

fn put_events(out: &mut Vec<u8>, words: &Words, events: &[FlatEvent]) {
    for event in events {
        put(out, event.kind as u64);
        put(out, event.id.0);
        put(out, event.event_time.0 as u64);
        put(out, event.known_time.0 as u64);
        put(out, event.about);
        let kind = EventKind::ALL.iter().position(|kind| *kind == event.kind);
        put_word(out, kind.map_or(&[], |at| &words.subjects[at]), event.subject);
        match (words.values_of(event), u32::try_from(event.value)) {
            (Some(values), Ok(code)) => put_word(out, values, code),
            _ => put(out, event.value as u64),
        }
    }
}

fn put(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// A code without a word stands for itself; `NO_ITEM` is one.
fn put_word(out: &mut Vec<u8>, words: &[WordDigest], code: u32) {
    debug_assert!(words.len() < NO_ITEM as usize, "codes are below `NO_ITEM`");
    let itself = || u128::from(code).to_le_bytes();
    out.extend_from_slice(&words.get(code as usize).copied().unwrap_or_else(itself));
}

fn digest_word(word: &str) -> WordDigest {
    let digest = blake3::hash(word.as_bytes());
    *digest.as_bytes().first_chunk().expect("a digest is longer")
}
