//! A library with runs of this format, of the one before, and of none.

use serde_json::{Value, json};
use stratagem_model::Currency;
use stratagem_record::Mode;
use stratagem_store::{MemoryStore, Settings};

use super::*;

/// A kept record of this format.
const KEPT: &str = include_str!("../../record/tests/data/replay.json");

fn store() -> MemoryStore {
    MemoryStore::new(Settings { zone: "UTC".into(), currency: Currency::new("USD").expect("a code") })
}

/// A run of one strategy on the data of the kept record, with this parameter.
fn draft(silence_days: i64) -> Draft {
    let mut record: Value = serde_json::from_str(KEPT).expect("a kept file is JSON");
    record["lanes"][0]["strategy"]["parameters"] = json!([["silence-days", silence_days]]);
    let Run { recorded_at, portfolio, data, period, table_lag_minutes, seed, mode, .. } =
        serde_json::from_value(record).expect("a kept file is a record");
    Draft { recorded_at, portfolio, data, period, table_lag_minutes, seed, mode }
}

/// A run as the first format kept it, of the same strategy on the same data.
fn old(silence_days: i64) -> Vec<u8> {
    let Draft { data, mode, .. } = draft(silence_days);
    let strategy = mode.strategies()[0];
    serde_json::to_vec(&json!({ "id": "r0001", "strategy": strategy, "data": data, "summary": {} }))
        .expect("it is JSON")
}

#[test]
fn ids_go_on_past_four_digits() {
    let next = |ids: &[&str]| next_id(ids.iter().copied());
    assert_eq!(next(&[]), "r0001");
    assert_eq!(next(&["r0001", "r0002"]), "r0003");
    assert_eq!(next(&["r10000", "r9999"]), "r10001", "the keys of a store are in the order of texts");
}

#[test]
fn a_run_is_read_as_it_was_appended() {
    let store = store();
    let first = append(&store, draft(21)).unwrap();
    let second = append(&store, draft(28)).unwrap();
    assert_eq!((first.id.as_str(), second.id.as_str()), ("r0001", "r0002"));
    assert_eq!(run(&store, "r0001").unwrap(), first);
    assert_eq!(run(&store, "latest").unwrap(), second);
    let found = runs(&store).unwrap();
    assert!(found.unreadable.is_empty());
    assert_eq!(found.runs, [first, second]);
}

#[test]
fn a_run_that_cannot_be_read_stands_in_the_way_of_itself_alone() {
    let store = store();
    store.put_document(COLLECTION, "r0001", &old(21)).unwrap();
    store.put_document(COLLECTION, "r0002", b"{ \"format\": 2").unwrap();
    let third = append(&store, draft(21)).unwrap();
    assert_eq!(third.id, "r0003", "what cannot be read has its number");
    store.put_document(COLLECTION, "r0004", br#"{ "format": 3 }"#).unwrap();
    let found = runs(&store).unwrap();
    assert_eq!(found.runs, [third]);
    let said: Vec<_> = found.unreadable.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "run `r0001` was recorded in format 1, and this version reads 2",
            "run `r0002` in the library is damaged",
            "run `r0004` was recorded in format 3, and this version reads 2",
        ]
    );
    assert!(found.unreadable.iter().all(|error| error.hint().is_some_and(|hint| hint.contains("again"))));
    let refused = |id| run(&store, id).unwrap_err().to_string();
    assert_eq!(refused("r0001"), said[0]);
    assert_eq!(refused("latest"), said[2], "the last run is not silently another one");
    assert_eq!(refused("r0009"), "there is no run `r0009` in the library; it has `r0001` to `r0004`");
}

#[test]
fn an_empty_library_says_so() {
    assert!(matches!(run(&store(), "latest"), Err(LibraryError::Empty)));
    assert!(runs(&store()).unwrap().runs.is_empty());
}

#[test]
fn variants_of_every_format_are_counted() {
    let store = store();
    let tried = |draft: Draft| append(&store, draft).unwrap().variants_tried;
    assert_eq!(tried(draft(21)), 1);
    assert_eq!(tried(draft(21)), 1, "the same again is no other variant");
    assert_eq!(tried(draft(28)), 2);
    store.put_document(COLLECTION, "r0004", &old(35)).unwrap();
    store.put_document(COLLECTION, "r0005", &old(28)).unwrap();
    store.put_document(COLLECTION, "r0006", b"damaged").unwrap();
    assert_eq!(tried(draft(28)), 3, "a variant that an older version recorded counts");
    let mut elsewhere = draft(42);
    elsewhere.data.fingerprint = "ee".repeat(32);
    assert_eq!(tried(elsewhere), 1, "on other data");
    let mut other = draft(42);
    if let Mode::Replay(replay) = &mut other.mode {
        replay.lanes[0].strategy.name = "cross-sell".into();
    }
    assert_eq!(tried(other), 1, "another strategy");
    let together = Draft { portfolio: "spring".into(), ..draft(42) };
    assert_eq!(tried(together), 1, "in a portfolio");
}
