//! Made-up customers with the habits of real ones, to try things out and to measure at any size.
//!
//! Purchases follow the BG/NBD model: every customer has an own rate and an own chance to drop out after each
//! purchase. First purchases are spread over the period, weeks and days have their rhythm, and baskets follow
//! personal tastes.
//!
//! # Invariants
//!
//! - **A seed is a store.** Each customer has an own random stream, so the same [`Spec`] gives the same events
//!   whatever the number of threads; generating again changes nothing.
//! - **Bounded memory.** Customers are made, written and forgotten in blocks, in the order in which a store keeps
//!   them.
//!
//! # Not here
//!
//! How one customer's history is drawn is `history`; products and prices are `catalogue`.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use stratagem_model::time::Day;
use stratagem_model::{CustomerId, EventId, Line, NO_ITEM, Order, Zone};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::{Appended, CustomerEvents, Settings, Source, Store, StoreError};

mod catalogue;
mod events;
mod history;

use catalogue::Catalogue;
use history::{Habits, Purchase};

/// What to make up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Spec {
    pub customers: u32,
    /// On average over all customers and the whole period; every customer has at least one.
    pub orders_per_customer: f64,
    /// The first day of the period, in the store's zone.
    pub start: Day,
    pub days: u32,
    pub seed: u64,
    pub categories: u32,
    pub products: u32,
    /// Whether orders have lines. Their values are the same without.
    pub has_lines: bool,
    /// Whether there is anything beside orders that are known at once: registrations, attributes, tags, consent
    /// withdrawn, refunds, acts; coupons and staff of orders; orders that are known late, and corrections.
    pub has_events: bool,
}

impl Default for Spec {
    /// Two years of a small shop.
    fn default() -> Self {
        Self {
            customers: 10_000,
            orders_per_customer: 8.0,
            // 2024-01-01.
            start: 19_723,
            days: 730,
            seed: 1,
            categories: 20,
            products: 1_000,
            has_lines: true,
            has_events: false,
        }
    }
}

/// How far it is, in customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
}

/// Why nothing, or not everything, was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    #[error("`{field}` is {value}, but it must be {accepted}")]
    Spec { field: &'static str, value: String, accepted: String },
    #[error("the store's zone is unknown")]
    Zone(#[from] stratagem_model::time::UnknownZone),
    #[error("interrupted; what was written stays, and the same command completes it")]
    Interrupted,
    #[error("cannot write the CSV file")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl GenerateError {
    /// The next thing to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) => error.hint(),
            _ => None,
        }
    }
}

/// Customers a block. Large enough for a store to write in long runs of neighbouring keys, small enough for memory.
const BLOCK: usize = 8192;

impl Spec {
    fn check(&self) -> Result<(), GenerateError> {
        let refuse = |field, value: String, accepted: &str| {
            Err(GenerateError::Spec { field, value, accepted: accepted.into() })
        };
        let Self { customers, orders_per_customer, start, days, categories, products, .. } = *self;
        if !(1..=100_000_000).contains(&customers) {
            return refuse("customers", customers.to_string(), "from 1 to 100,000,000");
        }
        if !(1.0..=1_000.0).contains(&orders_per_customer) {
            return refuse("orders per customer", orders_per_customer.to_string(), "from 1 to 1,000");
        }
        if !(0..=47_000).contains(&start) {
            let date = stratagem_model::time::date_of(start);
            return refuse("start", format!("`{date}`"), "from 1970-01-01 to 2098-09-06");
        }
        if !(7..=36_500).contains(&days) {
            return refuse("days", days.to_string(), "from 7 to 36,500");
        }
        if !(1..=10_000).contains(&categories) {
            return refuse("categories", categories.to_string(), "from 1 to 10,000");
        }
        if !(categories..=1_000_000).contains(&products) {
            return refuse("products", products.to_string(), "from the number of categories to 1,000,000");
        }
        Ok(())
    }

    /// The id a customer has outside.
    pub fn external_id(number: u32) -> String {
        format!("c{number:07}")
    }
}

/// Puts made-up customers into a store.
///
/// # Errors
/// The spec is out of bounds, the store refused, or `cancel` was set: then some customers are there, and the same
/// call completes the rest.
pub fn generate(
    store: &dyn Store,
    spec: &Spec,
    progress: &mut dyn FnMut(Progress),
    cancel: &AtomicBool,
) -> Result<Appended, GenerateError> {
    let maker = Maker::new(spec, store.settings())?;
    let mut source = Source {
        name: "generated".into(),
        kind: "orders".into(),
        fingerprint: maker.fingerprint(store.settings()),
        rows: 0,
        is_complete: false,
    };
    let code = store.put_source(&source)?;
    let codes = Codes {
        source: code,
        products: if spec.has_lines { maker.catalogue.enter(store)? } else { vec![] },
        channels: store.intern("channel", &CHANNELS)?,
        stores: store.intern("store", &STORES)?,
        events: if spec.has_events { Some(events::Words::enter(store)?) } else { None },
        first_bought: (0..spec.products).map(|_| AtomicI64::new(i64::MAX)).collect(),
    };
    let numbers = numbers_in_key_order(spec.customers);
    let make = |numbers: &[u32]| -> Vec<CustomerEvents> {
        numbers.par_iter().map(|number| maker.customer(*number, &codes)).collect()
    };
    let mut blocks = numbers.chunks(BLOCK);
    let mut ready = blocks.next().map(make).unwrap_or_default();
    let mut total = Appended::default();
    let mut done = 0;
    while !ready.is_empty() {
        if cancel.load(Ordering::Relaxed) {
            return Err(GenerateError::Interrupted);
        }
        done += ready.len() as u64;
        // The next block is made while this one is written.
        let next = blocks.next();
        let (appended, made) = rayon::join(|| store.append(ready), || next.map(make).unwrap_or_default());
        let appended = appended?;
        total += appended;
        progress(Progress { done, total: u64::from(spec.customers) });
        ready = made;
    }
    let first_bought: Vec<_> = codes.first_bought.iter().map(|at| at.load(Ordering::Relaxed)).collect();
    maker.catalogue.file(store, code, &codes.products, &first_bought)?;
    source.rows = total.added + total.unchanged;
    source.is_complete = true;
    store.put_source(&source)?;
    Ok(total)
}

/// Codes of the store that is filled.
struct Codes {
    source: u32,
    products: Vec<u32>,
    channels: Vec<u32>,
    stores: Vec<u32>,
    events: Option<events::Words>,
    /// By product, milliseconds; lowered as customers are made.
    first_bought: Vec<AtomicI64>,
}

/// Writes the orders that [`generate`] would put into a store with these settings as CSV, for
/// [`ingest`](crate::ingest). Gives the number of rows.
///
/// # Errors
/// The spec is out of bounds, writing failed, or `cancel` was set.
pub fn write_csv(
    spec: &Spec,
    settings: &Settings,
    out: &mut dyn Write,
    cancel: &AtomicBool,
) -> Result<u64, GenerateError> {
    let maker = Maker::new(spec, settings)?;
    let header: &[u8] = match spec.has_lines {
        true => b"customer,order,time,channel,store,product,category,quantity,gross,discount\n",
        false => b"customer,order,time,channel,store,gross,discount\n",
    };
    out.write_all(header)?;
    let mut rows = 0;
    for first in (0..spec.customers).step_by(BLOCK) {
        if cancel.load(Ordering::Relaxed) {
            return Err(GenerateError::Interrupted);
        }
        let block = first..(first + BLOCK as u32).min(spec.customers);
        let texts: Vec<_> = block.into_par_iter().map(|number| maker.rows(number)).collect();
        for (text, count) in texts {
            out.write_all(text.as_bytes())?;
            rows += count;
        }
    }
    out.flush()?;
    Ok(rows)
}

/// Customers' numbers in the order in which a store keeps the customers.
fn numbers_in_key_order(customers: u32) -> Vec<u32> {
    let key = |number: u32| {
        let id = CustomerId::from_external(&Spec::external_id(number));
        (id.bucket(), id, number)
    };
    let mut keys: Vec<_> = (0..customers).into_par_iter().map(key).collect();
    keys.par_sort_unstable();
    keys.into_iter().map(|(_, _, number)| number).collect()
}

/// Everything that customers have in common.
struct Maker<'s> {
    spec: &'s Spec,
    zone: Zone,
    currency: stratagem_model::Currency,
    catalogue: Catalogue,
    habits: Habits,
}

impl<'s> Maker<'s> {
    fn new(spec: &'s Spec, settings: &Settings) -> Result<Self, GenerateError> {
        spec.check()?;
        Ok(Self {
            spec,
            zone: Zone::new(&settings.zone)?,
            currency: settings.currency.clone(),
            catalogue: Catalogue::new(spec, &settings.currency),
            habits: Habits::calibrate(spec),
        })
    }

    /// A digest of everything that decides what is made.
    fn fingerprint(&self, settings: &Settings) -> String {
        let said =
            serde_json::to_vec(&(self.spec, settings)).expect("numbers and texts can be written as JSON");
        blake3::hash(&said).to_hex().to_string()
    }

    fn purchases(&self, number: u32) -> Vec<Purchase> {
        history::purchases(self.spec, &self.habits, &self.catalogue, &self.zone, number)
    }

    fn customer(&self, number: u32, codes: &Codes) -> CustomerEvents {
        let mut events = CustomerEvents::new(Spec::external_id(number), Default::default());
        events.source = codes.source;
        for (n, purchase) in self.purchases(number).into_iter().enumerate() {
            let id = EventId::from_external(&order_id(&events.external_id, n));
            let (channel, store) = place(self.spec, number, n);
            let mut lines: Vec<Line> = vec![];
            if self.spec.has_lines {
                for line in &purchase.lines {
                    let first = &codes.first_bought[line.product as usize];
                    // Read first: almost always it is earlier, and a write would take it from other threads.
                    if purchase.time.0 < first.load(Ordering::Relaxed) {
                        first.fetch_min(purchase.time.0, Ordering::Relaxed);
                    }
                }
                lines.extend(
                    purchase
                        .lines
                        .iter()
                        .map(|line| Line { product: codes.products[line.product as usize], ..*line }),
                );
                lines.sort_unstable_by_key(|line| (line.product, line.quantity, line.gross));
            }
            events.timeline.orders.push(Order {
                discount: purchase.discount,
                lines: lines.len() as u32,
                channel: codes.channels[channel],
                store: store.map_or(NO_ITEM, |store| codes.stores[store]),
                ..Order::new(id, purchase.time, purchase.gross)
            });
            events.timeline.lines.append(&mut lines);
        }
        if let Some(words) = &codes.events {
            words.add(self.spec.seed, &events.external_id, &mut events.timeline);
        }
        events
    }

    /// The rows of a customer, and how many they are.
    fn rows(&self, number: u32) -> (String, u64) {
        use std::fmt::Write;
        let customer = Spec::external_id(number);
        let (mut text, mut count) = (String::new(), 0);
        let amount = |minor| self.currency.format(minor).replace(',', "");
        for (n, purchase) in self.purchases(number).into_iter().enumerate() {
            let (channel, store) = place(self.spec, number, n);
            let (channel, store) = (CHANNELS[channel], store.map_or("", |store| STORES[store]));
            let front = format!("{customer},{},{},{channel},{store}", order_id(&customer, n), purchase.time);
            let discount = amount(purchase.discount);
            if !self.spec.has_lines {
                count += 1;
                writeln!(text, "{front},{},{discount}", amount(purchase.gross))
                    .expect("writing to a string cannot fail");
                continue;
            }
            for (place, line) in purchase.lines.iter().enumerate() {
                let (product, category) = self.catalogue.names(line.product);
                // The order's discount is on its first line.
                let discount = if place == 0 { discount.as_str() } else { "0" };
                let (quantity, gross) = (line.quantity, amount(line.gross));
                count += 1;
                writeln!(text, "{front},{product},{category},{quantity},{gross},{discount}")
                    .expect("writing to a string cannot fail");
            }
        }
        (text, count)
    }
}

const CHANNELS: [&str; 3] = ["app", "shop", "web"];
const STORES: [&str; 5] = ["Centre", "Harbour", "Hill", "Market", "Station"];

/// Where a customer's order was placed: four of five times in their usual channel, and of a shop in their usual one.
fn place(spec: &Spec, number: u32, order: usize) -> (usize, Option<usize>) {
    let draw =
        |what: u64| xxh3_64_with_seed(&[u64::from(number), what].map(u64::to_le_bytes).concat(), spec.seed);
    let usual = draw(0);
    let this = draw(1 + order as u64);
    let habit = if this.is_multiple_of(5) { this / 5 } else { usual };
    let channel = (habit % 3) as usize;
    (channel, (CHANNELS[channel] == "shop").then_some((habit / 3 % 5) as usize))
}

/// The id that a customer's order has outside.
fn order_id(customer: &str, n: usize) -> String {
    format!("{customer}-{n:04}")
}
