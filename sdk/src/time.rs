//! Time arithmetic. An instant is `i64` milliseconds since 1970-01-01T00:00:00Z, leap seconds ignored.
//!
//! Strategies have no clock: the only "now" is that of the batch. A day is 24 hours, except where a name says local.

/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 3_600_000;

/// Milliseconds in 24 hours.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// The wake time of a row whose answer only an event can change.
pub const NEVER: i64 = i64::MAX;

/// This many times 24 hours in milliseconds, or the largest number there is.
pub const fn days(count: i64) -> i64 {
    count.saturating_mul(DAY_MS)
}

/// No change of the local clock moves it further than this.
const CLOCK_CHANGE_MAX_MS: i64 = 2 * HOUR_MS;

/// An instant not later than the next local midnight (of a Monday, if `weekly`), and as close to it as is known
/// from the offset at `now` alone: the clock may change in between.
pub(crate) fn next_midnight(now: i64, utc_offset_ms: i64, weekly: bool) -> i64 {
    let day = now.saturating_add(utc_offset_ms).div_euclid(DAY_MS);
    // 1970-01-01 was a Thursday.
    let days_ahead = if weekly { 7 - (day + 3).rem_euclid(7) } else { 1 };
    let midnight = days(day + days_ahead).saturating_sub(utc_offset_ms);
    midnight.saturating_sub(CLOCK_CHANGE_MAX_MS).max(now.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_midnight_is_local_and_never_late() {
        let monday_noon = 4 * DAY_MS + 12 * HOUR_MS;
        let margin = CLOCK_CHANGE_MAX_MS;
        #[rustfmt::skip]
        let cases = [
            // name                    now                        offset        weekly  want
            ("the next day",           monday_noon,               0,            false,  5 * DAY_MS - margin),
            ("the next Monday",        monday_noon,               0,            true,   11 * DAY_MS - margin),
            ("midnight itself is past", 4 * DAY_MS,               0,            true,   11 * DAY_MS - margin),
            ("Sunday",                 3 * DAY_MS,                0,            true,   4 * DAY_MS - margin),
            ("it is Tuesday in China", monday_noon + 5 * HOUR_MS, 8 * HOUR_MS,  false,  6 * DAY_MS - 8 * HOUR_MS - margin),
            ("inside the margin",      5 * DAY_MS - HOUR_MS,      0,            false,  5 * DAY_MS - HOUR_MS + 1),
            ("before 1970",            -12 * HOUR_MS,             0,            false,  -margin),
        ];
        for (name, now, offset, weekly, want) in cases {
            assert_eq!(next_midnight(now, offset, weekly), want, "{name}");
        }
    }
}
