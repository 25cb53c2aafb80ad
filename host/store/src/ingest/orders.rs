//! Orders from rows that are orders or lines of them.
//!
//! # Rules
//!
//! - Rows with the same customer and order id (and number of correction) are lines of one order. It happened when its
//!   first line did, and could be known when its last line could.
//! - Without an order id each row is an order. Its id is a hash of what the row says and of how many equal rows came
//!   before it, so the same file gives the same ids again.
//! - A line that is rejected takes its whole order with it: an order without it would have another value.
//! - A line may be worth nothing or less, an order not less than nothing.
//!
//! # Not here
//!
//! How rows become lines is `order_rows`.

use std::collections::HashMap;
use std::ops::Range;

use rayon::prelude::*;
use stratagem_model::{EventId, Line, Money, NO_ITEM, ORDER_DETAILS, Order, Time};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::error::Problem;
use super::filings::{self, Filed};
use super::order_rows::{OrderFields, OrderPart, OrderRow};
use super::read::{Destination, Reject, Rows};
use super::value::Cell;
use super::words::NONE;
use crate::{Appended, CustomerEvents, Store, StoreError};

/// All orders of a file.
pub(super) struct Orders {
    fields: OrderFields,
    all: OrderPart,
    drafts: Vec<Draft>,
}

/// An order that was put together; its lines are a range of the sorted rows.
#[derive(Debug)]
struct Draft {
    customer: u32,
    order: Order,
    /// Words of what it says beside, by [`ORDER_DETAILS`].
    details: [u32; 4],
    rows: Range<usize>,
}

impl Orders {
    pub(super) fn new(fields: OrderFields) -> Self {
        Self { fields, all: OrderPart::default(), drafts: vec![] }
    }

    /// Puts one order together, or says why it cannot be.
    fn draft(&self, rows: Range<usize>) -> Result<Draft, Box<Problem>> {
        let lines = &self.all.rows[rows.clone()];
        let first = &lines[0];
        let sum = |of: fn(&OrderRow) -> Money| {
            // Each amount is below 2^53, so only an order of a thousand lines and more can fail here.
            lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(of(line)))
        };
        let (Some(gross), Some(discount)) = (sum(|line| line.gross), sum(|line| line.discount)) else {
            let problem = "the order's amount is too large".into();
            return Err(Problem::new("", "", problem, super::error::CORRECT_IT));
        };
        if gross < 0 {
            let amount = self.fields.values.currency.format(gross);
            let problem = format!("the order's value is negative ({amount})");
            return Err(Problem::new("", &amount, problem, "ingest returns as events of kind `refund`"));
        }
        if discount < 0 {
            let amount = self.fields.values.currency.format(discount);
            let problem = format!("the order's discount is negative ({amount})");
            return Err(Problem::new("", &amount, problem, "map it as `discount=-COLUMN`"));
        }
        let earliest = lines.iter().min_by_key(|line| line.time).expect("an order has a row");
        let (event_time, has_hour) = (earliest.time, self.all.beside(earliest).has_hour);
        let known_time = lines.iter().map(|line| line.known).max().expect("an order has a row");
        let id = match first.order {
            NONE => self.derived_id(lines, event_time, gross, discount),
            order => EventId::from_external(self.all.orders.word(order)),
        };
        let count = lines.iter().filter(|line| line.product != NONE).count();
        let details = self.details(lines)?;
        let lines = u32::try_from(count).expect("an order has fewer than 2^32 lines");
        let order = Order { known_time, discount, lines, has_hour, ..Order::new(id, event_time, gross) };
        Ok(Draft { customer: first.customer, order, details, rows })
    }

    /// What the rows of an order say of it as a whole.
    fn details(&self, lines: &[OrderRow]) -> Result<[u32; 4], Box<Problem>> {
        let mut details = self.all.beside(&lines[0]).details;
        if lines.iter().all(|line| line.beside == lines[0].beside) {
            return Ok(details);
        }
        for (at, detail) in details.iter_mut().enumerate() {
            let word_of = |line: &OrderRow| self.all.beside(line).details[at];
            let mut said = lines.iter().filter(|line| word_of(line) != NONE);
            let Some(first) = said.next() else { continue };
            if let Some(other) = said.find(|line| word_of(line) != word_of(first)) {
                let (name, words) = (ORDER_DETAILS[at], &self.all.details[at]);
                let value = words.word(word_of(other));
                let (before, line) = (words.word(word_of(first)), first.line());
                let problem = format!("line {line} says `{before}` is the {name} of the same order");
                return Err(Problem::new(name, value, problem, super::error::CORRECT_IT));
            }
            *detail = word_of(first);
        }
        Ok(details)
    }

    /// An id from what the order says. Equal orders of a customer are told apart later.
    fn derived_id(&self, lines: &[OrderRow], time: Time, gross: Money, discount: Money) -> EventId {
        let word = |line: &OrderRow| match line.product {
            NONE => "",
            product => &**self.all.products.word(product),
        };
        let mut said: Vec<_> =
            lines.iter().map(|line| (word(line), line.quantity, line.line_gross)).collect();
        said.sort_unstable();
        let mut hash = xxh3_64(&time.0.to_le_bytes());
        for number in [gross, discount, said.len() as i64] {
            hash = xxh3_64_with_seed(&number.to_le_bytes(), hash);
        }
        for (product, quantity, gross) in said {
            hash = xxh3_64_with_seed(product.as_bytes(), hash);
            hash = xxh3_64_with_seed(&quantity.to_le_bytes(), hash);
            hash = xxh3_64_with_seed(&gross.to_le_bytes(), hash);
        }
        EventId(hash)
    }

    /// Gives equal orders of a customer different ids, by counting them.
    fn number_equal_orders(&mut self) {
        self.drafts.sort_unstable_by_key(|draft| {
            (draft.customer, draft.order.id, draft.order.known_time, draft.rows.start)
        });
        for equal in self.drafts.chunk_by_mut(|a, b| (a.customer, a.order.id) == (b.customer, b.order.id)) {
            for (count, draft) in (0_u64..).zip(equal) {
                let id = xxh3_64_with_seed(&count.to_le_bytes(), draft.order.id.0);
                draft.order.id = EventId(xxh3_64_with_seed(b"derived", id));
            }
        }
    }

    /// What rows say of the categories of products.
    fn filed(&self) -> Vec<Filed> {
        let filed = |draft: &Draft| {
            let known = draft.order.known_time;
            let rows = self.all.rows[draft.rows.clone()].iter();
            let rows = rows.filter(|row| row.category != NONE && row.product != NONE);
            let since = draft.order.event_time;
            rows.map(move |row| Filed { product: row.product, known, since, category: row.category })
        };
        filings::needed(self.all.products.len(), || self.drafts.iter().flat_map(filed))
    }

    /// Enters the words that orders refer to into the store's dictionaries.
    fn intern_details(&self, store: &dyn Store) -> Result<[Vec<u32>; 4], StoreError> {
        let mut codes: [Vec<u32>; 4] = Default::default();
        for (at, codes) in codes.iter_mut().enumerate() {
            let words = &self.all.details[at];
            let mut is_used = vec![false; words.len()];
            for draft in self.drafts.iter().filter(|draft| draft.details[at] != NONE) {
                is_used[draft.details[at] as usize] = true;
            }
            *codes = words.intern(store, ORDER_DETAILS[at], |code| is_used[code as usize])?;
        }
        Ok(codes)
    }

    /// The events of each customer, with the store's codes.
    fn customer_events(&mut self, products: &[u32], details: &[Vec<u32>; 4]) -> Vec<CustomerEvents> {
        self.drafts.sort_unstable_by_key(|draft| (draft.customer, draft.order.known_time, draft.order.id));
        let customers: Vec<_> = self.drafts.chunk_by(|a, b| a.customer == b.customer).collect();
        let events_of = |drafts: &[Draft]| {
            let external_id = self.all.customers.word(drafts[0].customer).to_string();
            let mut events = CustomerEvents::new(external_id, Default::default());
            for draft in drafts {
                let code = |at: usize| match draft.details[at] {
                    NONE => NO_ITEM,
                    word => details[at][word as usize],
                };
                let (channel, store, coupon, staff) = (code(0), code(1), code(2), code(3));
                events.timeline.orders.push(Order { channel, store, coupon, staff, ..draft.order.clone() });
                let lines = self.all.rows[draft.rows.clone()].iter().filter(|row| row.product != NONE);
                let from = events.timeline.lines.len();
                events.timeline.lines.extend(lines.map(|row| Line {
                    product: products[row.product as usize],
                    quantity: row.quantity,
                    gross: row.line_gross,
                }));
                // So that the order of rows leaves no trace.
                events.timeline.lines[from..].sort_unstable_by_key(|l| (l.product, l.quantity, l.gross));
            }
            events
        };
        customers.into_par_iter().map(events_of).collect()
    }
}

impl Rows for Orders {
    type Part = OrderPart;

    fn row(&self, part: &mut OrderPart, line: u64, cells: &[Cell<'_>]) -> Result<(), Box<Problem>> {
        self.fields.row(part, line, cells)
    }

    fn broken_row(&self, part: &mut OrderPart) {
        part.lost_of_unknown_order += u64::from(self.fields.order.is_some());
    }

    fn merge(&mut self, part: OrderPart) {
        self.all.merge(part);
    }

    fn check(&mut self, rejects: &mut Vec<Reject>) {
        let mut rows = std::mem::take(&mut self.all.rows);
        let correction = |row: &OrderRow| self.all.beside(row).correction;
        rows.par_sort_unstable_by(|a, b| {
            let by_order = (a.customer, a.order, a.own()).cmp(&(b.customer, b.order, b.own()));
            by_order
                .then_with(|| correction(a).cmp(&correction(b)))
                .then_with(|| (a.line(), a.place).cmp(&(b.line(), b.place)))
        });
        self.all.rows = rows;
        let lost: HashMap<u32, u64> = self.all.lost.iter().rev().copied().collect();
        let of = |row: &OrderRow| (row.customer, row.order, row.own(), self.all.beside(row).correction);
        let is_same = |a: &OrderRow, b: &OrderRow| of(a) == of(b);
        let mut start = 0;
        let mut drafts = vec![];
        for rows in self.all.rows.chunk_by(is_same) {
            let range = start..start + rows.len();
            start = range.end;
            let drafted = match lost.get(&rows[0].order) {
                Some(line) => {
                    let problem = format!("another line of its order is rejected (line {line})");
                    Err(Problem::new("", "", problem, "correct that line"))
                }
                None => self.draft(range),
            };
            match drafted {
                Ok(draft) => drafts.push(draft),
                Err(problem) => {
                    // Lines that were nested in one row are one row.
                    let distinct = rows.chunk_by(|a, b| a.line() == b.line());
                    rejects
                        .extend(distinct.map(|row| Reject { line: row[0].line(), problem: problem.clone() }));
                }
            }
        }
        self.drafts = drafts;
        if self.fields.order.is_none() {
            self.number_equal_orders();
        }
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = vec![];
        if self.fields.order.is_none() {
            warnings.push(
                "no `order` is mapped: each row is an order of its own, and a row that is corrected later counts \
                 as another order"
                    .into(),
            );
        }
        if self.all.lost_of_unknown_order > 0 {
            warnings.push(format!(
                "rejected rows that do not say which order they belong to: {}; orders may lack these lines",
                self.all.lost_of_unknown_order
            ));
        }
        warnings
    }

    fn write(&mut self, to: &mut Destination<'_>) -> Result<Appended, StoreError> {
        let mut is_used = vec![false; self.all.products.len()];
        for row in self.drafts.iter().flat_map(|draft| &self.all.rows[draft.rows.clone()]) {
            if row.product != NONE {
                is_used[row.product as usize] = true;
            }
        }
        let products = self.all.products.intern(to.store, "product", |code| is_used[code as usize])?;
        let details = self.intern_details(to.store)?;
        let events = self.customer_events(&products, &details);
        let appended = to.append(events)?;
        // After the append: a conflict leaves categories as they are.
        let filed = self.filed();
        if !filed.is_empty() {
            let products = (&self.all.products, &products[..]);
            filings::write(to.store, to.source, &filed, products, &self.all.categories)?;
        }
        Ok(appended)
    }

    fn line_of(&self, customer: &str, _: &str, id: u64) -> Option<u64> {
        let is_it =
            |draft: &&Draft| draft.order.id.0 == id && &**self.all.customers.word(draft.customer) == customer;
        let draft = self.drafts.iter().find(is_it)?;
        Some(self.all.rows[draft.rows.start].line())
    }
}
