//! What is refused: with file, line, column and what to do, and without a trace in the store.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use stratagem_store::Store;
use stratagem_store::ingest::{IngestError, Kind, OnError, Options, Progress, Stage, ingest_file};

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
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1,1,0\na,2,2017-01-01,,p,x,1,0"), @"t.csv:3: column `quantity`: `x` is not a whole number; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1.5,1,0"), @"t.csv:2: column `quantity`: `1.5` is not a whole number; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,3000000000,1,0"), @"t.csv:2: column `quantity`: `3000000000` is too large a number; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse(" ,1,2017-01-01,,p,1,1,0"), @"t.csv:2: column `customer`: the value is missing; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse("a,,2017-01-01,,p,1,1,0"), @"t.csv:2: column `order`: the value is missing; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse("a,1,01.02.2017,,p,1,1,0"), @"t.csv:2: column `time`: `01.02.2017` is not a time; write it as `2017-03-31`, `2017-03-31 18:05:00` or `2017-03-31T18:05:00Z`, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse("a,1,2017-01-02,2017-01-01,p,1,1,0"), @"t.csv:2: column `known`: `2017-01-01` is before it happened; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,,1,1,0"), @"t.csv:2: column `product`: the value is missing; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1,1.2300000000000002,0"), @"t.csv:2: column `gross`: `1.2300000000000002` is finer than USD has digits (2); correct it, or round amounts to the minor unit with --round, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1,99999999999999999999999999999,0"), @"t.csv:2: column `gross`: `99999999999999999999999999999` is not an amount of money such as `12.50`; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1,90000000000000000,0"), @"t.csv:2: column `gross`: `90000000000000000` is too large an amount; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1,-3,0\na,1,2017-01-01,,q,1,2.5,0"), @"t.csv:2: the order's value is negative (-0.50); ingest returns as events of kind `refund`, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1,1,-0.5"), @"t.csv:2: the order's discount is negative (-0.50); map it as `discount=-COLUMN`, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1,1,0,more"), @"t.csv:2: the row has 9 values, the first line has 8 names; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse(&format!("{},1,2017-01-01,,p,1,1,0", "a".repeat(513))), @"t.csv:2: column `customer`: `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...` is longer than 512 bytes; shorten it, or look for a quote that is never closed, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse("a,1,2017-01-01,,p,1,1,0\n\"a,2,2017-01-01,,p,1,1,0\na,3,2017-01-01,,p,1,1,0"), @"t.csv:3: the row has 1 value, the first line has 8 names; correct it, or skip such rows with --on-error skip");
}

#[test]
fn lines_are_counted_alike_whatever_ends_them() {
    let csv =
        "customer,order,time,product,quantity,gross\na,1,2017-01-01,\"p\nq\",1,1\na,2,2017-01-01,p,x,1\n";
    let refuse = |csv: String| Scratch::new().check("t.csv", csv, &options(Kind::Orders, ""));
    let message = refuse(csv.into());
    assert!(message.starts_with("t.csv:4: "), "{message}");
    assert_eq!(refuse(csv.replace('\n', "\r\n")), message);
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
    insta::assert_snapshot!(event("a,order,2017-01-01,1,,"), @"e.csv:2: column `kind`: `order` is not read from a file of events; ingest orders with --kind orders, or skip such rows with --on-error skip");
    insta::assert_snapshot!(event("a,vist,2017-01-01,1,,"), @"e.csv:2: column `kind`: `vist` is not a kind of event (`visit`?); correct it, or write `act:NAME` for a kind of your own, or skip such rows with --on-error skip");
    insta::assert_snapshot!(event("a,refund,2017-01-01,1,,"), @"e.csv:2: refund has no value; map `value`, or correct the row, or skip such rows with --on-error skip");
    insta::assert_snapshot!(event("a,refund,2017-01-01,1,,-2"), @"e.csv:2: column `value`: `-2` is not a positive amount; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(event("a,tag,2017-01-01,1,,1"), @"e.csv:2: column `subject`: tag has no subject; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(event("a,visit,2017-01-01,1,,\na,visit,2017-01-02,1,,"), @"e.csv:3: line 2 says something else of the same visit; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse(Kind::Orders, "t.csv", b"customer,time,gross\n\xff,2017-01-01,1\n", ""), @"t.csv:2: column `customer`: `?` is not UTF-8 text; save the file as UTF-8, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse(Kind::Orders, "t.ndjson", b"{\"customer\":1,\"time\":\"2017-01-01\",\"gross\":1}\n[1]\n", ""), @"t.ndjson:2: `[1]` is not a JSON object; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse(Kind::Orders, "t.ndjson", b"{\"customer\":1,\"time\":\"2017-01-01\",\"lines\":[{\"product\":1,\"gross\":\"x\"}]}\n", ""), @"t.ndjson:1: column `lines.gross`: `x` is not an amount of money such as `12.50`; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse(Kind::Orders, "t.ndjson", b"{\"customer\":1,\"time\":\"2017-01-01\",\"lines\":[]}\n", ""), @"t.ndjson:1: the order has neither a value nor lines; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(refuse(Kind::Orders, "t.ndjson", b"{\"customer\":{},\"time\":\"2017-01-01\",\"gross\":true}\n", ""), @"t.ndjson:1: column `customer`: `{}` is not a text; correct it, or skip such rows with --on-error skip");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let refuse = |name: &str, content: &[u8]| Scratch::new().check(name, content, &options(Kind::Orders, ""));
    insta::assert_snapshot!(refuse("t.csv", b""), @r"
    `t.csv` is empty
    hint: a CSV file begins with a line of column names
    ");
    insta::assert_snapshot!(refuse("t.dat", b"a"), @r"
    the name of `t.dat` does not say its format
    hint: add --format csv, tsv, ndjson or parquet
    ");
    insta::assert_snapshot!(refuse("t.csv", b"customer;time;gross\n1;2017-01-01;2\n"), @r"
    `t.csv` has no column that could be `customer`, which orders must have; it has `customer;time;gross`
    hint: its columns seem to be separated by `;`: add --delimiter ';'
    ");
    insta::assert_snapshot!(refuse("t.csv", b"customer,time,gross,gross\n"), @r"
    `t.csv` has two columns `gross`
    hint: rename one of them in the file's first line
    ");
    insta::assert_snapshot!(refuse("t.csv", b"customer,\xff\n"), @"`t.csv`: its first line is not UTF-8 text");
    insta::assert_snapshot!(refuse("t.parquet", b"PAR1 or not"), @"cannot read `t.parquet` as Parquet");
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
    insta::assert_snapshot!(scratch.check("t.csv", csv, &options), @r"
    a
      2017-01-01 23:59 (a date) order 1.23 less 0.00:
      2017-01-02 23:59 (a date) order 0.15 less 0.00:
    ");
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
    insta::assert_snapshot!(show(&scratch.store), @r"
    a
      2017-01-02 23:59 (a date) order 2.00 less 0.00: 1 p 2.00
    ");
    insta::assert_snapshot!(std::fs::read_to_string(&rejects).unwrap(), @r#"
    rejected_line,rejected_problem,customer,order,time,product,gross,note
    2,another line of its order is rejected (line 3),a,1,2017-01-01,p,1,"good, but"
    3,column `gross`: `x` is not an amount of money such as `12.50`,a,1,2017-01-01,q,x,bad
    5,"the row has 4 values, the first line has 6 names",a,3,2017-01-02,p
    6,the order's value is negative (-1.00),b,4,2017-01-02,r,-1,returned
    "#);
    assert_eq!((report.rows_read, report.rows_accepted, report.rows_rejected), (5, 1, 4));
    let errors: Vec<_> = report.rejects.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(errors.join("\n"), @r"
    t.csv:2: another line of its order is rejected (line 3); correct that line
    t.csv:3: column `gross`: `x` is not an amount of money such as `12.50`; correct it
    t.csv:5: the row has 4 values, the first line has 6 names; correct it
    t.csv:6: the order's value is negative (-1.00); ingest returns as events of kind `refund`
    ");
    insta::assert_snapshot!(report.warnings.join("\n"), @"rejected rows that do not say which order they belong to: 1; orders may lack these lines");
    assert_eq!(scratch.store.dictionary("product").unwrap(), ["p"], "words of rejected rows are not entered");

    // The rejects, corrected, complete the store.
    let corrected = std::fs::read_to_string(&rejects).unwrap().replace(",x,", ",3,").replace("-1,", "1,");
    scratch.write("rejects.csv", corrected);
    let again = Options { on_error: skip(Some(scratch.path("again.csv"))), ..options(Kind::Orders, "") };
    let report = scratch.ingest("rejects.csv", &again).unwrap();
    assert_eq!((report.appended.added, report.rows_rejected), (2, 1));
    insta::assert_snapshot!(std::fs::read_to_string(scratch.path("again.csv")).unwrap(), @r#"
    rejected_line,rejected_problem,customer,order,time,product,gross,note
    4,"the row has 6 values, the first line has 8 names",a,3,2017-01-02,p
    "#);
}

#[test]
fn rejects_of_other_formats_can_be_read_again() {
    let scratch = Scratch::new();
    let ndjson = "{\"customer\":1,\"time\":\"x\",\"gross\":1}\nnot json\n{\"customer\":1,\"time\":\"2017-01-01\",\"gross\":1}\n";
    scratch.write("t.ndjson", ndjson);
    let rejects = scratch.path("rejects.ndjson");
    let skipping = Options { on_error: skip(Some(rejects.clone())), ..options(Kind::Orders, "") };
    assert_eq!(scratch.ingest("t.ndjson", &skipping).unwrap().rows_rejected, 2);
    insta::assert_snapshot!(std::fs::read_to_string(&rejects).unwrap(), @r#"
    {"customer":1,"gross":1,"rejected_line":1,"rejected_problem":"column `time`: `x` is not a time","time":"x"}
    {"rejected_line":2,"rejected_problem":"`not json` is not a JSON object","rejected_text":"not json"}
    "#);
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
    scratch.write("t.csv", "customer,order,time,gross\nb,2,2017-01-01,1\na,1,2017-01-01,2\n");
    let error = scratch.ingest("t.csv", &options(Kind::Orders, "")).unwrap_err();
    assert!(matches!(error, IngestError::Conflict(_)), "{}", failure(&error));
    let text = error.to_string();
    assert!(text.starts_with("t.csv:3: this order of customer `a` is stored with another content"), "{text}");
    assert_eq!(show(&scratch.store), before);
    assert_eq!(scratch.store.sources().unwrap().len(), 1, "a file that must be corrected is no source");
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
