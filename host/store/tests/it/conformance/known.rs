//! What is known from when on: corrections, known times, and the first time of words; and reading some customers.

use std::collections::BTreeMap;

use stratagem_model::{CustomerId, EventKind, FlatEvent, Line, NO_TAG, Order, Time, Timeline};
use stratagem_store::{Appended, CustomerEvents, Projection, Store};

use crate::data::{Backend, EVERYTHING, event, only, order, scan, with_events, with_orders};

const PROJECTIONS: [Projection; 4] = [
    Projection { lines: false, events: false },
    Projection { lines: true, events: false },
    Projection { lines: false, events: true },
    EVERYTHING,
];

pub(super) fn timelines_of_some_are_what_a_scan_lends<B: Backend>() {
    let backend = B::new();
    let store = backend.store();
    let customer = |n: u64| {
        // Some have chunks of their own.
        let orders = if n.is_multiple_of(10) { 400 } else { n % 4 };
        let mut said = with_orders(&format!("c{n}"), (0..orders).map(|id| order(id, id as i64, 3)));
        said.timeline.events = (0..n % 5).map(|id| event(EventKind::Visit, id, id as i64)).collect();
        said
    };
    store.append((0..60).map(customer).collect()).unwrap();
    let asked: Vec<_> = [7, 999, 10, 3, 0, 1_000, 59, 10, 20, 4]
        .iter()
        .map(|n| CustomerId::from_external(&format!("c{n}")))
        .chain([CustomerId(u64::MAX), CustomerId(0)])
        .collect();
    for projection in PROJECTIONS {
        let scanned: BTreeMap<_, _> = scan(store, projection).into_iter().collect();
        let want: Vec<_> = asked.iter().filter_map(|id| Some((*id, scanned.get(id)?.clone()))).collect();
        assert_eq!(want.len(), 8, "two customers and two numbers are unknown, and one is asked for twice");
        let mut together: Vec<(CustomerId, Timeline)> = vec![];
        store
            .timelines(&asked, projection, &mut |id, timeline| together.push((id, timeline.clone())))
            .unwrap();
        assert_eq!(together, want, "{projection:?}");
        let mut alone = vec![];
        for id in &asked {
            store
                .timelines(&[*id], projection, &mut |id, timeline| alone.push((id, timeline.clone())))
                .unwrap();
        }
        assert_eq!(alone, want, "{projection:?}, one by one");
    }
    store.timelines(&[], EVERYTHING, &mut |_, _| panic!("nobody was asked for")).unwrap();
}

pub(super) fn what_is_applied_is_seen_at_once_and_durable_once_committed<B: Backend>() {
    let mut backend = B::new();
    let store = backend.store();
    for n in 0..50_u64 {
        let word = format!("word {n}");
        let product = store.intern("product", &[&word]).unwrap()[0];
        let line = Line { product, quantity: 1, gross: 5 };
        let order = Order { lines: 1, ..order(n, n as i64, 0).0 };
        let appended = store.apply(vec![with_orders("c", [(order, vec![line])])]).unwrap();
        assert_eq!(appended.added, 1);
        assert_eq!(only(store).orders.len() as u64, n + 1, "an apply is seen before it is committed");
        assert_eq!(store.totals().unwrap().orders, n + 1);
        store
            .file_products(0, vec![FlatEvent { subject: product, ..event(EventKind::Filing, n, n as i64) }])
            .unwrap();
        assert_eq!(store.filings().unwrap().len() as u64, n + 1);
    }
    store.commit().unwrap();
    let content = |store: &dyn Store| {
        let words = (store.dictionary("product").unwrap(), store.first_known("product").unwrap());
        (scan(store, EVERYTHING), store.filings().unwrap(), store.totals().unwrap(), words)
    };
    let before = content(store);
    backend.reopen();
    assert_eq!(content(backend.store()), before);
    assert_eq!(before.3.1, (0..50).map(Time).collect::<Vec<_>>());
}

/// Three contents of an order, of a view and of a filing, known one after the other.
fn contents() -> [(CustomerEvents, FlatEvent); 3] {
    [(2, 10), (3, 20), (0, 30)].map(|(lines, known)| {
        let (bare, lines) = order(1, 5, lines);
        // What says whether it is a correction is the store.
        let order = Order { known_time: Time(known), is_correction: known == 10, ..bare };
        let flat = |kind| FlatEvent {
            known_time: Time(known),
            value: known,
            is_correction: known == 10,
            ..event(kind, 1, 5)
        };
        let mut said = with_orders("c", [(order, lines)]);
        said.timeline.events.push(flat(EventKind::View));
        (said, flat(EventKind::Filing))
    })
}

pub(super) fn corrections_are_rows_of_their_own_in_any_order_of_arrival<B: Backend>() {
    let contents = contents();
    let mut want = Timeline::default();
    for (at, (said, _)) in contents.iter().enumerate() {
        let is_correction = at > 0;
        want.orders.push(Order { is_correction, ..said.timeline.orders[0].clone() });
        want.lines.extend_from_slice(&said.timeline.lines);
        want.events.push(FlatEvent { is_correction, ..said.timeline.events[0].clone() });
    }
    let newest = &contents[2].0.timeline;
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut backend = B::new();
        let store = backend.store();
        let mut appended = Appended::default();
        let mut filed = Appended::default();
        for at in order {
            appended += store.append(vec![contents[at].0.clone()]).unwrap();
            filed += store.file_products(0, vec![contents[at].1.clone()]).unwrap();
        }
        assert_eq!(
            appended,
            Appended { customers_new: 1, added: 2, corrected: 4, unchanged: 0 },
            "{order:?}"
        );
        assert_eq!(filed, Appended { customers_new: 0, added: 1, corrected: 2, unchanged: 0 }, "{order:?}");
        backend.reopen();
        let store = backend.store();
        assert_eq!(only(store), want, "{order:?}");
        let filings: Vec<_> =
            store.filings().unwrap().iter().map(|f| (f.known_time.0, f.value, f.is_correction)).collect();
        assert_eq!(filings, [(10, 10, false), (20, 20, true), (30, 30, true)]);
        let totals = store.totals().unwrap();
        assert_eq!(
            (totals.orders, totals.events, totals.lines),
            (1, 1, newest.lines.len() as u64),
            "{order:?}"
        );
        assert_eq!(totals.gross, newest.orders[0].gross, "the newest content is what an order is worth");
        backend.check();
    }
    let together = B::new();
    let batch = contents.iter().rev().map(|(said, _)| said.clone()).collect();
    let appended = together.store().append(batch).unwrap();
    assert_eq!((appended.added, appended.corrected), (2, 4));
    assert_eq!(only(together.store()), want);
}

pub(super) fn the_earliest_known_time_of_a_content_stays<B: Backend>() {
    let mut backend = B::new();
    let store = backend.store();
    let said = |known: i64| {
        let (bare, lines) = order(1, 5, 2);
        let mut said = with_orders("c", [(Order { known_time: Time(known), ..bare }, lines)]);
        said.timeline.events.push(FlatEvent { known_time: Time(known), ..event(EventKind::Tag, 2, 5) });
        // Between the others, so that rows change places.
        said.timeline.orders.push(order(2, 20, 0).0);
        said
    };
    for (known, earliest) in [(30, 30), (40, 30), (10, 10), (25, 10)] {
        store.append(vec![said(known)]).unwrap();
        let found = only(store);
        let orders: Vec<_> = found.orders.iter().map(|order| (order.id.0, order.known_time.0)).collect();
        let want = if earliest < 20 { [(1, earliest), (2, 20)] } else { [(2, 20), (1, earliest)] };
        assert_eq!(orders, want, "known at {known}");
        assert_eq!(found.events[0].known_time, Time(earliest));
        assert!(found.orders.iter().all(|order| !order.is_correction));
        assert_eq!(found.lines.len(), 2);
    }
    backend.reopen();
    backend.check();
    let again = backend.store().append(vec![said(10)]).unwrap();
    assert_eq!(again, Appended { unchanged: 3, ..Appended::default() });
}

pub(super) fn words_are_known_from_the_first_that_refers_to_them<B: Backend>() {
    let mut backend = B::new();
    let store = backend.store();
    for dictionary in
        ["product", "category", "channel", "store", "coupon", "staff", "attribute", "tag", "act"]
    {
        store.intern(dictionary, &["a", "b", "never"]).unwrap();
    }
    for dictionary in ["attribute.a", "attribute.b", "tag.b", "tag.never"] {
        store.intern(dictionary, &["a", "b", "never"]).unwrap();
    }
    let (mut late, lines) = order(1, 100, 2);
    (late.channel, late.store, late.coupon, late.staff) = (1, 0, 1, 0);
    late.known_time = Time(150);
    let (mut early, _) = order(2, 40, 0);
    (early.channel, early.store) = (1, 1);
    let flat = |kind, id, at, subject, value| FlatEvent { subject, value, ..event(kind, id, at) };
    let events = vec![
        flat(EventKind::Attribute, 1, 30, 0, 1),
        flat(EventKind::Attribute, 2, i64::MIN, 1, 1),
        flat(EventKind::Tag, 3, 70, 1, 0),
        flat(EventKind::Tag, 4, 60, 1, NO_TAG),
        flat(EventKind::Act, 5, 80, 0, 2),
        flat(EventKind::Visit, 6, 200, 0, 0),
        flat(EventKind::View, 7, 120, 1, 0),
    ];
    store.append(vec![with_orders("x", [(late, lines)])]).unwrap();
    store.append(vec![with_events("y", events), with_orders("y", [(early, vec![])])]).unwrap();
    let filing = FlatEvent { known_time: Time(90), ..flat(EventKind::Filing, 1, 10, 0, 1) };
    store.file_products(0, vec![filing]).unwrap();
    store.commit().unwrap();
    backend.reopen();
    let never = Time::MAX;
    let want = [
        ("product", [Time(90), Time(120), never]),
        ("category", [never, Time(90), never]),
        ("channel", [Time(200), Time(40), never]),
        ("store", [Time(150), Time(40), never]),
        ("coupon", [never, Time(150), never]),
        ("staff", [Time(150), never, never]),
        ("attribute", [Time(30), Time::MIN, never]),
        ("attribute.a", [never, Time(30), never]),
        ("attribute.b", [never, Time::MIN, never]),
        ("tag", [never, Time(60), never]),
        ("tag.b", [Time(70), never, never]),
        ("tag.never", [never, never, never]),
        ("act", [Time(80), never, never]),
    ];
    for (dictionary, times) in want {
        assert_eq!(backend.store().first_known(dictionary).unwrap(), times, "{dictionary}");
    }
    assert_eq!(backend.store().first_known("no such dictionary").unwrap(), []);
    backend.store().append(vec![with_events("z", vec![flat(EventKind::Visit, 1, 35, 0, 0)])]).unwrap();
    backend.reopen();
    assert_eq!(backend.store().first_known("channel").unwrap(), [Time(35), Time(40), never]);
    backend.check();
}
