//! Numbers as people read them: thousands separated, shares in per cent with one decimal, money with its unit in
//! the header.

use stratagem_measure::Rate;
use stratagem_model::money::group;
use stratagem_model::{Currency, Money};

use crate::Lang;

/// Where there is no number.
pub(crate) const NONE: &str = "-";

/// How much of a digest is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Digests {
    /// On screen: enough to tell two apart.
    Short,
    /// In files: all of it, so that they are a receipt.
    Full,
}

impl Digests {
    pub(crate) fn show(self, digest: &str) -> String {
        match self {
            Self::Short => short(digest),
            Self::Full => digest.into(),
        }
    }
}

pub(crate) fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// `1 customer`, `2,469 customers`.
pub(crate) fn plural(count: u64, noun: &str) -> String {
    let plural = match noun.strip_suffix('y') {
        _ if count == 1 => noun.to_owned(),
        Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{stem}ies"),
        _ if noun.ends_with("ch") => format!("{noun}es"),
        _ => format!("{noun}s"),
    };
    format!("{} {plural}", group(count))
}

/// A number with thousands separated and this many decimals; what rounds to zero has no sign.
pub(crate) fn decimals(value: f64, decimals: usize) -> String {
    // Halves away from zero, as amounts of money are rounded.
    let unit = 10_f64.powi(decimals as i32);
    let text = format!("{:.decimals$}", (value.abs() * unit).round() / unit);
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let is_zero = !text.contains(|c: char| ('1'..='9').contains(&c));
    let sign = if value < 0.0 && !is_zero { "-" } else { "" };
    // Beyond what is counted, digits without separators are still right.
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), group);
    format!("{sign}{whole}{rest}")
}

/// A share in per cent, without the sign: for columns.
pub(crate) fn percent_bare(share: f64) -> String {
    let tenths = (share * 1_000.0).round() as i64;
    let sign = if tenths < 0 { "-" } else { "" };
    format!("{sign}{}.{}", group(tenths.unsigned_abs() / 10), tenths.unsigned_abs() % 10)
}

/// A share in per cent: `31.6 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", percent_bare(share))
}

/// A difference of shares in percentage points: `7.7 pp`.
pub(crate) fn points(share: f64, lang: Lang) -> String {
    format!("{}{}", percent_bare(share), lang.say(" pp", " 个百分点"))
}

pub(crate) fn ppm(ppm: u32) -> String {
    percent(f64::from(ppm) / f64::from(stratagem_model::PPM))
}

/// A rate with its interval, in per cent without the sign: `31.6 (30.8-32.4)`.
pub(crate) fn rate(rate: Option<&Rate>) -> String {
    rate.map_or(NONE.into(), |rate| format!("{} ({})", percent_bare(rate.value), interval(rate)))
}

pub(crate) fn interval(rate: &Rate) -> String {
    format!("{}-{}", percent_bare(rate.low), percent_bare(rate.high))
}

pub(crate) fn share(share: Option<f64>) -> String {
    share.map_or(NONE.into(), percent_bare)
}

/// An average amount, in minor units with fractions.
pub(crate) fn average(currency: &Currency, amount: Option<f64>) -> String {
    amount.map_or(NONE.into(), |amount| currency.format(amount.round() as Money))
}

/// A difference of amounts with its sign.
pub(crate) fn signed(currency: &Currency, amount: f64) -> String {
    let minor = amount.round() as Money;
    let sign = if minor > 0 { "+" } else { "" };
    format!("{sign}{}", currency.format(minor))
}

/// An amount as a decimal number that programs read.
pub(crate) fn decimal(currency: &Currency, amount: Money) -> String {
    currency.format(amount).replace(',', "")
}

/// Amounts that are shown together: in whole units where cents would only be noise.
#[derive(Debug, Clone)]
pub(crate) struct Amounts {
    currency: Currency,
    is_whole: bool,
}

impl Amounts {
    pub(crate) fn new(currency: &Currency, amounts: impl IntoIterator<Item = Money>) -> Self {
        let unit = 10_u64.pow(currency.digits);
        let largest = amounts.into_iter().map(Money::unsigned_abs).max().unwrap_or(0);
        Self { currency: currency.clone(), is_whole: largest / unit >= 10_000 }
    }

    pub(crate) fn show(&self, amount: Money) -> String {
        if !self.is_whole {
            return self.currency.format(amount);
        }
        let unit = 10_i64.pow(self.currency.digits);
        // To the nearest; halves away from zero.
        let whole = (amount.abs() + unit / 2) / unit;
        let sign = if amount < 0 && whole > 0 { "-" } else { "" };
        format!("{sign}{}", group(whole.unsigned_abs()))
    }
}

/// Bytes in the unit that gives two to four digits.
pub(crate) fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB"] {
        if value < 1_000.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1_000.0;
    }
    format!("{value:.1} GB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(percent(0.3157), "31.6 %");
        assert_eq!(percent(-0.0004), "0.0 %");
        assert_eq!(percent(12.3456), "1,234.6 %");
        assert_eq!(points(-0.0312, Lang::English), "-3.1 pp");
        assert_eq!(points(0.077, Lang::Chinese), "7.7 个百分点");
        assert_eq!(plural(1, "batch"), "1 batch");
        assert_eq!(plural(1_200, "batch"), "1,200 batches");
        assert_eq!(plural(2, "day"), "2 days");
        assert_eq!(plural(2, "dictionary"), "2 dictionaries");
        assert_eq!(decimals(-1_234.56, 1), "-1,234.6");
        assert_eq!(decimals(-0.004, 2), "0.00");
        assert_eq!((decimals(600.5, 0), decimals(-601.5, 0)), ("601".into(), "-602".into()));
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_234_567), "1.2 MB");
        let usd = Currency::new("USD").unwrap();
        assert_eq!(Amounts::new(&usd, [999_999]).show(999_999), "9,999.99");
        assert_eq!(Amounts::new(&usd, [1_000_000]).show(-150), "-2");
        assert_eq!(signed(&usd, 123.4), "+1.23");
        assert_eq!(decimal(&usd, 123_456), "1234.56");
    }
}
