//! Made-up customers: the same for any number of threads, as many and as lively as asked for.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use stratagem_model::EventKind::{Act, Attribute, Refund, Register, Subscribe, Tag, Unsubscribe};
use stratagem_model::{Currency, NO_ITEM, Time, Zone};
use stratagem_store::generate::{GenerateError, Spec, generate, write_csv};
use stratagem_store::ingest::{Kind, Options, ingest_file};
use stratagem_store::{MemoryStore, Projection, Settings, Store};

fn store() -> MemoryStore {
    MemoryStore::new(Settings { zone: "Asia/Shanghai".into(), currency: Currency::new("CNY").unwrap() })
}

fn small() -> Spec {
    Spec { customers: 1_500, products: 40, categories: 4, ..Spec::default() }
}

fn generated(spec: &Spec) -> MemoryStore {
    let store = store();
    generate(&store, spec, &mut |_| (), &AtomicBool::new(false)).unwrap();
    store
}

#[test]
fn a_seed_is_a_store_for_any_number_of_threads() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| generated(&small()).fingerprint().unwrap())
    };
    let one = on(1);
    assert_eq!(on(3), one);
    assert_ne!(generated(&Spec { seed: 2, ..small() }).fingerprint().unwrap(), one);
}

#[test]
fn the_same_again_changes_nothing_and_an_interrupted_one_is_completed() {
    let spec = Spec { customers: 20_000, orders_per_customer: 1.5, has_lines: false, ..small() };
    let store = store();
    let stop = AtomicBool::new(false);
    let error = generate(&store, &spec, &mut |_| stop.store(true, Ordering::Relaxed), &stop).unwrap_err();
    assert!(matches!(error, GenerateError::Interrupted), "{error}");
    let part = store.totals().unwrap().customers;
    assert!(part > 0 && part < 20_000, "{part}");
    assert!(!store.sources().unwrap()[0].is_complete);
    let rest = generate(&store, &spec, &mut |_| (), &AtomicBool::new(false)).unwrap();
    assert_eq!(rest.customers_new, 20_000 - part);
    assert!(store.sources().unwrap()[0].is_complete);
    assert_eq!(store.fingerprint().unwrap(), generated(&spec).fingerprint().unwrap());
    let again = generate(&store, &spec, &mut |_| (), &AtomicBool::new(false)).unwrap();
    assert_eq!((again.customers_new, again.added), (0, 0));
}

#[test]
fn the_csv_file_is_the_same_store() {
    for has_lines in [true, false] {
        let spec = Spec { has_lines, ..small() };
        let wanted = generated(&spec);
        let mut csv = vec![];
        let rows = write_csv(&spec, wanted.settings(), &mut csv, &AtomicBool::new(false)).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("orders.csv");
        std::fs::write(&path, csv).unwrap();
        let store = store();
        let options = Options::new(Kind::Orders);
        let report = ingest_file(&store, &path, &options, &mut |_| (), &AtomicBool::new(false)).unwrap();
        assert_eq!(report.rows_read, rows);
        assert_eq!(store.totals().unwrap(), wanted.totals().unwrap());
        assert_eq!(store.fingerprint().unwrap(), wanted.fingerprint().unwrap(), "lines: {has_lines}");
    }
}

#[test]
fn customers_differ_as_real_ones_do() {
    let spec = Spec { customers: 6_000, days: 365, ..Spec::default() };
    let store = generated(&spec);
    let zone = Zone::new("Asia/Shanghai").unwrap();
    let (mut counts, mut weekdays, mut hours, mut firsts) = (vec![], [0; 7], [0; 24], vec![]);
    let mut silent = 0;
    store
        .scan(0..1024, Projection { lines: true, events: false }, &mut |_, timeline| {
            counts.push(timeline.orders.len());
            firsts.push(zone.day(timeline.orders[0].event_time) - spec.start);
            silent += u32::from(zone.day(timeline.orders.last().unwrap().event_time) < spec.start + 275);
            let mut lines = timeline.lines.iter();
            for order in &timeline.orders {
                let day = zone.day(order.event_time);
                assert!((spec.start..spec.start + 365).contains(&day), "an order outside of the period");
                weekdays[(day + 3).rem_euclid(7) as usize] += 1;
                hours[zone.hour(order.event_time) as usize] += 1;
                let gross: i64 = lines.by_ref().take(order.lines as usize).map(|line| line.gross).sum();
                assert!(order.gross == gross && gross > 0 && order.discount <= gross / 10);
            }
        })
        .unwrap();
    let orders: usize = counts.iter().sum();
    let mean = orders as f64 / 6_000.0;
    assert!((7.6..8.4).contains(&mean), "{mean} orders a customer instead of 8");
    let share = |count: usize| count as f64 / 6_000.0;
    let once = share(counts.iter().filter(|count| **count == 1).count());
    assert!((0.1..0.4).contains(&once), "{once} bought once");
    let many = share(counts.iter().filter(|count| **count > 24).count());
    assert!((0.02..0.15).contains(&many), "{many} bought three times as often as the mean");
    assert!((0.2..0.7).contains(&share(silent as usize)), "{silent} of 6000 silent for 90 days");
    assert!(weekdays[5] > weekdays[1] * 13 / 10, "Saturdays are busier than Tuesdays: {weekdays:?}");
    assert!(hours[19] > hours[3] * 20, "evenings are busier than nights: {hours:?}");
    firsts.sort_unstable();
    assert!((80..180).contains(&firsts[3_000]), "half have bought by day {}", firsts[3_000]);
}

#[test]
fn orders_are_worth_the_same_without_lines() {
    let (with, without) = (small(), Spec { has_lines: false, ..small() });
    let (with, without) = (generated(&with).totals().unwrap(), generated(&without).totals().unwrap());
    assert_eq!(
        (with.orders, with.gross, with.last_order_ms),
        (without.orders, without.gross, without.last_order_ms)
    );
    assert!(with.lines > 2 * with.orders && without.lines == 0);
}

#[test]
fn customers_with_events_have_a_little_of_everything() {
    let spec = Spec { has_events: true, ..small() };
    let store = generated(&spec);
    let (mut kinds, mut corrected, mut late, mut always, mut staff) = (BTreeSet::new(), 0, 0, 0, 0);
    store
        .scan(0..1024, Projection { lines: true, events: true }, &mut |_, timeline| {
            kinds.extend(timeline.events.iter().map(|event| event.kind));
            always += timeline.events.iter().filter(|event| event.known_time == Time::MIN).count();
            let orders = || timeline.orders.iter();
            corrected += orders().filter(|order| order.is_correction).count();
            late +=
                orders().filter(|order| !order.is_correction && order.known_time > order.event_time).count();
            staff += orders().filter(|order| order.staff != NO_ITEM && order.store != NO_ITEM).count();
        })
        .unwrap();
    assert_eq!(kinds, BTreeSet::from([Act, Attribute, Refund, Register, Subscribe, Tag, Unsubscribe]));
    assert!(corrected > 3 && late > 3 && always > 3 && staff > 3, "{corrected} {late} {always} {staff}");
    let again = generate(&store, &spec, &mut |_| (), &AtomicBool::new(false)).unwrap();
    assert_eq!((again.added, again.corrected), (0, 0));
    let (with, without) = (store.totals().unwrap(), generated(&small()).totals().unwrap());
    assert_eq!((with.orders, with.last_order_ms), (without.orders, without.last_order_ms));
}

#[test]
fn a_spec_out_of_bounds_is_refused_with_what_is_accepted() {
    let refuse = |spec: Spec| {
        let error = generate(&store(), &spec, &mut |_| (), &AtomicBool::new(false)).unwrap_err();
        error.to_string()
    };
    insta::assert_snapshot!(refuse(Spec { customers: 0, ..small() }), @"`customers` is 0, but it must be from 1 to 100,000,000");
    insta::assert_snapshot!(refuse(Spec { orders_per_customer: 0.5, ..small() }), @"`orders per customer` is 0.5, but it must be from 1 to 1,000");
    insta::assert_snapshot!(refuse(Spec { orders_per_customer: f64::NAN, ..small() }), @"`orders per customer` is NaN, but it must be from 1 to 1,000");
    insta::assert_snapshot!(refuse(Spec { start: -1, ..small() }), @"`start` is `1969-12-31`, but it must be from 1970-01-01 to 2098-09-06");
    insta::assert_snapshot!(refuse(Spec { days: 0, ..small() }), @"`days` is 0, but it must be from 7 to 36,500");
    insta::assert_snapshot!(refuse(Spec { categories: 0, ..small() }), @"`categories` is 0, but it must be from 1 to 10,000");
    insta::assert_snapshot!(refuse(Spec { products: 3, ..small() }), @"`products` is 3, but it must be from the number of categories to 1,000,000");
}
