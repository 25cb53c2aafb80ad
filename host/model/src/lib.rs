//! The words of Stratagem as types: customers, events, money, time, columns, plans and decisions.
//!
//! Everything above speaks in these types. No I/O, no Wasm, no clock; all arithmetic in the decision path is on
//! integers.
//!
//! # Not here
//!
//! How events are stored is `stratagem-store`; how columns are computed is `stratagem-insight`; how a component is
//! asked is `stratagem-runtime`.

pub mod column;
pub mod customer;
pub mod decision;
pub mod encoding;
pub mod event;
pub mod gate;
pub mod money;
pub mod parameter;
pub mod plan;
pub mod time;

pub use column::{Batch, Column, ColumnKind, Table};
pub use customer::{BUCKETS, CustomerId};
pub use decision::{Decision, Reason};
pub use encoding::{DECISION_ENCODING, DecisionNames};
pub use event::{
    EventId, EventKind, FlatEvent, Line, NO_ABOUT, NO_TAG, ORDER_DETAILS, Order, Timeline, id_of,
};
pub use money::{Currency, Money};
pub use plan::{Action, ActionKind, Goal, Offer, Plan};
pub use time::{DAY_MS, Time, Zone};

/// One million: the denominator of every rate in the decision path.
pub const PPM: u32 = 1_000_000;

/// The item of a proposal, decision or touch that is about nothing in particular.
pub const NO_ITEM: u32 = u32::MAX;
