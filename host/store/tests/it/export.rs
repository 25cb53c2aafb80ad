//! What is exported can be ingested into a new store, and then it is the same content with the same fingerprint.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use stratagem_model::time::Time;
use stratagem_model::{
    BUCKETS, EventId, EventKind, FlatEvent, Line, NO_ITEM, NO_TAG, Order, Timeline, id_of,
};
use stratagem_store::export::to_parquet;
use stratagem_store::ingest::{Kind, Options, ingest_file};
use stratagem_store::{CustomerEvents, Store, StoreError};

use crate::data::{Backend, EVERYTHING, Memory, Sled, event, order, scan, with_events, with_orders};

const DAY: i64 = 86_400_000;

/// The order in which an export's files are ingested below; others give the same.
const KINDS: [Kind; 4] = [Kind::Products, Kind::Customers, Kind::Orders, Kind::Events];

fn code(store: &dyn Store, dictionary: &str, word: &str) -> u32 {
    store.intern(dictionary, &[word]).unwrap()[0]
}

/// Orders with and without lines, hours, a channel and so on; one of them corrected twice.
fn orders(store: &dyn Store) -> CustomerEvents {
    let product = |at: usize| code(store, "product", ["tea", "cup", "pot"][at]);
    let own = |(order, lines): (Order, Vec<Line>)| {
        let lines: Vec<_> =
            lines.into_iter().map(|l| Line { product: product(l.product as usize), ..l }).collect();
        (order, lines)
    };
    let (mut late, late_lines) = own(order(2, 400 * DAY, 2));
    late.known_time = Time(401 * DAY);
    (late.channel, late.staff) = (code(store, "channel", "web"), code(store, "staff", "Ann"));
    let (mut sum, sum_lines) = own(order(3, 402 * DAY, 3));
    sum.gross = sum_lines.iter().map(|line| line.gross).sum();
    (sum.store, sum.coupon) = (code(store, "store", "7"), code(store, "coupon", "TEN"));
    sum.has_hour = false;
    let corrected = |lines, known, channel: &str| {
        let (bare, lines) = own(order(4, 403 * DAY, lines));
        let channel = code(store, "channel", channel);
        (Order { known_time: Time(known * DAY), channel, ..bare }, lines)
    };
    let contents = [corrected(1, 403, "web"), corrected(2, 410, "web"), corrected(0, 420, "shop")];
    with_orders(
        "a",
        [own(order(1, 399 * DAY, 0)), (late, late_lines), (sum, sum_lines)].into_iter().chain(contents),
    )
}

/// An event of every kind that needs nothing, and the particular ones.
fn events(store: &dyn Store) -> CustomerEvents {
    let is_plain = |kind: &EventKind| {
        use EventKind as K;
        !matches!(
            kind,
            K::Order
                | K::Refund
                | K::Attribute
                | K::Tag
                | K::Touch
                | K::Act
                | K::Filing
                | K::Link
                | K::Unlink
        )
    };
    let plain = EventKind::ALL.iter().filter(|kind| is_plain(kind));
    let mut events: Vec<FlatEvent> = plain.map(|kind| event(*kind, 1, 500 * DAY)).collect();
    let at = |kind, id, day: i64| event(kind, id, day * DAY);
    let word = |kind: EventKind, id, day, dictionary: &str, word: &str| FlatEvent {
        subject: code(store, dictionary, word),
        ..at(kind, id, day)
    };
    let valued = |kind: EventKind, id, day, subject: &str, value: &str| FlatEvent {
        value: code(store, &format!("{}.{subject}", kind.name()), value).into(),
        ..word(kind, id, day, kind.name(), subject)
    };
    let always = |event: FlatEvent| FlatEvent { event_time: Time::MIN, known_time: Time::MIN, ..event };
    events.extend([
        FlatEvent { value: 1_234_567, ..at(EventKind::Refund, 2, 501) },
        FlatEvent { value: 990, ..word(EventKind::SubscriptionStarted, 2, 501, "subscription", "tea box") },
        FlatEvent { value: 100, ..at(EventKind::SubscriptionRenewed, 2, 502) },
        FlatEvent { value: -40, known_time: Time(503 * DAY), ..at(EventKind::Points, 2, 501) },
        always(valued(EventKind::Attribute, 3, 0, "city", "Köln")),
        valued(EventKind::Attribute, 4, 502, "city", "Bonn"),
        valued(EventKind::Tag, 5, 503, "vip", "gold, or so"),
        FlatEvent { value: NO_TAG, ..word(EventKind::Tag, 6, 504, "tag", "vip") },
        valued(EventKind::Tag, 7, 505, "vip", "1"),
        word(EventKind::Touch, 8, 504, "campaign", "spring"),
        FlatEvent { value: 7, ..word(EventKind::Act, 9, 505, "act", "sang") },
        FlatEvent { about: id_of("d"), ..at(EventKind::Link, 10, 506) },
        FlatEvent { about: id_of("d"), ..at(EventKind::Unlink, 11, 507) },
        FlatEvent { about: id_of("order 1"), ..word(EventKind::Delivered, 12, 507, "store", "7") },
        FlatEvent { value: 3, ..at(EventKind::Review, 13, 508) },
        FlatEvent { value: 4, known_time: Time(509 * DAY), ..at(EventKind::Review, 13, 508) },
    ]);
    with_events("b", events)
}

/// Every shape of order, event and filing that a file can say.
fn fill(store: &dyn Store) {
    let customers = vec![orders(store), events(store), with_events("only a member", vec![])];
    store.append(customers).unwrap();
    let filing = |product: &str, since: Time, known: Time, category: &str| {
        let id = match since {
            Time::MIN => product.to_owned(),
            since => format!("{product}\n{}\n{category}", since.0),
        };
        FlatEvent {
            event_time: since,
            subject: code(store, "product", product),
            value: code(store, "category", category).into(),
            ..FlatEvent::new(EventKind::Filing, EventId(id_of(&id)), known)
        }
    };
    let filings = vec![
        filing("tea", Time::MIN, Time::MIN, "hot"),
        filing("tea", Time::MIN, Time(300 * DAY), "drinks"),
        filing("tea", Time(350 * DAY), Time(360 * DAY), "hot"),
        filing("cup", Time(1), Time(1), "ware"),
    ];
    store.file_products(0, filings).unwrap();
    store.commit().unwrap();
}

/// Ingests an export, file by file.
fn ingest(store: &dyn Store, directory: &Path, kinds: &[Kind]) {
    for kind in kinds {
        let file = directory.join(format!("{}.parquet", kind.name()));
        let report = ingest_file(store, &file, &Options::new(*kind), &mut |_| {}, &AtomicBool::new(false));
        let report = report.unwrap_or_else(|error| panic!("{kind}: {error:?}"));
        assert_eq!((report.rows_rejected, report.ignored.len()), (0, 0), "{kind}: {:?}", report.ignored);
    }
}

/// What two stores say alike whatever codes their words have.
fn without_codes(store: &dyn Store) -> Vec<Timeline> {
    let mut all: Vec<_> = scan(store, EVERYTHING).into_iter().map(|(_, timeline)| timeline).collect();
    let some = |code: u32| if code == NO_ITEM { NO_ITEM } else { 0 };
    for timeline in &mut all {
        for order in &mut timeline.orders {
            (order.channel, order.store) = (some(order.channel), some(order.store));
            (order.coupon, order.staff) = (some(order.coupon), some(order.staff));
        }
        timeline.lines.iter_mut().for_each(|line| line.product = 0);
        timeline.lines.sort_unstable_by_key(|line| (line.gross, line.quantity));
        for event in &mut timeline.events {
            event.subject = some(event.subject);
            if matches!(event.kind, EventKind::Attribute | EventKind::Tag) && event.value != NO_TAG {
                event.value = 0;
            }
        }
    }
    all
}

fn the_export_of_a_store_is_its_content<B: Backend>() {
    let backend = B::new();
    fill(backend.store());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("export");
    let mut done = 0;
    let exported = to_parquet(backend.store(), &path, &mut |buckets| done = buckets).unwrap();
    assert_eq!(done, BUCKETS);
    let rows: Vec<_> = exported.files.iter().map(|(_, rows)| *rows).collect();
    let events = scan(backend.store(), EVERYTHING).iter().map(|(_, t)| t.events.len() as u64).sum();
    // An order of value 1 and no line, 2 lines and 1 more, 3 lines; then 1 line and 1 more, 2 and 1 more, none and 1.
    assert_eq!(rows, [7 + 2 + 3 + 1, events, 3, 4]);

    let mut reversed = KINDS;
    reversed.reverse();
    for kinds in [KINDS, reversed] {
        let copy = Memory::new();
        ingest(copy.store(), &path, &kinds);
        assert_eq!(without_codes(copy.store()), without_codes(backend.store()));
        assert_eq!(copy.store().totals().unwrap(), backend.store().totals().unwrap());
        assert_eq!(copy.store().fingerprint().unwrap(), backend.store().fingerprint().unwrap(), "{kinds:?}");
        let filings = |store: &dyn Store| -> Vec<_> {
            let filings = store.filings().unwrap().into_iter();
            filings.map(|f| (f.id, f.event_time, f.known_time, f.is_correction)).collect()
        };
        assert_eq!(filings(copy.store()), filings(backend.store()));
        // And again, out of the copy and into the first: nothing is new.
        let again = directory.path().join(format!("again {kinds:?}"));
        to_parquet(copy.store(), &again, &mut |_| {}).unwrap();
        ingest(backend.store(), &again, &kinds);
        assert_eq!(copy.store().fingerprint().unwrap(), backend.store().fingerprint().unwrap());
    }

    let again = to_parquet(backend.store(), &path, &mut |_| {});
    assert!(matches!(again, Err(StoreError::Io { doing: "write", .. })), "an export overwrites nothing");
    assert!(
        fs::read_dir(&path).unwrap().all(|file| !file.unwrap().path().to_string_lossy().ends_with("partial"))
    );
}

#[test]
fn the_export_of_a_sled_store_is_its_content() {
    the_export_of_a_store_is_its_content::<Sled>();
}

#[test]
fn the_export_of_a_memory_store_is_its_content() {
    the_export_of_a_store_is_its_content::<Memory>();
}

#[test]
fn a_code_without_a_word_is_not_exported_silently() {
    let memory = Memory::new();
    memory.store().append(vec![with_orders("a", [order(1, 0, 1)])]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let refused = to_parquet(memory.store(), directory.path(), &mut |_| {}).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { ref key, .. } if key == "dictionaries/product"));
}
