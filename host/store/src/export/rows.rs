//! Rows of each file, column by column.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    ArrayBuilder, Decimal128Builder, Int32Builder, StringBuilder, TimestampMillisecondBuilder,
};
use stratagem_model::{Currency, EventKind, FlatEvent, Line, Order, Timeline};

use super::Columns;
use super::words::Words;
use crate::{StoreError, subject_dictionary};

/// More digits than an amount in minor units can have.
const MONEY_DIGITS: u8 = 19;

pub(super) struct OrderRows {
    customer: StringBuilder,
    order: StringBuilder,
    time: TimestampMillisecondBuilder,
    known: TimestampMillisecondBuilder,
    product: StringBuilder,
    category: StringBuilder,
    quantity: Int32Builder,
    gross: Decimal128Builder,
    discount: Decimal128Builder,
}

impl OrderRows {
    pub(super) fn new(currency_digits: u32) -> Self {
        let scale = i8::try_from(currency_digits).expect("currencies have few digits");
        let money = || {
            Decimal128Builder::new()
                .with_precision_and_scale(MONEY_DIGITS, scale)
                .expect("the scale is below the precision")
        };
        Self {
            customer: StringBuilder::new(),
            order: StringBuilder::new(),
            time: utc(),
            known: utc(),
            product: StringBuilder::new(),
            category: StringBuilder::new(),
            quantity: Int32Builder::new(),
            gross: money(),
            discount: money(),
        }
    }

    pub(super) fn push(
        &mut self,
        customer: &str,
        timeline: &Timeline,
        words: &Words,
    ) -> Result<(), StoreError> {
        let mut lines = timeline.lines.iter();
        for order in &timeline.orders {
            let mut rest = i128::from(order.gross);
            let mut discount = Some(order.discount);
            for line in lines.by_ref().take(order.lines as usize) {
                rest -= i128::from(line.gross);
                self.push_order(customer, order, discount.take());
                self.push_line(line, words)?;
            }
            // An order's value may be another than the sum of its lines, and it may have none.
            if rest != 0 || order.lines == 0 {
                self.push_order(customer, order, discount);
                self.product.append_null();
                self.category.append_null();
                self.quantity.append_null();
                self.gross.append_value(rest);
            }
        }
        Ok(())
    }

    fn push_order(&mut self, customer: &str, order: &Order, discount: Option<i64>) {
        self.customer.append_value(customer);
        self.order.append_value(format!("{:016x}", order.id.0));
        self.time.append_value(order.event_time.0);
        self.known.append_value(order.known_time.0);
        self.discount.append_option(discount.filter(|discount| *discount != 0).map(i128::from));
    }

    fn push_line(&mut self, line: &Line, words: &Words) -> Result<(), StoreError> {
        self.product.append_option(words.word("product", line.product)?);
        self.category.append_option(words.category_of(line.product)?);
        self.quantity.append_value(line.quantity);
        self.gross.append_value(line.gross.into());
        Ok(())
    }
}

impl Columns for OrderRows {
    fn len(&self) -> usize {
        self.gross.len()
    }

    fn take(&mut self) -> Vec<(&'static str, ArrayRef)> {
        vec![
            ("customer", Arc::new(self.customer.finish())),
            ("order", Arc::new(self.order.finish())),
            ("time", Arc::new(self.time.finish())),
            ("known", Arc::new(self.known.finish())),
            ("product", Arc::new(self.product.finish())),
            ("category", Arc::new(self.category.finish())),
            ("quantity", Arc::new(self.quantity.finish())),
            ("gross", Arc::new(self.gross.finish())),
            ("discount", Arc::new(self.discount.finish())),
        ]
    }
}

pub(super) struct EventRows {
    customer: StringBuilder,
    kind: StringBuilder,
    id: StringBuilder,
    time: TimestampMillisecondBuilder,
    known: TimestampMillisecondBuilder,
    subject: StringBuilder,
    value: StringBuilder,
}

impl Default for EventRows {
    fn default() -> Self {
        let text = StringBuilder::new;
        Self {
            customer: text(),
            kind: text(),
            id: text(),
            time: utc(),
            known: utc(),
            subject: text(),
            value: text(),
        }
    }
}

impl EventRows {
    pub(super) fn push(
        &mut self,
        customer: &str,
        timeline: &Timeline,
        words: &Words,
        currency: &Currency,
    ) -> Result<(), StoreError> {
        for event in &timeline.events {
            let subject = words.word(subject_dictionary(event.kind), event.subject)?;
            let value = value(event, subject, words, currency)?;
            self.customer.append_value(customer);
            self.kind.append_value(event.kind.name());
            self.id.append_value(format!("{:016x}", event.id.0));
            self.time.append_value(event.event_time.0);
            self.known.append_value(event.known_time.0);
            self.subject.append_option(subject);
            self.value.append_option(value);
        }
        Ok(())
    }
}

/// What an event's value says: an amount, a word, or a number.
fn value(
    event: &FlatEvent,
    subject: Option<&str>,
    words: &Words,
    currency: &Currency,
) -> Result<Option<String>, StoreError> {
    Ok(match (event.kind, subject) {
        (EventKind::Refund, _) => Some(currency.format(event.value).replace(',', "")),
        (EventKind::Attribute, Some(name)) => words.attribute_value(name, event.value)?.map(str::to_owned),
        (EventKind::Tag, _) => Some(event.value.to_string()),
        _ if event.value == 0 => None,
        _ => Some(event.value.to_string()),
    })
}

impl Columns for EventRows {
    fn len(&self) -> usize {
        self.kind.len()
    }

    fn take(&mut self) -> Vec<(&'static str, ArrayRef)> {
        vec![
            ("customer", Arc::new(self.customer.finish())),
            ("kind", Arc::new(self.kind.finish())),
            ("id", Arc::new(self.id.finish())),
            ("time", Arc::new(self.time.finish())),
            ("known", Arc::new(self.known.finish())),
            ("subject", Arc::new(self.subject.finish())),
            ("value", Arc::new(self.value.finish())),
        ]
    }
}

#[derive(Default)]
pub(super) struct CustomerRows {
    customer: StringBuilder,
}

impl CustomerRows {
    pub(super) fn push(&mut self, customer: &str) {
        self.customer.append_value(customer);
    }
}

impl Columns for CustomerRows {
    fn len(&self) -> usize {
        self.customer.len()
    }

    fn take(&mut self) -> Vec<(&'static str, ArrayRef)> {
        vec![("customer", Arc::new(self.customer.finish()))]
    }
}

#[derive(Default)]
pub(super) struct ProductRows {
    product: StringBuilder,
    category: StringBuilder,
}

impl ProductRows {
    pub(super) fn push(&mut self, product: &str, category: &str) {
        self.product.append_value(product);
        self.category.append_value(category);
    }
}

impl Columns for ProductRows {
    fn len(&self) -> usize {
        self.product.len()
    }

    fn take(&mut self) -> Vec<(&'static str, ArrayRef)> {
        vec![("product", Arc::new(self.product.finish())), ("category", Arc::new(self.category.finish()))]
    }
}

fn utc() -> TimestampMillisecondBuilder {
    TimestampMillisecondBuilder::new().with_timezone("UTC")
}
