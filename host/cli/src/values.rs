//! How people write shares, days, dates, amounts and ranges on the command line.

use stratagem_model::gate::Cap;
use stratagem_model::time::{Day, parse_day};
use stratagem_model::{Currency, PPM};

use crate::exit::Usage;

pub(crate) fn amount(text: &str, flag: &str, currency: &Currency) -> anyhow::Result<i64> {
    let wrong = |problem: String| Usage::new(format!("`{flag} {text}`: {problem}"), "write it as `5000.00`");
    Ok(currency.parse(text).map_err(wrong)?)
}

pub(crate) fn day(text: &str, flag: &str) -> anyhow::Result<Day> {
    let wrong = || Usage::new(format!("`{flag} {text}` is not a date"), "write it as `2017-01-31`");
    Ok(parse_day(text).ok_or_else(wrong)?)
}

/// `14d` or `14` as days.
pub(crate) fn days(text: &str, flag: &str) -> anyhow::Result<u32> {
    let wrong = || {
        Usage::new(format!("`{flag} {text}` is not a number of days"), "write it as `14d`, from 1d to 3650d")
    };
    let days: u32 = text.trim_end_matches('d').parse().map_err(|_| wrong())?;
    if (1..=3_650).contains(&days) { Ok(days) } else { Err(wrong().into()) }
}

/// `1h`, `30m` or `0` as minutes, up to a day.
pub(crate) fn lag_minutes(text: &str, flag: &str) -> anyhow::Result<u32> {
    let wrong = || {
        let message = format!("`{flag} {text}` is not a time of 0 to 24 hours");
        Usage::new(message, "write it as `1h`, `30m` or `0`, up to 24h")
    };
    let (number, minutes) = match (text.strip_suffix('h'), text.strip_suffix('m')) {
        (Some(hours), _) => (hours, 60),
        (None, Some(minutes)) => (minutes, 1),
        (None, None) if text == "0" => (text, 1),
        (None, None) => return Err(wrong().into()),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(minutes).filter(|lag| *lag <= 24 * 60).ok_or_else(|| wrong().into())
}

/// `10%` or `0.1` as a fraction of 1.
pub(crate) fn fraction(text: &str, flag: &str) -> anyhow::Result<f64> {
    let wrong =
        || Usage::new(format!("`{flag} {text}` is not a share"), "write it as `10%` or `0.1`, up to 100%");
    let (number, scale) = match text.trim().strip_suffix('%') {
        Some(percent) => (percent, 0.01),
        None => (text, 1.0),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let share = number * scale;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(wrong().into()) }
}

/// `10%` or `0.1` as a fraction between 0 and 1 and neither of them, as a confidence.
pub(crate) fn inside(text: &str, flag: &str) -> anyhow::Result<f64> {
    let share = fraction(text, flag)?;
    if 0.0 < share && share < 1.0 {
        return Ok(share);
    }
    let message = format!("`{flag} {text}` is not between 0% and 100%");
    Err(Usage::new(message, "write it as `95%` or `0.95`").into())
}

/// `10%` or `0.1` as parts per million.
pub(crate) fn share(text: &str, flag: &str) -> anyhow::Result<u32> {
    Ok((fraction(text, flag)? * f64::from(PPM)).round() as u32)
}

/// `1%..5%` as two fractions, the first not above the second; `3%` as twice the same.
pub(crate) fn range(text: &str, flag: &str) -> anyhow::Result<(f64, f64)> {
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    let (low, high) = (fraction(low, flag)?, fraction(high, flag)?);
    if low > high {
        let message = format!("`{flag} {text}` goes down");
        return Err(Usage::new(message, "write the smaller share first, as `1%..5%`").into());
    }
    Ok((low, high))
}

/// `2/7d` as two contacts in seven days.
pub(crate) fn cap(text: &str) -> anyhow::Result<Option<Cap>> {
    if text == "none" {
        return Ok(None);
    }
    let wrong = || {
        Usage::new(
            format!("`--cap {text}` is not a cap"),
            "write it as `2/7d`: two contacts in any seven days",
        )
    };
    let (touches, window) = text.split_once('/').ok_or_else(wrong)?;
    let touches = touches.parse().map_err(|_| wrong())?;
    Ok(Some(Cap { touches, days: days(window, "--cap N/").map_err(|_| wrong())? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_shares_days_ranges_and_caps_as_they_speak() {
        assert_eq!(share("10%", "--holdout").unwrap(), 100_000);
        assert_eq!(share("0.125", "--holdout").unwrap(), 125_000);
        assert_eq!(share("0%", "--holdout").unwrap(), 0);
        assert!(share("101%", "--holdout").is_err() && share("-1%", "--holdout").is_err());
        assert!(inside("95%", "--confidence").is_ok() && inside("100%", "--confidence").is_err());
        assert_eq!(days("14d", "--window").unwrap(), 14);
        assert_eq!(days("3", "--window").unwrap(), 3);
        assert!(days("0d", "--window").is_err() && days("2w", "--window").is_err());
        let lag = |text| lag_minutes(text, "--table-lag").ok();
        assert_eq!([lag("1h"), lag("30m"), lag("0"), lag("24h")], [Some(60), Some(30), Some(0), Some(1_440)]);
        assert_eq!([lag("25h"), lag("-1h"), lag("90"), lag("1d"), lag("99999999h"), lag("m")], [None; 6]);
        assert_eq!(range("1%..0.05", "--effect").unwrap(), (0.01, 0.05));
        assert_eq!(range("3%", "--effect").unwrap(), (0.03, 0.03));
        assert!(range("5%..1%", "--effect").is_err());
        assert_eq!(cap("2/7d").unwrap(), Some(Cap { touches: 2, days: 7 }));
        assert_eq!(cap("none").unwrap(), None);
        assert!(cap("2").is_err() && cap("2/0d").is_err());
    }
}
