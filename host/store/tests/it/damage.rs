//! The sled store when its bytes are not the ones that it wrote.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use stratagem_model::EventKind;
use stratagem_store::{SledStore, Store, StoreError};

use crate::data::{Backend, EVERYTHING, Sled, event, order, scan, with_orders};

/// Customers of one value and of many.
fn filled() -> Sled {
    let sled = Sled::new();
    let mut long = with_orders("long", (0..900).map(|n| order(n, n as i64, 4)));
    long.timeline.events = (0..900).map(|n| event(EventKind::View, n, n as i64)).collect();
    let short = (0..5).map(|n| with_orders(&format!("short {n}"), [order(n, 0, 2)]));
    sled.store().append(short.chain([long]).collect()).unwrap();
    sled.store().intern("product", &["a", "b"]).unwrap();
    sled.store().put_document("runs", "a", &[7; 10_000]).unwrap();
    sled
}

/// Changes the database behind the store's back.
fn meddle(sled: &mut Sled, change: impl FnOnce(&sled::Db)) {
    sled.close();
    let path = sled.path().join("sled");
    let db = loop {
        // The threads of the database that was closed may hold its file for a moment.
        if let Ok(db) = sled::Config::new().path(&path).open() {
            break db;
        }
    };
    change(&db);
    db.flush().unwrap();
}

fn scan_result(path: &Path) -> Result<(), StoreError> {
    let store = SledStore::open(path)?;
    store.scan(0..1024, EVERYTHING, &mut |_, _| {})?;
    store.totals().map(drop)
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    let mut sled = filled();
    let mut keys = Vec::new();
    meddle(&mut sled, |db| {
        keys = db.open_tree("timelines").unwrap().iter().keys().map(Result::unwrap).collect()
    });
    assert!(keys.len() > 12, "the long customer has chunks of its own");
    for (round, key) in keys.iter().enumerate() {
        let mut right = sled::IVec::default();
        meddle(&mut sled, |db| {
            let tree = db.open_tree("timelines").unwrap();
            right = tree.get(key).unwrap().unwrap();
            let mut wrong = right.to_vec();
            let at = round * 97 % wrong.len();
            wrong[at] ^= 1 << (round % 8);
            tree.insert(key, wrong).unwrap();
        });
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        match scan_result(sled.path()) {
            Err(StoreError::Corrupt { key, .. }) => assert_eq!(key, format!("timelines/{hex}")),
            other => panic!("damage at {hex} gave {other:?}"),
        }
        meddle(&mut sled, |db| drop(db.open_tree("timelines").unwrap().insert(key, right).unwrap()));
    }
    sled.open();
    assert_eq!(sled.sled().verify().unwrap().problems, []);
}

#[test]
fn verify_lists_all_damage() {
    let mut sled = filled();
    let mut damaged = Vec::new();
    meddle(&mut sled, |db| {
        let tree = db.open_tree("timelines").unwrap();
        let all: Vec<_> = tree.iter().map(Result::unwrap).collect();
        // One chunk of the long customer goes, and one short customer is cut off.
        let (chunk, _) = all.iter().find(|(key, _)| key.len() == 22).unwrap();
        tree.remove(chunk).unwrap();
        let short = |key: &[u8]| key.len() == 11 && key[..10] != chunk[..10];
        let (profile, value) = all.iter().find(|(key, _)| short(key)).unwrap();
        tree.insert(profile, &value[..value.len() / 2]).unwrap();
        tree.insert(b"\xff\xffstray", b"x").unwrap();
        let documents = db.open_tree("documents").unwrap();
        let part = documents.iter().keys().nth(1).unwrap().unwrap();
        documents.remove(&part).unwrap();
        damaged = vec![chunk[..10].to_vec(), profile[..10].to_vec()];
    });
    sled.open();
    let verified = sled.sled().verify().unwrap();
    let problems: Vec<_> = verified.problems.iter().map(|problem| problem.problem.as_str()).collect();
    for want in [
        "the customer has not as many chunks as its profile says",
        "the checksum does not match",
        "the key is not one of a customer",
        "the totals are not those of the customers that can be read",
        "the part before is missing",
    ] {
        assert!(problems.contains(&want), "`{want}` is not among {problems:?}");
    }
    assert_eq!(problems.len(), 5);
    assert_eq!(verified.totals.customers, 4);
    for customer in damaged {
        let hex: String = customer.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(verified.problems.iter().any(|problem| problem.key.contains(&hex)));
    }
}

#[test]
fn another_format_is_refused_by_name() {
    let mut sled = filled();
    meddle(&mut sled, |db| {
        db.open_tree("meta").unwrap().insert("format", &9_u32.to_be_bytes()).unwrap();
    });
    let refused = SledStore::open(sled.path()).unwrap_err();
    assert!(matches!(refused, StoreError::Format { found: 9, supported: 1, .. }), "{refused:?}");
    assert!(refused.hint().is_some());
}

/// Below everything that the store itself checks: a bit flips, or the file's end is lost.
#[test]
fn damage_to_the_file_is_an_error_or_is_found() {
    let mut sled = filled();
    for round in 0..4 {
        let customer =
            |n| with_orders(&format!("c{n}"), (0..20).map(|id| order(id + 20 * round, id as i64, 40)));
        sled.store().append((0..100).map(customer).collect()).unwrap();
    }
    let whole = scan(sled.store(), EVERYTHING);
    sled.close();
    let right = fs::read(sled.path().join("sled/db")).unwrap();
    let len = right.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(0..len, 0..8_u8, any::<bool>()), |(at, bit, is_cut)| {
        let mut wrong = right.clone();
        match is_cut {
            true => wrong[at..].fill(0),
            false => wrong[at] ^= 1 << bit,
        }
        // A place of its own, because sled may keep hold of a file that it fails to open. Without the snapshot, which
        // would tell sled what it can no longer read.
        let damaged = tempfile::tempdir().unwrap();
        fs::create_dir(damaged.path().join("sled")).unwrap();
        for name in ["sled/conf", "acknowledged"] {
            fs::copy(sled.path().join(name), damaged.path().join(name)).unwrap();
        }
        fs::write(damaged.path().join("sled/db"), wrong).unwrap();
        let found = (|| -> Result<_, StoreError> {
            let store = SledStore::open(damaged.path())?;
            let mut all = Vec::new();
            store.scan(0..1024, EVERYTHING, &mut |customer, timeline| {
                all.push((customer, timeline.clone()))
            })?;
            Ok((all, store.verify()?.problems))
        })();
        if let Ok((all, problems)) = found {
            prop_assert!(all == whole || !problems.is_empty(), "nothing was found");
        }
        Ok(())
    });
    outcome.unwrap();
}
