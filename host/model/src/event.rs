//! What happened to a customer, and in which order it could be known.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::customer::CustomerId;
use crate::money::Money;
use crate::time::Time;

/// Identifies an event within its customer and kind: a hash of the id it has outside. Sending it again with the
/// same content changes nothing; with another content it is a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub u64);

impl EventId {
    /// The id of the event known outside as `external`.
    pub fn from_external(kind: EventKind, external: &str) -> Self {
        Self(xxh3_64_with_seed(external.as_bytes(), kind as u64))
    }
}

macro_rules! event_kinds {
    ($($(#[$doc:meta])* $variant:ident = $code:literal $name:literal,)*) => {
        /// What kind of thing happened. The numbers are in stored keys: never renumber.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[repr(u8)]
        pub enum EventKind { $($(#[$doc])* $variant = $code,)* }

        impl EventKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name used in files, columns and triggers.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The kind with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            /// The kind with this number.
            pub fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

event_kinds! {
    /// A purchase; the only kind with lines.
    Order = 1 "order",
    /// Money given back: value is the amount, positive.
    Refund = 2 "refund",
    Visit = 3 "visit",
    View = 4 "view",
    Scan = 5 "scan",
    Share = 6 "share",
    Invite = 7 "invite",
    /// Became a member.
    Register = 8 "register",
    MessageDelivered = 9 "message-delivered",
    MessageOpened = 10 "message-opened",
    MessageClicked = 11 "message-clicked",
    /// Consent withdrawn; the subject is a channel, or nothing for all of them.
    Unsubscribe = 12 "unsubscribe",
    /// Consent given; the subject is a channel, or nothing for all of them.
    Subscribe = 13 "subscribe",
    CouponClaimed = 14 "coupon-claimed",
    CouponRedeemed = 15 "coupon-redeemed",
    TaskDone = 16 "task-done",
    Review = 17 "review",
    /// An attribute got a value: the subject is the attribute's name, the value a code in its dictionary.
    Attribute = 18 "attribute",
    /// A tag was set (value 1) or taken away (value 0); the subject is the tag.
    Tag = 19 "tag",
    /// A touch that reached the customer before Stratagem did; the subject is the campaign.
    Touch = 20 "touch",
}

/// A purchase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: EventId,
    pub event_time: Time,
    /// When it could be known; not before it happened.
    pub known_time: Time,
    /// Order value before discounts.
    pub gross: Money,
    /// Discounts funded by the merchant, positive.
    pub discount: Money,
    /// How many of the timeline's lines are this order's.
    pub lines: u32,
}

/// A line of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Code in the dictionary `product`.
    pub product: u32,
    pub quantity: i32,
    /// Line value before discounts.
    pub gross: Money,
}

/// Anything that is not an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlatEvent {
    pub kind: EventKind,
    pub id: EventId,
    pub event_time: Time,
    /// When it could be known; not before it happened.
    pub known_time: Time,
    /// A code in the kind's dictionary, or [`NO_ITEM`](crate::NO_ITEM).
    pub subject: u32,
    /// What the kind says it is: an amount, a code, a flag; else 0.
    pub value: i64,
}

/// An event of one customer, as it is appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An order with its lines (`order.lines` says how many).
    Order(Order, Vec<Line>),
    Flat(FlatEvent),
}

/// One customer's events, each list in the order of `(known_time, id)`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    pub orders: Vec<Order>,
    /// Lines of all orders, one order after the other. Empty unless asked for.
    pub lines: Vec<Line>,
    /// Every other event. Empty unless asked for.
    pub events: Vec<FlatEvent>,
}

impl Timeline {
    /// Empties the lists and keeps their memory.
    pub fn clear(&mut self) {
        self.orders.clear();
        self.lines.clear();
        self.events.clear();
    }
}

/// A timeline with whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerTimeline {
    pub customer: CustomerId,
    pub timeline: Timeline,
}
