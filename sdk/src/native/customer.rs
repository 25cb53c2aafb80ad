//! A customer for tests: values by column.

use std::collections::BTreeMap;

use crate::column::{self, History, Shape, Standard};
use crate::output::NO_ITEM;
use crate::plan::{Action, Window};
use crate::time::days;

/// What a customer has in one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// One value of a `s64` column, or none.
    S64(Option<i64>),
    /// One value of a `u32` column, or none.
    U32(Option<u32>),
    /// Any number of them.
    S64s(Vec<i64>),
    /// Any number of them.
    U32s(Vec<u32>),
}

macro_rules! cells {
    ($($from:ty => |$value:ident| $cell:expr;)*) => {$(
        impl From<$from> for Cell {
            fn from($value: $from) -> Self {
                $cell
            }
        }
    )*};
}

cells! {
    i64 => |value| Self::S64(Some(value));
    u32 => |value| Self::U32(Some(value));
    Option<i64> => |value| Self::S64(value);
    Option<u32> => |value| Self::U32(value);
    &[i64] => |values| Self::S64s(values.to_vec());
    &[u32] => |values| Self::U32s(values.to_vec());
}

/// A customer of a test. A column that is not set reads as missing, 0 or empty, as its type has it.
#[derive(Debug, Clone, Default)]
pub struct Customer {
    cells: BTreeMap<String, Cell>,
}

impl Customer {
    /// A customer of whom nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a standard column.
    #[must_use]
    pub fn with<'v, T: Shape + ?Sized>(self, column: Standard<T>, value: T::Value<'v>) -> Self
    where
        Cell: From<T::Value<'v>>,
    {
        self.named(column.name, value)
    }

    /// Sets a column of past values, oldest first. The bench cuts the window that the strategy asked for.
    #[must_use]
    pub fn with_history<'v, T: Shape + ?Sized>(self, column: History<T>, values: T::Value<'v>) -> Self
    where
        Cell: From<T::Value<'v>>,
    {
        self.named(column.name, values)
    }

    /// Sets a column by its name, such as `attribute.tier`.
    #[must_use]
    pub fn named(mut self, name: &str, value: impl Into<Cell>) -> Self {
        self.cells.insert(name.to_owned(), value.into());
        self
    }

    /// Adds an order, not before the last one: `order.times` and `order.amounts`, and the first and last time, the
    /// count and the money that follow from them. Statistics, such as intervals, are for the test to set.
    #[must_use]
    pub fn order(mut self, time: i64, amount: i64) -> Self {
        let count = self.push(column::ORDER_TIMES.name, time);
        self.push(column::ORDER_AMOUNTS.name, amount);
        if count == 1 {
            self = self.with(column::ORDER_FIRST_TIME, Some(time));
        }
        let money = match self.cells.get(column::ORDER_MONETARY.name) {
            Some(Cell::S64(Some(money))) => *money,
            _ => 0,
        };
        self.with(column::ORDER_LAST_TIME, Some(time))
            .with(column::ORDER_COUNT, count)
            .with(column::ORDER_MONETARY, money + amount)
    }

    /// Adds a touch of this strategy, not before the last one.
    #[must_use]
    pub fn touch(self, time: i64, action: Action) -> Self {
        self.touch_about(time, action, NO_ITEM)
    }

    /// Adds a touch of this strategy about an item, not before the last one.
    #[must_use]
    pub fn touch_about(mut self, time: i64, action: Action, item: u32) -> Self {
        self.push(column::TOUCH_TIMES.name, time);
        self.push_narrow(column::TOUCH_ACTIONS.name, action.index());
        self.push_narrow(column::TOUCH_ITEMS.name, item);
        self
    }

    /// Appends to a list and returns its new length.
    fn push(&mut self, name: &str, value: i64) -> i64 {
        let cell = self.cells.entry(name.to_owned()).or_insert_with(|| Cell::S64s(Vec::new()));
        if let Cell::S64s(values) = cell {
            values.push(value);
            values.len() as i64
        } else {
            panic!("`{name}` was set to something that is not a list of s64")
        }
    }

    fn push_narrow(&mut self, name: &str, value: u32) {
        let cell = self.cells.entry(name.to_owned()).or_insert_with(|| Cell::U32s(Vec::new()));
        if let Cell::U32s(values) = cell {
            values.push(value);
        } else {
            panic!("`{name}` was set to something that is not a list of u32")
        }
    }

    /// What the customer has in a column, if it is set.
    pub fn cell(&self, name: &str) -> Option<&Cell> {
        self.cells.get(name)
    }

    /// The part of a list that a window shows at `now`. A list goes with the times of its group: `touch.actions` with
    /// `touch.times`.
    pub(crate) fn windowed<'v, T>(&self, name: &str, values: &'v [T], window: Window, now: i64) -> &'v [T] {
        let skipped = match window {
            Window::All => 0,
            Window::LastN(count) => values.len().saturating_sub(count as usize),
            Window::LastDays(count) => {
                let group = name.split('.').next().unwrap_or(name);
                let Some(Cell::S64s(times)) = self.cell(&format!("{group}.times")) else { return values };
                let from = now.saturating_sub(days(i64::from(count)));
                times.partition_point(|time| *time < from)
            }
        };
        values.get(skipped..).unwrap_or_default()
    }
}
