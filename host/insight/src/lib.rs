//! As-of views: what may be known of customers at an instant, as columns and reference tables.
//!
//! # Invariants
//!
//! - **No look-ahead.** At `now`, an event counts if and only if it was known before `now`; a table of the whole
//!   population is the last that is in use at `now`, and is made of what was known before its own instant.
//! - **One computation of a feature.** Strategies ask for columns by name and get the same numbers.
//!
//! # Not here
//!
//! Which rows are asked when is `stratagem-replay`; how timelines are stored is `stratagem-store`.

mod added;
mod catalogue;
mod categories;
mod columns;
mod filings;
mod pairs;
mod population;
mod publication;
mod references;
mod replaced;
mod repurchase;
mod timelines;
mod touches;
mod tracking;
mod vocabulary;

pub use added::{AddedOrder, Basket};
pub use catalogue::{CATALOGUE, ColumnInfo, UnknownColumn};
pub use columns::{AsOf, ColumnPlan, View, items_are_categories};
pub use filings::Filings;
pub use population::{Census, Population, PopulationNeeds, RfmCuts};
pub use references::ReferencePlan;
pub use replaced::Counted;
pub use repurchase::PurchaseDays;
pub use timelines::{Needs, StoreContext, Timelines};
pub use touches::{OwnTouch, OwnTouches};
pub use tracking::PurchaseLog;
pub use vocabulary::{Vocabulary, Words};

/// Bits of `rfm.class`.
pub const RECENCY_BIT: u32 = 4;
/// Bits of `rfm.class`.
pub const FREQUENCY_BIT: u32 = 2;
/// Bits of `rfm.class`.
pub const MONETARY_BIT: u32 = 1;

/// The names of the eight RFM classes by their bits, in English and Chinese.
pub const RFM_CLASSES: [(&str, &str); 8] = [
    ("lost", "流失"),
    ("important retain", "重要挽留"),
    ("general maintain", "一般维持"),
    ("important recall", "重要唤回"),
    ("new", "新客户"),
    ("important deepen", "重要深耕"),
    ("potential", "潜力"),
    ("important value", "重要价值"),
];
