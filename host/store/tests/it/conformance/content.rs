//! What a store's content is: filings, sources, and the digest of all of it.

use stratagem_model::{EventKind, FlatEvent, Line, NO_TAG, Order, Time};
use stratagem_store::{Appended, CustomerEvents, Source, StoreError};

use crate::data::{Backend, event, order, with_events, with_orders};

pub(super) fn filings_are_known_and_corrected_as_events_are<B: Backend>() {
    let mut backend = B::new();
    let store = backend.store();
    let filing = |product, since, known, category| FlatEvent {
        known_time: Time(known),
        subject: product,
        value: category,
        ..event(EventKind::Filing, u64::from(product), since)
    };
    let first = vec![filing(2_500, 5, 9, 1), filing(1, i64::MIN, i64::MIN, 0)];
    let appended = store.file_products(0, first.clone()).unwrap();
    assert_eq!(appended, Appended { added: 2, ..Appended::default() });
    let again = store.file_products(0, vec![filing(2_500, 5, 7, 1)]).unwrap();
    assert_eq!(again, Appended { unchanged: 1, ..Appended::default() });
    let moved = store.file_products(0, vec![filing(1, i64::MIN, 8, 2)]).unwrap();
    assert_eq!(moved, Appended { corrected: 1, ..Appended::default() });
    let contradiction = filing(1, i64::MIN, i64::MIN, 3);
    let refused = store.file_products(0, vec![filing(7, 0, 0, 0), contradiction]);
    assert!(matches!(refused, Err(StoreError::Conflict { ref kind, .. }) if kind == "filing"), "{refused:?}");
    store.commit().unwrap();
    backend.reopen();
    let corrected = FlatEvent { is_correction: true, ..filing(1, i64::MIN, 8, 2) };
    let want = [filing(1, i64::MIN, i64::MIN, 0), filing(2_500, 5, 7, 1), corrected];
    assert_eq!(backend.store().filings().unwrap(), want);
    assert_eq!(backend.store().totals().unwrap().customers, 0, "filings are of no customer");
    backend.check();
}

pub(super) fn a_source_is_recorded_once_under_one_number<B: Backend>() {
    let mut backend = B::new();
    let source = |kind: &str, fingerprint: &str, is_complete| Source {
        name: "orders.csv".into(),
        kind: kind.into(),
        fingerprint: fingerprint.into(),
        rows: 7,
        is_complete,
    };
    let first = [source("orders", "b", false), source("orders", "a", true), source("events", "b", true)];
    let numbers: Vec<_> = first.iter().map(|one| backend.store().put_source(one).unwrap()).collect();
    assert!(numbers[0] != numbers[1] && numbers[1] != numbers[2] && numbers[0] != numbers[2], "{numbers:?}");
    assert!(!numbers.contains(&0), "0 is of no source: {numbers:?}");
    assert_eq!(backend.store().put_source(&source("orders", "b", true)).unwrap(), numbers[0]);
    backend.reopen();
    let want = [source("events", "b", true), source("orders", "a", true), source("orders", "b", true)];
    assert_eq!(backend.store().sources().unwrap(), want);
    assert_eq!(backend.store().put_source(&source("orders", "a", true)).unwrap(), numbers[1]);
    let next = backend.store().put_source(&source("orders", "c", true)).unwrap();
    assert!(!numbers.contains(&next), "{next} is another source's");
}

/// Interns words in the order given and refers to all of them; the content is the same for any order.
fn with_words<B: Backend>(words: [&str; 2]) -> B {
    let backend = B::new();
    let store = backend.store();
    let code = |dictionary: &str, word: &str| {
        let codes = store.intern(dictionary, &words).unwrap();
        codes[words.iter().position(|known| *known == word).unwrap()]
    };
    let (bare, _) = order(1, 0, 2);
    let first = Order { channel: code("channel", "tea"), staff: code("staff", "cup"), ..bare };
    let line = |product, gross| Line { product: code("product", product), quantity: 1, gross };
    let mut lines = vec![line("tea", 10), line("cup", 20)];
    lines.sort_unstable_by_key(|line| line.product);
    let view = FlatEvent { subject: code("product", "cup"), ..event(EventKind::View, 1, 5) };
    let valued = |kind: EventKind, id| FlatEvent {
        subject: code(kind.name(), "cup"),
        value: i64::from(code(&format!("{}.cup", kind.name()), "tea")),
        ..event(kind, id, 5)
    };
    let filing = FlatEvent {
        subject: code("product", "tea"),
        value: i64::from(code("category", "tea")),
        ..event(EventKind::Filing, 1, 5)
    };
    store.file_products(0, vec![filing]).unwrap();
    store.append(vec![with_orders("a", [(first, lines)])]).unwrap();
    let events = vec![view, valued(EventKind::Attribute, 2), valued(EventKind::Tag, 3)];
    store.append(vec![with_events("b", events)]).unwrap();
    backend
}

pub(super) fn the_fingerprint_is_of_the_content<B: Backend>() {
    let mut backend: B = with_words(["tea", "cup"]);
    let first = backend.store().fingerprint().unwrap();
    assert_eq!(with_words::<B>(["cup", "tea"]).store().fingerprint().unwrap(), first);
    backend.reopen();
    let store = backend.store();
    assert_eq!(store.fingerprint().unwrap(), first);
    for dictionary in ["product", "category", "attribute", "tag.cup"] {
        store.intern(dictionary, &["a word that nothing refers to"]).unwrap();
    }
    store.put_source(&crate::data::source("a")).unwrap();
    store.put_document("runs", "a", b"x").unwrap();
    assert_eq!(store.fingerprint().unwrap(), first, "what no event refers to is no content");

    let mut seen = vec![first];
    let mut changed = |what: &str| {
        let now = store.fingerprint().unwrap();
        assert!(!seen.contains(&now), "{what} leaves no trace");
        seen.push(now);
    };
    store.append(vec![with_events("b", vec![event(EventKind::View, 2, 5)])]).unwrap();
    changed("an event");
    store.append(vec![with_events("c", vec![])]).unwrap();
    changed("a customer");
    let filing = FlatEvent { value: 1, ..event(EventKind::Filing, 2, 6) };
    store.file_products(0, vec![filing.clone()]).unwrap();
    changed("a filing");
    store.file_products(0, vec![FlatEvent { value: 0, known_time: Time(8), ..filing.clone() }]).unwrap();
    changed("a corrected filing");
    store.file_products(0, vec![FlatEvent { known_time: Time(7), value: 0, ..filing }]).unwrap();
    changed("an earlier known time of a filing");
}

/// Stores that differ in one thing that a strategy could see differ in their fingerprint.
pub(super) fn the_fingerprint_tells_every_field<B: Backend>() {
    let of = |said: CustomerEvents| {
        let backend = B::new();
        for dictionary in ["channel", "store", "coupon", "staff", "tag", "tag.x"] {
            backend.store().intern(dictionary, &["x", "y"]).unwrap();
        }
        backend.store().append(vec![said]).unwrap();
        backend.store().fingerprint().unwrap()
    };
    let orders: [fn(&mut Order); 8] = [
        |_| {},
        |order| order.channel = 0,
        |order| order.store = 0,
        |order| order.coupon = 0,
        |order| order.staff = 0,
        |order| order.staff = 1,
        |order| order.has_hour = false,
        |order| order.known_time = Time(9),
    ];
    let events: [fn(&mut FlatEvent); 6] = [
        |_| {},
        |event| event.about = 7,
        |event| event.value = 1,
        |event| event.value = NO_TAG,
        |event| event.subject = 1,
        |event| event.known_time = Time(9),
    ];
    let mut seen: Vec<String> = vec![];
    for change in orders {
        let (mut order, lines) = order(1, 0, 1);
        change(&mut order);
        seen.push(of(with_orders("a", [(order, lines)])));
    }
    for change in events {
        let mut tag = FlatEvent { subject: 0, ..event(EventKind::Tag, 1, 0) };
        change(&mut tag);
        seen.push(of(with_events("a", vec![tag])));
    }
    let different: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(different.len(), seen.len(), "two of them have one fingerprint: {seen:?}");
}
