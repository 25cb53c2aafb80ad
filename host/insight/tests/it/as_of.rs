//! Invariant 1 at its root: what a column says at an instant is the same when nothing that became known then or later
//! exists.

use proptest::prelude::*;
use stratagem_insight::{
    AsOf, CATALOGUE, Census, ColumnPlan, OwnTouches, PopulationNeeds, StoreContext, Timelines, View,
};
use stratagem_model::event::{FlatEvent, Timeline};
use stratagem_model::plan::{ColumnRequest, Triggers, Window};
use stratagem_model::{
    BUCKETS, Column, Currency, DAY_MS, EventId, EventKind, Goal, Line, Order, Plan, Time, Zone,
};
use stratagem_store::{CustomerEvents, MemoryStore, Settings, Store};

const HOUR_MS: i64 = DAY_MS / 24;
const FIRST_DAY: i32 = 17_000;
const HOURS: i64 = 24 * 40;

/// An instant on a grid so coarse that many events fall on the same one.
fn instant(hour: i64) -> Time {
    Time(i64::from(FIRST_DAY) * DAY_MS + hour * HOUR_MS)
}

/// When it happened, and when it was known: up to 54 hours later.
fn times() -> impl Strategy<Value = (Time, Time)> {
    (0..HOURS / 6, 0..4_i64).prop_map(|(at, late)| (instant(at * 6), instant((at + late * late) * 6)))
}

fn order() -> impl Strategy<Value = (Order, Vec<Line>)> {
    let line = (0..3_u32, 1..100_i64).prop_map(|(product, gross)| Line { product, quantity: 1, gross });
    (times(), prop::collection::vec(line, 0..3)).prop_map(|((event_time, known_time), lines)| {
        let gross = lines.iter().map(|line| line.gross).sum::<i64>() + 1;
        let lines_count = lines.len() as u32;
        (Order { id: EventId(0), event_time, known_time, gross, discount: 0, lines: lines_count }, lines)
    })
}

fn event() -> impl Strategy<Value = FlatEvent> {
    let kinds = EventKind::ALL.iter().copied().filter(|kind| *kind != EventKind::Order).collect::<Vec<_>>();
    (times(), prop::sample::select(kinds), 0..2_i64).prop_map(|((event_time, known_time), kind, value)| {
        FlatEvent { kind, id: EventId(0), event_time, known_time, subject: 0, value }
    })
}

/// The timeline of a customer, in the order in which its events became known.
fn timeline() -> impl Strategy<Value = Timeline> {
    let orders = prop::collection::vec(order(), 0..8);
    let events = prop::collection::vec(event(), 0..12);
    (orders, events).prop_map(|(mut orders, mut events)| {
        for (id, (order, _)) in (1..).zip(&mut orders) {
            order.id = EventId(id);
        }
        for (id, event) in (100..).zip(&mut events) {
            event.id = EventId(id);
        }
        orders.sort_by_key(|(order, _)| (order.known_time, order.id.0));
        events.sort_by_key(|event| (event.known_time, event.id.0));
        let (orders, lines): (Vec<_>, Vec<_>) = orders.into_iter().unzip();
        Timeline { orders, lines: lines.concat(), events }
    })
}

fn store(timelines: Vec<Timeline>) -> MemoryStore {
    let currency = Currency { code: "USD".into(), digits: 2 };
    let store = MemoryStore::new(Settings { zone: "America/New_York".into(), currency });
    store.intern("product", &["tea", "milk", "bread"]).unwrap();
    store.intern("category", &["drinks", "food"]).unwrap();
    store.intern("attribute", &["tier"]).unwrap();
    store.intern("attribute.tier", &["gold", "silver"]).unwrap();
    store.put_product_categories(&[(0, 0), (1, 0), (2, 1)]).unwrap();
    let named = timelines.into_iter().enumerate();
    let customers = named.map(|(n, timeline)| CustomerEvents { external_id: format!("c{n}"), timeline });
    store.append(customers.collect()).unwrap();
    store
}

/// Every column there is.
fn plan() -> Plan {
    let kinds = EventKind::ALL.iter().filter(|kind| **kind != EventKind::Order);
    let events =
        kinds.flat_map(|kind| ["count", "last-time"].map(|what| format!("event.{}.{what}", kind.name())));
    let standard = CATALOGUE.iter().map(|info| info.name.to_owned());
    let names = standard.chain(events).chain(["attribute.tier".to_owned()]);
    Plan {
        columns: names.map(|name| ColumnRequest { name, window: Window::All }).collect(),
        references: vec![],
        actions: vec![],
        triggers: Triggers { events: vec![], daily_at: vec![600] },
        fallback: None,
        goal: Goal::Order,
    }
}

/// All columns at `now`, from what was known before `cut`, with tables that are used so long after they are made.
fn columns(store: &MemoryStore, plan: &Plan, lag_minutes: u32, now: Time, cut: Time) -> Vec<Column> {
    let zone = Zone::new(&store.settings().zone).unwrap();
    let needs = PopulationNeeds::new(&zone, FIRST_DAY, FIRST_DAY + 60, lag_minutes);
    let needs = needs.with_repurchase(&zone);
    let context = StoreContext::read(store, zone).unwrap();
    let columns = ColumnPlan::new(plan, &context).unwrap();
    let timelines = Timelines::load(store, &context, 0..BUCKETS, columns.needs(), cut).unwrap();
    let census = Census::new(&needs);
    census.add(&timelines);
    let population = census.population();
    let mut as_of = AsOf::new(timelines.rows(), columns.needs());
    let touches = OwnTouches::new(timelines.rows());
    let rows: Vec<_> = (0..timelines.rows() as u32).collect();
    rows.iter().for_each(|row| as_of.advance(&timelines, *row as usize, now));
    let view =
        View { context: &context, timelines: &timelines, touches: &touches, population: &population, now };
    let mut out = columns.buffers();
    columns.fill(&view, &mut as_of, &rows, &mut out);
    out
}

proptest! {
    #[test]
    fn no_column_knows_what_was_not_known_before(
        timelines in prop::collection::vec(timeline(), 1..5),
        hour in 0..HOURS / 6,
        lag_minutes in prop::sample::select(vec![0, 60, 600, 1_440]),
    ) {
        let (store, plan, now) = (store(timelines), plan(), instant(hour * 6));
        let columns = |cut| columns(&store, &plan, lag_minutes, now, cut);
        let (whole, cut) = (columns(Time::MAX), columns(now));
        for ((request, whole), cut) in plan.columns.iter().zip(&whole).zip(&cut) {
            prop_assert_eq!(whole, cut, "{}", &request.name);
        }
    }
}
