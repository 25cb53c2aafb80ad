//! What is known when decides, and nothing else of the data: not the order of files, not what came later.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use stratagem_e2e::{STRATEGIES, configured, decisions, empty_store, generated, policy};
use stratagem_insight::Vocabulary;
use stratagem_model::{
    BUCKETS, CustomerId, Decision, EventId, EventKind, FlatEvent, Goal, Line, NO_ITEM, Order, Plan, Reason,
    Time, Timeline, Zone,
};
use stratagem_replay::Backtest;
use stratagem_store::export::to_parquet;
use stratagem_store::generate::{Spec, write_csv};
use stratagem_store::ingest::{Kind, Options, ingest_file};
use stratagem_store::{CustomerEvents, MemoryStore, Projection, Store};

fn ingest(store: &dyn Store, dir: &Path, kind: Kind, name: &str, text: &str) {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    ingest_path(store, &path, kind);
}

fn ingest_path(store: &dyn Store, path: &Path, kind: Kind) {
    let report = ingest_file(store, path, &Options::new(kind), &mut |_| {}, &AtomicBool::new(false));
    assert_eq!(report.unwrap().rows_rejected, 0);
}

fn at(text: &str) -> Time {
    Zone::new("America/New_York").unwrap().parse(text).unwrap()
}

/// Each decision as a reader of the log sees it.
fn log(store: &dyn Store, plan: &Plan, decisions: &[Decision]) -> Vec<String> {
    let categories = Vocabulary::read(store, "category").unwrap();
    let mut lines: Vec<_> = decisions
        .iter()
        .map(|d| {
            let action = plan.actions.get(d.action as usize).map_or("", |action| action.id.as_str());
            let item = match (d.item, plan.goal) {
                (NO_ITEM, _) => "",
                (item, Goal::ItemOrder) => categories.words()[item as usize].as_str(),
                (_, Goal::Order) => "a number",
            };
            let customer = store.external_id(d.customer).unwrap().unwrap();
            let (reason, propensity) = (d.reason.name(), d.propensity_ppm);
            format!("{:013} {customer} {action} {item} {reason} {propensity}", d.time.0)
        })
        .collect();
    lines.sort_unstable();
    lines
}

fn log_of(store: &dyn Store, name: &str, before: Time) -> Vec<String> {
    let configured = configured(name, &[]);
    let (mut made, _) = decisions(store, &configured, &Backtest::new(policy()));
    made.retain(|decision| decision.time < before);
    log(store, configured.plan(), &made)
}

const DATES: &str = "customer,order,time,gross
a,1,2025-01-01,10.00
a,2,2025-01-22,10.00
b,3,2025-01-01,10.00
c,4,2025-03-31,10.00
";

#[test]
fn an_order_of_a_date_is_not_seen_at_ten_of_that_day() {
    let (dir, store) = (tempfile::tempdir().unwrap(), empty_store());
    ingest(&store, dir.path(), Kind::Orders, "orders.csv", DATES);
    // Twenty whole days after the first order, on the morning of the day of the second.
    let configured = configured("recall-waves", &[("silence-days", "20")]);
    let (made, _) = decisions(&store, &configured, &Backtest::new(stratagem_gates::Policy::open()));
    let of = |customer: &str| {
        let id = CustomerId::from_external(customer);
        made.iter().filter(|d| d.customer == id).map(|d| d.time).collect::<Vec<_>>()
    };
    assert_eq!(of("a")[0], at("2025-01-22 10:00:00"));
    assert_eq!(of("b")[0], at("2025-01-22 10:00:00"));
    let on_the_next_days = |days: std::ops::Range<i64>| {
        of("a").iter().any(|time| days.contains(&((time.0 - at("2025-01-22 10:00:00").0) / 86_400_000)))
    };
    assert!(!on_the_next_days(1..19), "from the next day on the order is known");
}

/// Why recall waves did what they did with a customer, without gates but consent.
fn reasons(store: &MemoryStore, customer: &str) -> Vec<Reason> {
    let configured = configured("recall-waves", &[]);
    let (made, _) = decisions(store, &configured, &Backtest::new(stratagem_gates::Policy::open()));
    let id = CustomerId::from_external(customer);
    made.iter().filter(|d| d.customer == id).map(|d| d.reason).collect()
}

#[test]
fn a_date_on_which_they_unsubscribed_wins_over_that_morning() {
    let (dir, store) = (tempfile::tempdir().unwrap(), empty_store());
    ingest(&store, dir.path(), Kind::Orders, "orders.csv", DATES);
    let events = "customer,kind,time\na,subscribe,2025-01-05 08:00:00\na,unsubscribe,2025-01-05\n\
                  b,unsubscribe,2025-01-05\nb,subscribe,2025-01-06 08:00:00\n";
    ingest(&store, dir.path(), Kind::Events, "events.csv", events);
    let reasons = |customer: &str| reasons(&store, customer);
    assert!(!reasons("a").is_empty() && reasons("a").iter().all(|reason| *reason == Reason::NoConsent));
    assert!(reasons("b").contains(&Reason::Sent));
}

/// Made-up customers, the same each time.
fn spec() -> Spec {
    Spec { customers: 700, days: 400, orders_per_customer: 10.0, ..Spec::default() }
}

/// The timeline of a made-up customer.
fn some_customer(store: &dyn Store) -> (String, Timeline) {
    let mut found = None;
    store
        .scan(0..BUCKETS, Projection { lines: true, events: true }, &mut |customer, timeline| {
            if found.is_none() && timeline.orders.len() > 8 {
                found = Some((customer, timeline.clone()));
            }
        })
        .unwrap();
    let (customer, timeline) = found.unwrap();
    (store.external_id(customer).unwrap().unwrap(), timeline)
}

/// Day 250 of the made-up period: what becomes known then must change nothing before.
fn september() -> Time {
    Time((19_723 + 250) * 86_400_000)
}

/// What arrives late: by name, and how a store is told of it.
type Late = (&'static str, fn(&MemoryStore));

fn backfilled_order(store: &MemoryStore) {
    // Before every other order, with a product, a category and a channel that sort before all words.
    let (product, category) =
        (store.intern("product", &[" new"]).unwrap()[0], store.intern("category", &[" new"]).unwrap()[0]);
    let channel = store.intern("channel", &[" new"]).unwrap()[0];
    let start = Time(19_700 * 86_400_000);
    let order = Order { known_time: september(), lines: 1, channel, ..Order::new(EventId(7), start, 12_345) };
    let lines = vec![Line { product, quantity: 1, gross: 12_345 }];
    let timeline = Timeline { orders: vec![order], lines, events: vec![] };
    store.append(vec![CustomerEvents::new("somebody else", timeline)]).unwrap();
    let filing = FlatEvent::new(EventKind::Filing, EventId(7), september());
    let filing = FlatEvent { event_time: start, subject: product, value: category.into(), ..filing };
    store.file_products(0, vec![filing]).unwrap();
}

fn refiled_products(store: &MemoryStore) {
    let category = store.intern("category", &["all in one"]).unwrap()[0];
    let products = store.dictionary("product").unwrap().len() as u32;
    let filing = |product: u32| FlatEvent {
        // Since ever, as is known now.
        event_time: Time(0),
        subject: product,
        value: category.into(),
        ..FlatEvent::new(EventKind::Filing, EventId(product.into()), september())
    };
    store.file_products(0, (0..products).map(filing).collect()).unwrap();
    let since = |filing: FlatEvent| FlatEvent {
        event_time: september(),
        id: EventId(filing.id.0 ^ 1 << 40),
        ..filing
    };
    store.file_products(0, (0..products).map(filing).map(since).collect()).unwrap();
}

fn corrected_orders(store: &MemoryStore) {
    let (customer, timeline) = some_customer(store);
    let orders = timeline.orders.iter().map(|order| Order {
        known_time: Time(september().0.max(order.known_time.0 + 1)),
        gross: order.gross * 50,
        lines: 0,
        ..order.clone()
    });
    let timeline = Timeline { orders: orders.collect(), ..Timeline::default() };
    assert!(store.append(vec![CustomerEvents::new(customer, timeline)]).unwrap().corrected > 8);
}

fn attribute_known_late(store: &MemoryStore) {
    let (customer, _) = some_customer(store);
    let (name, value) = (
        store.intern("attribute", &["tier"]).unwrap()[0],
        store.intern("attribute.tier", &["a"]).unwrap()[0],
    );
    let said = FlatEvent::new(EventKind::Attribute, EventId(1), september());
    let said = FlatEvent { event_time: Time(0), subject: name, value: value.into(), ..said };
    let timeline = Timeline { events: vec![said], ..Timeline::default() };
    store.append(vec![CustomerEvents::new(customer, timeline)]).unwrap();
}

#[test]
fn what_becomes_known_later_changes_nothing_before() {
    let late: [Late; 4] = [
        ("a backfilled order", backfilled_order),
        ("filings", refiled_products),
        ("corrections", corrected_orders),
        ("an attribute", attribute_known_late),
    ];
    let without = generated(&spec());
    for name in STRATEGIES {
        let want = log_of(&without, name, september());
        assert!(want.len() > 100, "{name}: only {} decisions to compare", want.len());
        for (what, tell) in &late {
            let with = generated(&spec());
            tell(&with);
            assert_ne!(with.fingerprint().unwrap(), without.fingerprint().unwrap(), "{what}");
            assert!(log_of(&with, name, september()) == want, "{name}: {what}");
        }
    }
    // And it does change what comes after, where it says something that the strategy reads.
    let with = generated(&spec());
    refiled_products(&with);
    assert!(log_of(&with, "cross-sell", Time::MAX) != log_of(&without, "cross-sell", Time::MAX));
}

/// Files of a shop: name, kind and text. Products are in categories by their orders and by a file of their own.
fn files() -> Vec<(&'static str, Kind, String)> {
    let mut orders = vec![];
    let spec = Spec { customers: 400, ..spec() };
    write_csv(&spec, empty_store().settings(), &mut orders, &AtomicBool::new(false)).unwrap();
    let orders = String::from_utf8(orders).unwrap();
    let (header, rows) = orders.split_once('\n').unwrap();
    // Two halves that overlap, as monthly exports do.
    let from = |customer: u32| rows.find(&format!("\n{},", Spec::external_id(customer))).unwrap() + 1;
    let (first, second) = (&rows[..from(250)], &rows[from(150)..]);
    let product = |row: &str| row.split(',').nth(5).unwrap().to_owned();
    let products: std::collections::BTreeSet<_> = rows.lines().map(product).collect();
    let products: String = products.iter().map(|product| format!("{product},bundle,2024-09-01\n")).collect();
    let customers = "customer,tier\nc0000001,gold\nc0000002,silver\nnobody yet,gold\n";
    let events = "customer,kind,time,subject,value\n\
                  c0000001,unsubscribe,2024-06-01,,\nc0000002,act:scan,2024-03-01 10:00:00,,\n\
                  c0000003,tag,2024-02-01,vip,yes\nc0000003,tag,2024-05-01,vip,0\nc0000004,refund,2024-03-01,,12.50\n";
    vec![
        ("first.csv", Kind::Orders, format!("{header}\n{first}")),
        ("second.csv", Kind::Orders, format!("{header}\n{second}")),
        ("products.csv", Kind::Products, format!("product,category,time\n{products}")),
        ("customers.csv", Kind::Customers, customers.into()),
        ("events.csv", Kind::Events, events.into()),
    ]
}

#[test]
fn neither_the_order_of_files_nor_an_export_leaves_a_trace() {
    let (dir, files) = (tempfile::tempdir().unwrap(), files());
    let told = |order: &mut dyn Iterator<Item = &(&'static str, Kind, String)>| {
        let store = empty_store();
        order.for_each(|(name, kind, text)| ingest(&store, dir.path(), *kind, name, text));
        store
    };
    let forwards = told(&mut files.iter());
    let backwards = told(&mut files.iter().rev());
    let export = dir.path().join("export");
    to_parquet(&backwards, &export, &mut |_| {}).unwrap();
    let exported = empty_store();
    for kind in [Kind::Events, Kind::Orders, Kind::Customers, Kind::Products] {
        ingest_path(&exported, &export.join(format!("{}.parquet", kind.name())), kind);
    }
    let want = forwards.fingerprint().unwrap();
    assert_eq!(backwards.fingerprint().unwrap(), want, "another order of files");
    assert_eq!(exported.fingerprint().unwrap(), want, "an export that was ingested");
    for name in STRATEGIES {
        let configured = configured(name, &[]);
        let run = |store: &dyn Store| {
            let (made, result) = decisions(store, &configured, &Backtest::new(policy()));
            (log(store, configured.plan(), &made), result.receipt.decisions_digest)
        };
        let want = run(&forwards);
        assert!(want.0.len() > 20, "{name}: only {} decisions to compare", want.0.len());
        assert!(run(&backwards) == want, "{name}: another order of files");
        assert!(run(&exported) == want, "{name}: an export that was ingested");
    }
}

#[test]
fn an_ingest_that_is_undone_was_never_there() {
    let (dir, files) = (tempfile::tempdir().unwrap(), files());
    for undone in 0..files.len() {
        let (with, without) = (empty_store(), empty_store());
        for (at, (name, kind, text)) in files.iter().enumerate() {
            ingest(&with, dir.path(), *kind, name, text);
            if at != undone {
                ingest(&without, dir.path(), *kind, name, text);
            }
        }
        let sources = with.sources().unwrap();
        let source = sources.iter().find(|source| source.name == files[undone].0).unwrap();
        assert!(with.undo(source, &AtomicBool::new(false)).unwrap().changed > 0);
        assert_eq!(with.fingerprint().unwrap(), without.fingerprint().unwrap(), "{}", source.name);
        assert_eq!(with.totals().unwrap(), without.totals().unwrap(), "{}", source.name);
        assert_eq!(with.sources().unwrap().len(), files.len() - 1);
    }
}

#[test]
fn correcting_what_is_old_makes_it_no_newer() {
    let (dir, store) = (tempfile::tempdir().unwrap(), empty_store());
    ingest(&store, dir.path(), Kind::Orders, "orders.csv", DATES);
    let events = "customer,kind,id,time,known,value\n\
                  a,unsubscribe,1,2025-01-02 09:00:00,,\na,subscribe,2,2025-01-03 09:00:00,,\n\
                  a,unsubscribe,1,2025-01-02 09:00:00,2025-01-05 09:00:00,7\n\
                  b,subscribe,3,2025-01-02 09:00:00,,\nb,unsubscribe,4,2025-01-03 09:00:00,,\n\
                  b,subscribe,3,2025-01-02 09:00:00,2025-01-05 09:00:00,7\n";
    ingest(&store, dir.path(), Kind::Events, "events.csv", events);
    let reasons = |customer: &str| reasons(&store, customer);
    assert!(reasons("a").contains(&Reason::Sent), "{:?}", reasons("a"));
    assert!(!reasons("b").is_empty() && reasons("b").iter().all(|reason| *reason == Reason::NoConsent));
}

#[test]
fn a_date_that_is_known_within_its_day_is_known_at_its_end() {
    let (dir, store, other) = (tempfile::tempdir().unwrap(), empty_store(), empty_store());
    let loaded = "customer,order,time,known,gross\na,1,2025-01-01,2025-01-01 18:00:00,10.00\n";
    ingest(&store, dir.path(), Kind::Orders, "loaded.csv", loaded);
    ingest(
        &other,
        dir.path(),
        Kind::Orders,
        "dates.csv",
        "customer,order,time,gross\na,1,2025-01-01,10.00\n",
    );
    assert_eq!(store.fingerprint().unwrap(), other.fingerprint().unwrap());
}
