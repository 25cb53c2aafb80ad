//! Instants, and the local days of a store.
//!
//! An instant is `i64` milliseconds UTC. Days and hours are those of the store's IANA time zone, taken from a
//! table of offsets so that a look-up costs a binary search and no calendar arithmetic.

use std::fmt;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// Milliseconds in 24 hours.
pub const DAY_MS: i64 = 86_400_000;

/// An instant in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// Later than every event.
    pub const MAX: Self = Self(i64::MAX);
    /// Earlier than every event.
    pub const MIN: Self = Self(i64::MIN);
}

impl fmt::Display for Time {
    /// RFC 3339 in UTC, to the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{}", at.strftime("%Y-%m-%dT%H:%M:%SZ")),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// A day in a store's zone: days since 1970-01-01.
pub type Day = i32;

/// What a text says of when something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    Instant(Time),
    /// A date and no time of day.
    Date(Day),
}

/// A zone name that the bundled IANA database does not know.
#[derive(Debug, thiserror::Error)]
#[error("unknown time zone `{0}`; use an IANA name such as `Asia/Shanghai` or `America/New_York`")]
pub struct UnknownZone(pub String);

/// A store's IANA time zone.
#[derive(Debug, Clone)]
pub struct Zone {
    name: String,
    zone: TimeZone,
    /// `(from, offset)`: the offset in force from that instant on, ascending, the first from `i64::MIN`.
    offsets: Vec<(i64, i64)>,
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self { name: "UTC".into(), zone: TimeZone::UTC, offsets: vec![(i64::MIN, 0)] }
    }

    /// The zone with this IANA name.
    ///
    /// # Errors
    /// The name is not in the bundled database.
    pub fn new(name: &str) -> Result<Self, UnknownZone> {
        if name == "UTC" {
            return Ok(Self::utc());
        }
        let zone = TimeZone::get(name).map_err(|_| UnknownZone(name.into()))?;
        // Between these years the table is exact; outside, the nearest offset holds.
        let (first, last) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + (24 * 365 * 131).hours());
        let offset_ms = |at: Timestamp| i64::from(zone.to_offset(at).seconds()) * 1000;
        let mut offsets = vec![(i64::MIN, offset_ms(first))];
        for transition in zone.following(first).take_while(|t| t.timestamp() < last) {
            let at = transition.timestamp();
            offsets.push((at.as_millisecond(), offset_ms(at)));
        }
        offsets.dedup_by_key(|(_, offset)| *offset);
        Ok(Self { name: name.into(), zone, offsets })
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What to add to UTC at `at` to get local time, milliseconds.
    pub fn offset_ms(&self, at: Time) -> i64 {
        let next = self.offsets.partition_point(|(from, _)| *from <= at.0);
        self.offsets[next.saturating_sub(1)].1
    }

    /// The local day of an instant.
    pub fn day(&self, at: Time) -> Day {
        (at.0.saturating_add(self.offset_ms(at))).div_euclid(DAY_MS) as Day
    }

    /// The local hour, 0 to 23, of an instant.
    pub fn hour(&self, at: Time) -> u32 {
        ((at.0.saturating_add(self.offset_ms(at))).rem_euclid(DAY_MS) / 3_600_000) as u32
    }

    /// The instant at which a local clock shows `minutes` after midnight on `day`.
    ///
    /// A time that a change to summer time skips is taken that much later; one that happens twice, the first time.
    pub fn at(&self, day: Day, minutes: u32) -> Time {
        self.from_local_ms(i64::from(day) * DAY_MS + i64::from(minutes) * 60_000)
    }

    /// The instant of a local clock reading given in milliseconds since a local 1970-01-01T00:00.
    pub fn from_local_ms(&self, local: i64) -> Time {
        let before = self.offset_ms(Time(local.saturating_sub(DAY_MS)));
        let after = self.offset_ms(Time(local.saturating_add(DAY_MS)));
        let first = Time(local.saturating_sub(before));
        let second = Time(local.saturating_sub(after));
        if self.offset_ms(first) != before && self.offset_ms(second) == after { second } else { first }
    }

    /// The last millisecond of a local day: when a date without a time of day could be known, and is taken to have
    /// happened.
    pub fn last_ms(&self, day: Day) -> Time {
        Time(self.at(day + 1, 0).0 - 1)
    }

    /// Reads `YYYY-MM-DD`, `YYYY-MM-DD HH:MM[:SS[.fff]]` (a `T` may stand for the space) in this zone, or an RFC 3339
    /// instant with its own offset.
    pub fn read(&self, text: &str) -> Option<Said> {
        let text = text.trim();
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Some(Said::Instant(Time(instant.as_millisecond())));
        }
        let civil: DateTime = text.parse().ok()?;
        if !text.contains([':', ' ', 'T', 't']) {
            return parse_day(text).map(Said::Date);
        }
        let local = TimeZone::UTC.to_timestamp(civil).ok()?;
        Some(Said::Instant(self.from_local_ms(local.as_millisecond())))
    }

    /// As [`read`](Self::read), a date being its midnight.
    pub fn parse(&self, text: &str) -> Option<Time> {
        match self.read(text)? {
            Said::Instant(time) => Some(time),
            Said::Date(day) => Some(self.at(day, 0)),
        }
    }

    /// The local date of an instant, as `YYYY-MM-DD`.
    pub fn date(&self, at: Time) -> String {
        date_of(self.day(at))
    }

    /// The local date and minute of an instant, as `YYYY-MM-DD HH:MM`.
    pub fn minute(&self, at: Time) -> String {
        match Timestamp::from_millisecond(at.0) {
            Ok(instant) => {
                instant.to_zoned(self.zone.clone()).datetime().strftime("%Y-%m-%d %H:%M").to_string()
            }
            Err(_) => at.to_string(),
        }
    }
}

/// A day as `YYYY-MM-DD`.
pub fn date_of(day: Day) -> String {
    let epoch = Date::constant(1970, 1, 1);
    epoch.checked_add(i64::from(day).days()).map_or_else(|_| format!("day {day}"), |date| date.to_string())
}

/// The day named `YYYY-MM-DD`.
pub fn parse_day(text: &str) -> Option<Day> {
    let date: Date = text.trim().parse().ok()?;
    let span = Date::constant(1970, 1, 1).until(date).ok()?;
    Some(span.get_days())
}

/// The Monday on or before a day.
pub fn monday(day: Day) -> Day {
    // 1970-01-01 was a Thursday.
    day - (day + 3).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_days_follow_summer_time() {
        let zone = Zone::new("America/New_York").unwrap();
        let cases = [
            ("2017-03-12 01:59:59", "2017-03-12T06:59:59Z", "winter"),
            ("2017-03-12 03:00:00", "2017-03-12T07:00:00Z", "summer"),
            ("2017-03-12 02:30:00", "2017-03-12T07:30:00Z", "skipped: half an hour later than it says"),
            ("2017-11-05 01:30:00", "2017-11-05T05:30:00Z", "happens twice: the first"),
            ("2017-11-05 02:00:00", "2017-11-05T07:00:00Z", "winter again"),
            ("2017-06-01T00:00:00+08:00", "2017-05-31T16:00:00Z", "its own offset"),
            ("2017-06-01", "2017-06-01T04:00:00Z", "a date is its midnight"),
        ];
        for (local, utc, why) in cases {
            assert_eq!(zone.parse(local).map(|at| at.to_string()).as_deref(), Some(utc), "{local}: {why}");
        }
        assert_eq!(zone.parse("31/12/2017"), None);
    }

    #[test]
    fn a_date_without_a_time_ends_just_before_the_next_midnight() {
        let zone = Zone::new("America/New_York").unwrap();
        for (date, last) in [("2017-03-12", "2017-03-13T03:59:59Z"), ("2017-11-05", "2017-11-06T04:59:59Z")] {
            let Some(Said::Date(day)) = zone.read(date) else { panic!("{date} is a date") };
            let end = zone.last_ms(day);
            assert_eq!((end.to_string().as_str(), end.0.rem_euclid(1000)), (last, 999));
            assert_eq!((zone.day(end), zone.day(Time(end.0 + 1))), (day, day + 1));
        }
        assert!(matches!(zone.read("2017-03-12 00:00:00"), Some(Said::Instant(_))), "midnight is a time");
    }

    #[test]
    fn days_round_trip_and_weeks_begin_on_monday() {
        for day in [-1, 0, 4, 17_167, 20_000] {
            assert_eq!(parse_day(&date_of(day)), Some(day));
        }
        assert_eq!(date_of(monday(parse_day("2017-01-01").unwrap())), "2016-12-26");
        assert_eq!(date_of(monday(parse_day("2017-01-02").unwrap())), "2017-01-02");
    }

    #[test]
    fn the_offset_table_agrees_with_the_calendar_library() {
        for name in ["America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "Europe/Berlin"] {
            let zone = Zone::new(name).unwrap();
            for hour in (0..24 * 365 * 60).step_by(11) {
                let at = Time(i64::from(hour) * 3_600_000);
                let want = zone.zone.to_offset(Timestamp::from_millisecond(at.0).unwrap()).seconds();
                assert_eq!(zone.offset_ms(at), i64::from(want) * 1000, "{name} at {at}");
            }
        }
    }
}
