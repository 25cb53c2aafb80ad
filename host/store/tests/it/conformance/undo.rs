//! That an ingest that is undone was never there.

use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use stratagem_model::{CustomerId, EventKind, FlatEvent, Order, Time};
use stratagem_store::{CustomerEvents, Source, Store, StoreError, Undone};

use super::arrival::{Content, any_batch, one_by_one, take_in, with_all_words};
use crate::data::{Backend, event, only, order, said, source, with_events, with_orders};

fn undo(store: &dyn Store, source: &Source) -> Result<Undone, StoreError> {
    store.undo(source, &AtomicBool::new(false))
}

/// The sources of generated batches, under the numbers 1, 2 and 3.
fn sources(store: &dyn Store) -> [Source; 3] {
    let sources = ["a", "b", "c"].map(source);
    let numbers = sources.each_ref().map(|source| store.put_source(source).unwrap());
    assert_eq!(numbers, [1, 2, 3]);
    sources
}

pub(super) fn an_undone_source_was_never_there<B: Backend>() {
    let arrivals = any_batch().prop_flat_map(|batch| {
        let singles = one_by_one(&batch);
        let undone = Just(vec![1_u32, 2, 3]).prop_shuffle();
        (Just(batch), Just(singles).prop_shuffle(), 1..40_usize, undone, 1..=3_usize)
    });
    let mut runner = TestRunner::new(Config { cases: 16, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&arrivals, |(mut batch, shuffled, batch_size, undone, count)| {
        let mut store: B = with_all_words();
        let sources = sources(store.store());
        for part in shuffled.chunks(batch_size) {
            take_in(store.store(), part);
        }
        for number in &undone[..count] {
            let before = Content::of(store.store()).customers.len() as u64;
            let report = undo(store.store(), &sources[*number as usize - 1]).unwrap();
            let said_something = batch.iter().any(|said| said.source() == *number);
            batch.retain(|said| said.source() != *number);
            let never: B = with_all_words();
            take_in(never.store(), &batch);
            let now = Content::of(store.store());
            prop_assert_eq!(report.changed > 0, said_something);
            prop_assert_eq!(report.customers_gone, before - now.customers.len() as u64);
            prop_assert_eq!(&now, &Content::of(never.store()));
            store.check();
            store.reopen();
            prop_assert_eq!(&now, &Content::of(store.store()));
        }
        let left = store.store().sources().unwrap();
        let want: Vec<_> = (1..)
            .zip(&sources)
            .filter(|(n, _)| !undone[..count].contains(n))
            .map(|(_, s)| s.clone())
            .collect();
        prop_assert_eq!(left, want);
        Ok(())
    });
    outcome.unwrap();
}

pub(super) fn undoing_takes_members_and_later_claims_only_with_the_last_that_says_them<B: Backend>() {
    let mut backend = B::new();
    let store = backend.store();
    let [a, b, c] = sources(store);
    let claimed = |number, known| {
        let (bare, lines) = order(1, 5, 1);
        said(number, with_orders("both", [(Order { known_time: Time(known), ..bare }, lines)]))
    };
    let corrected = |number, known| {
        let visit = FlatEvent { value: known, known_time: Time(known), ..event(EventKind::Visit, 1, 5) };
        said(number, with_events("corrected", vec![visit]))
    };
    let member = |number| said(number, with_events("member", vec![]));
    store.append(vec![claimed(1, 30), claimed(2, 10), claimed(3, 20)]).unwrap();
    store.append(vec![corrected(2, 10), corrected(1, 20)]).unwrap();
    store.append(vec![member(1), member(2)]).unwrap();

    assert_eq!(undo(store, &b).unwrap(), Undone { customers_gone: 0, changed: 3 });
    let timeline = |external: &str, backend: &B| {
        let mut found = None;
        let id = CustomerId::from_external(external);
        backend
            .store()
            .timelines(&[id], crate::data::EVERYTHING, &mut |_, timeline| found = Some(timeline.clone()))
            .unwrap();
        found
    };
    let of_both = timeline("both", &backend).unwrap();
    assert_eq!(of_both.orders[0].known_time, Time(20), "the earliest of those that are left");
    let of_corrected = timeline("corrected", &backend).unwrap();
    assert_eq!(of_corrected.events.len(), 1);
    assert!(!of_corrected.events[0].is_correction, "what it corrected is gone");
    assert!(timeline("member", &backend).is_some(), "another source says it too");

    assert_eq!(undo(backend.store(), &a).unwrap(), Undone { customers_gone: 2, changed: 3 });
    backend.reopen();
    assert_eq!(timeline("both", &backend).unwrap().orders[0].known_time, Time(20));
    assert_eq!((timeline("member", &backend), timeline("corrected", &backend)), (None, None));
    assert_eq!(backend.store().external_id(CustomerId::from_external("member")).unwrap(), None);
    assert_eq!(backend.store().totals().unwrap().customers, 1);
    assert_eq!(undo(backend.store(), &c).unwrap(), Undone { customers_gone: 1, changed: 1 });
    assert_eq!(backend.store().fingerprint().unwrap(), B::new().store().fingerprint().unwrap());
    assert_eq!(backend.store().sources().unwrap(), []);
    backend.check();
}

pub(super) fn undoing_what_is_not_there_changes_nothing<B: Backend>() {
    let backend: B = with_all_words();
    let store = backend.store();
    let [a, b, _] = sources(store);
    store.append(vec![said(1, with_orders("c", [order(1, 0, 2)])), with_events("d", vec![])]).unwrap();
    let before = Content::of(store);
    assert_eq!(undo(store, &source("unknown")).unwrap(), Undone::default());
    let of_another_kind = Source { kind: "orders".into(), ..a.clone() };
    assert_eq!(undo(store, &of_another_kind).unwrap(), Undone::default());
    assert_eq!(store.sources().unwrap().len(), 3);
    assert_eq!(undo(store, &b).unwrap(), Undone::default(), "it said nothing");
    assert_eq!(store.sources().unwrap().len(), 2);
    assert_eq!(Content::of(store), before);
    undo(store, &a).unwrap();
    assert_eq!(undo(store, &a).unwrap(), Undone::default(), "it is gone");
    // What no source says stays.
    assert_eq!(only(store), Default::default());
    // Undone and sent again, it is as before.
    let number = store.put_source(&a).unwrap();
    store.append(vec![said(number, with_orders("c", [order(1, 0, 2)]))]).unwrap();
    assert_eq!(Content::of(store), before);
}

pub(super) fn an_undo_that_leaves_a_contradiction_is_refused_whole<B: Backend>() {
    let mut backend: B = with_all_words();
    let store = backend.store();
    let [_, b, _] = sources(store);
    let visit = |number, known, value| {
        let visit = FlatEvent { known_time: Time(known), value, ..event(EventKind::Visit, 1, 0) };
        said(number, with_events("c", vec![visit]))
    };
    // One content is known at 5 by b, else at 10, when the other is known too.
    for one in [visit(1, 10, 1), visit(2, 5, 1), visit(3, 10, 2)] {
        // The first two are one content; without the second, the third contradicts it.
        store.append(vec![one]).unwrap();
    }
    let others: Vec<CustomerEvents> =
        (0..300).map(|n| said(2, with_orders(&format!("other {n}"), [order(n, 0, 2)]))).collect();
    store.append(others).unwrap();
    let (before, records) = (Content::of(store), store.sources().unwrap());
    let refused = undo(store, &b);
    assert!(
        matches!(refused, Err(StoreError::Entangled { ref customer, ref kind, .. }) if (customer.as_str(), kind.as_str()) == ("c", "visit")),
        "{refused:?}"
    );
    assert_eq!(Content::of(store), before);
    assert_eq!(store.sources().unwrap(), records, "it is still complete");
    backend.reopen();
    assert_eq!(Content::of(backend.store()), before);
    backend.check();
}
