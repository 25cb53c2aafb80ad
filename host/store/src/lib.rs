//! Where customer timelines, dictionaries and the ledger are kept.
//!
//! [`Store`] is phrased in the domain's words and says what every backend must keep; [`SledStore`] is the embedded
//! one. [`ingest`] reads files into a store, [`generate`] makes up customers for it.
//!
//! # Invariants
//!
//! - **Acknowledged is durable.** What [`Store::append`] returned `Ok` for survives `kill -9` and power loss.
//! - **Sending again changes nothing.** Events are known by id; an equal one is counted as unchanged and keeps the
//!   earliest known time. Another content is a correction if it became known later, else a conflict, and a batch with
//!   a conflict is refused whole.
//! - **Order of arrival leaves no trace.** The same events in any order and batching scan the same.
//! - **An ingest that is undone was never there.** Every row knows which sources say it.
//!
//! # Not here
//!
//! What a strategy may see of a timeline at an instant is `stratagem-insight`.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use stratagem_model::event::Timeline;
use stratagem_model::{Currency, CustomerId, EventKind, FlatEvent, Time};

mod amounts;
mod chunk;
mod claims;
mod codec;
pub mod export;
mod fingerprint;
mod first_known;
pub mod generate;
pub mod ingest;
mod memory;
mod sled_store;

pub use first_known::{attribute_values, tag_values};
pub use memory::MemoryStore;
pub use sled_store::{Compacted, Info, Options, Problem, SledStore, Verified};

/// What is fixed when a store is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Settings {
    /// IANA name of the zone in which days and hours are taken.
    pub zone: String,
    pub currency: Currency,
}

/// The dictionary that the subjects of a kind of event are codes of. (The values of [`EventKind::Attribute`] are codes
/// of [`attribute_values`], those of [`EventKind::Tag`] of [`tag_values`], and those of [`EventKind::Filing`] of
/// `category`.)
pub fn subject_dictionary(kind: EventKind) -> &'static str {
    use EventKind as K;
    match kind {
        K::Order | K::Refund | K::View | K::Scan | K::Share | K::Review | K::Cart | K::Filing => "product",
        K::Visit | K::Register | K::Unsubscribe | K::Subscribe | K::Follow | K::Complaint => "channel",
        K::MessageDelivered | K::MessageOpened | K::MessageClicked | K::MessageFailed | K::Touch => {
            "campaign"
        }
        K::Referred | K::ReferralOrder => "campaign",
        K::CouponClaimed | K::CouponRedeemed | K::CouponExpired => "coupon",
        K::Delivered | K::Pickup => "store",
        K::Invite => "invite",
        K::TaskDone | K::TaskResult => "task",
        K::Attribute => "attribute",
        K::Tag => "tag",
        K::Act => "act",
        K::SubscriptionStarted | K::SubscriptionRenewed | K::SubscriptionCancelled => "subscription",
        K::CaseOpened | K::CaseClosed => "case",
        K::Points => "points",
        K::Tier => "tier",
        K::Survey => "survey",
        K::Play => "game",
        K::ChainJoin => "group",
        K::Link | K::Unlink => "link",
        K::TeamRegister => "team",
    }
}

/// Which parts of a timeline a scan decodes. Orders always are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Projection {
    pub lines: bool,
    pub events: bool,
}

/// Events of one customer to append, in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerEvents {
    /// The id the customer has outside.
    pub external_id: String,
    /// What [`Store::put_source`] gave; 0 of no source that can be undone.
    pub source: u32,
    pub timeline: Timeline,
}

impl CustomerEvents {
    /// Events of no source that can be undone.
    pub fn new(external_id: impl Into<String>, timeline: Timeline) -> Self {
        Self { external_id: external_id.into(), source: 0, timeline }
    }
}

/// What an append did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Appended {
    pub customers_new: u64,
    pub added: u64,
    /// New contents of ids that were known, each from its known time on.
    pub corrected: u64,
    /// Already there with the same content.
    pub unchanged: u64,
}

impl std::ops::AddAssign for Appended {
    fn add_assign(&mut self, more: Self) {
        self.customers_new += more.customers_new;
        self.added += more.added;
        self.corrected += more.corrected;
        self.unchanged += more.unchanged;
    }
}

/// What undoing an ingest took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Undone {
    /// Customers of whom nothing is left.
    pub customers_gone: u64,
    /// Customers, and products, that are other than before.
    pub changed: u64,
}

/// Where data came from: one record for each distinct file that was ingested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Source {
    /// File name without its directory, or `generated`.
    pub name: String,
    /// `orders`, `customers`, `events`, `products` or `touches`.
    pub kind: String,
    /// BLAKE3 of the file's bytes, hex.
    pub fingerprint: String,
    pub rows: u64,
    /// False while it is being written: an import that stopped there can be run again.
    pub is_complete: bool,
}

impl Source {
    /// Whether both are of one file, ingested as one kind of thing.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.kind, &self.fingerprint) == (&other.kind, &other.fingerprint)
    }
}

/// Counts over a whole store: distinct ids, each with its newest content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Totals {
    pub customers: u64,
    pub orders: u64,
    pub lines: u64,
    pub events: u64,
    /// Event times of the first and last order, milliseconds.
    pub first_order_ms: Option<i64>,
    pub last_order_ms: Option<i64>,
    /// Sum of order values before discounts, minor units.
    pub gross: i64,
}

/// A keeper of customer timelines.
///
/// Scans go by bucket, and within a bucket by ascending customer id. Methods take `&self` and may be called from
/// any thread.
pub trait Store: Send + Sync {
    /// What was fixed when the store was created.
    fn settings(&self) -> &Settings;

    /// Applies events: readers see them, and they are durable after the next [`commit`](Self::commit).
    ///
    /// # Errors
    /// On a [`StoreError::Conflict`] or [`StoreError::IdCollision`] nothing of the batch was written. After a
    /// write error the store refuses everything: [`StoreError::Failed`].
    fn apply(&self, batch: Vec<CustomerEvents>) -> Result<Appended, StoreError>;

    /// Returns once everything that was applied before the call is durable.
    ///
    /// # Errors
    /// It could not be written; the store refuses everything from then on.
    fn commit(&self) -> Result<(), StoreError>;

    /// Appends events and returns once they are durable.
    ///
    /// # Errors
    /// As [`apply`](Self::apply) and [`commit`](Self::commit).
    fn append(&self, batch: Vec<CustomerEvents>) -> Result<Appended, StoreError> {
        let appended = self.apply(batch)?;
        self.commit()?;
        Ok(appended)
    }

    /// [`append`](Self::append) for large batches: tells how many customers are done, and ends early when asked.
    ///
    /// `progress` must not append.
    ///
    /// # Errors
    /// [`StoreError::Interrupted`] once `stop` is set: what was written until then is durable and sending the batch
    /// again completes it.
    fn append_with_progress(
        &self,
        batch: Vec<CustomerEvents>,
        progress: &mut dyn FnMut(u64),
        stop: &AtomicBool,
    ) -> Result<Appended, StoreError> {
        if stop.load(Ordering::Relaxed) {
            return Err(StoreError::Interrupted);
        }
        let customers = batch.len() as u64;
        let appended = self.append(batch)?;
        progress(customers);
        Ok(appended)
    }

    /// Visits every customer of the buckets in key order. The timeline is lent for the call.
    ///
    /// # Errors
    /// Reading failed, or a value is corrupt; names the key.
    fn scan(
        &self,
        buckets: Range<u16>,
        projection: Projection,
        visit: &mut dyn FnMut(CustomerId, &Timeline),
    ) -> Result<(), StoreError>;

    /// Visits those of the customers that there are, in the order given. What each lends is what a scan would.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    fn timelines(
        &self,
        customers: &[CustomerId],
        projection: Projection,
        visit: &mut dyn FnMut(CustomerId, &Timeline),
    ) -> Result<(), StoreError>;

    /// The external id of a customer.
    fn external_id(&self, customer: CustomerId) -> Result<Option<String>, StoreError>;

    /// Counts over the whole store, kept up to date by appends (no scan).
    fn totals(&self) -> Result<Totals, StoreError>;

    /// The codes of these words in a dictionary (`product`, `category`, `attribute`, `attribute.<name>`,
    /// `campaign`, `channel`, `tag`, ...); new words get the next codes. They are durable after the next
    /// [`commit`](Self::commit).
    fn intern(&self, dictionary: &str, words: &[&str]) -> Result<Vec<u32>, StoreError>;

    /// The words of a dictionary in the order of their codes; empty if there is none.
    fn dictionary(&self, dictionary: &str) -> Result<Vec<String>, StoreError>;

    /// When each word of a dictionary was first known, in the order of codes: the earliest known time of anything that
    /// refers to it, [`Time::MAX`] where nothing does.
    fn first_known(&self, dictionary: &str) -> Result<Vec<Time>, StoreError>;

    /// Applies filings of products under categories: events of kind [`EventKind::Filing`], with all that holds of
    /// events. They are durable after the next [`commit`](Self::commit).
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    fn file_products(&self, source: u32, filings: Vec<FlatEvent>) -> Result<Appended, StoreError>;

    /// All filings, in the order of a timeline.
    fn filings(&self) -> Result<Vec<FlatEvent>, StoreError>;

    /// Records where data came from, durably; replaces the record with the same kind and fingerprint. Gives the number
    /// that events of this source carry.
    fn put_source(&self, source: &Source) -> Result<u32, StoreError>;

    /// All sources, in the order of kind and fingerprint.
    fn sources(&self) -> Result<Vec<Source>, StoreError>;

    /// Takes back what only this source says, durably: the store is what it would be without it. Reads everything.
    ///
    /// # Errors
    /// [`StoreError::Entangled`] if two other sources contradict each other without it; then nothing was changed. Once
    /// `stop` is set, [`StoreError::Interrupted`]: undoing again completes it.
    fn undo(&self, source: &Source, stop: &AtomicBool) -> Result<Undone, StoreError>;

    /// Writes a document of the ledger, durably. Any size.
    fn put_document(&self, collection: &str, key: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// The keys of a collection's documents, ascending.
    fn document_keys(&self, collection: &str) -> Result<Vec<String>, StoreError>;

    /// The documents of a collection by ascending key.
    fn documents(&self, collection: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError>;

    /// A digest of every customer, event and filing, with the words they refer to, hex: equal for stores that would
    /// scan the same.
    fn fingerprint(&self) -> Result<String, StoreError>;
}

/// What went wrong with a store.
///
/// The message says what and which; [`StoreError::hint`] says what to do next; the cause is in `source()`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    #[error("there is no store at `{}`", .0.display())]
    Missing(PathBuf),
    #[error("there already is a store at `{}`", .0.display())]
    Exists(PathBuf),
    #[error("the store at `{}` is in use by another process", .0.display())]
    InUse(PathBuf),
    #[error("the store at `{}` has format {found}, this version reads {supported}", path.display())]
    Format { path: PathBuf, found: u32, supported: u32 },
    #[error("only {free_mb} MB are free where the store `{}` is, at least {needed_mb} MB are needed", path.display())]
    DiskFull { path: PathBuf, free_mb: u64, needed_mb: u64 },
    #[error("{kind} `{id:016x}` of customer `{customer}` is stored with another content")]
    Conflict { customer: String, kind: String, id: u64 },
    #[error(
        "without this source, two others contradict each other: {kind} `{id:016x}` {} has two contents that became \
         known at once",
        if customer.is_empty() { "of a product".to_owned() } else { format!("of customer `{customer}`") }
    )]
    Entangled { customer: String, kind: String, id: u64 },
    #[error("customers `{first}` and `{second}` have the same internal id")]
    IdCollision { first: String, second: String },
    #[error("the value at key `{key}` is corrupt: {problem}")]
    Corrupt { key: String, problem: String },
    #[error("cannot {doing} in the store")]
    Sled {
        doing: &'static str,
        #[source]
        source: sled::Error,
    },
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the store stopped after a write failed: {0}")]
    Failed(String),
    #[error("appending was stopped before its end")]
    Interrupted,
    #[error("{what} `{start}...` is longer than {limit} bytes")]
    TooLong { what: &'static str, start: String, limit: usize },
    #[error("the orders of customer `{customer}` have another number of lines than came with them")]
    Uneven { customer: String },
    #[error("cannot write Parquet to `{}`", path.display())]
    Parquet {
        path: PathBuf,
        #[source]
        source: parquet::errors::ParquetError,
    },
}

impl StoreError {
    /// The next thing to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing(_) => Some("`stratagem ingest FILE --store DIR ...` makes one"),
            Self::Exists(_) => Some("choose another directory, or add to it with `stratagem ingest`"),
            Self::InUse(_) => Some("stop the other `stratagem` process, or wait for it to end"),
            Self::Format { .. } => Some("ingest the sources again, into another directory"),
            Self::DiskFull { .. } => Some("free space or move the store; nothing was written"),
            Self::Conflict { .. } => Some(ingest::ANOTHER_EVENT),
            Self::Entangled { .. } => Some("undo one of the others first; nothing was changed"),
            Self::IdCollision { .. } => Some("give one of them another id; nothing was written"),
            Self::Corrupt { .. } => Some(
                "`stratagem store verify` lists all damage; restore a backup or ingest the sources again",
            ),
            Self::Failed(_) | Self::Sled { .. } => {
                Some("what was acknowledged is safe; check the disk and open the store again")
            }
            Self::Interrupted => Some("run it again: it goes on where it stopped"),
            Self::TooLong { .. } => Some("check that the column holds what its name says"),
            Self::Io { .. } | Self::Uneven { .. } | Self::Parquet { .. } => None,
        }
    }

    /// A conflict that is of none of what was asked for.
    fn of_others(self) -> Self {
        match self {
            Self::Conflict { customer, kind, id } => Self::Entangled { customer, kind, id },
            other => other,
        }
    }

    /// `text` is quoted as far as it helps to find it.
    fn too_long(what: &'static str, text: &str, limit: usize) -> Self {
        Self::TooLong { what, start: text.chars().take(40).collect(), limit }
    }
}
