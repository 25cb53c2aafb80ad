//! What made-up customers do beside ordering, and what becomes known of it late: a little of everything that a store
//! can be told.

use stratagem_model::event::ROLE;
use stratagem_model::{DAY_MS, EventId, EventKind, FlatEvent, NO_TAG, Order, Time, Timeline, id_of};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{STORES, order_id};
use crate::{Store, StoreError, attribute_values, tag_values};

const TAG: &str = "vip";
const CITY: &str = "city";

/// Codes of the words that these events refer to.
pub(super) struct Words {
    city: u32,
    cities: Vec<u32>,
    role: u32,
    guide: u32,
    tag: u32,
    gold: u32,
    app_open: u32,
    coupon: u32,
    staff: Vec<u32>,
}

impl Words {
    /// Enters the words into a store.
    pub(super) fn enter(store: &dyn Store) -> Result<Self, StoreError> {
        let one = |dictionary: &str, word: &str| Ok::<_, StoreError>(store.intern(dictionary, &[word])?[0]);
        Ok(Self {
            city: one("attribute", CITY)?,
            cities: store.intern(&attribute_values(CITY), &STORES)?,
            role: one("attribute", ROLE)?,
            guide: one(&attribute_values(ROLE), "guide")?,
            tag: one("tag", TAG)?,
            gold: one(&tag_values(TAG), "gold")?,
            app_open: one("act", "app-open")?,
            coupon: one("coupon", "ten percent")?,
            staff: store.intern("staff", &["s1", "s2", "s3"])?,
        })
    }

    /// Adds to the orders of a customer what else is said of them.
    pub(super) fn add(&self, seed: u64, customer: &str, timeline: &mut Timeline) {
        let draw = |what: u64, of: u64| xxh3_64_with_seed(&what.to_le_bytes(), seed ^ id_of(customer)) % of;
        let first = timeline.orders[0].event_time;
        let day = |days: u64| Time(first.0 + days as i64 * DAY_MS);
        let event = |kind, id: u64, at| FlatEvent::new(kind, EventId(id), at);
        let mut events = vec![];
        if draw(1, 10) < 7 {
            let channel = timeline.orders[0].channel;
            events.push(FlatEvent { subject: channel, ..event(EventKind::Register, 1, first) });
        }
        // Half were asked at no time that is known; of the others some move.
        let city = |what| self.cities[draw(what, self.cities.len() as u64) as usize].into();
        let lives =
            |id, at, value| FlatEvent { subject: self.city, value, ..event(EventKind::Attribute, id, at) };
        match draw(2, 4) {
            0 | 1 => events.push(lives(2, Time::MIN, city(3))),
            2 => events.push(lives(2, first, city(3))),
            _ => events.extend([lives(2, first, city(3)), lives(3, day(100), city(4))]),
        }
        if draw(5, 50) == 0 {
            let role = event(EventKind::Attribute, 4, Time::MIN);
            events.push(FlatEvent { subject: self.role, value: self.guide.into(), ..role });
        }
        if let Some(fifth) = timeline.orders.get(4).map(|order| order.event_time) {
            let vip = |id, at, value| FlatEvent { subject: self.tag, value, ..event(EventKind::Tag, id, at) };
            events.push(vip(1, fifth, self.gold.into()));
            if draw(6, 4) == 0 {
                events.push(vip(2, Time(fifth.0 + 200 * DAY_MS), NO_TAG));
            }
        }
        if draw(7, 20) == 0 {
            let withdrawn = day(10 + draw(8, 200));
            let late = Time(withdrawn.0 + draw(9, 3) as i64 * DAY_MS);
            events.push(FlatEvent { event_time: withdrawn, ..event(EventKind::Unsubscribe, 1, late) });
            if draw(10, 3) == 0 {
                events.push(event(EventKind::Subscribe, 1, Time(withdrawn.0 + 60 * DAY_MS)));
            }
        }
        for open in 0..draw(11, 6) {
            let opened = event(EventKind::Act, open, day(draw(12 + open, 300)));
            events.push(FlatEvent { subject: self.app_open, ..opened });
        }
        self.detail(customer, timeline, &mut events, draw);
        timeline.events = events;
    }

    /// Coupons and staff of orders; refunds, and orders that are known late or corrected.
    fn detail(
        &self,
        customer: &str,
        timeline: &mut Timeline,
        events: &mut Vec<FlatEvent>,
        draw: impl Fn(u64, u64) -> u64,
    ) {
        let mut corrections = vec![];
        for (n, order) in timeline.orders.iter_mut().enumerate() {
            let id = order_id(customer, n);
            if order.discount > 0 {
                order.coupon = self.coupon;
            }
            if order.store != stratagem_model::NO_ITEM {
                order.staff = self.staff[draw(100 + n as u64, 3) as usize];
            }
            let fate = draw(1_000 + n as u64, 200);
            if fate < 2 {
                order.known_time = Time(order.event_time.0 + 3 * DAY_MS);
            } else if fate < 6 {
                let at = Time(order.event_time.0 + 2 * DAY_MS);
                let back = FlatEvent::new(EventKind::Refund, EventId(n as u64), at);
                events.push(FlatEvent { value: (order.gross / 2).max(1), about: id_of(&id), ..back });
            } else if fate == 6 {
                let known_time = Time(order.event_time.0 + 5 * DAY_MS);
                // The whole was counted wrong; its lines are not known again.
                corrections.push(Order { known_time, gross: order.gross + 100, lines: 0, ..order.clone() });
            }
        }
        timeline.orders.extend(corrections);
    }
}
