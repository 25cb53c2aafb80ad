//! That order of arrival and batching leave no trace, over generated batches from several sources.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use stratagem_model::{
    CustomerId, EventId, EventKind, FlatEvent, Line, NO_ABOUT, NO_ITEM, Order, Time, Timeline,
};
use stratagem_store::{CustomerEvents, Store, Totals, attribute_values, subject_dictionary, tag_values};

use crate::data::{Backend, EVERYTHING, order, scan, with_events, with_orders};

/// One thing that a source says.
#[derive(Debug, Clone)]
pub(super) enum Said {
    Customer(CustomerEvents),
    Filing(u32, FlatEvent),
}

impl Said {
    pub(super) fn source(&self) -> u32 {
        match self {
            Self::Customer(events) => events.source,
            Self::Filing(source, _) => *source,
        }
    }
}

/// How many words each dictionary has; codes are below.
const WORDS: u32 = 6;

fn code(id: u64, content: i64) -> u32 {
    let code = (id as u32).wrapping_mul(5).wrapping_add(content as u32) % (WORDS + 2);
    if code < WORDS { code } else { NO_ITEM }
}

/// When a content of an id is known: never when another content of it is, and after it happened. The first may be known at
/// once. So whatever arrives, nothing contradicts.
fn known(event_ms: i64, content: i64, when: i64) -> Time {
    Time(if when == 0 && content == 0 { event_ms } else { 20 + 3 * when + content })
}

fn an_order(id: u64, content: i64, when: i64) -> (Order, Vec<Line>) {
    let event_ms = (id as i64 * 7) % 5;
    let (bare, mut lines) = order(id, event_ms, ((id as i64 + content) % 4) as u32);
    lines.iter_mut().for_each(|line| line.product %= WORDS);
    let order = Order {
        known_time: known(event_ms, content, when),
        gross: bare.gross + content,
        has_hour: !id.is_multiple_of(4),
        channel: code(id, content),
        store: code(id + 1, content),
        coupon: code(id + 2, 0),
        staff: code(id + 3, content),
        ..bare
    };
    (order, lines)
}

fn a_flat_event(kind: EventKind, id: u64, content: i64, when: i64) -> FlatEvent {
    let event_ms = (id as i64 * 5) % 7;
    FlatEvent {
        event_time: Time(event_ms),
        subject: match kind {
            EventKind::Tag | EventKind::Attribute | EventKind::Filing => id as u32 % WORDS,
            _ => code(id, content),
        },
        value: match kind {
            EventKind::Tag => (id as i64 + content) % 3 - 1,
            _ => (id as i64 + content) % 3,
        },
        about: if id.is_multiple_of(2) { NO_ABOUT } else { id + content as u64 },
        ..FlatEvent::new(kind, EventId(id), known(event_ms, content, when))
    }
}

const KINDS: [EventKind; 8] = [
    EventKind::Refund,
    EventKind::Visit,
    EventKind::View,
    EventKind::Tag,
    EventKind::Attribute,
    EventKind::Act,
    EventKind::Link,
    EventKind::SubscriptionStarted,
];

/// Few ids, times, contents, sources and customers, so that they meet. Sources are 0 to 3.
pub(super) fn any_batch() -> impl Strategy<Value = Vec<Said>> {
    let claim = || (0..3_i64, 0..4_i64);
    let order = (0..25_u64, claim()).prop_map(|(id, (content, when))| an_order(id, content, when));
    let flat = (0..12_u64, prop::sample::select(&KINDS[..]), claim())
        .prop_map(|(id, kind, (content, when))| a_flat_event(kind, id, content, when));
    let orders = prop::collection::vec(order, 0..12);
    let customer = (0..4_u32, 0..5, orders, prop::collection::vec(flat, 0..40));
    let customer = customer.prop_map(|(source, customer, orders, events)| {
        let mut said = with_orders(&format!("c{customer}"), orders);
        said.timeline.events = events;
        said.source = source;
        Said::Customer(said)
    });
    let filing = (0..4_u32, 0..8_u64, claim()).prop_map(|(source, id, (content, when))| {
        Said::Filing(source, a_flat_event(EventKind::Filing, id, content, when))
    });
    let member = (0..4_u32, 0..7).prop_map(|(source, customer)| {
        Said::Customer(CustomerEvents { source, ..with_events(&format!("c{customer}"), vec![]) })
    });
    prop::collection::vec(prop_oneof![3 => customer, 2 => filing, 1 => member], 1..12)
}

/// Every event alone.
pub(super) fn one_by_one(batch: &[Said]) -> Vec<Said> {
    let mut singles = Vec::new();
    for said in batch {
        let Said::Customer(CustomerEvents { external_id, source, timeline }) = said else {
            singles.push(said.clone());
            continue;
        };
        let mut single = |events: CustomerEvents| {
            singles.push(Said::Customer(CustomerEvents { source: *source, ..events }));
        };
        let mut lines = timeline.lines.iter().copied();
        for order in &timeline.orders {
            let own = lines.by_ref().take(order.lines as usize).collect();
            single(with_orders(external_id, [(order.clone(), own)]));
        }
        timeline.events.iter().for_each(|event| single(with_events(external_id, vec![event.clone()])));
        if timeline.orders.is_empty() && timeline.events.is_empty() {
            single(with_events(external_id, vec![]));
        }
    }
    singles
}

/// Appends all of it as one batch.
pub(super) fn take_in(store: &dyn Store, batch: &[Said]) {
    let mut customers = vec![];
    for said in batch {
        match said {
            Said::Customer(events) => customers.push(events.clone()),
            Said::Filing(source, filing) => {
                store.file_products(*source, vec![filing.clone()]).unwrap();
            }
        }
    }
    store.append(customers).unwrap();
}

/// Every dictionary that a batch refers to.
fn dictionaries() -> Vec<String> {
    let words: Vec<_> = (0..WORDS).map(|code| code.to_string()).collect();
    let values = words.iter().flat_map(|word| [attribute_values(word), tag_values(word)]);
    let subjects = KINDS.iter().map(|kind| subject_dictionary(*kind).to_owned());
    let of_orders = ["product", "category", "channel", "store", "coupon", "staff"].map(str::to_owned);
    values.chain(subjects).chain(of_orders).collect()
}

/// A new backend whose dictionaries have all words.
pub(super) fn with_all_words<B: Backend>() -> B {
    let backend = B::new();
    let words: Vec<_> = (0..WORDS).map(|code| code.to_string()).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    for dictionary in dictionaries() {
        backend.store().intern(&dictionary, &words).unwrap();
    }
    backend
}

/// Everything that a store says of its content.
#[derive(Debug, PartialEq)]
pub(super) struct Content {
    pub(super) customers: Vec<(CustomerId, Timeline)>,
    filings: Vec<FlatEvent>,
    totals: Totals,
    first_known: Vec<(String, Vec<Time>)>,
    fingerprint: String,
}

impl Content {
    pub(super) fn of(store: &dyn Store) -> Self {
        let times = |name: String| {
            let times = store.first_known(&name).unwrap();
            (name, times)
        };
        Self {
            customers: scan(store, EVERYTHING),
            filings: store.filings().unwrap(),
            totals: store.totals().unwrap(),
            first_known: dictionaries().into_iter().map(times).collect(),
            fingerprint: store.fingerprint().unwrap(),
        }
    }
}

pub(super) fn order_and_batching_leave_no_trace<B: Backend>() {
    let arrivals = any_batch().prop_flat_map(|batch| {
        let singles = one_by_one(&batch);
        (Just(batch), Just(singles).prop_shuffle(), 1..40_usize)
    });
    let mut runner = TestRunner::new(Config { cases: 16, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&arrivals, |(batch, shuffled, batch_size)| {
        let (whole, mut parts): (B, B) = (with_all_words(), with_all_words());
        take_in(whole.store(), &batch);
        for part in shuffled.chunks(batch_size) {
            take_in(parts.store(), part);
        }
        parts.reopen();
        let all = Content::of(whole.store());
        for (_, timeline) in &all.customers {
            let by = |order: &Order| (order.known_time, order.event_time, order.id);
            prop_assert!(timeline.orders.is_sorted_by_key(by));
            let by = |event: &FlatEvent| (event.known_time, event.event_time, event.kind, event.id);
            prop_assert!(timeline.events.is_sorted_by_key(by));
        }
        prop_assert_eq!(all, Content::of(parts.store()));
        whole.check();
        parts.check();
        Ok(())
    });
    outcome.unwrap();
}
