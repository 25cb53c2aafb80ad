//! The promises of [`Store`](stratagem_store::Store), as functions over a backend. Another backend gets them by one line at
//! the end.

use std::sync::atomic::AtomicBool;

use stratagem_model::time::Time;
use stratagem_model::{BUCKETS, CustomerId, EventKind, FlatEvent, Order, Timeline};
use stratagem_store::{Appended, Projection, StoreError, Totals};

use crate::data::{
    Backend, EVERYTHING, Memory, Sled, event, only, order, scan, settings, with_events, with_orders,
};

mod arrival;
mod content;
mod known;
mod undo;

use arrival::*;
use content::*;
use known::*;
use undo::*;

fn a_new_store_is_empty<B: Backend>() {
    let backend = B::new();
    let store = backend.store();
    assert_eq!(store.settings(), &settings());
    assert_eq!(scan(store, EVERYTHING), []);
    assert_eq!(store.totals().unwrap(), Totals::default());
    assert_eq!(store.external_id(CustomerId(1)).unwrap(), None);
    assert_eq!(store.append(vec![]).unwrap(), Appended::default());
    assert_eq!(store.dictionary("product").unwrap(), [""; 0]);
    assert_eq!(store.first_known("product").unwrap(), []);
    assert_eq!(store.filings().unwrap(), []);
    assert_eq!(store.file_products(0, vec![]).unwrap(), Appended::default());
    assert_eq!(store.documents("runs").unwrap(), []);
    assert_eq!(store.sources().unwrap(), []);
}

fn timelines_come_back_sorted_and_as_asked_for<B: Backend>() {
    let backend = B::new();
    let store = backend.store();
    let mut sent = with_orders("c", [order(1, 500, 2), order(2, -500, 0), order(3, 0, 1)]);
    sent.timeline.events = vec![event(EventKind::Visit, 9, 7), event(EventKind::Tag, 8, 7)];
    let appended = store.append(vec![sent, with_events("no events", vec![])]).unwrap();
    assert_eq!(appended, Appended { customers_new: 2, added: 5, ..Appended::default() });

    let customer = CustomerId::from_external("c");
    let find = |projection| {
        let all = scan(store, projection);
        assert_eq!(all.len(), 2);
        all.into_iter().find(|(id, _)| *id == customer).unwrap().1
    };
    let whole = find(EVERYTHING);
    assert_eq!(whole.orders, [order(2, -500, 0).0, order(3, 0, 1).0, order(1, 500, 2).0]);
    assert_eq!(whole.lines, [order(3, 0, 1).1, order(1, 500, 2).1].concat());
    assert_eq!(whole.events, [event(EventKind::Visit, 9, 7), event(EventKind::Tag, 8, 7)]);
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
    assert_eq!(again, Appended { unchanged: 6, ..Appended::default() });
    assert_eq!((scan(store, EVERYTHING), store.totals().unwrap(), store.fingerprint().unwrap()), before);

    let twice_in_one_batch = with_events("d", vec![event(EventKind::View, 1, 0); 2]);
    let appended = store.append(vec![twice_in_one_batch]).unwrap();
    assert_eq!(appended, Appended { customers_new: 1, added: 1, corrected: 0, unchanged: 1 });
}

fn a_conflict_refuses_the_whole_batch<B: Backend>() {
    let backend = B::new();
    let store = backend.store();
    store.append(vec![with_orders("c", [order(1, 0, 2)])]).unwrap();
    let before = (scan(store, EVERYTHING), store.totals().unwrap());

    let (same, lines) = order(1, 0, 2);
    let dearer = Order { gross: same.gross + 1, ..same.clone() };
    let fine = || with_orders("a", [order(7, 0, 1)]);
    let cases = [
        ("another amount", vec![fine(), with_orders("c", [(dearer, lines.clone())])]),
        ("another time", vec![fine(), with_orders("c", [order(1, 1, 2)])]),
        ("an earlier time", vec![fine(), with_orders("c", [order(1, -1, 2)])]),
        (
            "another channel",
            vec![fine(), with_orders("c", [(Order { channel: 3, ..same.clone() }, lines.clone())])],
        ),
        ("no hour", vec![fine(), with_orders("c", [(Order { has_hour: false, ..same }, lines)])]),
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
    (last.channel, last.store, last.coupon, last.staff) = (u32::MAX - 1, 0, u32::MAX - 2, 1);
    last.has_hour = false;
    let value = FlatEvent {
        subject: u32::MAX - 1,
        value: i64::MIN,
        about: u64::MAX,
        ..event(EventKind::Attribute, 0, i64::MIN)
    };
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
            documents_of_any_size_are_replaced_whole,
            a_source_is_recorded_once_under_one_number,
            the_fingerprint_is_of_the_content,
            the_fingerprint_tells_every_field,
            timelines_of_some_are_what_a_scan_lends,
            what_is_applied_is_seen_at_once_and_durable_once_committed,
            corrections_are_rows_of_their_own_in_any_order_of_arrival,
            the_earliest_known_time_of_a_content_stays,
            filings_are_known_and_corrected_as_events_are,
            words_are_known_from_the_first_that_refers_to_them,
            an_undone_source_was_never_there,
            undoing_takes_members_and_later_claims_only_with_the_last_that_says_them,
            undoing_what_is_not_there_changes_nothing,
            an_undo_that_leaves_a_contradiction_is_refused_whole,
            order_and_batching_leave_no_trace,
            readers_see_customers_whole_while_they_grow,
        })*
    };
}

conformance! {
    sled: Sled,
    memory: Memory,
}
