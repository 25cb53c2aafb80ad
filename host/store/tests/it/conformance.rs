//! The promises of [`Store`](stratagem_store::Store), as functions over a backend. Another backend gets them by one line at the end.

use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use stratagem_model::time::Time;
use stratagem_model::{BUCKETS, CustomerId, EventKind, FlatEvent, NO_ITEM, Timeline};
use stratagem_store::{Appended, CustomerEvents, Projection, Source, StoreError, Totals};

use crate::data::{
    Backend, EVERYTHING, Memory, Sled, event, only, order, scan, settings, with_events, with_orders,
};

fn a_new_store_is_empty<B: Backend>() {
    let backend = B::new();
    let store = backend.store();
    assert_eq!(store.settings(), &settings());
    assert_eq!(scan(store, EVERYTHING), []);
    assert_eq!(store.totals().unwrap(), Totals::default());
    assert_eq!(store.external_id(CustomerId(1)).unwrap(), None);
    assert_eq!(store.append(vec![]).unwrap(), Appended::default());
    assert_eq!(store.dictionary("product").unwrap(), [""; 0]);
    assert!(store.product_categories().unwrap().is_empty());
    assert_eq!(store.documents("runs").unwrap(), []);
    assert_eq!(store.sources().unwrap(), []);
}

fn timelines_come_back_sorted_and_as_asked_for<B: Backend>() {
    let backend = B::new();
    let store = backend.store();
    let mut sent = with_orders("c", [order(1, 500, 2), order(2, -500, 0), order(3, 0, 1)]);
    sent.timeline.events = vec![event(EventKind::Visit, 9, 7), event(EventKind::Tag, 8, 7)];
    let appended = store.append(vec![sent, with_events("no events", vec![])]).unwrap();
    assert_eq!(appended, Appended { customers_new: 2, added: 5, unchanged: 0 });

    let customer = CustomerId::from_external("c");
    let find = |projection| {
        let all = scan(store, projection);
        assert_eq!(all.len(), 2);
        all.into_iter().find(|(id, _)| *id == customer).unwrap().1
    };
    let whole = find(EVERYTHING);
    assert_eq!(whole.orders, [order(2, -500, 0).0, order(3, 0, 1).0, order(1, 500, 2).0]);
    assert_eq!(whole.lines, [order(3, 0, 1).1, order(1, 500, 2).1].concat());
    assert_eq!(whole.events, [event(EventKind::Tag, 8, 7), event(EventKind::Visit, 9, 7)]);
    let orders_only = Timeline { lines: vec![], events: vec![], ..whole.clone() };
    assert_eq!(find(Projection::default()), orders_only);
    assert_eq!(store.external_id(customer).unwrap().as_deref(), Some("c"));

    let mut seen = 0;
    store.scan(customer.bucket()..customer.bucket() + 1, EVERYTHING, &mut |_, _| seen += 1).unwrap();
    assert_eq!(seen, 1);
    store.scan(5..5, EVERYTHING, &mut |_, _| panic!("no bucket was asked for")).unwrap();
}

fn scans_go_by_bucket_and_customer<B: Backend>() {
    let backend = B::new();
    let customers = (0..3_000).map(|n| with_orders(&format!("c{n}"), [order(n, n as i64, 1)]));
    backend.store().append(customers.collect()).unwrap();
    let ids: Vec<_> = scan(backend.store(), EVERYTHING).iter().map(|(id, _)| (id.bucket(), *id)).collect();
    assert_eq!(ids.len(), 3_000);
    assert!(ids.is_sorted());
    let mut parts = 0;
    for bucket in (0..BUCKETS).step_by(64) {
        backend.store().scan(bucket..bucket + 64, EVERYTHING, &mut |_, _| parts += 1).unwrap();
    }
    assert_eq!(parts, 3_000);
}

fn sending_again_changes_nothing<B: Backend>() {
    let backend = B::new();
    let store = backend.store();
    let mut sent = with_orders("c", [order(1, 0, 2), order(2, 0, 1)]);
    sent.timeline.events.push(event(EventKind::View, 1, 0));
    store.append(vec![sent.clone()]).unwrap();
    let before = (scan(store, EVERYTHING), store.totals().unwrap(), store.fingerprint().unwrap());

    let again = store.append(vec![sent.clone(), sent.clone()]).unwrap();
    assert_eq!(again, Appended { customers_new: 0, added: 0, unchanged: 6 });
    assert_eq!((scan(store, EVERYTHING), store.totals().unwrap(), store.fingerprint().unwrap()), before);

    let twice_in_one_batch = with_events("d", vec![event(EventKind::View, 1, 0); 2]);
    let appended = store.append(vec![twice_in_one_batch]).unwrap();
    assert_eq!(appended, Appended { customers_new: 1, added: 1, unchanged: 1 });
}

fn a_conflict_refuses_the_whole_batch<B: Backend>() {
    let backend = B::new();
    let store = backend.store();
    store.append(vec![with_orders("c", [order(1, 0, 2)])]).unwrap();
    let before = (scan(store, EVERYTHING), store.totals().unwrap());

    let (mut dearer, lines) = order(1, 0, 2);
    dearer.gross += 1;
    let fine = || with_orders("a", [order(7, 0, 1)]);
    let cases = [
        ("another amount", vec![fine(), with_orders("c", [(dearer, lines)])]),
        ("another time", vec![fine(), with_orders("c", [order(1, 1, 2)])]),
        ("other lines", vec![fine(), with_orders("c", [order(1, 0, 3)])]),
        ("within the batch", vec![fine(), with_orders("b", [order(4, 0, 1), order(4, 0, 2)])]),
        ("across the batch", vec![with_orders("b", [order(4, 0, 1)]), with_orders("b", [order(4, 9, 1)])]),
    ];
    for (name, batch) in cases {
        let refused = store.append(batch);
        assert!(matches!(refused, Err(StoreError::Conflict { ref kind, .. }) if kind == "order"), "{name}");
        assert_eq!((scan(store, EVERYTHING), store.totals().unwrap()), before, "{name}");
    }
    // Ids are known within their kind and customer.
    let elsewhere =
        vec![with_events("c", vec![event(EventKind::Visit, 1, 5)]), with_orders("x", [order(1, 9, 0)])];
    assert_eq!(store.append(elsewhere).unwrap().added, 2);
}

fn long_histories_grow_at_any_place<B: Backend>() {
    let mut backend = B::new();
    let all: Vec<_> = (0..2_000).map(|n| order(n, n as i64 * 1_000, (n % 4) as u32)).collect();
    let events: Vec<_> = (0..1_500).map(|n| event(EventKind::View, n, n as i64 / 700)).collect();
    let later = |from: usize| all[from..].to_vec();
    backend.store().append(vec![with_orders("c", all[100..1_900].to_vec())]).unwrap();
    for one in later(1_900) {
        backend.store().append(vec![with_orders("c", [one])]).unwrap();
    }
    backend.store().append(vec![with_orders("c", all[..100].to_vec())]).unwrap();
    backend
        .store()
        .append(vec![with_events("c", events.iter().rev().step_by(2).cloned().collect())])
        .unwrap();
    backend.store().append(vec![with_events("c", events.clone())]).unwrap();
    backend.reopen();
    let whole = only(backend.store());
    assert_eq!(whole.orders.len(), 2_000);
    assert_eq!(whole.orders, all.iter().map(|(order, _)| order.clone()).collect::<Vec<_>>());
    assert_eq!(whole.lines, all.iter().flat_map(|(_, lines)| lines.clone()).collect::<Vec<_>>());
    assert_eq!(whole.events, events);
    let resent = backend.store().append(vec![with_orders("c", all)]).unwrap();
    assert_eq!((resent.added, resent.unchanged), (0, 2_000));
}

fn an_order_may_have_thousands_of_lines<B: Backend>() {
    let mut backend = B::new();
    let (large, small) = (order(1, 5, 20_000), order(2, 5, 3));
    backend.store().append(vec![with_orders("c", [large.clone(), small.clone()])]).unwrap();
    backend.reopen();
    let whole = only(backend.store());
    assert_eq!(whole.lines, [large.1, small.1].concat());
    assert_eq!(backend.store().totals().unwrap().lines, 20_003);
}

fn extreme_numbers_come_back<B: Backend>() {
    let backend = B::new();
    let (mut first, _) = order(u64::MAX, i64::MIN, 0);
    first.event_time = Time(i64::MAX);
    (first.gross, first.discount) = (i64::MIN, i64::MAX);
    let (mut last, mut lines) = order(0, i64::MAX, 1);
    (lines[0].product, lines[0].quantity, lines[0].gross) = (u32::MAX, i32::MIN, i64::MIN);
    last.gross = i64::MAX;
    let value =
        FlatEvent { subject: u32::MAX - 1, value: i64::MIN, ..event(EventKind::Attribute, 0, i64::MIN) };
    let mut sent = with_orders("c", [(first, vec![]), (last, lines)]);
    sent.timeline.events.extend([value, event(EventKind::Touch, 1, i64::MAX)]);
    backend.store().append(vec![sent.clone()]).unwrap();
    assert_eq!(only(backend.store()), sent.timeline);
}

fn totals_count_what_was_added<B: Backend>() {
    let mut backend = B::new();
    let store = backend.store();
    store.append(vec![with_orders("a", [order(1, 700, 2), order(2, 300, 1)])]).unwrap();
    let more =
        vec![with_orders("b", [order(1, 900, 0)]), with_events("b", vec![event(EventKind::Visit, 1, 0)])];
    store.append(more).unwrap();
    store.append(vec![with_orders("a", [order(2, 300, 1)])]).unwrap();
    backend.reopen();
    let gross = order(1, 0, 2).0.gross + order(2, 0, 1).0.gross + order(1, 0, 0).0.gross;
    let want = Totals {
        customers: 2,
        orders: 3,
        lines: 3,
        events: 1,
        first_order_ms: Some(300),
        last_order_ms: Some(900),
        gross,
    };
    assert_eq!(backend.store().totals().unwrap(), want);
}

fn a_long_append_tells_its_progress_and_can_be_stopped<B: Backend>() {
    let backend = B::new();
    let store = backend.store();
    let batch: Vec<_> = (0..5_000).map(|n| with_orders(&format!("c{n}"), [order(n, 0, 1)])).collect();
    let mut done = Vec::new();
    let (go, stop) = (AtomicBool::new(false), AtomicBool::new(true));
    let stopped = store.append_with_progress(batch.clone(), &mut |_| {}, &stop);
    assert!(matches!(stopped, Err(StoreError::Interrupted)));
    let appended = store.append_with_progress(batch, &mut |customers| done.push(customers), &go).unwrap();
    assert_eq!(appended.added, 5_000);
    assert_eq!(done.last(), Some(&5_000));
    assert!(done.is_sorted());
}

fn dictionaries_keep_their_codes<B: Backend>() {
    let mut backend = B::new();
    let store = backend.store();
    assert_eq!(store.intern("product", &["tea", "cup", "tea", ""]).unwrap(), [0, 1, 0, 2]);
    assert_eq!(store.intern("product.x", &["cup"]).unwrap(), [0]);
    assert!(store.intern("product", &[]).unwrap().is_empty());
    let many: Vec<_> = (0..20_000).map(|n| format!("product number {n} 茶")).collect();
    let words: Vec<_> = many.iter().map(String::as_str).collect();
    let codes = store.intern("product", &words).unwrap();
    assert_eq!(codes, (3..20_003).collect::<Vec<_>>());
    backend.reopen();
    let store = backend.store();
    assert_eq!(store.intern("product", &["new", "cup"]).unwrap(), [20_003, 1]);
    backend.reopen();
    let store = backend.store();
    let dictionary = store.dictionary("product").unwrap();
    assert_eq!(dictionary[..3], ["tea", "cup", ""]);
    assert_eq!(dictionary[3..20_003], many);
    assert_eq!(dictionary[20_003..], ["new"]);
    assert_eq!(store.dictionary("product.x").unwrap(), ["cup"]);
}

fn threads_agree_on_codes<B: Backend + Sync>() {
    let backend = B::new();
    let codes: Vec<Vec<u32>> = std::thread::scope(|scope| {
        let intern = |n: usize| {
            let words: Vec<_> = (0..20).map(|word| format!("w{}", (word + n * 7) % 20)).collect();
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            let mut codes = Vec::new();
            for pair in words.chunks(2) {
                codes.extend(backend.store().intern("tag", pair).unwrap());
            }
            codes.rotate_right(n * 7 % 20);
            codes
        };
        let threads: Vec<_> = (0..4).map(|n| scope.spawn(move || intern(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(codes.windows(2).all(|pair| pair[0] == pair[1]), "{codes:?}");
    assert_eq!(backend.store().dictionary("tag").unwrap().len(), 20);
}

fn the_newest_category_of_a_product_wins<B: Backend>() {
    let mut backend = B::new();
    let store = backend.store();
    store.intern("product", &["a", "b", "c"]).unwrap();
    store.put_product_categories(&[(1, 5), (1, 6)]).unwrap();
    assert_eq!(store.product_categories().unwrap(), [NO_ITEM, 6, NO_ITEM]);
    store.put_product_categories(&[(2_500, 1), (1, 7), (0, 6)]).unwrap();
    backend.reopen();
    let categories = backend.store().product_categories().unwrap();
    assert_eq!((categories.len(), &categories[..3]), (2_501, &[6, 7, NO_ITEM][..]));
    assert_eq!(categories[2_500], 1);
}

fn documents_of_any_size_are_replaced_whole<B: Backend>() {
    let mut backend = B::new();
    let store = backend.store();
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
    let texts = ["", "a", "a\0", "a\0b", "a\u{1}", "b", "ä"];
    for key in texts.iter().rev() {
        store.put_document("runs", key, key.as_bytes()).unwrap();
    }
    store.put_document("runs", "b", &large).unwrap();
    store.put_document("run", "x", b"other").unwrap();
    backend.reopen();
    let found = backend.store().documents("runs").unwrap();
    assert_eq!(found.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), texts);
    assert!(found.iter().all(|(key, bytes)| *bytes == if key == "b" { &large } else { key.as_bytes() }));
    backend.store().put_document("runs", "b", b"short").unwrap();
    assert_eq!(backend.store().documents("runs").unwrap()[5], ("b".into(), b"short".to_vec()));
    assert_eq!(backend.store().documents("run").unwrap(), [("x".into(), b"other".to_vec())]);
    let keys: Vec<_> = found.into_iter().map(|(key, _)| key).collect();
    assert_eq!(backend.store().document_keys("runs").unwrap(), keys);
    assert_eq!(backend.store().document_keys("none").unwrap(), [""; 0]);
}

fn a_source_is_recorded_once<B: Backend>() {
    let mut backend = B::new();
    let source = |kind: &str, fingerprint: &str, is_complete| Source {
        name: "orders.csv".into(),
        kind: kind.into(),
        fingerprint: fingerprint.into(),
        rows: 7,
        is_complete,
    };
    for one in [source("orders", "b", false), source("orders", "a", true), source("events", "z", true)] {
        backend.store().put_source(&one).unwrap();
    }
    backend.store().put_source(&source("orders", "b", true)).unwrap();
    backend.reopen();
    let want = [source("events", "z", true), source("orders", "a", true), source("orders", "b", true)];
    assert_eq!(backend.store().sources().unwrap(), want);
}

fn the_fingerprint_is_of_the_content<B: Backend>() {
    let fill = |words: [&str; 2]| {
        let backend = B::new();
        let codes = backend.store().intern("product", &words).unwrap();
        let code = |word| codes[words.iter().position(|known| *known == word).unwrap()];
        let (first, mut lines) = order(1, 0, 2);
        (lines[0].product, lines[1].product) = (code("tea"), code("cup"));
        lines.sort_unstable_by_key(|line| line.product);
        let view = FlatEvent { subject: code("cup"), ..event(EventKind::View, 1, 5) };
        let name = backend.store().intern("attribute", &["city"]).unwrap()[0];
        let values = backend.store().intern("attribute.city", &words).unwrap();
        let value = i64::from(values[words.iter().position(|known| *known == "tea").unwrap()]);
        let city = FlatEvent { subject: name, value, ..event(EventKind::Attribute, 2, 5) };
        let category = backend.store().intern("category", &["hot"]).unwrap()[0];
        backend.store().put_product_categories(&[(code("tea"), category)]).unwrap();
        backend.store().append(vec![with_orders("a", [(first, lines)])]).unwrap();
        backend.store().append(vec![with_events("b", vec![view, city])]).unwrap();
        backend
    };
    let mut backend = fill(["tea", "cup"]);
    let first = backend.store().fingerprint().unwrap();
    assert_eq!(fill(["cup", "tea"]).store().fingerprint().unwrap(), first);
    backend.reopen();
    let store = backend.store();
    assert_eq!(store.fingerprint().unwrap(), first);

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
    store.intern("product", &["pot"]).unwrap();
    changed("a word");
    let cold = store.intern("category", &["cold"]).unwrap()[0];
    changed("a category");
    store.put_product_categories(&[(0, cold)]).unwrap();
    changed("a product's category");
}

/// Few ids, times and customers, so that they meet.
fn any_batch() -> impl Strategy<Value = Vec<CustomerEvents>> {
    let order = (0..40_u64).prop_map(|id| order(id, (id as i64 * 7) % 5, (id % 4) as u32));
    let flat = (0..20_u64, prop::sample::select(&EventKind::ALL[1..4]))
        .prop_map(|(id, kind)| event(kind, id, (id as i64 * 5) % 7));
    let customer = (0..4, prop::collection::vec(order, 0..12), prop::collection::vec(flat, 0..60));
    let customer = customer.prop_map(|(customer, orders, events)| {
        let mut customer = with_orders(&format!("c{customer}"), orders);
        customer.timeline.events = events;
        customer
    });
    prop::collection::vec(customer, 1..6)
}

/// Every event of a batch alone.
fn one_by_one(batch: &[CustomerEvents]) -> Vec<CustomerEvents> {
    let mut singles = Vec::new();
    for CustomerEvents { external_id, timeline } in batch {
        let mut lines = timeline.lines.iter().copied();
        for order in &timeline.orders {
            let own = lines.by_ref().take(order.lines as usize).collect();
            singles.push(with_orders(external_id, [(order.clone(), own)]));
        }
        singles.extend(timeline.events.iter().map(|event| with_events(external_id, vec![event.clone()])));
        singles.push(with_events(external_id, vec![]));
    }
    singles
}

fn order_and_batching_leave_no_trace<B: Backend>() {
    let arrivals = any_batch().prop_flat_map(|batch| {
        let singles = one_by_one(&batch);
        (Just(batch), Just(singles).prop_shuffle(), 1..40_usize)
    });
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&arrivals, |(batch, shuffled, batch_size)| {
        let (whole, mut parts) = (B::new(), B::new());
        whole.store().append(batch).unwrap();
        for part in shuffled.chunks(batch_size) {
            parts.store().append(part.to_vec()).unwrap();
        }
        parts.reopen();
        let all = scan(whole.store(), EVERYTHING);
        for (_, timeline) in &all {
            prop_assert!(timeline.orders.is_sorted_by_key(|order| (order.known_time, order.id)));
            prop_assert!(timeline.events.is_sorted_by_key(|event| (event.known_time, event.id, event.kind)));
        }
        prop_assert_eq!(all, scan(parts.store(), EVERYTHING));
        prop_assert_eq!(whole.store().totals().unwrap(), parts.store().totals().unwrap());
        prop_assert_eq!(whole.store().fingerprint().unwrap(), parts.store().fingerprint().unwrap());
        Ok(())
    });
    outcome.unwrap();
}

fn readers_see_customers_whole_while_they_grow<B: Backend + Sync>() {
    let backend = B::new();
    let store = backend.store();
    // Each append adds an order and an event with the same number, over many chunks.
    let both = |n: u64| {
        let mut both = with_orders("c", [order(n, n as i64, 2)]);
        both.timeline.events.push(event(EventKind::View, n, n as i64));
        both
    };
    store.append((0..1_000).map(both).collect()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut last = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                store
                    .scan(0..BUCKETS, EVERYTHING, &mut |_, timeline| {
                        assert_eq!(timeline.orders.len(), timeline.events.len());
                        assert!(timeline.orders.len() >= last);
                        last = timeline.orders.len();
                    })
                    .unwrap();
            }
        });
        for n in (1_000..4_000).collect::<Vec<_>>().chunks(30) {
            store.append(n.iter().copied().map(both).collect()).unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        reader.join().unwrap();
    });
    assert_eq!(only(store).orders.len(), 4_000);
}

/// Runs every promise against a backend.
macro_rules! conformance {
    ($module:ident, $backend:ty: $($promise:ident,)*) => {
        mod $module {
            use super::*;

            $(
                #[test]
                fn $promise() {
                    super::$promise::<$backend>();
                }
            )*
        }
    };
    ($($module:ident: $backend:ty,)*) => {
        $(conformance! {
            $module, $backend:
            a_new_store_is_empty,
            timelines_come_back_sorted_and_as_asked_for,
            scans_go_by_bucket_and_customer,
            sending_again_changes_nothing,
            a_conflict_refuses_the_whole_batch,
            long_histories_grow_at_any_place,
            an_order_may_have_thousands_of_lines,
            extreme_numbers_come_back,
            totals_count_what_was_added,
            a_long_append_tells_its_progress_and_can_be_stopped,
            dictionaries_keep_their_codes,
            threads_agree_on_codes,
            the_newest_category_of_a_product_wins,
            documents_of_any_size_are_replaced_whole,
            a_source_is_recorded_once,
            the_fingerprint_is_of_the_content,
            order_and_batching_leave_no_trace,
            readers_see_customers_whole_while_they_grow,
        })*
    };
}

conformance! {
    sled: Sled,
    memory: Memory,
}
