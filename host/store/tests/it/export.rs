//! What is exported can be ingested into a new store, and then it is the same content under other event ids.

use std::fs;
use std::sync::atomic::AtomicBool;

use stratagem_model::time::Time;
use stratagem_model::{BUCKETS, CustomerId, EventId, EventKind, FlatEvent, NO_ITEM, Timeline};
use stratagem_store::export::to_parquet;
use stratagem_store::ingest::{Kind, Options, ingest_file};
use stratagem_store::{Store, StoreError};

use crate::data::{Backend, EVERYTHING, Memory, Sled, event, order, scan, with_events, with_orders};

const DAY: i64 = 86_400_000;

/// Every shape of order and event that a file can say.
fn fill(store: &dyn Store) {
    // In the order in which the export names them, so that codes are the same.
    let products = store.intern("product", &["cup", "pot", "tea"]).unwrap();
    let categories = store.intern("category", &["hot", "ware"]).unwrap();
    store.put_product_categories(&[(products[2], categories[0]), (products[0], categories[1])]).unwrap();
    let name = store.intern("attribute", &["city"]).unwrap()[0];
    let city = store.intern("attribute.city", &["Köln"]).unwrap()[0];
    let tag = store.intern("tag", &["vip"]).unwrap()[0];
    let campaign = store.intern("campaign", &["spring"]).unwrap()[0];

    let (mut late, lines) = order(2, 400 * DAY, 2);
    late.known_time = Time(401 * DAY);
    let (sum, sum_lines) = {
        let (mut sum, lines) = order(3, 402 * DAY, 3);
        sum.gross = lines.iter().map(|line| line.gross).sum();
        (sum, lines)
    };
    let mut events: Vec<FlatEvent> =
        EventKind::ALL[2..8].iter().map(|kind| event(*kind, 1, 500 * DAY)).collect();
    events.push(FlatEvent { value: 1_234_567, ..event(EventKind::Refund, 2, 501 * DAY) });
    events.push(FlatEvent { subject: name, value: city.into(), ..event(EventKind::Attribute, 3, 502 * DAY) });
    events.push(FlatEvent { subject: tag, value: 0, ..event(EventKind::Tag, 4, 503 * DAY) });
    events.push(FlatEvent { subject: campaign, ..event(EventKind::Touch, 5, 504 * DAY) });
    let orders = [order(1, 399 * DAY, 0), (late, lines), (sum, sum_lines)];
    let batch =
        vec![with_orders("a", orders), with_events("b", events), with_events("only a member", vec![])];
    store.append(batch).unwrap();
}

/// Content without the ids of events, which are other ones after a round trip.
fn content(store: &dyn Store) -> Vec<(CustomerId, Timeline)> {
    let mut all = scan(store, EVERYTHING);
    for (_, timeline) in &mut all {
        timeline.orders.iter_mut().for_each(|order| order.id = EventId(0));
        timeline.events.iter_mut().for_each(|event| event.id = EventId(0));
        timeline.events.sort_by_key(|event| (event.known_time, event.kind));
    }
    all
}

fn the_export_of_a_store_is_its_content<B: Backend>() {
    let (backend, copy) = (B::new(), Memory::new());
    fill(backend.store());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("export");
    let mut done = 0;
    let exported = to_parquet(backend.store(), &path, &mut |buckets| done = buckets).unwrap();
    assert_eq!(done, BUCKETS);
    let rows: Vec<_> = exported.files.iter().map(|(_, rows)| *rows).collect();
    assert_eq!(rows, [7, 10, 3, 2], "an order of value 1 and no line, 2 lines and 1 more, 3 lines");

    // Products first, so that categories are filed under known products.
    for kind in [Kind::Products, Kind::Customers, Kind::Orders, Kind::Events] {
        let file = path.join(format!("{}.parquet", kind.name()));
        let go = AtomicBool::new(false);
        let report = ingest_file(copy.store(), &file, &Options::new(kind), &mut |_| {}, &go);
        let report = report.unwrap_or_else(|error| panic!("{kind}: {error:?}"));
        assert_eq!(report.rows_rejected, 0);
    }
    let (want, got) = (content(backend.store()), content(copy.store()));
    assert_eq!(got.len(), want.len());
    for ((_, want), (_, got)) in want.iter().zip(&got) {
        assert_eq!(got.orders, want.orders);
        assert_eq!(got.events.len(), want.events.len());
        for (want, got) in want.events.iter().zip(&got.events) {
            let said = |e: &FlatEvent| (e.kind, e.event_time, e.known_time, e.subject == NO_ITEM, e.value);
            assert_eq!(said(got), said(want));
        }
    }
    let totals = |store: &dyn Store| store.totals().unwrap();
    assert_eq!(totals(copy.store()), totals(backend.store()));

    let again = to_parquet(backend.store(), &path, &mut |_| {});
    assert!(matches!(again, Err(StoreError::Io { doing: "write", .. })), "an export overwrites nothing");
    assert!(
        fs::read_dir(&path).unwrap().all(|file| !file.unwrap().path().to_string_lossy().ends_with("partial"))
    );
}

#[test]
fn the_export_of_a_sled_store_is_its_content() {
    the_export_of_a_store_is_its_content::<Sled>();
}

#[test]
fn the_export_of_a_memory_store_is_its_content() {
    the_export_of_a_store_is_its_content::<Memory>();
}

#[test]
fn a_code_without_a_word_is_not_exported_silently() {
    let memory = Memory::new();
    memory.store().append(vec![with_orders("a", [order(1, 0, 1)])]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let refused = to_parquet(memory.store(), directory.path(), &mut |_| {}).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { ref key, .. } if key == "dictionaries/product"));
}
