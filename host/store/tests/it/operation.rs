//! What an operator does with a sled store: make, open, look at, verify and compact it.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use stratagem_model::{EventId, EventKind, FlatEvent, Time};
use stratagem_store::{Options, SledStore, Store, StoreError};

use crate::data::{Backend, EVERYTHING, Sled, event, order, scan, settings, with_events, with_orders};

#[test]
fn stores_are_made_once_and_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/store");
    assert!(matches!(SledStore::open(&path), Err(StoreError::Missing(_))));
    assert!(!path.exists(), "a failed open leaves nothing behind");
    drop(SledStore::create(&path, settings()).unwrap());
    assert!(matches!(SledStore::create(&path, settings()), Err(StoreError::Exists(_))));
    let other = || panic!("the settings of a store are fixed when it is made");
    assert_eq!(SledStore::open_or_create(&path, other).unwrap().settings(), &settings());
    let small = Options { cache_bytes: 1 << 20 };
    assert_eq!(small.open(&path).unwrap().settings(), &settings());
    drop(SledStore::open_or_create(directory.path().join("other"), settings).unwrap());
    SledStore::open(directory.path().join("other")).unwrap();
}

#[test]
fn what_a_crash_left_of_a_snapshot_is_set_aside() {
    let mut sled = Sled::new();
    sled.store().append(vec![with_orders("c", [order(1, 0, 1)])]).unwrap();
    sled.close();
    let leftover = sled.path().join("sled/snap.00000000000001FF.generating");
    fs::write(&leftover, b"half a snapshot").unwrap();
    sled.open();
    assert_eq!(scan(sled.store(), EVERYTHING).len(), 1);
}

#[test]
fn texts_that_cannot_be_keys_are_refused() {
    let sled = Sled::new();
    let store = sled.store();
    let long = "é".repeat(3_000);
    let refusals = [
        store.append(vec![with_events(&long, vec![])]).map(drop),
        store.intern("product", &["fine", &long]).map(drop),
        store.intern(&long, &["x"]).map(drop),
        store.put_document(&long, "x", b"").map(drop),
        store.put_document("runs", &long, b"").map(drop),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, Err(StoreError::TooLong { .. })), "{refusal:?}");
    }
    assert_eq!(store.dictionary("product").unwrap(), [""; 0]);
    let mut uneven = with_orders("c", [order(1, 0, 2)]);
    uneven.timeline.lines.pop();
    assert!(matches!(store.append(vec![uneven]), Err(StoreError::Uneven { .. })));
    assert_eq!(store.totals().unwrap().customers, 0);
}

#[test]
fn no_value_leaves_the_log() {
    let sled = Sled::new();
    for round in 0..20_u64 {
        let customers = (0..40_u64).map(|customer| {
            let orders = (0..100).map(|n| order(round * 100 + n, (round * 100 + n) as i64, 3));
            with_orders(&format!("c{customer}"), orders)
        });
        sled.store().append(customers.collect()).unwrap();
        sled.store().put_document("runs", "large", &vec![round as u8; 500_000]).unwrap();
    }
    let outside = fs::read_dir(sled.path().join("sled/blobs")).unwrap().count();
    assert_eq!(outside, 0, "sled never syncs files beside its log");
    assert_eq!(sled.sled().verify().unwrap().problems, []);
}

#[test]
fn info_says_what_there_is() {
    let sled = Sled::new();
    let store = sled.store();
    store.append(vec![with_orders("c", [order(1, 0, 1)])]).unwrap();
    store.intern("tag", &["a", "b"]).unwrap();
    store.put_document("runs", "1", b"x").unwrap();
    store.put_document("runs", "2", &[0; 20_000]).unwrap();
    store.put_document("run", "1", b"x").unwrap();
    fs::write(sled.path().join("decisions.log"), vec![1; 100_000]).unwrap();
    let info = sled.sled().info().unwrap();
    assert_eq!(info.path, sled.path());
    assert_eq!((info.format, &info.settings), (2, &settings()));
    assert_eq!(info.totals, store.totals().unwrap());
    assert_eq!(info.dictionaries, [("tag".to_owned(), 2)]);
    assert_eq!(info.collections, [("run".to_owned(), 1), ("runs".to_owned(), 2)]);
    assert!(info.database_bytes > 0 && info.other_bytes >= 100_000, "{info:?}");
}

/// A store with much that was replaced.
fn grown() -> Sled {
    let sled = Sled::new();
    for round in 0..10_u8 {
        sled.store().put_document("runs", "a", &vec![round; 2_000_000]).unwrap();
    }
    sled.store().put_document("runs", "a", b"small").unwrap();
    sled.store()
        .append((0..2_000).map(|n| with_orders(&format!("c{n}"), [order(n, 0, 2)])).collect())
        .unwrap();
    sled
}

#[test]
fn compacting_keeps_everything_but_the_space() {
    let mut sled = grown();
    let before = (scan(sled.store(), EVERYTHING), sled.store().fingerprint().unwrap());
    assert!(matches!(SledStore::compact(sled.path()), Err(StoreError::InUse(_))));
    sled.close();
    let compacted = SledStore::compact(sled.path()).unwrap();
    assert!(compacted.bytes_after * 2 < compacted.bytes_before, "{compacted:?}");
    sled.open();
    assert_eq!((scan(sled.store(), EVERYTHING), sled.store().fingerprint().unwrap()), before);
    assert_eq!(sled.store().documents("runs").unwrap(), [("a".into(), b"small".to_vec())]);
    assert_eq!(sled.sled().verify().unwrap().problems, []);
    let left: Vec<_> = fs::read_dir(sled.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "only the database, the lock and what was acknowledged: {left:?}");
}

#[test]
fn a_compaction_that_was_stopped_ends_when_the_store_is_opened() {
    let mut sled = grown();
    let whole = scan(sled.store(), EVERYTHING);
    let copy = Sled::new();
    copy.store().append(vec![with_orders("unfinished copy", [order(1, 0, 1)])]).unwrap();
    let copy_path = copy.path().to_owned();
    let (current, old, new) =
        (sled.path().join("sled"), sled.path().join("sled.old"), sled.path().join("sled.new"));
    let take_copy = |to| copy_directory(&copy_path.join("sled"), to);

    // Stopped while the copy was made.
    sled.close();
    take_copy(&new);
    sled.open();
    assert_eq!(scan(sled.store(), EVERYTHING), whole);
    assert!(!new.exists());
    // Stopped between the renames: the copy is complete.
    sled.close();
    copy_directory(&current, &new);
    fs::rename(&current, &old).unwrap();
    sled.open();
    assert_eq!(scan(sled.store(), EVERYTHING), whole);
    assert!(!old.exists() && !new.exists());
    // Stopped before the old one was removed.
    sled.close();
    take_copy(&old);
    sled.open();
    assert_eq!(scan(sled.store(), EVERYTHING), whole);
    assert!(!old.exists());
}

fn copy_directory(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_directory(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[test]
fn verify_counts_what_totals_remember() {
    let sled = grown();
    let value = FlatEvent { id: EventId(5), ..event(EventKind::Tag, 0, 3) };
    sled.store().append(vec![with_events("c1", vec![value])]).unwrap();
    let verified = sled.sled().verify().unwrap();
    assert_eq!((verified.totals, verified.problems), (sled.store().totals().unwrap(), vec![]));
}

#[test]
fn words_of_what_was_never_written_are_not_known() {
    let mut sled = Sled::new();
    let store = sled.sled();
    let products: Vec<_> = (0..3_000).map(|n| format!("p{n}")).collect();
    let words: Vec<_> = products.iter().map(String::as_str).collect();
    let codes = store.intern("product", &words).unwrap();
    let customer = |n: usize| {
        let (order, mut lines) = order(1, n as i64, 1);
        lines[0].product = codes[n];
        with_orders(&format!("c{n}"), [(order, lines)])
    };
    let stop = AtomicBool::new(false);
    let mut stop_at_once = |_| stop.store(true, Ordering::Relaxed);
    let stopped = store.append_with_progress((0..3_000).map(customer).collect(), &mut stop_at_once, &stop);
    assert!(matches!(stopped, Err(StoreError::Interrupted)));
    sled.reopen();
    let customers = sled.sled().totals().unwrap().customers;
    assert!((1..3_000).contains(&customers));
    let known = sled.sled().first_known("product").unwrap();
    assert_eq!(known.iter().filter(|time| **time != Time::MAX).count() as u64, customers);
    assert_eq!(sled.sled().verify().unwrap().problems, []);
    // What completes it knows the rest.
    sled.sled().append((0..3_000).map(customer).collect()).unwrap();
    sled.reopen();
    assert!(sled.sled().first_known("product").unwrap().iter().all(|time| *time != Time::MAX));
}
