//! Columns: their names with their types, and the handles that read them.
//!
//! A strategy names the columns it wants while it is configured and gets a [`Column`] handle for each; the handle is
//! the only way to read the column, and its type says what a row yields:
//!
//! | type | a row yields |
//! |---|---|
//! | `i64`, `u32` | the number |
//! | `Option<i64>`, `Option<u32>` | the number, or that there is none |
//! | `[i64]`, `[u32]` | any number of them, as a slice |
//!
//! The constants of this module are the host's standard columns. A column the SDK does not know yet is named with
//! [`Standard::new`] or [`History::new`]: the contract never changes for a new column, so neither must the SDK.

use std::fmt;
use std::marker::PhantomData;

use crate::batch::ColumnView;

/// What one row of a column yields. Implemented for the six types in the [module's](self) table.
pub trait Shape {
    /// What reading a row gives.
    type Value<'a>;

    /// Whether each row has any number of values.
    #[doc(hidden)]
    const RAGGED: bool;

    /// Whether the values are `u32` rather than `i64`.
    #[doc(hidden)]
    const NARROW: bool;

    /// Reads a row of a column that is known to have this shape.
    #[doc(hidden)]
    fn read<'a>(column: &ColumnView<'a>, row: usize) -> Self::Value<'a>;
}

macro_rules! shapes {
    ($($number:ty, $values:ident, $narrow:literal;)*) => {$(
        impl Shape for $number {
            type Value<'a> = $number;
            const RAGGED: bool = false;
            const NARROW: bool = $narrow;

            #[inline(always)]
            fn read<'a>(column: &ColumnView<'a>, row: usize) -> $number {
                column.$values[row]
            }
        }

        impl Shape for Option<$number> {
            type Value<'a> = Option<$number>;
            const RAGGED: bool = false;
            const NARROW: bool = $narrow;

            #[inline(always)]
            fn read<'a>(column: &ColumnView<'a>, row: usize) -> Option<$number> {
                if column.is_missing(row) { None } else { Some(column.$values[row]) }
            }
        }

        impl Shape for [$number] {
            type Value<'a> = &'a [$number];
            const RAGGED: bool = true;
            const NARROW: bool = $narrow;

            #[inline(always)]
            fn read<'a>(column: &ColumnView<'a>, row: usize) -> &'a [$number] {
                &column.$values[column.offsets[row] as usize..column.offsets[row + 1] as usize]
            }
        }
    )*};
}

shapes! {
    i64, s64s, false;
    u32, u32s, true;
}

/// A column that was asked for; made by [`PlanBuilder`](crate::PlanBuilder), read with
/// [`Row::get`](crate::Row::get).
pub struct Column<T: ?Sized> {
    pub(crate) slot: u32,
    shape: PhantomData<fn() -> Box<T>>,
}

impl<T: ?Sized> Column<T> {
    pub(crate) fn new(slot: u32) -> Self {
        Self { slot, shape: PhantomData }
    }
}

impl<T: ?Sized> Clone for Column<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Column<T> {}

impl<T: ?Sized> fmt::Debug for Column<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Column({})", self.slot)
    }
}

/// The name of a column that the host gives whole.
pub struct Standard<T: ?Sized> {
    /// The name in the contract.
    pub name: &'static str,
    shape: PhantomData<fn() -> Box<T>>,
}

impl<T: ?Sized> Standard<T> {
    /// A column of this name and shape. If the host knows no such column, or one of another type, the strategy is
    /// refused when it is configured, or its first batch is.
    pub const fn new(name: &'static str) -> Self {
        Self { name, shape: PhantomData }
    }
}

/// The name of a column of which the host gives as much as is asked for, counted back from now.
pub struct History<T: ?Sized> {
    /// The name in the contract.
    pub name: &'static str,
    shape: PhantomData<fn() -> Box<T>>,
}

impl<T: ?Sized> History<T> {
    /// A windowed column of this name and shape; see [`Standard::new`].
    pub const fn new(name: &'static str) -> Self {
        Self { name, shape: PhantomData }
    }
}

impl<T: ?Sized> fmt::Debug for Standard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<T: ?Sized> fmt::Debug for History<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Time of registration, milliseconds; else of the first order, where that surely was the first.
pub const CUSTOMER_SINCE: Standard<Option<i64>> = Standard::new("customer.since");
/// Time of the first order, milliseconds.
pub const ORDER_FIRST_TIME: Standard<Option<i64>> = Standard::new("order.first-time");
/// Time of the last order, milliseconds.
pub const ORDER_LAST_TIME: Standard<Option<i64>> = Standard::new("order.last-time");
/// Whole 24-hour days since the last order. It changes every day: where a wake time depends on it, ask for
/// [`ORDER_LAST_TIME`] instead.
pub const ORDER_RECENCY_DAYS: Standard<Option<i64>> = Standard::new("order.recency-days");
/// Frequency: orders so far.
pub const ORDER_COUNT: Standard<i64> = Standard::new("order.count");
/// Monetary: order value so far before discounts, minor units.
pub const ORDER_MONETARY: Standard<i64> = Standard::new("order.monetary");
/// Median milliseconds between purchase days; several orders on one local day count once.
pub const ORDER_INTERVAL_MEDIAN: Standard<Option<i64>> = Standard::new("order.interval-median");
/// How many intervals that median is of.
pub const ORDER_INTERVAL_COUNT: Standard<i64> = Standard::new("order.interval-count");
/// Time of each order, milliseconds, oldest first.
pub const ORDER_TIMES: History<[i64]> = History::new("order.times");
/// Value of each order before discounts, minor units, oldest first.
pub const ORDER_AMOUNTS: History<[i64]> = History::new("order.amounts");
/// Orders by local hour: 24 counts.
pub const ORDER_HOURS: Standard<[u32]> = Standard::new("order.hours");
/// Orders by local weekday: 7 counts, Monday first.
pub const ORDER_WEEKDAYS: Standard<[u32]> = Standard::new("order.weekdays");
/// Bits R = 4, F = 2, M = 1, set when better than the mean of all customers; cut weekly.
pub const RFM_CLASS: Standard<Option<u32>> = Standard::new("rfm.class");
/// 0 introduction, 1 growth, 2 maturity, 3 dormancy, 4 lost.
pub const LIFECYCLE_STAGE: Standard<Option<u32>> = Standard::new("lifecycle.stage");
/// P(alive): the probability that the customer still buys, parts per million, in steps of 1,000. By a BG/NBD model that
/// is fitted each week on what was known; `None` until it can be fitted, and without an order.
pub const REPURCHASE_P_ALIVE: Standard<Option<u32>> = Standard::new("repurchase.p-alive");
/// Purchase days to expect in the next 30 days if nothing is done, thousandths, by the model of
/// [`REPURCHASE_P_ALIVE`].
pub const REPURCHASE_EXPECTED_ORDERS_30D: Standard<Option<u32>> =
    Standard::new("repurchase.expected-orders-30d");
/// Purchase days to expect in the next 90 days if nothing is done, thousandths.
pub const REPURCHASE_EXPECTED_ORDERS_90D: Standard<Option<u32>> =
    Standard::new("repurchase.expected-orders-90d");
/// Value to expect of the next order before discounts, minor units, by a Gamma-Gamma model.
pub const REPURCHASE_EXPECTED_ORDER_VALUE: Standard<Option<i64>> =
    Standard::new("repurchase.expected-order-value");
/// Categories bought so far, ascending.
pub const CATEGORY_CODES: Standard<[u32]> = Standard::new("category.codes");
/// Orders with each category, in the order of [`CATEGORY_CODES`].
pub const CATEGORY_COUNTS: Standard<[u32]> = Standard::new("category.counts");
/// Time of the last order with each category, milliseconds, in the order of [`CATEGORY_CODES`].
pub const CATEGORY_LAST_TIMES: Standard<[i64]> = Standard::new("category.last-times");
/// When this strategy did something to the customer, milliseconds, oldest first. A control that is held out has the
/// touches he would have had.
pub const TOUCH_TIMES: History<[i64]> = History::new("touch.times");
/// What it did: [`Action::index`](crate::Action::index), in the order of [`TOUCH_TIMES`].
pub const TOUCH_ACTIONS: History<[u32]> = History::new("touch.actions");
/// What that was about: an item or [`NO_ITEM`](crate::NO_ITEM), in the order of [`TOUCH_TIMES`].
pub const TOUCH_ITEMS: History<[u32]> = History::new("touch.items");
