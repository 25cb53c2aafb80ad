//! Cohorts: customers by the month of their first order, and how many of them ordered in each month since.

use stratagem_insight::Timelines;
use stratagem_model::Money;
use stratagem_model::time::{Day, Time, Zone, date_of};
use stratagem_record::Cohort;

/// Most cohorts, and most months that each is followed: the newest are kept.
const MONTHS_MAX: usize = 24;

/// The calendar months of the data, the newest at most two years.
#[derive(Debug, Clone)]
pub(crate) struct Months {
    /// Their first instants, and that of the month after the last.
    edges: Vec<Time>,
    names: Vec<String>,
    /// How many of them the data covers to their end: all, or all but the last.
    complete: usize,
}

impl Months {
    pub(crate) fn new(zone: &Zone, first: Day, last: Day) -> Self {
        let (mut edges, mut names) = (vec![], vec![]);
        // Days are few, and the calendar is the library's.
        let mut previous = String::new();
        for day in first - 31..=last + 31 {
            let month = date_of(day)[..7].to_owned();
            if month != previous && !previous.is_empty() {
                edges.push(zone.at(day, 0));
                names.push(month.clone());
            }
            previous = month;
        }
        // The month of `first` begins at or before it; the last edge is the month after that of `last`.
        let begin = edges.partition_point(|edge| *edge <= zone.at(first, 0)).saturating_sub(1);
        let end = edges.partition_point(|edge| *edge <= zone.at(last, 0));
        let begin = begin.max(end.saturating_sub(MONTHS_MAX));
        let is_complete = edges[end] <= zone.at(last + 1, 0);
        let complete = end - begin - usize::from(!is_complete);
        Self { edges: edges[begin..=end].to_vec(), names: names[begin..end].to_vec(), complete }
    }

    fn len(&self) -> usize {
        self.names.len()
    }

    fn index(&self, at: Time) -> Option<usize> {
        let next = self.edges.partition_point(|edge| *edge <= at);
        (1..self.edges.len()).contains(&next).then(|| next - 1)
    }
}

/// Counts by cohort and month since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CohortTotals {
    customers: Vec<u64>,
    /// Row-major, cohorts by months since.
    active: Vec<u64>,
    gmv: Vec<Money>,
}

impl CohortTotals {
    pub(crate) fn new(months: &Months) -> Self {
        let n = months.len();
        Self { customers: vec![0; n], active: vec![0; n * n], gmv: vec![0; n * n] }
    }

    /// Takes in a customer.
    pub(crate) fn count(&mut self, months: &Months, timelines: &Timelines, row: usize) {
        let first = timelines.orders(row).map(|order| timelines.order_time(order)).min();
        let Some(cohort) = first.and_then(|first| months.index(first)) else { return };
        self.customers[cohort] += 1;
        // One bit a month: orders come by known time, not by when they happened.
        let mut seen = 0_u32;
        for order in timelines.orders(row) {
            let Some(month) = months.index(timelines.order_time(order)) else { continue };
            let cell = cohort * months.len() + (month - cohort);
            self.gmv[cell] += timelines.order_value(order).0;
            self.active[cell] += u64::from(seen & (1 << month) == 0);
            seen |= 1 << month;
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.customers.iter_mut().zip(&other.customers).for_each(|(mine, theirs)| *mine += theirs);
        self.active.iter_mut().zip(&other.active).for_each(|(mine, theirs)| *mine += theirs);
        self.gmv.iter_mut().zip(&other.gmv).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// The cohorts that have customers, over the months that are complete: of a part, all would seem to have left.
    pub(crate) fn summarise(&self, months: &Months) -> Vec<Cohort> {
        let (n, complete) = (months.len(), months.complete);
        let cohort = |i: usize| Cohort {
            month: months.names[i].clone(),
            customers: self.customers[i],
            active: self.active[i * n..i * n + complete - i].to_vec(),
            gmv: self.gmv[i * n..i * n + complete - i].to_vec(),
        };
        (0..complete).map(cohort).filter(|cohort| cohort.customers > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use stratagem_model::time::parse_day;

    use super::*;

    #[test]
    fn a_month_that_has_only_begun_is_left_out() {
        let day = |text| parse_day(text).unwrap();
        let months = Months::new(&Zone::utc(), day("2017-01-01"), day("2017-03-10"));
        let mut totals = CohortTotals::new(&months);
        totals.customers = vec![3, 2, 1];
        let months_of: Vec<_> =
            totals.summarise(&months).into_iter().map(|cohort| (cohort.month, cohort.active.len())).collect();
        assert_eq!(months_of, [("2017-01".to_owned(), 2), ("2017-02".to_owned(), 1)]);
    }

    #[test]
    fn months_are_local_and_at_most_two_years() {
        let zone = Zone::new("Asia/Shanghai").unwrap();
        let day = |text| parse_day(text).unwrap();
        let months = Months::new(&zone, day("2017-01-31"), day("2017-03-01"));
        assert_eq!(months.names, ["2017-01", "2017-02", "2017-03"]);
        let index = |text| months.index(zone.parse(text).unwrap());
        assert_eq!(index("2017-01-01 00:00"), Some(0));
        assert_eq!(index("2017-01-31 23:59"), Some(0));
        assert_eq!(index("2017-02-01 00:00"), Some(1));
        assert_eq!(index("2017-03-31 23:59"), Some(2));
        assert_eq!((index("2016-12-31 23:59"), index("2017-04-01")), (None, None));
        assert_eq!(months.complete, 2, "March has only begun");
        let quarter = Months::new(&zone, day("2017-01-31"), day("2017-03-31"));
        assert_eq!((quarter.len(), quarter.complete), (3, 3));
        let decade = Months::new(&zone, day("2010-01-15"), day("2019-12-15"));
        assert_eq!((decade.len(), decade.names[0].as_str()), (24, "2018-01"));
    }
}
