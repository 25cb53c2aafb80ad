//! What a repurchase model knows of a customer, checked once: the models never meet a bad row.

use serde::Serialize;

use super::counted::Counted;
use crate::Refusal;

/// A customer's orders as a repurchase model sees them: (x, t_x, T) in the literature.
///
/// Times count from the customer's first order, in a unit that the caller chooses and keeps: rates and horizons are
/// in the same one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct History {
    repeats: u32,
    last: f64,
    observed: f64,
}

impl History {
    /// A customer at the instant of the first order.
    pub const NEW: Self = Self { repeats: 0, last: 0.0, observed: 0.0 };

    /// A customer with `repeats` orders after the first (x), the last of them at time `last` (t_x), observed until
    /// time `observed` (T).
    ///
    /// # Errors
    /// A time is negative or not finite, `last` is after `observed`, or `last` is 0 with repeat orders or above 0
    /// without: orders of one instant are one order to these models, so merge them first.
    pub fn new(repeats: u32, last: f64, observed: f64) -> Result<Self, Refusal> {
        let bad = |what: &str, value, must| Err(Refusal::BadValue { what: what.into(), value, must });
        if !(observed.is_finite() && observed >= 0.0) {
            return bad("the observed time", observed, "finite and not negative");
        }
        let last_name = "the time of the last repeat order";
        if repeats == 0 && last != 0.0 {
            return bad(last_name, last, "0 without repeat orders");
        }
        if repeats > 0 && !(last > 0.0 && last <= observed) {
            return bad(last_name, last, "above 0 and not after the observed time");
        }
        Ok(Self { repeats, last, observed })
    }

    /// Rows of (`repeats`, `last`, `observed`), as in [`new`](Self::new).
    ///
    /// # Errors
    /// As there; the message names the row, counted from 1.
    pub fn of_rows(rows: &[(u32, f64, f64)]) -> Result<Vec<Self>, Refusal> {
        let checked = rows.iter().enumerate().map(|(index, &(repeats, last, observed))| {
            Self::new(repeats, last, observed).map_err(|refusal| in_row(index, refusal))
        });
        checked.collect()
    }

    pub(super) fn counted(histories: &[Self]) -> Counted<Self> {
        // Times are finite and not negative, so the order of their bits is theirs.
        Counted::of(histories, |history| {
            (history.repeats, (history.observed.to_bits(), history.last.to_bits()))
        })
    }

    /// Orders after the first: x.
    pub fn repeats(&self) -> u32 {
        self.repeats
    }

    /// Time of the last repeat order since the first order, 0 without: t_x.
    pub fn last(&self) -> f64 {
        self.last
    }

    /// Time observed since the first order: T.
    pub fn observed(&self) -> f64 {
        self.observed
    }
}

/// The refusal of a value, with the row it stands in.
pub(super) fn in_row(index: usize, refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::BadValue { what, value, must } => {
            Refusal::BadValue { what: format!("row {}: {what}", index + 1), value, must }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_row_is_refused_by_its_number() {
        for (repeats, last, observed) in [
            (0, 1.0, 9.0),
            (1, 0.0, 9.0),
            (1, 9.5, 9.0),
            (1, f64::NAN, 9.0),
            (0, 0.0, -1.0),
            (0, 0.0, f64::INFINITY),
            (0, 0.0, f64::NAN),
        ] {
            let refusal = History::of_rows(&[(1, 9.0, 9.0), (repeats, last, observed)]).unwrap_err();
            assert!(refusal.to_string().starts_with("row 2: the "), "{refusal}");
        }
    }
}
