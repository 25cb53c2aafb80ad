//! The sled store when its bytes are not the ones that it wrote.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use stratagem_model::{EventKind, FlatEvent, Order, Time};
use stratagem_store::{SledStore, Store, StoreError};

use crate::data::{Backend, EVERYTHING, Sled, event, order, said, scan, source, with_orders};

/// Customers of one value and of many, with corrections and what further sources say, and many filings.
fn filled() -> Sled {
    let sled = Sled::new();
    let store = sled.store();
    let words: Vec<_> = (0..1_200).map(|n| format!("word {n}")).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    store.intern("product", &words).unwrap();
    store.intern("category", &["a", "b"]).unwrap();
    let sources = ["a", "b"].map(|letter| store.put_source(&source(letter)).unwrap());
    for number in sources {
        let later = |known: i64| known + i64::from(number);
        let own = |n| {
            let (bare, lines) = order(n, n as i64, 4);
            (Order { known_time: Time(later(n as i64)), ..bare }, lines)
        };
        let mut long = with_orders("long", (0..700).map(own));
        long.timeline.events = (0..700).map(|n| event(EventKind::View, n, n as i64)).collect();
        let correction = FlatEvent { value: 1, known_time: Time(5_000), ..event(EventKind::View, 3, 3) };
        long.timeline.events.push(correction);
        let short = (0..5).map(|n| with_orders(&format!("short {n}"), [order(n, 0, 2)]));
        store.append(short.chain([long]).map(|events| said(number, events)).collect()).unwrap();
        let filing = |n: u32| FlatEvent {
            subject: n,
            value: i64::from(n % 2),
            ..event(EventKind::Filing, n.into(), i64::from(n))
        };
        store.file_products(number, (0..800).map(filing).collect()).unwrap();
    }
    store.put_document("runs", "a", &[7; 10_000]).unwrap();
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
    store.filings()?;
    store.totals().map(drop)
}

fn keys_of(sled: &mut Sled, tree: &str) -> Vec<sled::IVec> {
    let mut keys = Vec::new();
    meddle(sled, |db| keys = db.open_tree(tree).unwrap().iter().keys().map(Result::unwrap).collect());
    keys
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    let mut sled = filled();
    assert_eq!(sled.sled().verify().unwrap().problems, []);
    let timelines = keys_of(&mut sled, "timelines");
    // The ninth byte after a customer's begin says what lies there.
    let of = |section: u8| timelines.iter().filter(|key| key.len() == 22 && key[10] == section).count();
    assert!(
        (1..=4).all(|section| of(section) > 1),
        "orders, lines, events and notes have chunks of their own"
    );
    assert!(timelines.iter().filter(|key| key.starts_with(b"\xff\xfe")).count() > 2, "and so have filings");
    let dictionaries = keys_of(&mut sled, "dictionaries");
    assert!(dictionaries.iter().filter(|key| key[0] == 1).count() > 2, "there are pages of times");
    let keys = timelines.iter().map(|key| ("timelines", key));
    let keys: Vec<_> = keys.chain(dictionaries.iter().map(|key| ("dictionaries", key))).collect();
    for (round, (tree, key)) in keys.into_iter().enumerate() {
        let mut right = sled::IVec::default();
        meddle(&mut sled, |db| {
            let tree = db.open_tree(tree).unwrap();
            right = tree.get(key).unwrap().unwrap();
            let mut wrong = right.to_vec();
            let at = round * 97 % wrong.len();
            wrong[at] ^= 1 << (round % 8);
            tree.insert(key, wrong).unwrap();
        });
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        match scan_result(sled.path()) {
            Err(StoreError::Corrupt { key, .. }) => assert_eq!(key, format!("{tree}/{hex}")),
            other => panic!("damage at {tree}/{hex} gave {other:?}"),
        }
        meddle(&mut sled, |db| drop(db.open_tree(tree).unwrap().insert(key, right).unwrap()));
    }
    sled.open();
    assert_eq!(sled.sled().verify().unwrap().problems, []);
}

#[test]
fn verify_finds_a_word_that_is_known_too_late_and_a_lost_source() {
    let mut sled = filled();
    meddle(&mut sled, |db| {
        let dictionaries = db.open_tree("dictionaries").unwrap();
        // The last page: products up to 800 are filed, and have times on two pages.
        let is_time = |key: &[u8]| key[0] == 1 && key[3..].starts_with(b"product");
        let pages: Vec<_> =
            dictionaries.iter().keys().map(Result::unwrap).filter(|key| is_time(key)).collect();
        dictionaries.remove(pages.last().unwrap()).unwrap();
    });
    sled.open();
    let problems = sled.sled().verify().unwrap().problems;
    let problems: Vec<_> = problems.iter().map(|p| (p.key.as_str(), p.problem.as_str())).collect();
    assert_eq!(problems, [("dictionaries/product", "a word was first known later than what refers to it")]);

    meddle(&mut sled, |db| {
        let meta = db.open_tree("meta").unwrap();
        let (key, value) = meta.scan_prefix("source/").next().unwrap().unwrap();
        meta.insert(key, &value[..value.len() - 1]).unwrap();
    });
    sled.open();
    let problems = sled.sled().verify().unwrap().problems;
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[1].key.starts_with("meta/"), "{problems:?}");
}

#[test]
fn verify_lists_all_damage() {
    let mut sled = filled();
    let mut damaged = Vec::new();
    meddle(&mut sled, |db| {
        let tree = db.open_tree("timelines").unwrap();
        let all: Vec<_> = tree.iter().map(Result::unwrap).collect();
        // One chunk of the long customer goes, and one short customer is cut off.
        let is_filing = |key: &[u8]| key.starts_with(b"\xff\xfe");
        let (chunk, _) = all.iter().find(|(key, _)| key.len() == 22 && !is_filing(key)).unwrap();
        tree.remove(chunk).unwrap();
        let short = |key: &[u8]| key.len() == 11 && key[..10] != chunk[..10] && !is_filing(key);
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
    for other in [1_u32, 9] {
        meddle(&mut sled, |db| {
            drop(db.open_tree("meta").unwrap().insert("format", &other.to_be_bytes()).unwrap())
        });
        let refused = SledStore::open(sled.path()).unwrap_err();
        let StoreError::Format { found, supported: 2, .. } = refused else { panic!("{refused:?}") };
        assert_eq!(found, other);
        assert_eq!(refused.hint(), Some("ingest the sources again, into another directory"));
        let made = SledStore::open_or_create(sled.path(), || panic!("it is there"));
        assert!(matches!(made, Err(StoreError::Format { .. })), "{made:?}");
    }
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
