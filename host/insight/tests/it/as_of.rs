//! Invariant 1 at its root: what a column says at an instant is the same when nothing that became known then or later
//! exists, whatever order the rest arrived in, and whether a customer is read with others or alone.

use proptest::prelude::*;
use stratagem_insight::{
    AsOf, CATALOGUE, Census, ColumnPlan, OwnTouches, PopulationNeeds, ReferencePlan, StoreContext, Timelines,
    View,
};
use stratagem_model::event::{FlatEvent, Timeline};
use stratagem_model::plan::{ColumnRequest, ReferenceRequest, Schedule, Triggers, Window};
use stratagem_model::{
    BUCKETS, Column, Currency, CustomerId, DAY_MS, EventId, EventKind, Goal, Line, Order, Plan, Table, Time,
    Zone,
};
use stratagem_store::{CustomerEvents, MemoryStore, Settings, Store};

const HOUR_MS: i64 = DAY_MS / 24;
const FIRST_DAY: i32 = 17_000;
const HOURS: i64 = 24 * 40;

const PRODUCTS: [&str; 3] = ["tea", "milk", "bread"];
const CATEGORIES: [&str; 3] = ["food", "drinks", "bakery"];
const TIERS: [&str; 2] = ["silver", "gold"];
/// The tier of somebody of whom nothing else is said: an attribute that nobody has is none.
const FIRST_TIER: &str = "basic";

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
    (times(), prop::collection::vec(line, 0..3), any::<bool>()).prop_map(
        |((event_time, known_time), mut lines, has_hour)| {
            lines.sort_by_key(|line| (line.product, line.gross));
            let gross = lines.iter().map(|line| line.gross).sum::<i64>() + 1;
            let order = Order {
                known_time,
                lines: lines.len() as u32,
                has_hour,
                ..Order::new(EventId(0), event_time, gross)
            };
            (order, lines)
        },
    )
}

fn event() -> impl Strategy<Value = FlatEvent> {
    let not = [EventKind::Order, EventKind::Filing];
    let kinds = EventKind::ALL.iter().copied().filter(|kind| !not.contains(kind)).collect::<Vec<_>>();
    (times(), prop::sample::select(kinds), 0..2_i64, any::<bool>()).prop_map(
        |((event_time, known_time), kind, value, is_always)| match kind {
            EventKind::Attribute if is_always => {
                FlatEvent { subject: 0, value, ..FlatEvent::new(kind, EventId(0), Time::MIN) }
            }
            _ => FlatEvent { event_time, subject: 0, value, ..FlatEvent::new(kind, EventId(0), known_time) },
        },
    )
}

/// What is said of one customer, of which some things are corrected by others later.
fn timeline() -> impl Strategy<Value = Timeline> {
    let orders = prop::collection::vec((order(), 0..6_u64), 0..8);
    let events = prop::collection::vec((event(), 0..9_u64), 0..12);
    (orders, events).prop_map(|(orders, events)| {
        let mut said = Timeline::default();
        for ((mut order, lines), id) in orders {
            order.id = EventId(id);
            // A correction is known later than what it corrects, and than it happened.
            let last =
                said.orders.iter().filter(|other| other.id == order.id).map(|other| other.known_time).max();
            if let Some(last) = last {
                order.known_time = Time(order.known_time.max(last).max(order.event_time).0 + 1);
            }
            said.orders.push(order);
            said.lines.extend(lines);
        }
        for (mut event, id) in events {
            event.id = EventId(id);
            let is_same = |other: &&FlatEvent| (other.kind, other.id) == (event.kind, event.id);
            if let Some(last) = said.events.iter().filter(is_same).map(|other| other.known_time).max() {
                event.known_time = Time(event.known_time.max(last).max(event.event_time).0.saturating_add(1));
                event.value += said.events.len() as i64 * 2 * i64::from(event.kind != EventKind::Attribute);
            }
            said.events.push(event);
        }
        said
    })
}

/// Filings of the three products: at first, and again.
fn filings() -> impl Strategy<Value = Vec<FlatEvent>> {
    prop::collection::vec((times(), 0..3_u32, 0..3_i64, any::<bool>()), 0..6).prop_map(|filed| {
        let filing =
            |(n, ((since, known), product, category, is_always)): (usize, ((Time, Time), u32, i64, bool))| {
                let (since, known) =
                    if is_always { (Time::MIN, Time(known.0 + n as i64)) } else { (since, known) };
                let id = EventId(if is_always { u64::from(product) } else { 10 + n as u64 });
                let new = FlatEvent::new(EventKind::Filing, id, known);
                FlatEvent { event_time: since, subject: product, value: category, ..new }
            };
        filed.into_iter().enumerate().map(filing).collect()
    })
}

/// What one store is told, in codes of the lists above.
#[derive(Debug, Clone)]
struct Said {
    customers: Vec<Timeline>,
    filings: Vec<FlatEvent>,
}

fn said() -> impl Strategy<Value = Said> {
    (prop::collection::vec(timeline(), 1..5), filings())
        .prop_map(|(customers, filings)| Said { customers, filings })
}

impl Said {
    /// Without what became known at an instant or later.
    fn before(&self, cut: Time) -> Self {
        let customers = self.customers.iter().map(|said| {
            let mut kept = Timeline::default();
            let mut lines = said.lines.iter().copied();
            for order in &said.orders {
                let own: Vec<_> = lines.by_ref().take(order.lines as usize).collect();
                if order.known_time < cut {
                    kept.orders.push(order.clone());
                    kept.lines.extend(own);
                }
            }
            kept.events.extend(said.events.iter().filter(|event| event.known_time < cut).cloned());
            kept
        });
        let filings = self.filings.iter().filter(|filing| filing.known_time < cut).cloned();
        Self { customers: customers.collect(), filings: filings.collect() }
    }

    /// A store that was told, whose words have other codes if it heard them backwards.
    fn store(&self, backwards: bool) -> MemoryStore {
        let currency = Currency { code: "USD".into(), digits: 2 };
        let store = MemoryStore::new(Settings { zone: "America/New_York".into(), currency });
        let codes = |dictionary: &str, words: &[&str]| {
            let mut order: Vec<_> = words.to_vec();
            if backwards {
                order.reverse();
            }
            store.intern(dictionary, &order).unwrap();
            store.intern(dictionary, words).unwrap()
        };
        let (products, categories) = (codes("product", &PRODUCTS), codes("category", &CATEGORIES));
        codes("attribute", &["tier"]);
        let tiers = codes("attribute.tier", &TIERS);
        let first = store.intern("attribute.tier", &[FIRST_TIER]).unwrap()[0];
        let somebody = FlatEvent {
            subject: 0,
            value: first.into(),
            ..FlatEvent::new(EventKind::Attribute, EventId(0), Time::MIN)
        };
        let somebody = Timeline { events: vec![somebody], ..Timeline::default() };
        store.append(vec![CustomerEvents::new("somebody", somebody)]).unwrap();
        for (n, said) in self.customers.iter().enumerate() {
            let mut said = said.clone();
            said.lines.iter_mut().for_each(|line| line.product = products[line.product as usize]);
            for event in said.events.iter_mut().filter(|event| event.kind == EventKind::Attribute) {
                event.value = tiers[event.value as usize].into();
            }
            store.append(vec![CustomerEvents::new(format!("c{n}"), said)]).unwrap();
        }
        let mut filings = self.filings.clone();
        for filing in &mut filings {
            filing.subject = products[filing.subject as usize];
            filing.value = categories[filing.value as usize].into();
        }
        store.file_products(0, filings).unwrap();
        store
    }
}

/// Every column there is, and every table.
fn plan() -> Plan {
    let kinds = EventKind::ALL.iter().filter(|kind| !matches!(kind, EventKind::Order | EventKind::Filing));
    let events =
        kinds.flat_map(|kind| ["count", "last-time"].map(|what| format!("event.{}.{what}", kind.name())));
    let standard = CATALOGUE.iter().map(|info| info.name.to_owned());
    let names = standard.chain(events).chain(["attribute.tier".to_owned()]);
    let table = |name: &str, options: &[(&str, i64)]| ReferenceRequest {
        name: name.into(),
        options: options.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        schedule: Schedule::Daily,
    };
    Plan {
        columns: names.map(|name| ColumnRequest { name, window: Window::All }).collect(),
        references: vec![
            table("category.names", &[]),
            table("attribute.tier", &[]),
            table("category.pairs", &[("min-baskets", 1), ("min-lift-ppm", 0)]),
        ],
        actions: vec![],
        triggers: Triggers { events: vec![], daily_at: vec![600] },
        fallback: None,
        goal: Goal::Order,
    }
}

/// All columns at `now`, from what was known before `cut`, and the tables, which are used so long after they are made; of the
/// customers one by one if `alone`.
fn columns(
    store: &MemoryStore,
    plan: &Plan,
    lag_minutes: u32,
    (now, cut): (Time, Time),
    alone: bool,
) -> (Vec<Column>, Vec<Table>) {
    let zone = Zone::new(&store.settings().zone).unwrap();
    let context = StoreContext::read(store, zone.clone(), Some(plan)).unwrap();
    let columns = ColumnPlan::new(plan, &context).unwrap();
    let references = ReferencePlan::new(plan, &context).unwrap();
    let needs = PopulationNeeds::new(&zone, FIRST_DAY - 7, FIRST_DAY + 60, lag_minutes);
    let needs = needs.with_repurchase(&zone).with_pairs(references.schedules());
    let all = Timelines::load(store, &context, 0..BUCKETS, columns.needs(), cut).unwrap();
    let census = Census::new(&needs);
    census.add(&all);
    let mut population = census.population();
    references.prepare(&mut population);
    let ids: Vec<CustomerId> = (0..all.rows()).map(|row| all.customer(row)).collect();
    let parts = match alone {
        false => vec![all],
        true => {
            let load = |id: &CustomerId| {
                Timelines::load_customers(store, &context, &[*id], columns.needs(), cut).unwrap()
            };
            ids.iter().map(load).collect()
        }
    };
    let mut out = columns.buffers();
    let mut parts_out = vec![];
    for timelines in &parts {
        let mut as_of = AsOf::new(timelines.rows(), columns.needs());
        let touches = OwnTouches::new(timelines.rows());
        let rows: Vec<_> = (0..timelines.rows() as u32).collect();
        rows.iter().for_each(|row| as_of.advance(timelines, *row as usize, now));
        let view = View { context: &context, timelines, touches: &touches, population: &population, now };
        columns.fill(&view, &mut as_of, &rows, &mut out);
        parts_out.push(out.clone());
    }
    let tables =
        references.at(&context, &population, now).iter().map(|table| table.as_ref().clone()).collect();
    (joined(parts_out), tables)
}

/// Columns of several batches as of one.
fn joined(parts: Vec<Vec<Column>>) -> Vec<Column> {
    let mut parts = parts.into_iter();
    let mut all = parts.next().unwrap();
    for part in parts {
        for (whole, more) in all.iter_mut().zip(part) {
            let rows = |c: &Column| match c.offsets.len() {
                0 => c.s64s.len() + c.u32s.len(),
                offsets => offsets - 1,
            };
            let (before, added) = (rows(whole), rows(&more));
            let values = whole.s64s.len() + whole.u32s.len();
            whole.s64s.extend(more.s64s);
            whole.u32s.extend(more.u32s);
            whole.offsets.extend(more.offsets.iter().skip(1).map(|offset| offset + values as u32));
            for row in
                (0..added).filter(|row| more.missing.get(row / 64).is_some_and(|w| w >> (row % 64) & 1 == 1))
            {
                let at = before + row;
                whole.missing.resize(whole.missing.len().max(at / 64 + 1), 0);
                whole.missing[at / 64] |= 1 << (at % 64);
            }
        }
    }
    all
}

fn text(tables: &[Table]) -> Vec<String> {
    tables.iter().map(|table| format!("{table:?}")).collect()
}

proptest! {
    #[test]
    fn no_column_knows_what_was_not_known_before(
        said in said(),
        hour in 0..HOURS / 6,
        lag_minutes in prop::sample::select(vec![0, 60, 600, 1_440]),
    ) {
        let (plan, now) = (plan(), instant(hour * 6));
        let whole = columns(&said.store(false), &plan, lag_minutes, (now, Time::MAX), false);
        let others = [
            ("cut", columns(&said.store(false), &plan, lag_minutes, (now, now), false)),
            ("never told of later", columns(&said.before(now).store(true), &plan, lag_minutes, (now, Time::MAX), false)),
        ];
        for (what, other) in others {
            for ((request, whole), other) in plan.columns.iter().zip(&whole.0).zip(&other.0) {
                prop_assert_eq!(whole, other, "{}: {}", what, &request.name);
            }
            prop_assert_eq!(text(&whole.1), text(&other.1), "{}", what);
        }
    }

    #[test]
    fn one_row_alone_has_the_columns_of_its_shard(
        said in said(),
        hour in 0..HOURS / 6,
        lag_minutes in prop::sample::select(vec![0, 60, 600, 1_440]),
    ) {
        let (plan, now, store) = (plan(), instant(hour * 6), said.store(false));
        let (shard, alone) =
            (columns(&store, &plan, lag_minutes, (now, Time::MAX), false), columns(&store, &plan, lag_minutes, (now, Time::MAX), true));
        for ((request, shard), alone) in plan.columns.iter().zip(&shard.0).zip(&alone.0) {
            prop_assert_eq!(shard, alone, "{}", &request.name);
        }
        // Histories are read another way where nothing asks for categories.
        let is_plain = |request: &ColumnRequest| !request.name.starts_with("category.");
        let plain = Plan {
            columns: plan.columns.iter().filter(|request| is_plain(request)).cloned().collect(),
            references: vec![],
            ..plan.clone()
        };
        let without = columns(&store, &plain, lag_minutes, (now, Time::MAX), false).0;
        let with = plan.columns.iter().zip(&shard.0).filter(|(request, _)| is_plain(request));
        for ((request, with), without) in with.zip(&without) {
            prop_assert_eq!(with, without, "{} without categories", &request.name);
        }
    }
}
