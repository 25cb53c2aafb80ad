//! Files that come late, in any order, twice or by mistake: what is known when, corrections, undo, and the way out and in.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use stratagem_model::{EventKind, Time};
use stratagem_store::export::to_parquet;
use stratagem_store::ingest::{IngestError, Kind, ingest_file};
use stratagem_store::{MemoryStore, Source, Store};

use super::files::{Scratch, failure, options, settings, show, show_filings};

/// Files that overlap and correct each other, by what they are ingested as.
const FILES: [(Kind, &str, &str); 9] = [
    (
        Kind::Orders,
        "orders.csv",
        "customer,order,time,product,category,quantity,gross,discount,channel,store,coupon,staff\n\
         a,1,2017-01-01 10:00,tea,hot,1,2.00,0,web,,,Ann\n\
         a,1,2017-01-01 10:00,cup,ware,2,4.00,1.00,web,,,Ann\n\
         a,2,2017-01-05,tea,hot,1,2.00,0,shop,7,TEN,\n\
         b,3,2017-02-01 12:00,tea,drinks,3,6.00,0,,,,Bob\n",
    ),
    (
        Kind::Orders,
        "corrections.csv",
        "customer,order,time,known,product,category,quantity,gross,channel\n\
         a,2,2017-01-05,2017-01-09 09:00,cup,ware,1,2.50,web\n\
         b,3,2017-02-01 12:00,2017-02-03 00:00,tea,drinks,3,6.50,\n\
         c,4,2017-01-02,2017-03-01 00:00,pot,ware,1,9.00,web\n",
    ),
    (
        Kind::Orders,
        "overlap.csv",
        "customer,order,time,known,product,category,quantity,gross,channel\n\
         c,4,2017-01-02,2017-02-20 00:00,pot,ware,1,9.00,web\n\
         d,5,2017-03-02 08:00,,pot,steel,1,9.00,phone\n",
    ),
    (Kind::Customers, "always.csv", "customer,city,signup_date\na,Bonn,2016-12-01\nb,,\nx,Ulm,\n"),
    (
        Kind::Customers,
        "moved.csv",
        "customer,as_of,known,city,tier\na,2017-02-01,2017-02-05,Ulm,gold\nc,2017-03-01,,Bonn,gold\n",
    ),
    (
        Kind::Events,
        "events.csv",
        "customer,kind,time,known,id,subject,value,about\n\
         a,visit,2017-01-03 10:00,,v1,app,,\n\
         a,visit,2017-01-03 10:00,2017-01-04 10:00,v1,web,,\n\
         b,act:sang,2017-01-04,,1,,3,\n\
         b,tag,2017-01-05,,2,vip,gold,\n\
         b,tag,2017-01-09,,3,vip,0,\n\
         b,refund,2017-02-02,,r1,tea,1.50,3\n\
         c,link,2017-02-03,,l1,,,d\n\
         c,unlink,2017-02-04,,l1,,,d\n",
    ),
    (
        Kind::Events,
        "without-ids.csv",
        "customer,kind,time,subject,value\n\
         d,subscription-started,2017-02-05,box,9.90\n\
         d,subscription-started,2017-02-05,box,9.90\n\
         a,attribute,,city,Bonn\n\
         d,attribute,,city,Kiel\n",
    ),
    (Kind::Products, "products.csv", "product,category\ntea,drinks\ncup,ware\nlid,ware\n"),
    (
        Kind::Products,
        "filed.csv",
        "product,category,since,known\ntea,hot,2017-03-01,\ncup,glass,,2017-04-01\n",
    ),
];

fn write_all(scratch: &Scratch) {
    FILES.iter().for_each(|(_, name, content)| drop(scratch.write(name, content)));
}

/// Ingests some of the files into a new store.
fn ingested(scratch: &Scratch, order: &[usize]) -> MemoryStore {
    let store = MemoryStore::new(settings());
    for at in order {
        let (kind, name, _) = FILES[*at];
        let report = ingest_file(&store, &scratch.path(name), &options(kind, ""), &mut |_| (), &false.into());
        report.unwrap_or_else(|error| panic!("{name} in {order:?}: {}", failure(&error)));
    }
    store
}

/// Words that something refers to, with the instants at which they were first known.
fn words(store: &dyn Store) -> Vec<(&'static str, String, Time)> {
    const DICTIONARIES: [&str; 12] = [
        "product",
        "category",
        "channel",
        "store",
        "coupon",
        "staff",
        "attribute",
        "attribute.city",
        "tag",
        "tag.vip",
        "act",
        "subscription",
    ];
    let mut words = vec![];
    for dictionary in DICTIONARIES {
        let times = store.first_known(dictionary).unwrap();
        let known = store.dictionary(dictionary).unwrap().into_iter().zip(times);
        let known = known.filter(|(_, time)| *time != Time::MAX);
        words.extend(known.map(|(word, time)| (dictionary, word, time)));
    }
    words.sort();
    words
}

fn content(store: &dyn Store) -> (String, String, String, Vec<(&'static str, String, Time)>) {
    (show(store), show_filings(store), store.fingerprint().unwrap(), words(store))
}

#[test]
fn the_order_in_which_files_are_ingested_leaves_no_trace_and_an_undone_file_was_never_there() {
    let scratch = Scratch::new();
    write_all(&scratch);
    let all: Vec<usize> = (0..FILES.len()).collect();
    let want = content(&ingested(&scratch, &all));
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let orders = (Just(all).prop_shuffle(), 0..FILES.len(), 1..=FILES.len());
    let outcome = runner.run(&orders, |(order, gone, count)| {
        let store = ingested(&scratch, &order);
        prop_assert_eq!(&content(&store), &want);
        let some = ingested(&scratch, &order[..count]);
        let source = some.sources().unwrap().into_iter().find(|source| source.name == FILES[gone].1);
        let left: Vec<_> = order[..count].iter().copied().filter(|at| *at != gone).collect();
        if let Some(source) = source {
            some.undo(&source, &false.into()).unwrap();
        }
        prop_assert_eq!(content(&some), content(&ingested(&scratch, &left)));
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn what_was_ingested_is_exported_and_ingested_as_the_same() {
    let scratch = Scratch::new();
    write_all(&scratch);
    let store = ingested(&scratch, &[5, 3, 0, 8, 7, 6, 2, 1, 4]);
    let directory = scratch.path("export");
    to_parquet(&store, &directory, &mut |_| ()).unwrap();
    let copy = MemoryStore::new(settings());
    for kind in [Kind::Events, Kind::Orders, Kind::Products, Kind::Customers] {
        let file = directory.join(format!("{}.parquet", kind.name()));
        ingest_file(&copy, &file, &options(kind, ""), &mut |_| (), &false.into()).unwrap();
    }
    assert_eq!(content(&copy), content(&store));
}

#[test]
fn what_files_say_is_shown_with_what_corrects_it() {
    let scratch = Scratch::new();
    write_all(&scratch);
    let store = ingested(&scratch, &[0, 1, 2, 3, 4, 5, 6, 7, 8]);
    insta::assert_snapshot!(show(&store), @r"
    a
      2017-01-01 10:00 order 6.00 less 1.00 channel web staff Ann: 1 tea 2.00, 2 cup 4.00
      2017-01-05 23:59 (a date) order 2.00 less 0.00 channel shop store 7 coupon TEN: 1 tea 2.00
      2017-01-05 23:59 known 2017-01-09 09:00 corrected (a date) order 2.50 less 0.00 channel web: 1 cup 2.50
      always attribute city = Bonn
      2016-12-01 23:59 register = 0
      2017-01-03 10:00 visit app = 0
      2017-01-03 10:00 known 2017-01-04 10:00 corrected visit web = 0
      2017-02-01 23:59 known 2017-02-05 23:59 attribute city = Ulm
      2017-02-01 23:59 known 2017-02-05 23:59 attribute tier = gold
    b
      2017-02-01 12:00 order 6.00 less 0.00 staff Bob: 3 tea 6.00
      2017-02-01 12:00 known 2017-02-03 00:00 corrected order 6.50 less 0.00: 3 tea 6.50
      2017-01-04 23:59 act sang = 3
      2017-01-05 23:59 tag vip = gold
      2017-01-09 23:59 tag vip = taken away
      2017-02-02 23:59 refund tea = 150 about 7324dc1e7e9474f0
    c
      2017-01-02 23:59 known 2017-02-20 00:00 (a date) order 9.00 less 0.00 channel web: 1 pot 9.00
      2017-02-03 23:59 link = 0 about 45f80274c9c7a7ca
      2017-02-04 23:59 unlink = 0 about 45f80274c9c7a7ca
      2017-03-01 23:59 attribute city = Bonn
      2017-03-01 23:59 attribute tier = gold
    d
      2017-03-02 08:00 order 9.00 less 0.00 channel phone: 1 pot 9.00
      always attribute city = Kiel
      2017-02-05 23:59 subscription-started box = 990
      2017-02-05 23:59 subscription-started box = 990
    x
      always attribute city = Ulm
    ");
    insta::assert_snapshot!(show_filings(&store), @r"
    always filing cup = ware
    always filing lid = ware
    always filing tea = drinks
    2017-01-01 10:00 filing cup = ware
    2017-01-01 10:00 filing tea = hot
    2017-01-05 23:59 known 2017-01-09 09:00 filing cup = ware
    2017-02-01 12:00 filing tea = drinks
    2017-01-02 23:59 known 2017-02-20 00:00 filing pot = ware
    2017-03-01 23:59 filing tea = hot
    2017-03-02 08:00 filing pot = steel
    always known 2017-04-01 23:59 corrected filing cup = glass
    ");
}

#[test]
fn a_date_only_unsubscribe_comes_after_the_subscribe_of_that_morning() {
    for rows in [
        ["subscribe,2017-01-21 08:00", "unsubscribe,2017-01-21"],
        ["unsubscribe,2017-01-21", "subscribe,2017-01-21 23:58"],
    ] {
        let scratch = Scratch::new();
        let csv = format!("customer,kind,time\na,{}\na,{}\n", rows[0], rows[1]);
        scratch.check("e.csv", csv, &options(Kind::Events, ""));
        let mut found = vec![];
        let everything = stratagem_store::Projection { lines: true, events: true };
        scratch
            .store
            .scan(0..1024, everything, &mut |_, timeline| found.clone_from(&timeline.events))
            .unwrap();
        let kinds: Vec<_> = found.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::Subscribe, EventKind::Unsubscribe], "{rows:?}");
        assert_eq!(found[1].known_time.0.rem_euclid(60_000), 59_999, "the last millisecond of the day");
    }
}

#[test]
fn a_date_only_order_is_known_when_its_day_is_over() {
    let scratch = Scratch::new();
    let csv = "customer,order,time,gross\na,1,2017-03-12,1\na,2,2017-03-12 23:30,2\na,3,2017-03-13 00:00,3\n";
    insta::assert_snapshot!(scratch.check("t.csv", csv, &options(Kind::Orders, "")), @r"
    a
      2017-03-12 23:30 order 2.00 less 0.00:
      2017-03-12 23:59 (a date) order 1.00 less 0.00:
      2017-03-13 00:00 order 3.00 less 0.00:
    ");
    let mut orders = vec![];
    scratch
        .store
        .scan(0..1024, Default::default(), &mut |_, timeline| orders.clone_from(&timeline.orders))
        .unwrap();
    // A day of 23 hours, in New York.
    assert_eq!(orders[1].event_time.to_string(), "2017-03-13T03:59:59Z");
    assert_eq!(orders.iter().map(|order| order.has_hour).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(orders[1].event_time.0 + 1, orders[2].event_time.0);
}

#[test]
fn two_values_that_hold_always_are_refused() {
    let check = |kind, content: &str| Scratch::new().check("f.csv", content, &options(kind, ""));
    insta::assert_snapshot!(check(Kind::Customers, "customer,city\na,Bonn\na,Ulm\n"), @"f.csv:3: line 2 says something else of the same attribute; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(check(Kind::Events, "customer,kind,time,subject,value\na,attribute,,city,Bonn\na,attribute,,city,Ulm\n"), @"f.csv:3: line 2 says something else of the same attribute; correct it, or skip such rows with --on-error skip");
    insta::assert_snapshot!(check(Kind::Products, "product,category\ntea,hot\ntea,cold\n"), @"f.csv:3: column `category`: line 2 files the same product under `hot`; correct it, or skip such rows with --on-error skip");

    // And of two files, the second; whatever kind of file says it.
    let scratch = Scratch::new();
    let before = scratch.check("c.csv", "customer,city\na,Bonn\n", &options(Kind::Customers, ""));
    insta::assert_snapshot!(scratch.check("d.csv", "customer,city\nb,Kiel\na,Ulm\n", &options(Kind::Customers, "")), @"d.csv:3: this attribute of customer `a` is stored with another content; if it is a correction, say with a column `known` when that became known; else give it another id");
    let event = "customer,kind,time,subject,value\na,attribute,,city,Ulm\n";
    insta::assert_snapshot!(scratch.check("e.csv", event, &options(Kind::Events, "")), @"e.csv:2: this attribute of customer `a` is stored with another content; if it is a correction, say with a column `known` when that became known; else give it another id");
    assert_eq!(show(&scratch.store), before);
    scratch.check("p.csv", "product,category\ntea,hot\n", &options(Kind::Products, ""));
    insta::assert_snapshot!(scratch.check("q.csv", "product,category\ncup,ware\ntea,cold\n", &options(Kind::Products, "")), @"q.csv:3: the product is filed under another category; if it is a correction, say with a column `known` when that became known; else give it another id");
    assert_eq!(scratch.store.sources().unwrap().len(), 2, "refused files are no sources");
    assert_eq!(scratch.store.filings().unwrap().len(), 1);
    // The same value again is fine, and so is one of which the file says when it became known.
    let same = scratch.check("c2.csv", "customer,city\na,Bonn\n\n", &options(Kind::Customers, ""));
    assert_eq!(same, before);
    let later = "customer,known,city\na,2017-05-01 10:00,Ulm\n";
    insta::assert_snapshot!(scratch.check("d.csv", later, &options(Kind::Customers, "")), @r"
    a
      always attribute city = Bonn
      always known 2017-05-01 10:00 corrected attribute city = Ulm
    ");
}

#[test]
fn a_row_that_changed_is_a_correction_if_it_says_when_that_became_known() {
    let scratch = Scratch::new();
    let csv =
        "customer,order,time,known,gross,channel\na,1,2017-01-01 10:00,,1,web\nb,2,2017-01-02 10:00,,2,web\n";
    scratch.check("t.csv", csv, &options(Kind::Orders, ""));
    let changed = csv.replace(",1,web", ",1,shop");
    let refused = scratch.check("u.csv", &changed, &options(Kind::Orders, ""));
    insta::assert_snapshot!(refused, @"u.csv:2: this order of customer `a` is stored with another content; if it is a correction, say with a column `known` when that became known; else give it another id");
    let changed = csv.replace("10:00,,1,web", "10:00,2017-01-05 09:00,1,shop");
    scratch.write("u.csv", changed);
    let report = scratch.ingest("u.csv", &options(Kind::Orders, "")).unwrap();
    let appended = report.appended;
    assert_eq!((appended.added, appended.corrected, appended.unchanged), (0, 1, 1));
    insta::assert_snapshot!(show(&scratch.store), @r"
    a
      2017-01-01 10:00 order 1.00 less 0.00 channel web:
      2017-01-01 10:00 known 2017-01-05 09:00 corrected order 1.00 less 0.00 channel shop:
    b
      2017-01-02 10:00 order 2.00 less 0.00 channel web:
    ");
    let again = scratch.ingest("u.csv", &options(Kind::Orders, "")).unwrap().appended;
    assert_eq!((again.added, again.corrected, again.unchanged), (0, 0, 2));
}

#[test]
fn a_registration_is_known_no_earlier_than_its_row() {
    let scratch = Scratch::new();
    let csv =
        "customer,known,signup_date\na,,2016-05-01\nb,2017-09-01 10:00,2016-05-01\nc,2016-01-01,2016-05-01\n";
    let shown = scratch.check("c.csv", csv, &options(Kind::Customers, ""));
    assert_eq!(
        shown,
        "a\n  2016-05-01 23:59 register = 0\n\
         b\n  2016-05-01 23:59 known 2017-09-01 10:00 register = 0\n\
         c\n  2016-05-01 23:59 register = 0\n"
    );
    scratch.write("d.csv", "customer,known,signup_date\na,2017-10-01 10:00,2016-05-02\n");
    let corrected = scratch.ingest("d.csv", &options(Kind::Customers, "")).unwrap().appended;
    assert_eq!((corrected.added, corrected.corrected), (0, 1));
}

#[test]
fn rows_of_an_order_agree_on_its_details() {
    for detail in ["channel", "store", "coupon", "staff"] {
        let csv = format!(
            "customer,order,time,product,gross,{detail}\na,1,2017-01-01,p,1,x\na,1,2017-01-01,q,1,\na,1,2017-01-01,r,1,y\n"
        );
        let refused = Scratch::new().check("t.csv", &csv, &options(Kind::Orders, ""));
        assert!(
            refused
                .contains(&format!("column `{detail}`: line 2 says `x` is the {detail} of the same order")),
            "{refused}"
        );
        let agreed = Scratch::new().check("t.csv", csv.replace(",y", ",x"), &options(Kind::Orders, ""));
        assert!(agreed.contains(&format!(" {detail} x:")), "a row that says nothing agrees: {agreed}");
    }
}

#[test]
fn kinds_are_known_or_made_up_and_links_say_about_whom() {
    let event = |row: &str| {
        let csv = format!("customer,kind,time,id,subject,value,about\n{row}\n");
        Scratch::new().check("e.csv", csv, &options(Kind::Events, ""))
    };
    insta::assert_snapshot!(event("a,act:sang loudly,2017-01-01 10:00,1,,5,"), @r"
    a
      2017-01-01 10:00 act sang loudly = 5
    ");
    insta::assert_snapshot!(event("a,act:sang,2017-01-01 10:00,1,danced,,"), @"e.csv:2: `act:sang` names its subject, and the row has another, `danced`; leave `subject` out, or map it to `about`, or skip such rows with --on-error skip");
    insta::assert_snapshot!(event("a,act:,2017-01-01 10:00,1,,,"), @"e.csv:2: column `kind`: `act:` is not a kind of event (`act`?); correct it, or write `act:NAME` for a kind of your own, or skip such rows with --on-error skip");
    insta::assert_snapshot!(event("a,subscripton-started,2017-01-01,1,,,"), @"e.csv:2: column `kind`: `subscripton-started` is not a kind of event (`subscription-started`?); correct it, or write `act:NAME` for a kind of your own, or skip such rows with --on-error skip");
    insta::assert_snapshot!(event("a,sang,2017-01-01,1,,,"), @"e.csv:2: column `kind`: `sang` is not a kind of event; correct it, or write `act:NAME` for a kind of your own, or skip such rows with --on-error skip");
    insta::assert_snapshot!(event("a,filing,2017-01-01,1,tea,1,"), @"e.csv:2: column `kind`: `filing` is not read from a file of events; ingest products with --kind products, or skip such rows with --on-error skip");
    insta::assert_snapshot!(event("a,link,2017-01-01,1,,,"), @"e.csv:2: link does not say which other customer it is about; map `about` to the other customer's id, or skip such rows with --on-error skip");
    insta::assert_snapshot!(event("a,unlink,2017-01-01,1,,,"), @"e.csv:2: unlink does not say which other customer it is about; map `about` to the other customer's id, or skip such rows with --on-error skip");
    insta::assert_snapshot!(event("a,subscription-renewed,2017-01-01 10:00,1,box,9.90,\na,visit,2017-01-01 10:00,2,,,"), @r"
    a
      2017-01-01 10:00 subscription-renewed box = 990
      2017-01-01 10:00 visit = 0
    ");
    insta::assert_snapshot!(event("a,subscription-renewed,2017-01-01,1,box,9.905,"), @"e.csv:2: column `value`: `9.905` is finer than USD has digits (2); correct it, or round amounts to the minor unit with --round, or skip such rows with --on-error skip");
    let linked = event("a,link,2017-01-01 10:00,1,,,b");
    let about = stratagem_model::CustomerId::from_external("b").0;
    assert_eq!(
        linked,
        format!("a\n  2017-01-01 10:00 link = 0 about {about:016x}\n"),
        "about the other customer's id"
    );
    // No other kind may hold always.
    insta::assert_snapshot!(event("a,tag,,1,vip,gold,"), @"e.csv:2: column `time`: the value is missing; correct it, or skip such rows with --on-error skip");
}

#[test]
fn a_file_whose_filings_are_refused_leaves_nothing() {
    let scratch = Scratch::new();
    scratch.check("p.csv", "product,category\ntea,hot\n", &options(Kind::Products, ""));
    let before = content(&scratch.store);
    let sources = scratch.store.sources().unwrap();
    scratch.write("q.csv", "product,category,since\ncup,ware,2017-01-01\ntea,cold,\n");
    let error = scratch.ingest("q.csv", &options(Kind::Products, "")).unwrap_err();
    assert!(matches!(error, IngestError::Conflict(_)), "{error}");
    assert_eq!(content(&scratch.store), before);
    assert_eq!(scratch.store.sources().unwrap(), sources);
    let names: Vec<_> = sources.iter().map(|source: &Source| source.name.as_str()).collect();
    assert_eq!(names, ["p.csv"]);
}
