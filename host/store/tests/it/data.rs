//! Stores and events to test with.

use std::path::Path;

use stratagem_model::time::Time;
use stratagem_model::{
    BUCKETS, Currency, CustomerId, EventId, EventKind, FlatEvent, Line, NO_ITEM, Order, Timeline,
};
use stratagem_store::{CustomerEvents, MemoryStore, Projection, Settings, SledStore, Store};

pub(crate) const EVERYTHING: Projection = Projection { lines: true, events: true };

/// A store that can be closed and opened again.
pub(crate) trait Backend {
    fn new() -> Self;
    fn store(&self) -> &dyn Store;
    fn reopen(&mut self);
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
    let order = Order {
        id: EventId(id),
        event_time: Time(at_ms),
        known_time: Time(at_ms),
        gross: lines.iter().map(|line| line.gross).sum::<i64>() + 1,
        discount: if id.is_multiple_of(3) { 10 } else { 0 },
        lines: lines.len() as u32,
    };
    (order, lines)
}

pub(crate) fn event(kind: EventKind, id: u64, at_ms: i64) -> FlatEvent {
    FlatEvent {
        kind,
        id: EventId(id),
        event_time: Time(at_ms),
        known_time: Time(at_ms),
        subject: NO_ITEM,
        value: 0,
    }
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
    CustomerEvents { external_id: customer.into(), timeline }
}

pub(crate) fn with_events(customer: &str, events: Vec<FlatEvent>) -> CustomerEvents {
    let timeline = Timeline { events, ..Timeline::default() };
    CustomerEvents { external_id: customer.into(), timeline }
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
