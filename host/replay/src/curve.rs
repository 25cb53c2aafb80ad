//! How the difference between the arms grew over the run: sums at the end of each period, for a line with its band.

use stratagem_measure::{Moments, welch};
use stratagem_model::time::{DAY_MS, Time, Zone};
use stratagem_model::{Money, Plan};
use stratagem_record::CurvePoint;

use crate::outcome::Totals;

/// Most points of a line.
const POINTS_MAX: i64 = 60;

/// Equal periods, of whole weeks where a year of them fits; the last is cut off where measuring ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Periods {
    from: Time,
    end: Time,
    length_ms: i64,
    count: usize,
}

impl Periods {
    pub(crate) fn new(from: Time, end: Time) -> Self {
        let days = (end.0 - from.0).div_euclid(DAY_MS).max(1);
        let weeks = (days + 7 * POINTS_MAX - 1).div_euclid(7 * POINTS_MAX);
        let length_ms = 7 * weeks * DAY_MS;
        let count = (end.0 - from.0 + length_ms - 1).div_euclid(length_ms).max(1) as usize;
        Self { from, end, length_ms, count }
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The period that an instant of the run falls in.
    pub(crate) fn index(&self, at: Time) -> usize {
        let period = (at.0 - self.from.0).div_euclid(self.length_ms);
        (period.max(0) as usize).min(self.count - 1)
    }

    fn end(&self, index: usize) -> Time {
        Time(self.from.0 + (index as i64 + 1) * self.length_ms).min(self.end)
    }
}

/// Sums of one period over the customers of one arm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PeriodTotals {
    /// Of each eligible customer's GMV from the run's start to the period's end.
    pub(crate) gmv_so_far: Moments,
    /// Within the period: what contacts cost, and the face value of what they offered.
    pub(crate) contact_cost: Money,
    pub(crate) offer_exposure: Money,
}

impl PeriodTotals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.gmv_so_far.merge(&other.gmv_so_far);
        self.contact_cost += other.contact_cost;
        self.offer_exposure += other.offer_exposure;
    }
}

/// Takes in one customer's orders of the run, as `(time, value)`.
pub(crate) fn add_orders(
    periods: &Periods,
    orders: impl Iterator<Item = (Time, Money)>,
    scratch: &mut Vec<Money>,
    out: &mut [PeriodTotals],
) {
    scratch.clear();
    scratch.resize(periods.len(), 0);
    orders.for_each(|(at, gross)| scratch[periods.index(at)] += gross);
    let mut so_far = 0;
    for (within, totals) in scratch.iter().zip(out) {
        so_far += within;
        totals.gmv_so_far.add(so_far);
    }
}

/// The line of a run.
pub(crate) fn curve(totals: &Totals, periods: &Periods, zone: &Zone, confidence: f64) -> Vec<CurvePoint> {
    let (mut contact_cost, mut offer_exposure) = (0, 0);
    let point = |(i, (treated, control)): (usize, (&PeriodTotals, &PeriodTotals))| {
        contact_cost += treated.contact_cost;
        offer_exposure += treated.offer_exposure;
        let arms = treated.gmv_so_far.sample().ok().zip(control.gmv_so_far.sample().ok());
        CurvePoint {
            // The last instant that counts.
            until: zone.date(Time(periods.end(i).0 - 1)),
            difference: arms.and_then(|(treated, control)| welch(&treated, &control, confidence).ok()),
            contact_cost,
            offer_exposure,
        }
    };
    totals.treated.periods.iter().zip(&totals.control.periods).enumerate().map(point).collect()
}

/// What carrying out an action costs, and the face value of its offer.
pub(crate) fn costs(plan: &Plan, action: u32) -> (Money, Money) {
    let action = &plan.actions[action as usize];
    (action.contact_cost, action.offer.map_or(0, |offer| offer.face_value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_has_weekly_points_and_ten_years_have_no_more() {
        let day = |day: i64| Time(day * DAY_MS);
        let year = Periods::new(day(0), day(365));
        assert_eq!((year.len(), year.length_ms), (53, 7 * DAY_MS));
        assert_eq!((year.index(day(0)), year.index(day(7)), year.index(day(400))), (0, 1, 52));
        assert_eq!((year.end(0), year.end(51), year.end(52)), (day(7), day(364), day(365)));
        let decade = Periods::new(day(0), day(3_650));
        assert!(decade.len() <= POINTS_MAX as usize, "{decade:?}");
    }

    #[test]
    fn orders_count_from_their_period_on() {
        let periods = Periods::new(Time(0), Time(21 * DAY_MS));
        let mut out = vec![PeriodTotals::default(); 3];
        let orders = [(Time(0), 5), (Time(8 * DAY_MS), 7), (Time(9 * DAY_MS), 1)];
        add_orders(&periods, orders.into_iter(), &mut vec![], &mut out);
        assert_eq!(out.iter().map(|p| p.gmv_so_far.sum).collect::<Vec<_>>(), [5, 13, 13]);
        assert!(out.iter().all(|p| p.gmv_so_far.count == 1), "customers without orders count as well");
    }
}
