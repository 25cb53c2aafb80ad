//! Stores and events to test with.

use std::path::Path;

use stratagem_model::time::Time;
use stratagem_model::{BUCKETS, Currency, CustomerId, EventId, EventKind, FlatEvent, Line, Order, Timeline};
use stratagem_store::{CustomerEvents, MemoryStore, Projection, Settings, SledStore, Source, Store};

pub(crate) const EVERYTHING: Projection = Projection { lines: true, events: true };

/// A store that can be closed and opened again.
pub(crate) trait Backend {
    fn new() -> Self;
    fn store(&self) -> &dyn Store;
    fn reopen(&mut self);
    /// Finds what is wrong inside.
    fn check(&self) {}
}

pub(crate) struct Sled {
    directory: tempfile::TempDir,
    store: Option<SledStore>,
}

impl Sled {
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn sled(&self) -> &SledStore {
        self.store.as_ref().unwrap()
    }

    pub(crate) fn close(&mut self) {
        self.store = None;
    }

    pub(crate) fn open(&mut self) {
        self.store = Some(SledStore::open(self.path()).unwrap());
    }
}

impl Backend for Sled {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = SledStore::create(directory.path(), settings()).unwrap();
        Self { directory, store: Some(store) }
    }

    fn store(&self) -> &dyn Store {
        self.sled()
    }

    fn reopen(&mut self) {
        self.close();
        self.open();
    }

    fn check(&self) {
        assert_eq!(self.sled().verify().unwrap().problems, []);
    }
}

pub(crate) struct Memory(MemoryStore);

impl Backend for Memory {
    fn new() -> Self {
        Self(MemoryStore::new(settings()))
    }

    fn store(&self) -> &dyn Store {
        &self.0
    }

    fn reopen(&mut self) {}
}

pub(crate) fn settings() -> Settings {
    Settings { zone: "Asia/Shanghai".into(), currency: Currency::new("CNY").unwrap() }
}

/// An order known when it happened, with lines of products 0, 1, 2 ...
pub(crate) fn order(id: u64, at_ms: i64, lines: u32) -> (Order, Vec<Line>) {
    let line = |product| Line { product, quantity: 1 + product as i32 % 3, gross: i64::from(product) * 50 };
    let lines: Vec<_> = (0..lines).map(line).collect();
    let gross = lines.iter().map(|line| line.gross).sum::<i64>() + 1;
    let order = Order {
        discount: if id.is_multiple_of(3) { 10 } else { 0 },
        lines: lines.len() as u32,
        ..Order::new(EventId(id), Time(at_ms), gross)
    };
    (order, lines)
}

pub(crate) fn event(kind: EventKind, id: u64, at_ms: i64) -> FlatEvent {
    FlatEvent::new(kind, EventId(id), Time(at_ms))
}

pub(crate) fn with_orders(
    customer: &str,
    orders: impl IntoIterator<Item = (Order, Vec<Line>)>,
) -> CustomerEvents {
    let mut timeline = Timeline::default();
    for (order, lines) in orders {
        timeline.orders.push(order);
        timeline.lines.extend(lines);
    }
    CustomerEvents::new(customer, timeline)
}

pub(crate) fn with_events(customer: &str, events: Vec<FlatEvent>) -> CustomerEvents {
    CustomerEvents::new(customer, Timeline { events, ..Timeline::default() })
}

/// A source to put, told from others by a letter.
pub(crate) fn source(letter: &str) -> Source {
    let name = format!("{letter}.csv");
    Source { name, kind: "events".into(), fingerprint: letter.into(), rows: 7, is_complete: true }
}

/// The same events, said by a source.
pub(crate) fn said(source: u32, events: CustomerEvents) -> CustomerEvents {
    CustomerEvents { source, ..events }
}

pub(crate) fn scan(store: &dyn Store, projection: Projection) -> Vec<(CustomerId, Timeline)> {
    let mut all = Vec::new();
    store
        .scan(0..BUCKETS, projection, &mut |customer, timeline| all.push((customer, timeline.clone())))
        .unwrap();
    all
}

/// The one customer of a store.
pub(crate) fn only(store: &dyn Store) -> Timeline {
    let mut all = scan(store, EVERYTHING);
    assert_eq!(all.len(), 1);
    all.remove(0).1
}
