//! Rows of each file, column by column.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Decimal128Builder, Int32Builder, StringBuilder, TimestampMillisecondBuilder,
};
use stratagem_model::{
    Currency, EventKind, FlatEvent, Line, NO_ABOUT, NO_TAG, ORDER_DETAILS, Order, Time, Timeline,
};

use super::Columns;
use super::words::Words;
use crate::ingest::has_amount;
use crate::{StoreError, attribute_values, subject_dictionary, tag_values};

/// An id as ingest takes it for what it is.
fn hash(id: u64) -> String {
    format!("#{id:016x}")
}

/// An instant, or nothing of what holds always.
fn instant(time: Time) -> Option<i64> {
    (time != Time::MIN).then_some(time.0)
}

/// More digits than an amount in minor units can have.
const MONEY_DIGITS: u8 = 19;

pub(super) struct OrderRows {
    customer: StringBuilder,
    order: StringBuilder,
    correction: Int32Builder,
    time: TimestampMillisecondBuilder,
    date_only: BooleanBuilder,
    known: TimestampMillisecondBuilder,
    /// By [`ORDER_DETAILS`].
    details: [StringBuilder; 4],
    product: StringBuilder,
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
            correction: Int32Builder::new(),
            time: utc(),
            date_only: BooleanBuilder::new(),
            known: utc(),
            details: Default::default(),
            product: StringBuilder::new(),
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
        for (at, order) in timeline.orders.iter().enumerate() {
            let mut rest = i128::from(order.gross);
            let mut discount = Some(order.discount);
            // Contents of one id are in the order in which they became known.
            let earlier = timeline.orders[..at].iter().filter(|earlier| earlier.id == order.id);
            let correction = if order.is_correction { earlier.count() as i32 } else { 0 };
            for line in lines.by_ref().take(order.lines as usize) {
                rest -= i128::from(line.gross);
                self.push_order(customer, order, correction, discount.take(), words)?;
                self.push_line(line, words)?;
            }
            // An order's value may be another than the sum of its lines, and it may have none.
            if rest != 0 || order.lines == 0 {
                self.push_order(customer, order, correction, discount, words)?;
                self.product.append_null();
                self.quantity.append_null();
                self.gross.append_value(rest);
            }
        }
        Ok(())
    }

    fn push_order(
        &mut self,
        customer: &str,
        order: &Order,
        correction: i32,
        discount: Option<i64>,
        words: &Words,
    ) -> Result<(), StoreError> {
        self.customer.append_value(customer);
        self.order.append_value(hash(order.id.0));
        self.correction.append_value(correction);
        self.time.append_value(order.event_time.0);
        self.date_only.append_value(!order.has_hour);
        self.known.append_value(order.known_time.0);
        self.discount.append_option(discount.filter(|discount| *discount != 0).map(i128::from));
        for ((column, name), code) in self.details.iter_mut().zip(ORDER_DETAILS).zip(order.details()) {
            column.append_option(words.word(name, code)?);
        }
        Ok(())
    }

    fn push_line(&mut self, line: &Line, words: &Words) -> Result<(), StoreError> {
        self.product.append_option(words.word("product", line.product)?);
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
            ("correction", Arc::new(self.correction.finish())),
            ("time", Arc::new(self.time.finish())),
            ("date_only", Arc::new(self.date_only.finish())),
            ("known", Arc::new(self.known.finish())),
            (ORDER_DETAILS[0], Arc::new(self.details[0].finish())),
            (ORDER_DETAILS[1], Arc::new(self.details[1].finish())),
            (ORDER_DETAILS[2], Arc::new(self.details[2].finish())),
            (ORDER_DETAILS[3], Arc::new(self.details[3].finish())),
            ("product", Arc::new(self.product.finish())),
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
    about: StringBuilder,
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
            about: text(),
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
            self.id.append_value(hash(event.id.0));
            self.time.append_option(instant(event.event_time));
            self.known.append_option(instant(event.known_time));
            self.subject.append_option(subject);
            self.value.append_option(value);
            self.about.append_option((event.about != NO_ABOUT).then(|| hash(event.about)));
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
    let text = |word: Option<&str>| word.map(str::to_owned);
    Ok(match (event.kind, subject) {
        (EventKind::Attribute, Some(name)) => text(words.value(&attribute_values(name), event.value)?),
        (EventKind::Tag, _) if event.value == NO_TAG => Some("0".into()),
        (EventKind::Tag, Some(name)) => text(words.value(&tag_values(name), event.value)?),
        _ if event.value == 0 => None,
        (kind, _) if has_amount(kind) => Some(currency.format(event.value).replace(',', "")),
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
            ("about", Arc::new(self.about.finish())),
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

pub(super) struct ProductRows {
    product: StringBuilder,
    category: StringBuilder,
    time: TimestampMillisecondBuilder,
    known: TimestampMillisecondBuilder,
}

impl Default for ProductRows {
    fn default() -> Self {
        Self { product: StringBuilder::new(), category: StringBuilder::new(), time: utc(), known: utc() }
    }
}

impl ProductRows {
    pub(super) fn push(&mut self, filing: &FlatEvent, words: &Words) -> Result<(), StoreError> {
        self.product.append_option(words.word("product", filing.subject)?);
        self.category.append_option(words.value("category", filing.value)?);
        self.time.append_option(instant(filing.event_time));
        self.known.append_option(instant(filing.known_time));
        Ok(())
    }
}

impl Columns for ProductRows {
    fn len(&self) -> usize {
        self.product.len()
    }

    fn take(&mut self) -> Vec<(&'static str, ArrayRef)> {
        vec![
            ("product", Arc::new(self.product.finish())),
            ("category", Arc::new(self.category.finish())),
            ("time", Arc::new(self.time.finish())),
            ("known", Arc::new(self.known.finish())),
        ]
    }
}

fn utc() -> TimestampMillisecondBuilder {
    TimestampMillisecondBuilder::new().with_timezone("UTC")
}
