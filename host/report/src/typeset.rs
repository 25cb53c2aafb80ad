//! Text as it is set on a page: signs and ranges with the right dashes, names of commands in the type of code.
//!
//! Only how characters look changes; a terminal and a spreadsheet have the plain ones.

use maud::{Markup, html};

use crate::numbers::NONE;

/// Running text: what is between backticks is code, and dates stay on a line.
pub(crate) fn prose(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    // One that is left over is no pair.
    let is_paired = !parts.len().is_multiple_of(2);
    let parts = if is_paired { parts } else { vec![text] };
    html! {
        @for (i, part) in parts.iter().enumerate() {
            @if i % 2 == 1 { code { (part) } } @else { (dated(part)) }
        }
    }
}

/// Text that is not broken within a date.
fn dated(text: &str) -> Markup {
    const LENGTH: usize = "2017-01-01".len();
    let is_date = |window: &[u8]| {
        window.iter().enumerate().all(|(i, byte)| match i {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    };
    let Some(at) = text.as_bytes().windows(LENGTH).position(is_date) else {
        return html! { (minus(text)) };
    };
    // Dates are ASCII, so these are ends of characters.
    let (before, date, after) = (&text[..at], &text[at..at + LENGTH], &text[at + LENGTH..]);
    html! { (minus(before)) span class="date" { (date) } (dated(after)) }
}

/// The text of a cell of numbers.
pub(crate) fn figures(text: &str) -> String {
    if text == NONE {
        return "\u{2013}".into();
    }
    minus(&dashed(&text.replace('\n', " ")))
}

/// Hyphens before numbers as minus signs.
pub(crate) fn minus(text: &str) -> String {
    replaced(text, '\u{2212}', |before, after| {
        before.is_none_or(|c| c == ' ' || c == '(' || c == '（' || c == '：')
            && after.is_some_and(|c| c.is_ascii_digit())
    })
}

/// Hyphens between numbers as en dashes. Not for dates.
fn dashed(text: &str) -> String {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    replaced(text, '\u{2013}', |before, after| is_digit(before) && is_digit(after))
}

fn replaced(text: &str, by: char, is_meant: impl Fn(Option<char>, Option<char>) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut before = None;
    while let Some(c) = chars.next() {
        out.push(if c == '-' && is_meant(before, chars.peek().copied()) { by } else { c });
        before = Some(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hyphens_are_signs_dashes_or_themselves() {
        assert_eq!(figures("31.6 (30.8-32.4)"), "31.6 (30.8–32.4)");
        assert_eq!(figures("-"), "–");
        assert_eq!(figures("-3 (-5 to -1)"), "−3 (−5 to −1)");
        assert_eq!(minus("r-1 on 2017-01-01, --map, -5"), "r-1 on 2017-01-01, --map, −5");
    }

    #[test]
    fn what_is_between_backticks_is_code_and_escaped() {
        assert_eq!(prose("run `a < b` now").into_string(), "run <code>a &lt; b</code> now");
        assert_eq!(prose("a `b").into_string(), "a `b");
    }

    #[test]
    fn dates_stay_on_a_line() {
        let text = prose("自 2017-01-01 至 2017-12-17（-5）").into_string();
        let date = |date| format!(r#"<span class="date">{date}</span>"#);
        assert_eq!(text, format!("自 {} 至 {}（−5）", date("2017-01-01"), date("2017-12-17")));
    }
}
