//! Rows of a file of orders, read one by one: lines with their customers, orders and products still as texts.

use std::collections::HashMap;

use serde_json::Value as Json;
use stratagem_model::time::Time;
use stratagem_model::{Money, ORDER_DETAILS};

use super::error::{CORRECT_IT, Problem};
use super::fields::{CATEGORY_ALIASES, GROSS_ALIASES, PRODUCT_ALIASES, QUANTITY_ALIASES};
use super::plan::{Plan, is_called};
use super::value::{Cell, Origin, TimeMemo, Values};
use super::words::{NONE, Words};

/// Where the fields of orders come from.
pub(super) struct OrderFields {
    pub(super) values: Values,
    pub(super) order: Option<Origin>,
    customer: Origin,
    time: Origin,
    known: Option<Origin>,
    product: Option<Origin>,
    category: Option<Origin>,
    quantity: Option<Origin>,
    gross: Option<Origin>,
    discount: Option<Origin>,
    /// By [`ORDER_DETAILS`].
    details: [Option<Origin>; 4],
    lines: Option<Origin>,
    date_only: Option<Origin>,
    correction: Option<Origin>,
    nested: Values,
}

/// One line of an order; also an order without lines, and then `product` is [`NONE`]. A file has as many as lines, so it is
/// kept small: 72 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct OrderRow {
    pub(super) customer: u32,
    /// [`NONE`] if the file has no order ids.
    pub(super) order: u32,
    pub(super) product: u32,
    pub(super) category: u32,
    pub(super) quantity: i32,
    /// What few rows say, and many alike: see [`OrderPart::beside`].
    pub(super) beside: u32,
    /// Among the lines nested in one row.
    pub(super) place: u32,
    /// In the file.
    line: u32,
    pub(super) time: Time,
    pub(super) known: Time,
    /// What it adds to the order's value.
    pub(super) gross: Money,
    /// What the line itself is worth: the same, but for nested lines of an order that says its own value.
    pub(super) line_gross: Money,
    pub(super) discount: Money,
}

/// What a row says beside its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Beside {
    /// By [`ORDER_DETAILS`]; [`NONE`] where the row does not say.
    pub(super) details: [u32; 4],
    /// Which content of the order: 0 is the first, then its corrections.
    pub(super) correction: u32,
    pub(super) has_hour: bool,
}

/// Rows with the texts they refer to by number.
#[derive(Debug, Default)]
pub(super) struct OrderPart {
    pub(super) customers: Words,
    pub(super) orders: Words,
    pub(super) products: Words,
    pub(super) categories: Words,
    pub(super) details: [Words; 4],
    pub(super) rows: Vec<OrderRow>,
    /// Each that rows refer to, once.
    besides: Vec<Beside>,
    place_of_beside: HashMap<Beside, u32>,
    /// Orders that lost a line, and which.
    pub(super) lost: Vec<(u32, u64)>,
    pub(super) lost_of_unknown_order: u64,
    scratch: String,
    time: TimeMemo,
    known: TimeMemo,
}

/// The columns of nested lines, as messages name them.
const NESTED: [&str; 4] = ["lines.product", "lines.category", "lines.quantity", "lines.gross"];

impl OrderRow {
    /// What tells orders without ids apart.
    pub(super) fn own(&self) -> u32 {
        if self.order == NONE { self.line } else { 0 }
    }

    /// Its line in the file.
    pub(super) fn line(&self) -> u64 {
        self.line.into()
    }
}

impl OrderFields {
    pub(super) fn new(plan: &Plan, values: Values) -> Self {
        let field = |name| plan.field(name).cloned();
        Self {
            nested: Values { columns: NESTED.map(Into::into).into(), ..values.clone() },
            values,
            order: field("order"),
            customer: plan.required("customer"),
            time: plan.required("time"),
            known: field("known"),
            product: field("product"),
            category: field("category"),
            quantity: field("quantity"),
            gross: field("gross"),
            discount: field("discount"),
            details: ORDER_DETAILS.map(field),
            lines: field("lines"),
            date_only: field("date_only"),
            correction: field("correction"),
        }
    }

    /// Takes a row into a part. Of a row with a problem, only that its order lost a line.
    pub(super) fn row(
        &self,
        part: &mut OrderPart,
        line: u64,
        cells: &[Cell<'_>],
    ) -> Result<(), Box<Problem>> {
        let before = part.rows.len();
        let taken = self.take(part, line, cells);
        if taken.is_err() {
            part.rows.truncate(before);
            if let Some(origin) = &self.order {
                match self.values.text(origin, cells, &mut part.scratch) {
                    Ok(Some(order)) => part.lost.push((part.orders.code(order), line)),
                    _ => part.lost_of_unknown_order += 1,
                }
            }
        }
        taken
    }

    fn take(&self, part: &mut OrderPart, line: u64, cells: &[Cell<'_>]) -> Result<(), Box<Problem>> {
        let values = &self.values;
        let customer = values.required_text(&self.customer, cells, &mut part.scratch)?;
        let customer = part.customers.code(customer);
        let order = match &self.order {
            Some(origin) => part.orders.code(values.required_text(origin, cells, &mut part.scratch)?),
            None => NONE,
        };
        let moment = values.moment(&self.time, cells, &mut part.time)?;
        let known = values.known(self.known.as_ref(), cells, &mut part.known, moment)?;
        let discount = match &self.discount {
            // No discount is often written as nothing; a part of a sum is not.
            Some(Origin::Column(at)) if matches!(cells[*at], Cell::Missing) => 0,
            Some(origin) => values.money(origin, cells)?,
            None => 0,
        };
        let beside = Beside {
            details: self.details(part, cells)?,
            correction: self.correction(cells)?,
            has_hour: moment.has_hour && !values.flag(self.date_only.as_ref(), cells)?,
        };
        let mut row = OrderRow {
            customer,
            order,
            product: NONE,
            category: NONE,
            quantity: 1,
            beside: part.place_of(beside),
            place: 0,
            line: u32::try_from(line).map_err(|_| too_many_lines())?,
            time: moment.time,
            known,
            gross: 0,
            line_gross: 0,
            discount,
        };
        if let Some(origin) = &self.lines
            && let Some(lines) = values.list(origin, cells)?
        {
            return self.take_nested(part, row, lines, cells);
        }
        // A row without a product and a quantity is value that no line of the order has.
        let has = |origin: &Option<Origin>| origin.as_ref().is_some_and(|o| !values.is_missing(o, cells));
        if let Some(origin) = &self.product
            && (has(&self.product) || has(&self.quantity))
        {
            let product = values.required_text(origin, cells, &mut part.scratch)?;
            row.product = part.products.code(product);
        }
        if let Some(origin) = &self.category
            && let Some(category) = values.text(origin, cells, &mut part.scratch)?
        {
            row.category = part.categories.code(category);
        }
        if let Some(origin) = &self.quantity
            && (row.product != NONE || self.product.is_none())
        {
            row.quantity = values.quantity(origin, cells)?;
        }
        let Some(origin) = &self.gross else {
            let problem = "the order has neither a value nor lines".into();
            return Err(Problem::new("", "", problem, CORRECT_IT));
        };
        row.gross = values.money(origin, cells)?;
        row.line_gross = row.gross;
        part.rows.push(row);
        Ok(())
    }

    fn correction(&self, cells: &[Cell<'_>]) -> Result<u32, Box<Problem>> {
        let Some(origin) = &self.correction else { return Ok(0) };
        let number = self.values.whole(origin, cells)?.unwrap_or(0);
        u32::try_from(number)
            .map_err(|_| self.values.problem(origin, cells, "is not a number from 0", CORRECT_IT))
    }

    fn details(&self, part: &mut OrderPart, cells: &[Cell<'_>]) -> Result<[u32; 4], Box<Problem>> {
        let mut codes = [NONE; 4];
        for ((origin, words), code) in self.details.iter().zip(&mut part.details).zip(&mut codes) {
            let Some(origin) = origin else { continue };
            if let Some(word) = self.values.text(origin, cells, &mut part.scratch)? {
                *code = words.code(word);
            }
        }
        Ok(codes)
    }

    /// Takes an order whose lines are a list in its row.
    fn take_nested(
        &self,
        part: &mut OrderPart,
        order: OrderRow,
        lines: &[Json],
        cells: &[Cell<'_>],
    ) -> Result<(), Box<Problem>> {
        let own_gross = match &self.gross {
            Some(origin) if !self.values.is_missing(origin, cells) => Some(self.values.money(origin, cells)?),
            _ => None,
        };
        if lines.is_empty() {
            let Some(gross) = own_gross else {
                let problem = "the order has neither a value nor lines".into();
                return Err(Problem::new("", "", problem, CORRECT_IT));
            };
            part.rows.push(OrderRow { gross, line_gross: gross, ..order });
        }
        for (place, line) in (0..).zip(lines) {
            let cell = |name: &str, aliases: &[&str]| {
                let names = std::iter::once(&name).chain(aliases);
                let mut found =
                    names.filter_map(|name| line.as_object()?.iter().find(|(k, _)| is_called(k, name)));
                Cell::json(found.next().map(|(_, value)| value))
            };
            let nested = [
                cell("product", PRODUCT_ALIASES),
                cell("category", CATEGORY_ALIASES),
                cell("quantity", QUANTITY_ALIASES),
                cell("gross", GROSS_ALIASES),
            ];
            let [product, category, quantity, gross] = [0, 1, 2, 3].map(Origin::Column);
            let mut row = OrderRow { place, ..order };
            row.product =
                part.products.code(self.nested.required_text(&product, &nested, &mut part.scratch)?);
            if let Some(category) = self.nested.text(&category, &nested, &mut part.scratch)? {
                row.category = part.categories.code(category);
            }
            if !matches!(nested[2], Cell::Missing) {
                row.quantity = self.nested.quantity(&quantity, &nested)?;
            }
            row.line_gross = self.nested.money(&gross, &nested)?;
            // What the order says of itself counts once, with its first line.
            row.gross = own_gross.map_or(row.line_gross, |own| if place == 0 { own } else { 0 });
            row.discount = if place == 0 { order.discount } else { 0 };
            part.rows.push(row);
        }
        Ok(())
    }
}

fn too_many_lines() -> Box<Problem> {
    let problem = format!("the file has more than {} lines", u32::MAX);
    Problem::new("", "", problem, "split it into several files")
}

impl OrderPart {
    /// What a row says beside its values.
    pub(super) fn beside(&self, row: &OrderRow) -> &Beside {
        &self.besides[row.beside as usize]
    }

    fn place_of(&mut self, beside: Beside) -> u32 {
        // Rows that follow each other are alike.
        if self.besides.last() == Some(&beside) {
            return self.besides.len() as u32 - 1;
        }
        *self.place_of_beside.entry(beside).or_insert_with(|| {
            self.besides.push(beside);
            self.besides.len() as u32 - 1
        })
    }

    /// Adds another part, whose rows come later in the file.
    pub(super) fn merge(&mut self, other: Self) {
        let customers = self.customers.merge(other.customers);
        let orders = self.orders.merge(other.orders);
        let products = self.products.merge(other.products);
        let categories = self.categories.merge(other.categories);
        let mut theirs = other.details.into_iter();
        let details = self.details.each_mut().map(|words| words.merge(theirs.next().unwrap_or_default()));
        let code = |codes: &[u32], code: u32| if code == NONE { NONE } else { codes[code as usize] };
        let besides = other.besides.iter().map(|beside| {
            let details = [0, 1, 2, 3].map(|at| code(&details[at], beside.details[at]));
            self.place_of(Beside { details, ..*beside })
        });
        let besides: Vec<_> = besides.collect();
        self.rows.extend(other.rows.into_iter().map(|row| OrderRow {
            customer: code(&customers, row.customer),
            order: code(&orders, row.order),
            product: code(&products, row.product),
            category: code(&categories, row.category),
            beside: besides[row.beside as usize],
            ..row
        }));
        self.lost.extend(other.lost.into_iter().map(|(order, line)| (code(&orders, order), line)));
        self.lost_of_unknown_order += other.lost_of_unknown_order;
    }
}
