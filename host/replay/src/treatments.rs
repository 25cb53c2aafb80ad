//! Treatments that really happened: campaigns recorded as touches, and what can be said of their effect.
//!
//! Nobody drew who was treated, so each estimate comes with balance, overlap and the same estimate at earlier dates,
//! when nothing happened, and with a verdict.
//!
//! # Not here
//!
//! The estimators and the rules of the verdict are `stratagem_measure::observational`.

use std::collections::{BTreeMap, HashSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use stratagem_insight::Timelines;
use stratagem_measure::Refusal;
use stratagem_measure::observational::{Covariate, Observational, Options, Panel, observe};
use stratagem_model::event::EventKind;
use stratagem_model::time::{DAY_MS, Time};
use stratagem_model::{CustomerId, NO_ITEM, PPM};

use crate::config::BacktestError;
use crate::driver::Run;

/// Campaigns that are looked at: those that reached most customers.
const CAMPAIGNS_MAX: usize = 5;
/// Fewest customers that a campaign must have reached, and have left out.
const CUSTOMERS_MIN: u64 = 30;
/// Most customers that are compared: matching looks at pairs.
const CUSTOMERS_MAX: u64 = 20_000;
/// Most earlier dates at which an estimate is repeated.
const PLACEBOS_MAX: i64 = 6;

/// A campaign of the data and what it may have caused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Treatment {
    pub campaign: String,
    /// Local date of its first touch.
    pub date: String,
    pub treated: u64,
    /// Customers with an order before that date whom it did not reach.
    pub untreated: u64,
    /// GMV per customer in the attribution window from that date, minor units.
    pub effect: Option<Observational>,
    /// Why there is none, and what would be needed.
    pub refusal: Option<(String, String)>,
}

struct Campaign {
    subject: u32,
    start: Time,
    customers: HashSet<CustomerId>,
}

/// Estimates the effects of the campaigns in a run's history.
pub(crate) fn treatments(run: &Run<'_>) -> Result<Vec<Treatment>, BacktestError> {
    let campaigns = run.store.dictionary("campaign")?;
    if campaigns.is_empty() {
        return Ok(vec![]);
    }
    let shards = run.shards()?;
    let histories: Vec<_> = shards.into_par_iter().map(|range| run.load(range)).collect::<Result<_, _>>()?;
    let found = find(&histories);
    let customers = histories.iter().map(Timelines::rows).sum();
    let name = |subject: u32| campaigns.get(subject as usize).cloned().unwrap_or_else(|| subject.to_string());
    let treatment = |campaign: &Campaign| {
        let rows = Dates::new(run, campaign, customers).rows(&histories, campaign);
        let treated = rows[0].iter().filter(|row| row.is_treated).count() as u64;
        let result = effect(run, campaign, &rows);
        Treatment {
            campaign: name(campaign.subject),
            date: run.context.zone.date(campaign.start),
            treated,
            untreated: rows[0].len() as u64 - treated,
            refusal: result.as_ref().err().map(|refusal| (refusal.to_string(), refusal.hint())),
            effect: result.ok(),
        }
    };
    Ok(found.par_iter().map(treatment).collect())
}

/// The campaigns that reached most customers.
fn find(histories: &[Timelines]) -> Vec<Campaign> {
    let mut found: BTreeMap<u32, Campaign> = BTreeMap::new();
    for history in histories {
        for row in 0..history.rows() {
            let touches = history.events_before(row, Time::MAX).iter();
            let touches = touches.filter(|event| event.kind == EventKind::Touch && event.subject != NO_ITEM);
            for touch in touches {
                let (subject, start) = (touch.subject, touch.event_time);
                let campaign = found.entry(subject).or_insert_with(|| Campaign {
                    subject,
                    start,
                    customers: HashSet::new(),
                });
                campaign.start = campaign.start.min(start);
                campaign.customers.insert(history.customer(row));
            }
        }
    }
    let mut found: Vec<_> = found.into_values().collect();
    found.sort_by_key(|campaign| (std::cmp::Reverse(campaign.customers.len()), campaign.subject));
    found.truncate(CAMPAIGNS_MAX);
    found
}

/// What is known of a customer at a date, and what followed.
struct Row {
    is_treated: bool,
    recency: f64,
    frequency: f64,
    monetary: f64,
    touches: f64,
    /// GMV of each period before the date, oldest first.
    before: Vec<f64>,
    after: f64,
}

/// The date of a campaign, and earlier ones one window apart.
struct Dates {
    at: Vec<Time>,
    /// Windows before the first of them that the data has.
    periods: i64,
    window_ms: i64,
    /// The share of customers that is looked at.
    sample_ppm: u32,
}

impl Dates {
    fn new(run: &Run<'_>, campaign: &Campaign, customers: usize) -> Self {
        let window_ms = run.measured.window_ms;
        let first = run.context.first_order.unwrap_or(campaign.start);
        let periods = (campaign.start.0 - first.0).div_euclid(window_ms).max(0);
        let sample_ppm = (u64::from(PPM) * CUSTOMERS_MAX).checked_div(customers as u64).unwrap_or(0);
        let sample_ppm = sample_ppm.min(u64::from(PPM)) as u32;
        let placebos = (periods - 1).clamp(0, PLACEBOS_MAX);
        let at = (0..=placebos).map(|k| Time(campaign.start.0 - k * window_ms)).collect();
        Self { at, periods, window_ms, sample_ppm }
    }

    /// The customers of each date: those with an order before it.
    fn rows(&self, histories: &[Timelines], campaign: &Campaign) -> Vec<Vec<Row>> {
        let of_date = |(k, at): (usize, &Time)| {
            let periods = self.periods - k as i64;
            let rows = histories.iter().flat_map(|history| {
                (0..history.rows()).filter_map(move |row| self.row(history, row, campaign, *at, periods))
            });
            rows.collect()
        };
        self.at.iter().enumerate().map(of_date).collect()
    }

    fn row(
        &self,
        history: &Timelines,
        row: usize,
        campaign: &Campaign,
        at: Time,
        periods: i64,
    ) -> Option<Row> {
        if history.customer(row).draw_ppm("treatments") >= self.sample_ppm {
            return None;
        }
        let known = history.advance(row, 0, at);
        let last = history.last_order_time(row, known)?;
        let mut before = vec![0.0; periods.max(0) as usize];
        let mut after = 0.0;
        for order in history.orders(row) {
            let (time, gross) = (history.order_time(order), history.order_value(order).0 as f64);
            let period = (time.0 - at.0).div_euclid(self.window_ms);
            if period == 0 {
                after += gross;
            } else if -periods <= period && period < 0 {
                before[(periods + period) as usize] += gross;
            }
        }
        let touches = history.events_before(row, at).iter().filter(|event| event.kind == EventKind::Touch);
        // Right-skewed all four: a difference of one means less to whoever has many.
        let damped = |value: f64| value.max(0.0).ln_1p();
        Some(Row {
            is_treated: campaign.customers.contains(&history.customer(row)),
            recency: damped((at.0 - last.0) as f64 / DAY_MS as f64),
            frequency: damped(f64::from(known)),
            monetary: damped(history.monetary(row, known) as f64),
            touches: damped(touches.count() as f64),
            before,
            after,
        })
    }
}

fn panel(rows: &[Row]) -> Result<Panel, Refusal> {
    let covariate = |name: &str, value: fn(&Row) -> f64| {
        let values: Vec<_> = rows.iter().map(value).collect();
        // What is the same for all tells nobody apart.
        let varies = values.iter().any(|value| *value != values[0]);
        varies.then(|| Covariate::behaviour(name, values))
    };
    let covariates = [
        covariate("recency", |row| row.recency),
        covariate("frequency", |row| row.frequency),
        covariate("monetary", |row| row.monetary),
        covariate("earlier touches", |row| row.touches),
    ];
    let periods = rows.first().map_or(0, |row| row.before.len());
    let before = (0..periods).map(|period| rows.iter().map(|row| row.before[period]).collect()).collect();
    let treated = rows.iter().map(|row| row.is_treated).collect();
    Panel::new(
        treated,
        covariates.into_iter().flatten().collect(),
        before,
        rows.iter().map(|row| row.after).collect(),
    )
}

fn effect(run: &Run<'_>, campaign: &Campaign, rows: &[Vec<Row>]) -> Result<Observational, Refusal> {
    let treated = rows[0].iter().filter(|row| row.is_treated).count() as u64;
    for (what, have) in [("the treated", treated), ("the untreated", rows[0].len() as u64 - treated)] {
        if have < CUSTOMERS_MIN {
            return Err(Refusal::TooFew { what: what.into(), unit: "customers", have, need: CUSTOMERS_MIN });
        }
    }
    let end = campaign.start.0 + run.measured.window_ms;
    if end > run.data_until.0 {
        let missing = (end - run.data_until.0).div_euclid(DAY_MS) + 1;
        return Err(Refusal::TooFew {
            what: "the window after the campaign".into(),
            unit: "days of data",
            have: (i64::from(run.backtest.window_days) - missing).max(0) as u64,
            need: run.backtest.window_days.into(),
        });
    }
    if rows[0][0].before.len() < 2 {
        return Err(Refusal::TooFew {
            what: "the history before the campaign".into(),
            unit: "windows",
            have: rows[0][0].before.len() as u64,
            need: 2,
        });
    }
    let window_ms = run.measured.window_ms;
    let placebos = rows.iter().enumerate().skip(1).map(|(k, rows)| {
        let date = run.context.zone.date(Time(campaign.start.0 - k as i64 * window_ms));
        Ok((date, panel(rows)?))
    });
    let placebos: Vec<_> = placebos.collect::<Result<_, Refusal>>()?;
    observe(&panel(&rows[0])?, &placebos, Options::default())
}
