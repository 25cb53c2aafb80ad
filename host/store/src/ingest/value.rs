//! One value of a file, whatever its format, and what it is read as: a text, a time, an amount, a whole number.
//!
//! # Rules
//!
//! - Space around a text does not count, and a text that is empty without it is missing.
//! - **Times.** A text without an offset is local in the source's zone, else the store's, and so is a Parquet
//!   timestamp without one. A date without a time of day is the last millisecond of its day, when it could be known.
//!   Whole numbers are seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size
//!   (from 1973 on); eight digits are `YYYYMMDD`. Smaller numbers are refused: they are years or weeks.
//! - **Amounts.** A text is exact: finer than the minor unit is refused, unless rounding was asked for. JSON and
//!   Parquet fractions are binary and always rounded to the nearest minor unit.

use std::fmt::Write;

use serde_json::Value as Json;
use stratagem_model::time::{Day, Said, date_of, parse_day};
use stratagem_model::{Currency, DAY_MS, Money, Time, Zone};

use super::error::{CORRECT_IT, Problem};

/// A value as it is in the file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell<'a> {
    Missing,
    Text(&'a str),
    /// Bytes of a text file that are not UTF-8.
    Broken,
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// Milliseconds since 1970 UTC.
    Instant(i64),
    /// A local clock reading in milliseconds.
    Local(i64),
    /// A date without a time of day.
    Date(Day),
    /// `digits / 10^scale`.
    Decimal {
        digits: i128,
        scale: u32,
    },
    /// A JSON list or object.
    Nested(&'a Json),
}

/// Where the value of a field comes from; columns by their place among those that are read.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    Constant(String),
    Column(usize),
    Sum(Vec<Term>),
}

/// One term of a sum.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) is_negative: bool,
    pub(super) column: usize,
    pub(super) times: Option<usize>,
}

/// Reads cells as what fields need.
#[derive(Debug, Clone)]
pub(super) struct Values {
    pub(super) zone: Zone,
    pub(super) currency: Currency,
    pub(super) round_money: bool,
    /// Names of the columns that are read.
    pub(super) columns: Vec<String>,
}

/// The last text that was read as a time: rows of one order repeat it.
#[derive(Debug, Default)]
pub(super) struct TimeMemo {
    text: String,
    said: Option<Said>,
}

/// When something happened, as far as the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) time: Time,
    /// False of a date: `time` is its last millisecond.
    pub(super) has_hour: bool,
}

/// Longest text that is taken. Longer ones come from a quote that is never closed, and would not fit a key.
const TEXT_BYTES_MAX: usize = 512;

type Read<T> = Result<T, Box<Problem>>;

impl Moment {
    /// Of what holds always.
    pub(super) const ALWAYS: Self = Self { time: Time::MIN, has_hour: true };
}

impl<'a> Cell<'a> {
    /// The cell of a text.
    pub(super) fn text(text: &'a str) -> Self {
        let text = text.trim();
        if text.is_empty() { Self::Missing } else { Self::Text(text) }
    }

    /// The cell of a text file's bytes.
    pub(super) fn bytes(bytes: &'a [u8]) -> Self {
        std::str::from_utf8(bytes).map_or(Self::Broken, Self::text)
    }

    /// The cell of a JSON value.
    pub(super) fn json(value: Option<&'a Json>) -> Self {
        match value {
            None | Some(Json::Null) => Self::Missing,
            Some(Json::Bool(flag)) => Self::Boolean(*flag),
            Some(Json::String(text)) => Self::text(text),
            Some(Json::Number(number)) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => Self::Integer(integer),
                (None, Some(float)) => Self::Float(float),
                (None, None) => Self::Broken,
            },
            Some(nested) => Self::Nested(nested),
        }
    }

    /// As it is shown in a message.
    pub(super) fn show(&self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Text(text) => (*text).into(),
            Self::Broken => "?".into(),
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Boolean(flag) => flag.to_string(),
            Self::Instant(ms) => Time(*ms).to_string(),
            Self::Local(ms) => Time(*ms).to_string().trim_end_matches('Z').into(),
            Self::Date(day) => date_of(*day),
            Self::Decimal { digits, scale } => show_decimal(*digits, *scale),
            Self::Nested(json) => json.to_string(),
        }
    }
}

/// `digits / 10^scale` as text.
fn show_decimal(digits: i128, scale: u32) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let width = scale as usize + 1;
    let text = format!("{:0width$}", digits.unsigned_abs());
    let (whole, fraction) = text.split_at(text.len() - scale as usize);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

impl Values {
    /// The column a field comes from, for messages.
    pub(super) fn name(&self, origin: &Origin) -> &str {
        match origin {
            Origin::Constant(_) => "",
            Origin::Column(at) => &self.columns[*at],
            Origin::Sum(terms) => terms.first().map_or("", |term| &self.columns[term.column]),
        }
    }

    fn cell<'c>(&self, origin: &'c Origin, cells: &[Cell<'c>]) -> Cell<'c> {
        match origin {
            Origin::Constant(text) => Cell::text(text),
            Origin::Column(at) => cells[*at],
            Origin::Sum(terms) => terms.first().map_or(Cell::Missing, |term| cells[term.column]),
        }
    }

    /// A problem with the value of a field.
    pub(super) fn problem(
        &self,
        origin: &Origin,
        cells: &[Cell<'_>],
        says: &str,
        remedy: &'static str,
    ) -> Box<Problem> {
        let value = self.cell(origin, cells).show();
        let shown = super::error::shorten(&value);
        Problem::new(self.name(origin), &value, format!("`{shown}` {says}"), remedy)
    }

    fn missing(&self, origin: &Origin) -> Box<Problem> {
        Problem::new(self.name(origin), "", "the value is missing".into(), CORRECT_IT)
    }

    /// A text; `None` if it is missing. What is no text in the file is written into `scratch`.
    pub(super) fn text<'c>(
        &self,
        origin: &'c Origin,
        cells: &[Cell<'c>],
        scratch: &'c mut String,
    ) -> Read<Option<&'c str>> {
        let cell = self.cell(origin, cells);
        let text = match cell {
            Cell::Missing => return Ok(None),
            Cell::Text(text) => text,
            Cell::Broken => {
                return Err(self.problem(origin, cells, "is not UTF-8 text", "save the file as UTF-8"));
            }
            Cell::Nested(_) => return Err(self.problem(origin, cells, "is not a text", CORRECT_IT)),
            // Writers without missing integers turn whole columns into fractions: 17.0 is 17.
            Cell::Float(number) if number.fract() == 0.0 && number.abs() < 9.0e15 => {
                scratch.clear();
                write!(scratch, "{}", number as i64).expect("writing to a string cannot fail");
                scratch.as_str()
            }
            Cell::Integer(number) => {
                scratch.clear();
                write!(scratch, "{number}").expect("writing to a string cannot fail");
                scratch.as_str()
            }
            _ => {
                *scratch = cell.show();
                scratch.as_str()
            }
        };
        if text.len() > TEXT_BYTES_MAX {
            let says = format!("is longer than {TEXT_BYTES_MAX} bytes");
            return Err(self.problem(
                origin,
                cells,
                &says,
                "shorten it, or look for a quote that is never closed",
            ));
        }
        Ok(Some(text))
    }

    /// A text that must be there.
    pub(super) fn required_text<'c>(
        &self,
        origin: &'c Origin,
        cells: &[Cell<'c>],
        scratch: &'c mut String,
    ) -> Read<&'c str> {
        self.text(origin, cells, scratch)?.ok_or_else(|| self.missing(origin))
    }

    /// An instant that must be there; a date is its midnight.
    pub(super) fn time(&self, origin: &Origin, cells: &[Cell<'_>], memo: &mut TimeMemo) -> Read<Time> {
        Ok(match self.said(origin, cells, memo)? {
            Said::Instant(time) => time,
            Said::Date(day) => self.zone.at(day, 0),
        })
    }

    /// When something happened, which must be there.
    pub(super) fn moment(&self, origin: &Origin, cells: &[Cell<'_>], memo: &mut TimeMemo) -> Read<Moment> {
        Ok(match self.said(origin, cells, memo)? {
            Said::Instant(time) => Moment { time, has_hour: true },
            Said::Date(day) => Moment { time: self.zone.last_ms(day), has_hour: false },
        })
    }

    fn said(&self, origin: &Origin, cells: &[Cell<'_>], memo: &mut TimeMemo) -> Read<Said> {
        let said = match self.cell(origin, cells) {
            Cell::Missing => return Err(self.missing(origin)),
            Cell::Instant(ms) => Some(Said::Instant(Time(ms))),
            Cell::Local(ms) => Some(Said::Instant(self.zone.from_local_ms(ms))),
            Cell::Date(day) => Some(Said::Date(day)),
            Cell::Integer(number) => said_by_number(number),
            Cell::Float(number) if number.fract() == 0.0 => said_by_number(number as i64),
            Cell::Text(text) if text == memo.text => memo.said,
            Cell::Text(text) => {
                memo.text.clear();
                memo.text.push_str(text);
                memo.said = match text.parse() {
                    Ok(number) => said_by_number(number),
                    Err(_) => self.zone.read(text),
                };
                memo.said
            }
            _ => None,
        };
        said.filter(is_in_calendar).ok_or_else(|| {
            let remedy = "write it as `2017-03-31`, `2017-03-31 18:05:00` or `2017-03-31T18:05:00Z`";
            self.problem(origin, cells, "is not a time", remedy)
        })
    }

    /// Whether a column says yes; not if it is missing.
    pub(super) fn flag(&self, origin: Option<&Origin>, cells: &[Cell<'_>]) -> Read<bool> {
        let Some(origin) = origin else { return Ok(false) };
        match self.cell(origin, cells) {
            Cell::Missing | Cell::Boolean(false) | Cell::Integer(0) | Cell::Text("0" | "false") => Ok(false),
            Cell::Boolean(true) | Cell::Integer(1) | Cell::Text("1" | "true") => Ok(true),
            _ => Err(self.problem(origin, cells, "is neither `true` nor `false`", CORRECT_IT)),
        }
    }

    /// When a row could be known: when it happened, unless a later time is given. A time on the day of an event of which
    /// only the date is known is no earlier than the event.
    pub(super) fn known(
        &self,
        origin: Option<&Origin>,
        cells: &[Cell<'_>],
        memo: &mut TimeMemo,
        event: Moment,
    ) -> Read<Time> {
        let Some(origin) = origin else { return Ok(event.time) };
        if self.is_missing(origin, cells) {
            return Ok(event.time);
        }
        let known = self.moment(origin, cells, memo)?.time;
        if !event.has_hour && self.zone.day(known) == self.zone.day(event.time) {
            return Ok(event.time);
        }
        if known < event.time {
            return Err(self.problem(origin, cells, "is before it happened", CORRECT_IT));
        }
        Ok(known)
    }

    /// A whole number; `None` if it is missing.
    pub(super) fn whole(&self, origin: &Origin, cells: &[Cell<'_>]) -> Read<Option<i64>> {
        let number = match self.cell(origin, cells) {
            Cell::Missing => return Ok(None),
            Cell::Integer(number) => Some(number),
            Cell::Boolean(flag) => Some(i64::from(flag)),
            Cell::Float(number) => whole_of_float(number),
            // `2.0`, from writers without missing integers.
            Cell::Text(text) => match text.split_once('.') {
                Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => {
                    whole.parse().ok()
                }
                _ => text.parse().ok(),
            },
            Cell::Decimal { digits, scale } => {
                let unit = 10_i128.pow(scale);
                (digits % unit == 0).then(|| i64::try_from(digits / unit).ok()).flatten()
            }
            _ => None,
        };
        number.map(Some).ok_or_else(|| self.problem(origin, cells, "is not a whole number", CORRECT_IT))
    }

    /// A whole number that must be there and fit.
    pub(super) fn quantity(&self, origin: &Origin, cells: &[Cell<'_>]) -> Read<i32> {
        let number = self.whole(origin, cells)?.ok_or_else(|| self.missing(origin))?;
        i32::try_from(number).map_err(|_| self.problem(origin, cells, "is too large a number", CORRECT_IT))
    }

    /// A JSON list; `None` if it is missing.
    pub(super) fn list<'c>(&self, origin: &'c Origin, cells: &[Cell<'c>]) -> Read<Option<&'c [Json]>> {
        match self.cell(origin, cells) {
            Cell::Missing => Ok(None),
            Cell::Nested(Json::Array(list)) => Ok(Some(list)),
            _ => Err(self.problem(origin, cells, "is not a list of lines", CORRECT_IT)),
        }
    }

    /// Whether a field has no value in a row.
    pub(super) fn is_missing(&self, origin: &Origin, cells: &[Cell<'_>]) -> bool {
        matches!(self.cell(origin, cells), Cell::Missing)
    }

    /// An amount of money that must be there.
    pub(super) fn money(&self, origin: &Origin, cells: &[Cell<'_>]) -> Read<Money> {
        match origin {
            Origin::Constant(text) => self.amount(Cell::text(text), ""),
            Origin::Column(at) => self.amount(cells[*at], &self.columns[*at]),
            Origin::Sum(terms) => {
                let mut sum: Money = 0;
                for term in terms {
                    let mut amount = self.amount(cells[term.column], &self.columns[term.column])?;
                    let too_large = || self.problem(origin, cells, "makes too large an amount", CORRECT_IT);
                    if let Some(times) = term.times {
                        let factor = i64::from(self.quantity(&Origin::Column(times), cells)?);
                        amount = amount.checked_mul(factor).ok_or_else(too_large)?;
                    }
                    let amount = if term.is_negative { -amount } else { amount };
                    sum = sum.checked_add(amount).ok_or_else(too_large)?;
                }
                Ok(sum)
            }
        }
    }

    fn amount(&self, cell: Cell<'_>, column: &str) -> Read<Money> {
        let unit = 10_i64.pow(self.currency.digits);
        let refused = |problem: String, remedy| Err(Problem::new(column, &cell.show(), problem, remedy));
        let parsed = match cell {
            Cell::Missing => return refused("the value is missing".into(), CORRECT_IT),
            Cell::Text(text) if self.round_money => self.currency.parse_rounded(text),
            Cell::Text(text) => self.currency.parse(text),
            Cell::Integer(whole) => {
                whole.checked_mul(unit).ok_or_else(|| format!("`{whole}` is too large an amount"))
            }
            Cell::Float(number) => {
                self.currency.from_f64(number).ok_or_else(|| format!("`{number}` is not an amount of money"))
            }
            Cell::Decimal { digits, scale } if self.round_money => {
                self.currency.parse_rounded(&show_decimal(digits, scale))
            }
            Cell::Decimal { digits, scale } => self.currency.parse(&show_decimal(digits, scale)),
            _ => Err(format!("`{}` is not an amount of money such as `12.50`", cell.show())),
        };
        match parsed {
            // Sums of amounts below this cannot overflow for any number of lines an order can have.
            Ok(amount) if amount.unsigned_abs() < 1 << 53 => Ok(amount),
            Ok(_) => refused(format!("`{}` is too large an amount", cell.show()), CORRECT_IT),
            Err(problem) if self.currency.parse_rounded(&cell.show()).is_ok() => {
                refused(problem, "correct it, or round amounts to the minor unit with --round")
            }
            Err(problem) => refused(problem, CORRECT_IT),
        }
    }
}

fn whole_of_float(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9.0e15).then_some(number as i64)
}

/// Whether it lies in the years 1 to 9999: what does not is no time of a shop's.
fn is_in_calendar(said: &Said) -> bool {
    const FIRST_DAY: i64 = -719_162;
    const LAST_DAY: i64 = 2_932_896;
    let day = match said {
        Said::Instant(time) => time.0.div_euclid(DAY_MS),
        Said::Date(day) => i64::from(*day),
    };
    (FIRST_DAY..=LAST_DAY).contains(&day)
}

/// What a whole number says of a time; the units' ranges do not overlap.
fn said_by_number(number: i64) -> Option<Said> {
    let instant = |ms: i64| Some(Said::Instant(Time(ms)));
    match number {
        19_000_101..=21_001_231 => {
            let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
            parse_day(&format!("{year}-{month:02}-{day:02}")).map(Said::Date)
        }
        100_000_000..100_000_000_000 => instant(number * 1000),
        100_000_000_000..100_000_000_000_000 => instant(number),
        100_000_000_000_000..100_000_000_000_000_000 => instant(number / 1000),
        100_000_000_000_000_000.. => instant(number / 1_000_000),
        _ => None,
    }
}
