//! The digest of what a store would scan.
//!
//! # Invariants
//!
//! - **Equal content, equal digest**, whatever the backend and the order of ingest. Codes of words depend on that order,
//!   so words are digested in their place.
//! - **The number of threads leaves no trace**: buckets are digested apart and joined in their order.

use rayon::prelude::*;
use stratagem_model::{BUCKETS, CustomerId, EventKind, FlatEvent, Line, NO_ITEM, Order, Timeline};

use crate::{Projection, Store, StoreError, subject_dictionary};

/// Says what is digested and how; another layout needs another one.
const DOMAIN: &str = "stratagem store content 1";

/// The digest of a store's customers, events, dictionaries and product categories, hex.
pub(crate) fn of(store: &dyn Store) -> Result<String, StoreError> {
    let words = Words::load(store)?;
    let buckets: Vec<Result<blake3::Hash, StoreError>> =
        (0..BUCKETS).into_par_iter().map(|bucket| digest_bucket(store, &words, bucket)).collect();
    let mut digest = blake3::Hasher::new_derive_key(DOMAIN);
    for bucket in buckets {
        digest.update(bucket?.as_bytes());
    }
    digest.update(words.digest(&store.product_categories()?).as_bytes());
    Ok(digest.finalize().to_hex().to_string())
}

/// Stands for a word wherever it is.
type WordDigest = [u8; 16];

/// Digests of the words of each dictionary that events refer to.
struct Words {
    products: Vec<WordDigest>,
    categories: Vec<WordDigest>,
    /// By kind of event, as [`EventKind::ALL`] lists them.
    subjects: Vec<Vec<WordDigest>>,
    /// By code of the attribute.
    attribute_values: Vec<Vec<WordDigest>>,
}

impl Words {
    fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let load = |name: &str| -> Result<Vec<WordDigest>, StoreError> {
            Ok(store.dictionary(name)?.iter().map(|word| digest_word(word)).collect())
        };
        let attributes = store.dictionary("attribute")?;
        Ok(Self {
            products: load("product")?,
            categories: load("category")?,
            subjects: EventKind::ALL
                .iter()
                .map(|kind| load(subject_dictionary(*kind)))
                .collect::<Result<_, _>>()?,
            attribute_values: attributes
                .iter()
                .map(|name| load(&format!("attribute.{name}")))
                .collect::<Result<_, _>>()?,
        })
    }

    /// A digest of all words, and of the category of each product.
    fn digest(&self, categories: &[u32]) -> blake3::Hash {
        let mut digest = blake3::Hasher::new();
        let mut dictionary = |mut words: Vec<Vec<u8>>| {
            words.sort_unstable();
            digest.update(&(words.len() as u64).to_le_bytes());
            words.iter().for_each(|word| {
                digest.update(word);
            });
        };
        let single = |words: &[WordDigest]| words.iter().map(|word| word.to_vec()).collect();
        dictionary(single(&self.categories));
        self.subjects.iter().for_each(|subjects| dictionary(single(subjects)));
        // Attributes are sorted by name; their values stay with them.
        let attribute = EventKind::ALL.iter().position(|kind| *kind == EventKind::Attribute);
        let names = attribute.map_or(&[][..], |at| &self.subjects[at]);
        let values = |(code, values): (usize, &Vec<WordDigest>)| {
            let mut values = values.clone();
            values.sort_unstable();
            [&names[code][..], values.as_flattened()].concat()
        };
        dictionary(self.attribute_values.iter().enumerate().map(values).collect());
        let category = |(product, category): (u32, &u32)| {
            let mut pair = Vec::new();
            put_word(&mut pair, &self.products, product);
            put_word(&mut pair, &self.categories, *category);
            pair
        };
        dictionary((0..).zip(categories).map(category).collect());
        digest.finalize()
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
        put_order(out, order);
        let from = out.len();
        for line in lines.by_ref().take(order.lines as usize) {
            put_line(out, words, line);
        }
        // Lines are in the order of their products' codes.
        out[from..].as_chunks_mut::<LINE_BYTES>().0.sort_unstable();
    }
    for event in &timeline.events {
        put_event(out, words, event);
    }
}

fn put_order(out: &mut Vec<u8>, order: &Order) {
    put(out, order.id.0);
    for number in [order.event_time.0, order.known_time.0, order.gross, order.discount, order.lines.into()] {
        put(out, number as u64);
    }
}

/// What [`put_line`] puts.
const LINE_BYTES: usize = 16 + 8 + 8;

fn put_line(out: &mut Vec<u8>, words: &Words, line: &Line) {
    put_word(out, &words.products, line.product);
    put(out, i64::from(line.quantity) as u64);
    put(out, line.gross as u64);
}

fn put_event(out: &mut Vec<u8>, words: &Words, event: &FlatEvent) {
    put(out, event.kind as u64);
    put(out, event.id.0);
    put(out, event.event_time.0 as u64);
    put(out, event.known_time.0 as u64);
    let kind = EventKind::ALL.iter().position(|kind| *kind == event.kind);
    put_word(out, kind.map_or(&[], |at| &words.subjects[at]), event.subject);
    let values = words.attribute_values.get(event.subject as usize);
    match (event.kind, values, u32::try_from(event.value)) {
        (EventKind::Attribute, Some(values), Ok(code)) => put_word(out, values, code),
        _ => put(out, event.value as u64),
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
