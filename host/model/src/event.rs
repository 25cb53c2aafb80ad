//! What happened to a customer, and in which order it could be known.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::money::Money;
use crate::time::Time;

/// The number that an id outside is known by: `xxh3_64` of its text. A text of `#` and 16 hexadecimal digits is the number
/// itself, as exports write it.
pub fn id_of(external: &str) -> u64 {
    let number = external.strip_prefix('#').filter(|hex| {
        hex.len() == 16 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    });
    number.and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or_else(|| xxh3_64(external.as_bytes()))
}

/// Identifies an event within its customer and kind: a hash of the id it has outside. Sending it again with the
/// same content changes nothing. Another content is a correction if it says that it became known later than it happened
/// and than the content before, else a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub u64);

impl EventId {
    /// The id of the event known outside as `external`.
    pub fn from_external(external: &str) -> Self {
        Self(id_of(external))
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
    /// A tag got a value, a code in its dictionary, or was taken away ([`NO_TAG`]); the subject is the tag.
    Tag = 19 "tag",
    /// A touch that reached the customer before Stratagem did; the subject is the campaign.
    Touch = 20 "touch",
    /// Anything a shop has a name of its own for, written `act:NAME`; the subject is the name.
    Act = 21 "act",
    /// Put a product into the cart.
    Cart = 22 "cart",
    /// An order arrived; about the order.
    Delivered = 23 "delivered",
    /// A subscription to a service began: value is its price.
    SubscriptionStarted = 24 "subscription-started",
    /// A subscription was renewed: value is its price.
    SubscriptionRenewed = 25 "subscription-renewed",
    SubscriptionCancelled = 26 "subscription-cancelled",
    /// A case was opened with customer service; the subject is its kind.
    CaseOpened = 27 "case-opened",
    /// About the case that was opened.
    CaseClosed = 28 "case-closed",
    /// What came of a task for a person; about the task.
    TaskResult = 29 "task-result",
    /// Brought another customer; about them.
    Referred = 30 "referred",
    /// A referred customer ordered: value is the order's; about them.
    ReferralOrder = 31 "referral-order",
    /// Points were given (positive) or used (negative): value.
    Points = 32 "points",
    /// Came into a tier; the subject is the tier.
    Tier = 33 "tier",
    /// Answered a survey; the subject is the survey.
    Survey = 34 "survey",
    /// Played a game; the subject is the game.
    Play = 35 "play",
    /// Joined a group order.
    ChainJoin = 36 "chain-join",
    /// Picked an order up; about the order.
    Pickup = 37 "pickup",
    /// Followed the account of a channel.
    Follow = 38 "follow",
    /// A coupon expired unused; about the decision or order it came with.
    CouponExpired = 39 "coupon-expired",
    /// A message did not arrive; about the decision that sent it.
    MessageFailed = 40 "message-failed",
    Complaint = 41 "complaint",
    /// Turned out to be the same person as another customer; about them.
    Link = 42 "link",
    /// Turned out not to be the same person as another customer; about them.
    Unlink = 43 "unlink",
    /// A team or household was registered; the subject is the team.
    TeamRegister = 44 "team-register",
    /// A product was filed under a category: the subject is the product, the value the category. Of no customer.
    Filing = 45 "filing",
}

/// The value of a tag that was taken away.
pub const NO_TAG: i64 = -1;

/// What an event is about nothing of.
pub const NO_ABOUT: u64 = 0;

/// The attribute that says what a customer is: none of a buyer, else `dealer`, `store`, `guide` or another word.
pub const ROLE: &str = "role";

/// A purchase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: EventId,
    /// Of an order of which only the date is known, the last millisecond of that day.
    pub event_time: Time,
    /// When it could be known; not before it happened.
    pub known_time: Time,
    /// Order value before discounts.
    pub gross: Money,
    /// Discounts funded by the merchant, positive.
    pub discount: Money,
    /// How many of the timeline's lines are this order's.
    pub lines: u32,
    /// False if only the date is known.
    pub has_hour: bool,
    /// Another content of this id was known before, and is corrected by this one. Stores say it; it is no content.
    pub is_correction: bool,
    /// Codes, or [`NO_ITEM`](crate::NO_ITEM).
    pub channel: u32,
    pub store: u32,
    pub coupon: u32,
    pub staff: u32,
}

/// The dictionaries of what an order says beside its lines, in the order of [`Order::details`].
pub const ORDER_DETAILS: [&str; 4] = ["channel", "store", "coupon", "staff"];

impl Order {
    /// Codes of what it says beside its lines, by [`ORDER_DETAILS`]; [`NO_ITEM`](crate::NO_ITEM) where it does not.
    pub fn details(&self) -> [u32; 4] {
        [self.channel, self.store, self.coupon, self.staff]
    }

    /// An order known when it happened, at an hour, with no lines and nothing said of it but its value.
    pub fn new(id: EventId, time: Time, gross: Money) -> Self {
        const NONE: u32 = crate::NO_ITEM;
        Self {
            id,
            event_time: time,
            known_time: time,
            gross,
            discount: 0,
            lines: 0,
            has_hour: true,
            is_correction: false,
            channel: NONE,
            store: NONE,
            coupon: NONE,
            staff: NONE,
        }
    }
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
    /// What the kind says it is: an amount, a code, a number; else 0.
    pub value: i64,
    /// The [`id_of`] the decision, order, code or customer that it is about, or [`NO_ABOUT`].
    pub about: u64,
    /// As of an order.
    pub is_correction: bool,
}

impl FlatEvent {
    /// An event known when it happened, of which nothing more is said.
    pub fn new(kind: EventKind, id: EventId, time: Time) -> Self {
        Self {
            kind,
            id,
            event_time: time,
            known_time: time,
            subject: crate::NO_ITEM,
            value: 0,
            about: NO_ABOUT,
            is_correction: false,
        }
    }
}

/// One customer's events, each list in the order of `(known_time, event_time, kind, id)`.
///
/// Several contents of one id are corrections: at any instant the one that became known last counts.
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

/// The category that a product had at an instant, by its filings, each with since when it holds and when it became known,
/// sorted; `is_known` says of each whether it counts. Of those that hold by then the latest, and where none does yet the
/// earliest; of several of one instant the one that became known last, then the greatest.
pub fn category_in_force<C: Copy>(
    filings: &[(Time, Time, C)],
    at: Time,
    is_known: impl Fn(usize) -> bool,
) -> Option<C> {
    let later = filings.partition_point(|(since, ..)| *since <= at);
    if let Some(newest) = (0..later).rev().find(|place| is_known(*place)) {
        return Some(filings[newest].2);
    }
    let first = (later..filings.len()).find(|place| is_known(*place))?;
    let same = (first..filings.len()).take_while(|place| filings[*place].0 == filings[first].0);
    let last = same.filter(|place| is_known(*place)).last()?;
    Some(filings[last].2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_hashes_or_what_an_export_wrote_of_one() {
        let id = id_of("order 17");
        assert_eq!(id, xxh3_64(b"order 17"));
        assert_eq!(id_of(&format!("#{id:016x}")), id);
        for text in ["#0123456789ABCDEF", "#123", "0123456789abcdef", "#0123456789abcdefg"] {
            assert_eq!(id_of(text), xxh3_64(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn the_filing_of_the_time_counts_and_before_any_the_first() {
        let filing = |since, known, category| (Time(since), Time(known), category);
        let filings = [filing(10, 10, 'a'), filing(20, 50, 'b'), filing(20, 60, 'c')];
        let at =
            |at, known: i64| category_in_force(&filings, Time(at), |place| filings[place].1 < Time(known));
        assert_eq!(
            [at(5, 100), at(10, 100), at(19, 100), at(20, 100)],
            [Some('a'), Some('a'), Some('a'), Some('c')]
        );
        assert_eq!([at(25, 11), at(25, 51), at(25, 61), at(25, 10)], [Some('a'), Some('b'), Some('c'), None]);
    }
}
