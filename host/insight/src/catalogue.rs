//! The columns a strategy may ask for: names, types and meanings.

use stratagem_model::column::ColumnKind;
use stratagem_model::event::EventKind;

use crate::timelines::StoreContext;

/// A standard column as it is documented to authors.
#[derive(Debug, Clone, Copy)]
pub struct ColumnInfo {
    pub name: &'static str,
    pub kind: ColumnKind,
    pub is_ragged: bool,
    /// Whether the strategy may limit it to the newest values.
    pub is_windowed: bool,
    pub meaning: &'static str,
}

macro_rules! catalogue {
    ($($variant:ident $name:literal $kind:ident $shape:ident: $meaning:literal,)*) => {
        /// How a column is computed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Source {
            $($variant,)*
            EventCount(EventKind),
            EventLastTime(EventKind),
            /// Code of the attribute in the dictionary `attribute`.
            Attribute(u32),
        }

        /// Every standard column, in the order of the documentation.
        pub const CATALOGUE: &[ColumnInfo] = &[$(ColumnInfo {
            name: $name,
            kind: ColumnKind::$kind,
            is_ragged: matches!(Shape::$shape, Shape::Ragged | Shape::Windowed),
            is_windowed: matches!(Shape::$shape, Shape::Windowed),
            meaning: $meaning,
        },)*];

        const STANDARD: &[Source] = &[$(Source::$variant,)*];
    };
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    One,
    Ragged,
    Windowed,
}

catalogue! {
    CustomerSince "customer.since" S64 One: "time of registration, else of the first order if that lies 90 days or more after the store's first event",
    OrderFirstTime "order.first-time" S64 One: "time of the first order",
    OrderLastTime "order.last-time" S64 One: "time of the last order",
    OrderRecencyDays "order.recency-days" S64 One: "whole 24-hour days since the last order",
    OrderCount "order.count" S64 One: "frequency: orders so far",
    OrderMonetary "order.monetary" S64 One: "monetary: order value so far, before discounts, minor units",
    OrderIntervalMedian "order.interval-median" S64 One: "median milliseconds between purchase days",
    OrderIntervalCount "order.interval-count" S64 One: "intervals between purchase days",
    OrderTimes "order.times" S64 Windowed: "time of each order, oldest first",
    OrderAmounts "order.amounts" S64 Windowed: "value of each order before discounts, minor units, oldest first",
    OrderHours "order.hours" U32 Ragged: "orders by local hour: 24 numbers a row",
    OrderWeekdays "order.weekdays" U32 Ragged: "orders by weekday from Monday: 7 numbers a row",
    RfmClass "rfm.class" U32 One: "bits R=4, F=2, M=1, set when better than the mean of all customers, cut weekly",
    LifecycleStage "lifecycle.stage" U32 One: "0 introduction, 1 growth, 2 maturity, 3 dormancy, 4 lost",
    RepurchaseAlive "repurchase.p-alive" U32 One: "P(alive) by a BG/NBD model fitted each week on what was known, parts per million in steps of 1,000",
    RepurchaseOrders30 "repurchase.expected-orders-30d" U32 One: "purchase days to expect in the next 30 days if nothing is done, thousandths",
    RepurchaseOrders90 "repurchase.expected-orders-90d" U32 One: "purchase days to expect in the next 90 days if nothing is done, thousandths",
    RepurchaseValue "repurchase.expected-order-value" S64 One: "value to expect of the next order by a Gamma-Gamma model, before discounts, minor units",
    CategoryCodes "category.codes" U32 Ragged: "categories bought so far, ascending",
    CategoryCounts "category.counts" U32 Ragged: "orders with each of them",
    CategoryLastTimes "category.last-times" S64 Ragged: "time of the last order with each of them",
    TouchTimes "touch.times" S64 Windowed: "when this strategy touched the customer, oldest first",
    TouchActions "touch.actions" U32 Windowed: "with which action: index into the plan's actions",
    TouchItems "touch.items" U32 Windowed: "about which item, or 4294967295",
}

/// A column that a plan asks for and the store cannot give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownColumn {
    #[error("the strategy asks for column `{0}`, which this host does not know")]
    Name(String),
    #[error("the strategy asks for a window of column `{0}`, which has none")]
    Window(String),
    #[error(
        "the strategy asks for column `{name}`, but the store has no attribute `{attribute}`; it has {known}"
    )]
    Attribute { name: String, attribute: String, known: String },
    #[error("the strategy asks for reference `{0}`, which this host does not know")]
    Reference(String),
    #[error("reference `{reference}` has no option `{option}` with value {value}")]
    ReferenceOption { reference: String, option: String, value: i64 },
}

/// How the column of this name is computed, with its type and shape.
pub(crate) fn find(name: &str, context: &StoreContext) -> Result<(Source, ColumnInfo), UnknownColumn> {
    if let Some(i) = CATALOGUE.iter().position(|info| info.name == name) {
        return Ok((STANDARD[i], CATALOGUE[i]));
    }
    let unknown = || UnknownColumn::Name(name.to_owned());
    let one = |kind| ColumnInfo { name: "", kind, is_ragged: false, is_windowed: false, meaning: "" };
    if let Some(attribute) = name.strip_prefix("attribute.") {
        let code = context.attribute_of(name).ok_or_else(|| {
            let known: Vec<_> = context.attributes.iter().flatten().map(|name| format!("`{name}`")).collect();
            UnknownColumn::Attribute {
                name: name.to_owned(),
                attribute: attribute.to_owned(),
                known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
            }
        })?;
        return Ok((Source::Attribute(code), one(ColumnKind::U32)));
    }
    let (kind, feature) = name.strip_prefix("event.").and_then(|n| n.rsplit_once('.')).ok_or_else(unknown)?;
    let of_customers = |kind: &EventKind| !matches!(kind, EventKind::Order | EventKind::Filing);
    let kind = EventKind::from_name(kind).filter(of_customers).ok_or_else(unknown)?;
    match feature {
        "count" => Ok((Source::EventCount(kind), one(ColumnKind::S64))),
        "last-time" => Ok((Source::EventLastTime(kind), one(ColumnKind::S64))),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_documents_every_column() {
        let wit = include_str!("../../../wit/1.0.0/strategy.wit");
        for info in CATALOGUE {
            assert!(wit.contains(&format!("`{}`", info.name)), "`{}` is not in the contract", info.name);
        }
    }
}
