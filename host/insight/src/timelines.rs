//! The history of a shard of customers in columns, and where each customer stands at an instant.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use stratagem_model::event::{EventId, EventKind, FlatEvent, Order, Timeline};
use stratagem_model::plan::Plan;
use stratagem_model::time::{Day, Time, Zone};
use stratagem_model::{BUCKETS, CustomerId};
use stratagem_store::{Projection, Store, StoreError, attribute_values};

use crate::filings::Filings;
use crate::replaced::{Counted, Replaced};
use crate::vocabulary::Vocabulary;

/// What is the same for all shards of a store.
#[derive(Debug)]
pub struct StoreContext {
    pub zone: Zone,
    pub filings: Filings,
    pub categories: Vocabulary,
    /// The names of customer attributes by their codes; of those that nothing says none.
    pub attributes: Vec<Option<String>>,
    /// Of each attribute's values; empty where they are not asked for.
    pub attribute_values: Vec<Vocabulary>,
    /// Words of the dictionary `channel`.
    pub channels: Vec<String>,
    /// Whether there is anything but orders.
    pub has_events: bool,
}

impl StoreContext {
    /// Reads from a store what this plan asks for, or what is needed without one.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn read(store: &dyn Store, zone: Zone, plan: Option<&Plan>) -> Result<Self, StoreError> {
        let categories = Vocabulary::read(store, "category")?;
        let names = store.dictionary("attribute")?.into_iter().zip(store.first_known("attribute")?);
        let attributes: Vec<_> = names.map(|(name, known)| (known != Time::MAX).then_some(name)).collect();
        let columns = plan.into_iter().flat_map(|plan| &plan.columns).map(|column| &column.name);
        let tables = plan.into_iter().flat_map(|plan| &plan.references).map(|table| &table.name);
        let wanted: HashSet<_> =
            columns.chain(tables).filter_map(|name| name.strip_prefix(ATTRIBUTE)).collect();
        let values_of = |name: &Option<String>| match name {
            Some(name) if wanted.contains(name.as_str()) => Vocabulary::read(store, &attribute_values(name)),
            _ => Ok(Vocabulary::default()),
        };
        Ok(Self {
            zone,
            filings: Filings::read(store, &categories)?,
            categories,
            attribute_values: attributes.iter().map(values_of).collect::<Result<_, _>>()?,
            attributes,
            channels: store.dictionary("channel")?,
            has_events: store.totals()?.events > 0,
        })
    }
}

/// About how many orders these buckets have: customers are spread over all evenly.
fn orders_of(store: &dyn Store, buckets: &Range<u16>) -> Result<usize, StoreError> {
    let share = store.totals()?.orders * buckets.len() as u64 / u64::from(BUCKETS);
    Ok((share + share / 16) as usize)
}

/// What the names of columns and tables of attributes begin with.
const ATTRIBUTE: &str = "attribute.";

impl StoreContext {
    /// The code of an attribute, by the name of its column or table.
    pub(crate) fn attribute_of(&self, name: &str) -> Option<u32> {
        let attribute = name.strip_prefix(ATTRIBUTE)?;
        let code = self.attributes.iter().position(|known| known.as_deref() == Some(attribute))?;
        Some(index(code))
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

impl Needs {
    fn projection(self, context: &StoreContext) -> Projection {
        Projection { lines: self.categories, events: self.events && context.has_events }
    }
}

/// The history of some customers, of a range of buckets in the order of `(bucket, id)`.
///
/// Per-customer lists of *entries* are in the order of `known_time`, so what is known at an instant is a prefix of each. A
/// correction of an order, and a product that is filed elsewhere, make a further entry that stands in the place of an
/// earlier one from its known time on.
#[derive(Debug)]
pub struct Timelines {
    pub(crate) customers: Vec<CustomerId>,
    /// Customers + 1: where each one's entries begin.
    pub(crate) order_start: Vec<u32>,
    pub(crate) known: Vec<i64>,
    pub(crate) time: Vec<i64>,
    pub(crate) has_hour: Vec<bool>,
    /// Latest event time among the customer's entries up to this one.
    pub(crate) last_time: Vec<i64>,
    /// The same of the row that is not ended yet.
    pub(crate) last_of_row: i64,
    /// Entries + 1: order value of the shard up to here, so that a difference is a sum.
    pub(crate) gross_before: Vec<i64>,
    pub(crate) discount: Vec<i64>,
    /// Local day of each entry, if needed.
    pub(crate) day: Vec<Day>,
    /// Entries + 1: where each one's categories begin, if needed.
    pub(crate) category_start: Vec<u32>,
    /// Distinct categories of an entry, ascending places.
    pub(crate) category: Vec<u32>,
    pub(crate) replaced: Replaced,
    /// Rows of which an order became known after a later one.
    pub(crate) late_rows: HashSet<u32>,
    /// Customers + 1: where each one's other events begin.
    pub(crate) event_start: Vec<u32>,
    pub(crate) events: Vec<FlatEvent>,
    /// When an event was corrected by a later one, milliseconds.
    pub(crate) corrected_events: HashMap<u32, i64>,
}

/// A customer's order while entries are made of it.
struct Open<'t> {
    order: &'t Order,
    lines: Range<usize>,
    /// Its newest entry.
    entry: u32,
    /// When its categories change, the next one last.
    changes: Vec<Time>,
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
        this.reserve(orders_of(store, &buckets)?);
        store.scan(buckets, needs.projection(context), &mut |customer, timeline| {
            this.push(customer, timeline, context, needs, cut);
        })?;
        Ok(this)
    }

    /// Reads some customers one by one, those that there are in the order given.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn load_customers(
        store: &dyn Store,
        context: &StoreContext,
        customers: &[CustomerId],
        needs: Needs,
        cut: Time,
    ) -> Result<Self, StoreError> {
        let mut this = Self::empty();
        store.timelines(customers, needs.projection(context), &mut |customer, timeline| {
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
            has_hour: vec![],
            last_time: vec![],
            last_of_row: i64::MIN,
            gross_before: vec![0],
            discount: vec![],
            day: vec![],
            category_start: vec![0],
            category: vec![],
            replaced: Replaced::default(),
            late_rows: HashSet::new(),
            event_start: vec![0],
            events: vec![],
            corrected_events: HashMap::new(),
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
        let has_corrections = timeline.orders.iter().any(|order| order.is_correction);
        if !has_corrections && !needs.categories {
            self.push_orders(&timeline.orders, context, needs, cut);
            self.push_rest(customer, timeline, cut);
            return;
        }
        let row = index(self.customers.len());
        let mut open: Vec<Open<'_>> = vec![];
        let mut line = 0;
        for order in timeline.orders.iter().take_while(|order| order.known_time < cut) {
            if !open.is_empty() {
                self.refile(row, &mut open, timeline, context, needs, order.known_time);
            }
            let lines = if needs.categories { line..line + order.lines as usize } else { 0..0 };
            line = lines.end;
            let corrected = if has_corrections { take_corrected(&mut open, order) } else { None };
            let own = &timeline.lines[lines.clone()];
            let entry = self.push_entry(order, order.known_time, own, context, needs);
            if let Some(earlier) = corrected {
                self.replaced.insert(row, earlier, entry, false);
            }
            let mut changes = match needs.categories {
                true => context.filings.changes(
                    &timeline.lines[lines.clone()],
                    order.event_time,
                    order.known_time,
                ),
                false => vec![],
            };
            changes.reverse();
            if has_corrections || !changes.is_empty() {
                open.push(Open { order, lines, entry, changes });
            }
        }
        if !open.is_empty() {
            self.refile(row, &mut open, timeline, context, needs, cut);
        }
        self.push_rest(customer, timeline, cut);
    }

    /// Adds the orders of a customer of whom nothing is corrected, a list at a time: most stores have only such.
    fn push_orders(&mut self, orders: &[Order], context: &StoreContext, needs: Needs, cut: Time) {
        let orders = &orders[..orders.partition_point(|order| order.known_time < cut)];
        self.known.extend(orders.iter().map(|order| order.known_time.0));
        self.time.extend(orders.iter().map(|order| order.event_time.0));
        self.has_hour.extend(orders.iter().map(|order| order.has_hour));
        self.discount.extend(orders.iter().map(|order| order.discount));
        let mut gross = self.gross_before[self.gross_before.len() - 1];
        self.gross_before.extend(orders.iter().map(|order| {
            gross += order.gross;
            gross
        }));
        let (mut last, mut is_late) = (i64::MIN, false);
        self.last_time.extend(orders.iter().map(|order| {
            is_late |= order.event_time.0 < last;
            last = last.max(order.event_time.0);
            last
        }));
        if is_late {
            self.late_rows.insert(index(self.order_start.len() - 1));
        }
        if needs.days {
            self.day.extend(orders.iter().map(|order| context.zone.day(order.event_time)));
        }
    }

    /// Ends a customer with the events that are no orders.
    fn push_rest(&mut self, customer: CustomerId, timeline: &Timeline, cut: Time) {
        self.push_events(timeline, cut);
        self.customers.push(customer);
        self.end_row();
        self.event_start.push(index(self.events.len()));
    }

    /// Makes entries of the orders whose categories change before `until`.
    fn refile(
        &mut self,
        row: u32,
        open: &mut [Open<'_>],
        timeline: &Timeline,
        context: &StoreContext,
        needs: Needs,
        until: Time,
    ) {
        while let Some(next) =
            open.iter_mut().filter(|o| !o.changes.is_empty()).min_by_key(|o| o.changes.last().copied())
            && let Some(at) = next.changes.pop_if(|at| *at < until)
        {
            let lines = &timeline.lines[next.lines.clone()];
            let mut categories = vec![];
            context.filings.categories(lines, next.order.event_time, Time(at.0 + 1), &mut categories);
            if categories != self.order_categories(next.entry as usize) {
                let entry = self.push_entry(next.order, at, lines, context, needs);
                self.replaced.insert(row, next.entry, entry, true);
                next.entry = entry;
            }
        }
    }

    /// Adds an entry of an order as it is known from an instant on.
    #[inline]
    fn push_entry(
        &mut self,
        order: &Order,
        known: Time,
        lines: &[stratagem_model::Line],
        context: &StoreContext,
        needs: Needs,
    ) -> u32 {
        self.push_order(known.0, order.event_time.0, order.gross, order.discount);
        self.has_hour.push(order.has_hour);
        if needs.days {
            self.day.push(context.zone.day(order.event_time));
        }
        if needs.categories {
            // What became known with it counts.
            let now = Time(known.0.saturating_add(1));
            context.filings.categories(lines, order.event_time, now, &mut self.category);
            self.category_start.push(index(self.category.len()));
        }
        index(self.known.len() - 1)
    }

    #[inline]
    pub(crate) fn push_order(&mut self, known: i64, time: i64, gross: i64, discount: i64) {
        if time < self.last_of_row {
            self.late_rows.insert(index(self.order_start.len() - 1));
        }
        self.last_of_row = self.last_of_row.max(time);
        self.known.push(known);
        self.time.push(time);
        self.last_time.push(self.last_of_row);
        self.gross_before.push(self.gross_before[self.gross_before.len() - 1] + gross);
        self.discount.push(discount);
    }

    /// Ends the entries of a row.
    pub(crate) fn end_row(&mut self) {
        self.order_start.push(index(self.known.len()));
        self.last_of_row = i64::MIN;
    }

    /// Makes room for so many more orders.
    pub(crate) fn reserve(&mut self, orders: usize) {
        for list in
            [&mut self.known, &mut self.time, &mut self.last_time, &mut self.gross_before, &mut self.discount]
        {
            list.reserve(orders);
        }
        self.has_hour.reserve(orders);
    }

    fn push_events(&mut self, timeline: &Timeline, cut: Time) {
        let start = self.events.len();
        self.events.extend(timeline.events.iter().take_while(|event| event.known_time < cut).cloned());
        for at in start..self.events.len() {
            let event = &self.events[at];
            if !event.is_correction {
                continue;
            }
            let is_same = |other: &FlatEvent| (other.kind, other.id) == (event.kind, event.id);
            if let Some(earlier) = self.events[start..at].iter().rposition(is_same) {
                self.corrected_events.insert(index(start + earlier), event.known_time.0);
            }
        }
    }

    /// How many customers there are.
    pub fn rows(&self) -> usize {
        self.customers.len()
    }

    /// The customer of a row.
    pub fn customer(&self, row: usize) -> CustomerId {
        self.customers[row]
    }

    /// A row's entries, also those in whose place others stand.
    pub(crate) fn entries(&self, row: usize) -> Range<usize> {
        self.order_start[row] as usize..self.order_start[row + 1] as usize
    }

    /// How many entries a row has: as many are known at the end.
    pub fn known_at_the_end(&self, row: usize) -> u32 {
        self.order_start[row + 1] - self.order_start[row]
    }

    /// The orders of a row that count when its first `known` entries are known.
    #[inline]
    pub fn counted(&self, row: usize, known: u32) -> Counted<'_> {
        let start = self.order_start[row] as usize;
        let end = start + known as usize;
        let replaced = self.replaced.has(row).then_some(&self.replaced);
        Counted::new(start..end, replaced)
    }

    /// The orders that count, oldest first, of a row in which that is not the order of its entries.
    pub(crate) fn rearranged(&self, row: usize, known: u32) -> Option<Vec<usize>> {
        if !self.is_rearranged(row) {
            return None;
        }
        let mut orders: Vec<_> = self.counted(row, known).collect();
        orders.sort_by_key(|order| self.age(*order));
        Some(orders)
    }

    /// All of a row's orders as they are known at the end, oldest first, into `out`.
    pub fn oldest_first(&self, row: usize, out: &mut Vec<usize>) {
        out.clear();
        out.extend(self.orders(row));
        if self.is_rearranged(row) {
            out.sort_by_key(|order| self.age(*order));
        }
    }

    /// What orders are sorted by, oldest first: of one instant, the one that was known first. Filing its products
    /// elsewhere makes an order no newer.
    fn age(&self, order: usize) -> (i64, usize) {
        (self.time[order], self.replaced.unfiled(order))
    }

    /// Whether the entries of a row are not all orders that count, oldest first.
    fn is_rearranged(&self, row: usize) -> bool {
        let is_late = !self.late_rows.is_empty() && self.late_rows.contains(&(row as u32));
        is_late || self.replaced.has(row)
    }

    /// All of a row's orders, as they are known at the end.
    #[inline]
    pub fn orders(&self, row: usize) -> Counted<'_> {
        self.counted(row, self.known_at_the_end(row))
    }

    /// How many orders of a row count when its first `known` entries are known.
    #[inline]
    pub fn order_count(&self, row: usize, known: u32) -> u32 {
        if self.replaced.has(row) { index(self.counted(row, known).count()) } else { known }
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

    /// The other events of a row that were known before `now`, as they were known then.
    pub fn events_before(
        &self,
        row: usize,
        now: Time,
    ) -> impl DoubleEndedIterator<Item = &FlatEvent> + Clone {
        let start = self.event_start[row] as usize;
        let events = self.events(row);
        let known = &events[..events.partition_point(|event| event.known_time < now)];
        let corrected = &self.corrected_events;
        let counts = move |at: usize| {
            corrected.is_empty() || corrected.get(&(at as u32)).is_none_or(|known| *known >= now.0)
        };
        known.iter().enumerate().filter(move |(at, _)| counts(start + at)).map(|(_, event)| event)
    }

    /// How many of a row's entries were known before `now`, given how many were at an earlier instant.
    pub fn advance(&self, row: usize, known_entries: u32, now: Time) -> u32 {
        let orders = self.entries(row);
        let later = &self.known[orders.start + known_entries as usize..orders.end];
        // Few orders lie between two evaluations of a row.
        known_entries + index(later.iter().take_while(|known| **known < now.0).count())
    }

    /// Event time of the latest of a row's known orders.
    #[inline]
    pub fn last_order_time(&self, row: usize, known_entries: u32) -> Option<Time> {
        if self.replaced.has(row) {
            return self.last_counted_time(row, known_entries);
        }
        let last = known_entries.checked_sub(1)?;
        Some(Time(self.last_time[self.order_start[row] as usize + last as usize]))
    }

    #[cold]
    fn last_counted_time(&self, row: usize, known_entries: u32) -> Option<Time> {
        self.counted(row, known_entries).map(|order| Time(self.time[order])).max()
    }

    /// Value before discounts of a row's known orders.
    #[inline]
    pub fn monetary(&self, row: usize, known_entries: u32) -> i64 {
        if self.replaced.has(row) {
            return self.counted_value(row, known_entries);
        }
        let start = self.order_start[row] as usize;
        self.gross_before[start + known_entries as usize] - self.gross_before[start]
    }

    #[cold]
    fn counted_value(&self, row: usize, known_entries: u32) -> i64 {
        self.counted(row, known_entries).map(|order| self.order_value(order).0).sum()
    }

    /// When a row's first event of any kind became known: the customer does not exist before. What is known always is
    /// nobody's beginning.
    pub fn first_known(&self, row: usize) -> Option<Time> {
        let order = self.entries(row).next().map(|order| self.known[order]);
        let event =
            self.events(row).iter().map(|event| event.known_time.0).find(|known| *known != Time::MIN.0);
        order.into_iter().chain(event).min().map(Time)
    }

    /// When the next event of one of these kinds becomes known that was not known before `now`.
    pub fn next_known(&self, row: usize, known_entries: u32, kinds: &[EventKind], now: Time) -> Option<Time> {
        let order = || {
            let entries = self.entries(row);
            let mut later = entries.start + known_entries as usize..entries.end;
            later.find(|entry| !self.replaced.is_refiling(*entry)).map(|entry| self.known[entry])
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

/// The entry of the order that another one corrects, which is not open any more.
fn take_corrected(open: &mut Vec<Open<'_>>, order: &Order) -> Option<u32> {
    let id: EventId = order.id;
    let at = open.iter().position(|open| order.is_correction && open.order.id == id)?;
    Some(open.swap_remove(at).entry)
}
