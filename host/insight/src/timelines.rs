//! The history of a shard of customers in columns, and where each customer stands at an instant.

use std::ops::Range;

use stratagem_model::event::{EventKind, FlatEvent, Timeline};
use stratagem_model::time::{Day, Time, Zone};
use stratagem_model::{CustomerId, NO_ITEM};
use stratagem_store::{Projection, Store, StoreError};

/// What is the same for all shards of a store.
#[derive(Debug, Clone)]
pub struct StoreContext {
    pub zone: Zone,
    /// Category code of each product code, [`NO_ITEM`] where unknown.
    pub product_categories: Vec<u32>,
    /// Words of the dictionary `category`.
    pub categories: Vec<String>,
    /// Words of the dictionary `attribute`: the names of customer attributes.
    pub attributes: Vec<String>,
    /// Words of each attribute's own dictionary.
    pub attribute_values: Vec<Vec<String>>,
    /// Words of the dictionary `channel`.
    pub channels: Vec<String>,
    /// Event time of the store's first order.
    pub first_order: Option<Time>,
    /// Whether there is anything but orders.
    pub has_events: bool,
}

impl StoreContext {
    /// Reads it from a store.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn read(store: &dyn Store, zone: Zone) -> Result<Self, StoreError> {
        let totals = store.totals()?;
        let attributes = store.dictionary("attribute")?;
        let values_of = |name: &String| store.dictionary(&format!("attribute.{name}"));
        Ok(Self {
            zone,
            product_categories: store.product_categories()?,
            categories: store.dictionary("category")?,
            attribute_values: attributes.iter().map(values_of).collect::<Result<_, _>>()?,
            attributes,
            channels: store.dictionary("channel")?,
            first_order: totals.first_order_ms.map(Time),
            has_events: totals.events > 0,
        })
    }
}

/// Which parts of the history a run needs beside the orders themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// Categories of orders.
    pub categories: bool,
    /// Local day of each order.
    pub days: bool,
    /// Other events.
    pub events: bool,
}

/// The history of a range of buckets, customers in the order of `(bucket, id)`.
///
/// Per-customer lists are in the order of `known_time`, so what is known at an instant is a prefix of each.
#[derive(Debug)]
pub struct Timelines {
    pub(crate) customers: Vec<CustomerId>,
    /// Customers + 1: where each one's orders begin.
    pub(crate) order_start: Vec<u32>,
    pub(crate) known: Vec<i64>,
    pub(crate) time: Vec<i64>,
    /// Latest event time among the customer's orders up to this one.
    pub(crate) last_time: Vec<i64>,
    /// Orders + 1: order value of the shard up to here, so that a difference is a sum.
    pub(crate) gross_before: Vec<i64>,
    pub(crate) discount: Vec<i64>,
    /// Local day of each order, if needed.
    pub(crate) day: Vec<Day>,
    /// Orders + 1: where each one's categories begin, if needed.
    pub(crate) category_start: Vec<u32>,
    /// Distinct categories of an order, ascending.
    pub(crate) category: Vec<u32>,
    /// Customers + 1: where each one's other events begin.
    pub(crate) event_start: Vec<u32>,
    pub(crate) events: Vec<FlatEvent>,
}

impl Timelines {
    /// Reads the customers of a range of buckets, with events known before `cut` only.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn load(
        store: &dyn Store,
        context: &StoreContext,
        buckets: Range<u16>,
        needs: Needs,
        cut: Time,
    ) -> Result<Self, StoreError> {
        let mut this = Self::empty();
        let projection = Projection { lines: needs.categories, events: needs.events && context.has_events };
        store.scan(buckets, projection, &mut |customer, timeline| {
            this.push(customer, timeline, context, needs, cut);
        })?;
        Ok(this)
    }

    pub(crate) fn empty() -> Self {
        Self {
            customers: vec![],
            order_start: vec![0],
            known: vec![],
            time: vec![],
            last_time: vec![],
            gross_before: vec![0],
            discount: vec![],
            day: vec![],
            category_start: vec![0],
            category: vec![],
            event_start: vec![0],
            events: vec![],
        }
    }

    pub(crate) fn push(
        &mut self,
        customer: CustomerId,
        timeline: &Timeline,
        context: &StoreContext,
        needs: Needs,
        cut: Time,
    ) {
        let mut line = 0;
        let mut last_time = i64::MIN;
        for order in timeline.orders.iter().take_while(|order| order.known_time < cut) {
            last_time = last_time.max(order.event_time.0);
            self.known.push(order.known_time.0);
            self.time.push(order.event_time.0);
            self.last_time.push(last_time);
            let before = self.gross_before[self.gross_before.len() - 1];
            self.gross_before.push(before + order.gross);
            self.discount.push(order.discount);
            if needs.days {
                self.day.push(context.zone.day(order.event_time));
            }
            if needs.categories {
                let start = self.category.len();
                let lines = &timeline.lines[line..line + order.lines as usize];
                line += lines.len();
                let category_of = |product: u32| context.product_categories.get(product as usize).copied();
                self.category.extend(
                    lines.iter().filter_map(|l| category_of(l.product)).filter(|code| *code != NO_ITEM),
                );
                sort_and_dedup_from(&mut self.category, start);
                self.category_start.push(index(self.category.len()));
            }
        }
        self.events.extend(timeline.events.iter().take_while(|event| event.known_time < cut).cloned());
        self.customers.push(customer);
        self.order_start.push(index(self.known.len()));
        self.event_start.push(index(self.events.len()));
    }

    /// How many customers there are.
    pub fn rows(&self) -> usize {
        self.customers.len()
    }

    /// The customer of a row.
    pub fn customer(&self, row: usize) -> CustomerId {
        self.customers[row]
    }

    /// The range of a row's orders.
    pub fn orders(&self, row: usize) -> Range<usize> {
        self.order_start[row] as usize..self.order_start[row + 1] as usize
    }

    /// When an order happened.
    pub fn order_time(&self, order: usize) -> Time {
        Time(self.time[order])
    }

    /// When an order became known.
    pub fn order_known(&self, order: usize) -> Time {
        Time(self.known[order])
    }

    /// An order's value before discounts and its merchant-funded discounts.
    pub fn order_value(&self, order: usize) -> (i64, i64) {
        (self.gross_before[order + 1] - self.gross_before[order], self.discount[order])
    }

    /// Whether an order has a line of this category. Needs categories.
    pub fn order_has_category(&self, order: usize, category: u32) -> bool {
        self.order_categories(order).binary_search(&category).is_ok()
    }

    /// Distinct categories of an order, ascending. Needs categories.
    pub(crate) fn order_categories(&self, order: usize) -> &[u32] {
        &self.category[self.category_start[order] as usize..self.category_start[order + 1] as usize]
    }

    /// Whether the history was read with categories, and with the local days of orders.
    pub(crate) fn has_categories(&self) -> bool {
        self.category_start.len() == self.known.len() + 1
    }

    pub(crate) fn has_days(&self) -> bool {
        self.day.len() == self.known.len()
    }

    /// All other events of a row.
    pub(crate) fn events(&self, row: usize) -> &[FlatEvent] {
        &self.events[self.event_start[row] as usize..self.event_start[row + 1] as usize]
    }

    /// The other events of a row that were known before `now`.
    pub fn events_before(&self, row: usize, now: Time) -> &[FlatEvent] {
        let events = self.events(row);
        &events[..events.partition_point(|event| event.known_time < now)]
    }

    /// How many of a row's orders were known before `now`, given how many were at an earlier instant.
    pub fn advance(&self, row: usize, known_orders: u32, now: Time) -> u32 {
        let orders = self.orders(row);
        let later = &self.known[orders.start + known_orders as usize..orders.end];
        // Few orders lie between two evaluations of a row.
        known_orders + index(later.iter().take_while(|known| **known < now.0).count())
    }

    /// The index of the last of a row's known orders.
    pub(crate) fn last_known(&self, row: usize, known_orders: u32) -> Option<usize> {
        known_orders.checked_sub(1).map(|last| self.order_start[row] as usize + last as usize)
    }

    /// Event time of the latest of a row's known orders.
    pub fn last_order_time(&self, row: usize, known_orders: u32) -> Option<Time> {
        self.last_known(row, known_orders).map(|order| Time(self.last_time[order]))
    }

    /// Value before discounts of a row's known orders.
    pub fn monetary(&self, row: usize, known_orders: u32) -> i64 {
        let start = self.order_start[row] as usize;
        self.gross_before[start + known_orders as usize] - self.gross_before[start]
    }

    /// When a row's first event of any kind became known: the customer does not exist before.
    pub fn first_known(&self, row: usize) -> Option<Time> {
        let order = self.orders(row).next().map(|order| self.known[order]);
        let event = self.events(row).first().map(|event| event.known_time.0);
        order.into_iter().chain(event).min().map(Time)
    }

    /// When the next event of one of these kinds becomes known that was not known before `now`.
    pub fn next_known(&self, row: usize, known_orders: u32, kinds: &[EventKind], now: Time) -> Option<Time> {
        let order = || {
            let orders = self.orders(row);
            self.known[orders.start + known_orders as usize..orders.end].first().copied()
        };
        let order = kinds.contains(&EventKind::Order).then(order).flatten();
        let event = if kinds.iter().any(|kind| *kind != EventKind::Order) {
            let is_next = |event: &&FlatEvent| event.known_time >= now && kinds.contains(&event.kind);
            self.events(row).iter().find(is_next).map(|event| event.known_time.0)
        } else {
            None
        };
        order.into_iter().chain(event).min().map(Time)
    }
}

fn index(len: usize) -> u32 {
    u32::try_from(len).expect("a shard has fewer than 2^32 events")
}

fn sort_and_dedup_from(values: &mut Vec<u32>, start: usize) {
    values[start..].sort_unstable();
    let mut kept = start;
    for i in start..values.len() {
        if i == start || values[i] != values[kept - 1] {
            values[kept] = values[i];
            kept += 1;
        }
    }
    values.truncate(kept);
}
