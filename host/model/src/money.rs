//! Money: whole minor units of a store's one currency.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// An amount in minor units (cents, fen).
pub type Money = i64;

/// A store's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency {
    /// ISO 4217 code, such as `USD`.
    pub code: String,
    /// Digits after the decimal point: 2 for most, 0 for `JPY`.
    pub digits: u32,
}

impl Currency {
    /// The currency with this ISO 4217 code.
    pub fn new(code: &str) -> Option<Self> {
        let is_code = code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
        let digits = match code {
            "JPY" | "KRW" | "VND" | "CLP" | "ISK" | "XAF" | "XOF" | "UGX" | "PYG" => 0,
            "BHD" | "KWD" | "OMR" | "TND" | "JOD" | "IQD" | "LYD" => 3,
            _ => 2,
        };
        is_code.then(|| Self { code: code.into(), digits })
    }

    /// Parses a decimal amount such as `12.50`.
    ///
    /// # Errors
    /// A sentence saying what is wrong with the text: not a number, finer than the minor unit, or too large.
    pub fn parse(&self, text: &str) -> Result<Money, String> {
        let amount = Decimal::from_str_exact(text.trim())
            .map_err(|_| format!("`{text}` is not an amount of money such as `12.50`"))?;
        let minor = amount
            .checked_mul(Decimal::from(10_u32.pow(self.digits)))
            .ok_or_else(|| format!("`{text}` is too large an amount"))?;
        if !minor.is_integer() {
            return Err(format!("`{text}` is finer than {} has digits ({})", self.code, self.digits));
        }
        minor.to_i64().ok_or_else(|| format!("`{text}` is too large an amount"))
    }

    /// Parses a decimal amount of any precision, `1.5e-3` too, and rounds it to the nearest minor unit, halves away
    /// from zero.
    ///
    /// # Errors
    /// A sentence saying what is wrong with the text: not a number, or too large.
    pub fn parse_rounded(&self, text: &str) -> Result<Money, String> {
        let trimmed = text.trim();
        let amount = trimmed
            .parse::<Decimal>()
            .or_else(|_| Decimal::from_scientific(trimmed))
            .map_err(|_| format!("`{text}` is not an amount of money such as `12.50`"))?;
        amount
            .round_dp_with_strategy(self.digits, RoundingStrategy::MidpointAwayFromZero)
            .checked_mul(Decimal::from(10_u32.pow(self.digits)))
            .and_then(|minor| minor.to_i64())
            .ok_or_else(|| format!("`{text}` is too large an amount"))
    }

    /// An amount that a file holds as a binary fraction, rounded to the nearest minor unit. `None` if it is not
    /// finite or too large.
    pub fn from_f64(&self, amount: f64) -> Option<Money> {
        let minor = (amount * f64::from(10_u32.pow(self.digits))).round();
        (minor.abs() < 9.0e15).then_some(minor as Money)
    }

    /// An amount with its decimal point and thousands separated, without the currency's code.
    pub fn format(&self, amount: Money) -> String {
        let unit = 10_u64.pow(self.digits);
        let whole = group(amount.unsigned_abs() / unit);
        let sign = if amount < 0 { "-" } else { "" };
        if self.digits == 0 {
            return format!("{sign}{whole}");
        }
        let width = self.digits as usize;
        format!("{sign}{whole}.{:0width$}", amount.unsigned_abs() % unit)
    }
}

/// A count with thousands separated by commas.
pub fn group(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_parse_exactly_or_say_why_not() {
        let usd = Currency::new("USD").unwrap();
        assert_eq!(usd.parse(" 12.5 "), Ok(1250));
        assert_eq!(usd.parse("-0.01"), Ok(-1));
        assert_eq!(usd.parse("1.390"), Ok(139));
        assert!(usd.parse("1.395").unwrap_err().contains("finer"));
        assert!(usd.parse("1,5").unwrap_err().contains("not an amount"));
        assert!(usd.parse("99999999999999999999").unwrap_err().contains("too large"));
        // The largest decimals have no room for two more digits.
        assert!(usd.parse("79228162514264337593543950335").unwrap_err().contains("too large"));
        assert_eq!(Currency::new("JPY").unwrap().parse("1500"), Ok(1500));
        assert_eq!(Currency::new("usd"), None);
    }

    #[test]
    fn rounding_takes_any_precision_and_halves_go_away_from_zero() {
        let usd = Currency::new("USD").unwrap();
        #[rustfmt::skip]
        let cases = [
            ("1.2300000000000002", 123), ("0.1500001", 15), ("1.005", 101), ("-1.005", -101), ("5e-3", 1),
            ("1.5E+2", 15_000), (" 12.5 ", 1_250), ("0.123456789012345678901234567890123", 12),
        ];
        for (text, want) in cases {
            assert_eq!(usd.parse_rounded(text), Ok(want), "{text}");
        }
        assert!(usd.parse_rounded("x").unwrap_err().contains("not an amount"));
        assert!(usd.parse_rounded("99999999999999999999").unwrap_err().contains("too large"));
    }

    #[test]
    fn amounts_print_as_people_write_them() {
        let usd = Currency::new("USD").unwrap();
        assert_eq!(usd.format(123_456_789), "1,234,567.89");
        assert_eq!(usd.format(-5), "-0.05");
        assert_eq!(Currency::new("JPY").unwrap().format(1_500), "1,500");
        assert_eq!(usd.from_f64(1.39), Some(139));
        assert_eq!(usd.from_f64(f64::NAN), None);
    }
}
