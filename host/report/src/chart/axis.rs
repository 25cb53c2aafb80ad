//! Quantities: their names, and how their values are written.

use stratagem_model::time::date_of;

use super::Interval;
use crate::Lang;
use crate::numbers::decimals;

/// A quantity's name and unit.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) unit: Unit,
}

/// How values are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Whole numbers.
    Count,
    /// Shares, written in per cent: 0.1 is `10.0`.
    Share,
    /// Amounts in whole units of the currency with this code.
    Amount(String),
    /// Plain numbers with this many decimals.
    Number(usize),
    /// Days since 1970-01-01, written as dates.
    Day,
}

impl Axis {
    pub(crate) fn new(label: impl Into<String>, unit: Unit) -> Self {
        Self { label: label.into(), unit }
    }

    /// The name with the unit: `profit, USD`.
    pub(crate) fn title(&self, lang: Lang) -> String {
        let unit = match &self.unit {
            Unit::Share => "%",
            Unit::Amount(code) => code,
            Unit::Count | Unit::Number(_) | Unit::Day => return self.label.clone(),
        };
        lang.say(format!("{}, {unit}", self.label), format!("{}（{unit}）", self.label))
    }

    /// How values of this size are written together.
    pub(crate) fn notation(&self, values: impl IntoIterator<Item = f64>) -> Notation<'_> {
        let (mut largest, mut is_round) = (0.0_f64, true);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            largest = largest.max(value.abs());
            let shown = if self.unit == Unit::Share { value * 100.0 } else { value };
            is_round &= (shown - shown.round()).abs() < 1e-9;
        }
        let decimals = match self.unit {
            Unit::Number(decimals) => decimals,
            Unit::Count | Unit::Day => 0,
            // Cents would only be noise beside thousands.
            Unit::Amount(_) if is_round || largest >= 1_000.0 => 0,
            Unit::Amount(_) => 2,
            Unit::Share if is_round => 0,
            Unit::Share => 1,
        };
        Notation { unit: &self.unit, decimals }
    }

    /// How ticks this far apart are written.
    pub(super) fn tick_notation(&self, step: f64) -> Notation<'_> {
        let step = if self.unit == Unit::Share { step * 100.0 } else { step };
        let decimals = if step > 0.0 { (-step.log10() - 1e-9).ceil().clamp(0.0, 6.0) as usize } else { 0 };
        Notation { unit: &self.unit, decimals }
    }
}

/// How values that are shown together are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notation<'u> {
    unit: &'u Unit,
    decimals: usize,
}

impl Notation<'_> {
    /// The number, without its unit.
    pub(crate) fn write(&self, value: f64) -> String {
        match self.unit {
            Unit::Share => decimals(value * 100.0, self.decimals),
            Unit::Day => date_of(value.round() as i32),
            Unit::Count | Unit::Amount(_) | Unit::Number(_) => decimals(value, self.decimals),
        }
    }

    /// The number with a sign, unless it is zero as written.
    pub(crate) fn signed(&self, value: f64) -> String {
        let text = self.write(value);
        let is_zero = !text.contains(|c: char| ('1'..='9').contains(&c));
        if value > 0.0 && !is_zero { format!("+{text}") } else { text }
    }

    /// The number with its unit: `1,234 USD`.
    pub(crate) fn full(&self, value: f64) -> String {
        self.with_unit(self.write(value))
    }

    /// Anything with this unit behind it.
    pub(crate) fn with_unit(&self, text: String) -> String {
        match self.unit {
            Unit::Share => format!("{text} %"),
            Unit::Amount(code) => format!("{text} {code}"),
            Unit::Count | Unit::Number(_) | Unit::Day => text,
        }
    }

    /// `-1.2 to 3.4`.
    pub(crate) fn range(&self, interval: Interval, lang: Lang) -> String {
        let (low, high) = (self.write(interval.low), self.write(interval.high));
        lang.say(format!("{low} to {high}"), format!("{low} 至 {high}"))
    }
}
