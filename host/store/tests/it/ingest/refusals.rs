//! What is refused: with file, line, column and what to do, and without a trace in the store.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use stratagem_store::ingest::{IngestError, Kind, OnError, Options, Progress, Stage, ingest_file};
use stratagem_store::{Store, StoreError};

use super::files::{Scratch, failure, options, show};

pub(crate) fn skip(rejects: Option<PathBuf>) -> OnError {
    OnError::Skip { rejects }
}

#[test]
fn a_bad_value_is_named_with_line_column_and_remedy() {
    let refuse = |rows: &str| {
        let scratch = Scratch::new();
        let csv = format!("customer,order,time,known,product,quantity,gross,discount\n{rows}\n");
        let message = scratch.check("t.csv", csv, &options(Kind::Orders, ""));
        let empty = Scratch::new().store.fingerprint().unwrap();
        assert_eq!(scratch.store.fingerprint().unwrap(), empty, "a refused file leaves no trace");
        assert_eq!(scratch.store.sources().unwrap(), []);
        message
    };
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1,1,0\na,2,2017-01-01,,p,x,1,0"), @"");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1.5,1,0"), @"");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,3000000000,1,0"), @"");
    insta::assert_snapshot!(refuse(" ,1,2017-01-01,,p,1,1,0"), @"");
    insta::assert_snapshot!(refuse("a,,2017-01-01,,p,1,1,0"), @"");
    insta::assert_snapshot!(refuse("a,1,01.02.2017,,p,1,1,0"), @"");
    insta::assert_snapshot!(refuse("a,1,2017-01-02,2017-01-01,p,1,1,0"), @"");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,,1,1,0"), @"");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1,1.2300000000000002,0"), @"");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1,99999999999999999999999999999,0"), @"");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1,90000000000000000,0"), @"");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1,-3,0\na,1,2017-01-01,,q,1,2.5,0"), @"");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1,1,-0.5"), @"");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1,1,0,more"), @"");
    insta::assert_snapshot!(refuse(&format!("{},1,2017-01-01,,p,1,1,0", "a".repeat(513))), @"");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1,1,0\n\"a,2,2017-01-01,,p,1,1,0\na,3,2017-01-01,,p,1,1,0"), @"");
}

#[test]
fn values_of_other_kinds_are_refused_in_their_words() {
    let refuse = |kind, name: &str, content: &[u8], mapping: &str| {
        Scratch::new().check(name, content, &options(kind, mapping))
    };
    let event = |row: &str| {
        let csv = format!("customer,kind,time,id,subject,value\n{row}\n");
        refuse(Kind::Events, "e.csv", csv.as_bytes(), "")
    };
    insta::assert_snapshot!(event("a,order,2017-01-01,1,,"), @"");
    insta::assert_snapshot!(event("a,vist,2017-01-01,1,,"), @"");
    insta::assert_snapshot!(event("a,refund,2017-01-01,1,,"), @"");
    insta::assert_snapshot!(event("a,refund,2017-01-01,1,,-2"), @"");
    insta::assert_snapshot!(event("a,tag,2017-01-01,1,vip,2"), @"");
    insta::assert_snapshot!(event("a,tag,2017-01-01,1,,1"), @"");
    insta::assert_snapshot!(event("a,visit,2017-01-01,1,,\na,visit,2017-01-02,1,,"), @"");
    insta::assert_snapshot!(refuse(Kind::Orders, "t.csv", b"customer,time,gross\n\xff,2017-01-01,1\n", ""), @"");
    insta::assert_snapshot!(refuse(Kind::Orders, "t.ndjson", b"{\"customer\":1,\"time\":\"2017-01-01\",\"gross\":1}\n[1]\n", ""), @"");
    insta::assert_snapshot!(refuse(Kind::Orders, "t.ndjson", b"{\"customer\":1,\"time\":\"2017-01-01\",\"lines\":[{\"product\":1,\"gross\":\"x\"}]}\n", ""), @"");
    insta::assert_snapshot!(refuse(Kind::Orders, "t.ndjson", b"{\"customer\":1,\"time\":\"2017-01-01\",\"lines\":[]}\n", ""), @"");
    insta::assert_snapshot!(refuse(Kind::Orders, "t.ndjson", b"{\"customer\":{},\"time\":\"2017-01-01\",\"gross\":true}\n", ""), @"");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let refuse = |name: &str, content: &[u8]| Scratch::new().check(name, content, &options(Kind::Orders, ""));
    insta::assert_snapshot!(refuse("t.csv", b""), @"");
    insta::assert_snapshot!(refuse("t.dat", b"a"), @"");
    insta::assert_snapshot!(refuse("t.csv", b"customer;time;gross\n1;2017-01-01;2\n"), @"");
    insta::assert_snapshot!(refuse("t.csv", b"customer,time,gross,gross\n"), @"");
    insta::assert_snapshot!(refuse("t.csv", b"customer,\xff\n"), @"");
    insta::assert_snapshot!(refuse("t.parquet", b"PAR1 or not"), @"");
    let scratch = Scratch::new();
    let missing = scratch.ingest("none.csv", &options(Kind::Orders, "")).unwrap_err();
    assert!(matches!(missing, IngestError::Io { doing: "read", .. }));
    // Names without rows are no mistake.
    scratch.write("t.csv", "customer,time,gross\n");
    assert_eq!(scratch.ingest("t.csv", &options(Kind::Orders, "")).unwrap().rows_read, 0);
}

#[test]
fn rounding_is_asked_for() {
    let scratch = Scratch::new();
    let csv = "customer,order,time,gross\na,1,2017-01-01,1.2300000000000002\na,2,2017-01-02,1.5e-1\n";
    let options = Options { round_money: true, ..options(Kind::Orders, "") };
    insta::assert_snapshot!(scratch.check("t.csv", csv, &options), @r"");
}

#[test]
fn a_rejected_line_takes_its_order_with_it_and_both_are_in_the_rejects() {
    let scratch = Scratch::new();
    let csv = "customer,order,time,product,gross,note\n\
        a,1,2017-01-01,p,1,\"good, but\"\n\
        a,1,2017-01-01,q,x,bad\n\
        a,2,2017-01-02,p,2,good\n\
        a,3,2017-01-02,p\n\
        b,4,2017-01-02,r,-1,returned\n";
    let rejects = scratch.path("rejects.csv");
    let skipping = Options { on_error: skip(Some(rejects.clone())), ..options(Kind::Orders, "") };
    scratch.write("t.csv", csv);
    let report = scratch.ingest("t.csv", &skipping).unwrap();
    insta::assert_snapshot!(show(&scratch.store), @r"");
    insta::assert_snapshot!(std::fs::read_to_string(&rejects).unwrap(), @r"");
    assert_eq!((report.rows_read, report.rows_accepted, report.rows_rejected), (5, 1, 4));
    let errors: Vec<_> = report.rejects.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(errors.join("\n"), @r"");
    insta::assert_snapshot!(report.warnings.join("\n"), @"");
    assert_eq!(scratch.store.dictionary("product").unwrap(), ["p"], "words of rejected rows are not entered");

    // The rejects, corrected, complete the store.
    let corrected = std::fs::read_to_string(&rejects).unwrap().replace(",x,", ",3,").replace("-1,", "1,");
    scratch.write("rejects.csv", corrected);
    let again = Options { on_error: skip(Some(scratch.path("again.csv"))), ..options(Kind::Orders, "") };
    let report = scratch.ingest("rejects.csv", &again).unwrap();
    assert_eq!((report.appended.added, report.rows_rejected), (2, 1));
    insta::assert_snapshot!(std::fs::read_to_string(scratch.path("again.csv")).unwrap(), @r"");
}

#[test]
fn rejects_of_other_formats_can_be_read_again() {
    let scratch = Scratch::new();
    let ndjson = "{\"customer\":1,\"time\":\"x\",\"gross\":1}\nnot json\n{\"customer\":1,\"time\":\"2017-01-01\",\"gross\":1}\n";
    scratch.write("t.ndjson", ndjson);
    let rejects = scratch.path("rejects.ndjson");
    let skipping = Options { on_error: skip(Some(rejects.clone())), ..options(Kind::Orders, "") };
    assert_eq!(scratch.ingest("t.ndjson", &skipping).unwrap().rows_rejected, 2);
    insta::assert_snapshot!(std::fs::read_to_string(&rejects).unwrap(), @r"");
}

#[test]
fn rejects_never_replace_their_input() {
    let scratch = Scratch::new();
    let csv = "customer,time,gross\na,x,1\n";
    let path = scratch.write("t.csv", csv);
    let skipping = Options { on_error: skip(Some(path.clone())), ..options(Kind::Orders, "") };
    let error = scratch.ingest("t.csv", &skipping).unwrap_err();
    assert!(matches!(error, IngestError::RejectsOverInput(_)), "{error}");
    assert_eq!(std::fs::read_to_string(path).unwrap(), csv);
}

#[test]
fn a_conflict_with_the_store_adds_no_event() {
    let scratch = Scratch::new();
    let csv = "customer,order,time,gross\na,1,2017-01-01,1\n";
    let before = scratch.check("t.csv", csv, &options(Kind::Orders, ""));
    let changed = format!("{}b,2,2017-01-01,1\n", csv.replace(",1\n", ",2\n"));
    scratch.write("t.csv", changed);
    let error = scratch.ingest("t.csv", &options(Kind::Orders, "")).unwrap_err();
    assert!(matches!(error, IngestError::Store(StoreError::Conflict { .. })), "{}", failure(&error));
    assert_eq!(show(&scratch.store), before);
    assert_eq!(scratch.store.sources().unwrap().iter().filter(|source| !source.is_complete).count(), 1);
}

#[test]
fn an_interrupted_reading_leaves_the_store_as_it_was() {
    let scratch = Scratch::new();
    let rows: String = (0..100).map(|n| format!("a,{n},2017-01-01,1\n")).collect();
    let path = scratch.write("t.csv", format!("customer,order,time,gross\n{rows}"));
    let options = Options { rows_per_batch: 1, ..options(Kind::Orders, "") };
    let cancel = AtomicBool::new(false);
    let mut calls = vec![];
    let mut stop_at_second = |progress: Progress| {
        calls.push(progress);
        cancel.store(calls.len() == 2, Ordering::Relaxed);
    };
    let error = ingest_file(&scratch.store, &path, &options, &mut stop_at_second, &cancel).unwrap_err();
    assert!(matches!(error, IngestError::Interrupted), "{error}");
    assert_eq!(scratch.store.totals().unwrap().customers, 0);
    assert_eq!(scratch.store.sources().unwrap(), []);

    let mut calls = vec![];
    ingest_file(&scratch.store, &path, &options, &mut |p| calls.push(p), &AtomicBool::new(false)).unwrap();
    assert!(
        calls.is_sorted_by_key(|p| (p.stage == Stage::Writing, p.done)),
        "progress goes forward: {calls:?}"
    );
    let last = calls.last().unwrap();
    assert_eq!((last.stage, last.done), (Stage::Writing, last.total));
}
