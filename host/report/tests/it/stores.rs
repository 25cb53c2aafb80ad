//! Stores and ingests.

use insta::assert_snapshot;
use stratagem_model::Currency;
use stratagem_report::{Format, ingested, store_compacted, store_info, store_verified};
use stratagem_store::ingest::{Format as FileFormat, Kind, Report, RowError};
use stratagem_store::{Appended, Compacted, Info, Problem, Settings, Source, Totals, Verified};

use crate::{NARROW, width};

fn totals() -> Totals {
    Totals {
        customers: 250,
        orders: 15_530,
        lines: 148_281,
        events: 1_204,
        first_order_ms: Some(1_483_286_400_000),
        last_order_ms: Some(1_514_736_000_000),
        gross: 45_043_132,
    }
}

fn info() -> Info {
    let source = |name: &str, kind: &str, is_complete| Source {
        name: name.into(),
        kind: kind.into(),
        fingerprint: "3b8f2a6c91de".repeat(5) + "77aa",
        rows: 148_281,
        is_complete,
    };
    Info {
        path: "shop".into(),
        format: 1,
        settings: Settings {
            zone: "America/New_York".into(),
            currency: Currency::new("USD").expect("a code"),
        },
        totals: totals(),
        database_bytes: 8_912_896,
        other_bytes: 412,
        dictionaries: vec![("product".into(), 68_509), ("category".into(), 303)],
        collections: vec![("runs".into(), 4)],
        sources: vec![
            source("transactions.parquet", "orders", true),
            source("demographics.csv", "customers", false),
        ],
    }
}

fn report() -> Report {
    Report {
        file: "transactions.csv".into(),
        kind: Kind::Orders,
        format: FileFormat::Csv,
        fingerprint: "3b8f2a6c91de".repeat(5) + "77aa",
        rows_read: 148_281,
        rows_accepted: 148_281,
        rows_rejected: 0,
        appended: Appended { customers_new: 250, added: 15_530, corrected: 0, unchanged: 0 },
        guessed: vec![
            ("customer".into(), "household_id".into()),
            ("time".into(), "transaction timestamp".into()),
        ],
        ignored: vec!["week".into(), "store_id".into()],
        attributes: vec![],
        warnings: vec![],
        rejects: vec![],
    }
}

#[test]
fn an_ingest_says_first_what_came_of_it() {
    assert_snapshot!("ingest", ingested(&report(), Format::Text, NARROW));
}

#[test]
fn rejects_and_warnings_are_seen() {
    let reject = RowError {
        file: "transactions.csv".into(),
        line: 1_032,
        is_row: false,
        column: "quantity".into(),
        value: "x".into(),
        problem: "`x` is not a whole number".into(),
        remedy: "correct it".into(),
    };
    let report = Report {
        rows_accepted: 148_269,
        rows_rejected: 12,
        appended: Appended { customers_new: 0, added: 3, corrected: 0, unchanged: 15_527 },
        attributes: vec!["age".into()],
        warnings: vec!["3 orders have no product; they count in money but not in categories".into()],
        rejects: vec![reject],
        ..report()
    };
    assert_snapshot!("ingest-rejects", ingested(&report, Format::Text, NARROW));
    assert_snapshot!("ingest-json", ingested(&report, Format::Json, NARROW));
    assert_snapshot!("ingest-csv", ingested(&report, Format::Csv, NARROW));
}

#[test]
fn a_store_shows_what_it_holds() {
    let text = store_info(&info(), Format::Text, NARROW);
    assert!(width(&text) <= 100);
    assert_snapshot!("store", text);
    assert!(store_info(&info(), Format::Json, NARROW).contains("\"database-bytes\": 8912896"));
    assert_snapshot!("store-csv", store_info(&info(), Format::Csv, NARROW));
}

#[test]
fn a_store_is_sound_or_damaged() {
    let sound = Verified { totals: totals(), problems: vec![] };
    assert_snapshot!(store_verified(&sound, Format::Text, NARROW), @"sound: 250 customers with 15,530 orders, 148,281 lines and 1,204 other events, every value read and checked");
    let problems = vec![Problem { key: "timelines/03ff00".into(), problem: "the checksum is wrong".into() }];
    let damaged = Verified { problems, ..sound };
    assert_snapshot!("store-damaged", store_verified(&damaged, Format::Text, NARROW));
    assert_snapshot!(store_verified(&damaged, Format::Csv, NARROW), @r"
    key,problem
    timelines/03ff00,the checksum is wrong
    ");
}

#[test]
fn a_compaction_says_what_it_freed() {
    let compacted = Compacted { bytes_before: 104_857_600, bytes_after: 41_943_040 };
    assert_snapshot!(store_compacted(&compacted, Format::Text, NARROW), @"compacted: 104.9 MB -> 41.9 MB, 62.9 MB freed");
}
