//! Treatments that really happened: campaigns recorded as touches, and what can be said of their effect.
//!
//! Nobody drew who was treated, so each estimate comes with balance, overlap and the same estimate at earlier dates,
//! when nothing happened, and with a verdict.
//!
//! # Invariants
//!
//! - **Who is treated is known at the date.** Treated are those touched within the campaign's first day, and whoever it
//!   touched later is untreated: that can only hide some of an effect. A campaign with many of these is refused, and one
//!   whose touches follow orders of that day.
//! - **At a placebo date nothing happened.** A date after which any campaign touched either arm is left out.
//!
//! # Not here
//!
//! The estimators and the rules of the verdict are `stratagem_measure::observational`.

mod compared;
#[cfg(test)]
mod tests;

use rayon::prelude::*;
use stratagem_measure::Refusal;
use stratagem_measure::observational::{
    Check, Covariate, Identification, Observational, Options, Panel, Rule, observe,
};
use stratagem_model::time::{DAY_MS, Zone};
use stratagem_record::{Concurrent, Treatment};

use crate::config::BacktestError;
use crate::driver::Run;
use compared::{Campaign, Compared, OtherTouches, Row, Setting, campaigns};

/// Fewest customers that a campaign must have reached, and have left out.
const CUSTOMERS_MIN: u64 = 30;
/// Of the customers that a campaign reached until the end of its window, the share touched after its first day above
/// which it is no treatment of one date.
const LATE_SHARE_MAX: f64 = 0.2;
/// The share of the treated who ordered on the first day before they were touched above which touches may follow orders,
/// if it is also twice that of the untreated on all of that day.
const FOLLOWED_SHARE_MIN: f64 = 0.05;
/// The share of an arm up to which other touches in a window are as good as none.
const TOUCHED_SHARE_MAX: f64 = 0.01;

/// Estimates the effects of the campaigns in a run's history.
pub(crate) fn treatments(run: &Run<'_>) -> Result<Vec<Treatment>, BacktestError> {
    let names = run.store.dictionary("campaign")?;
    if names.is_empty() {
        return Ok(vec![]);
    }
    let shards = run.shards()?;
    let histories: Vec<_> = shards.into_par_iter().map(|range| run.load(range)).collect::<Result<_, _>>()?;
    let setting = Setting {
        histories: &histories,
        first_order: run.first_order,
        data_until: run.data_until,
        window_ms: run.measured.window_ms,
    };
    Ok(of_setting(&setting, &names, &run.context.zone))
}

fn of_setting(setting: &Setting<'_>, names: &[String], zone: &Zone) -> Vec<Treatment> {
    campaigns(setting.histories)
        .par_iter()
        .map(|campaign| treatment(setting, names, zone, campaign))
        .collect()
}

fn treatment(setting: &Setting<'_>, names: &[String], zone: &Zone, campaign: &Campaign) -> Treatment {
    let compared = Compared::new(setting, campaign);
    let placebos = compared.placebo_dates();
    let others = compared.other_touches();
    let arms = compared.arms();
    let result = effect(&compared, &placebos.dates, &others, zone);
    let name = |subject: u32| names.get(subject as usize).cloned();
    let concurrent = others.by_campaign.iter().map(|(subject, touched)| {
        let [treated, untreated] = shares(*touched, arms);
        Concurrent { campaign: name(*subject), treated, untreated }
    });
    Treatment {
        campaign: name(campaign.subject).unwrap_or_else(|| campaign.subject.to_string()),
        date: zone.date(campaign.start),
        reached: compared.reached,
        late: compared.late,
        customers: compared.customers,
        treated: arms[0],
        untreated: arms[1],
        touched_otherwise: shares(others.by_any, arms),
        concurrent: concurrent.collect(),
        placebo_dates: match result.as_ref().map(|effect| &effect.placebo) {
            Ok(Some(placebo)) => placebo.estimates.len() as u64,
            Ok(None) => 0,
            Err(_) => placebos.dates.len() as u64,
        },
        placebo_dates_left_out: placebos.left_out,
        refusal: result.as_ref().err().map(|refusal| (refusal.to_string(), refusal.hint())),
        effect: result.ok(),
    }
}

/// Of the treated and of the untreated.
fn shares(touched: [u64; 2], arms: [u64; 2]) -> [f64; 2] {
    std::array::from_fn(|arm| touched[arm] as f64 / arms[arm].max(1) as f64)
}

/// Whether so many of the treated and of the untreated touched are as good as none.
fn is_clean(touched: [u64; 2], arms: [u64; 2]) -> bool {
    shares(touched, arms).iter().all(|share| *share <= TOUCHED_SHARE_MAX)
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

fn effect(
    compared: &Compared<'_>,
    placebos: &[i64],
    others: &OtherTouches,
    zone: &Zone,
) -> Result<Observational, Refusal> {
    can_be_asked(compared)?;
    let at = |back: &i64| Ok((zone.date(compared.date(*back)), panel(&compared.rows(*back))?));
    let placebos: Vec<_> = placebos.iter().map(at).collect::<Result<_, Refusal>>()?;
    let mut effect = observe(&panel(&compared.rows(0))?, &placebos, Options::default())?;
    let arms = compared.arms();
    let [treated, untreated] = shares(others.by_any, arms).map(|share| 100.0 * share);
    let finding =
        if is_clean(others.by_any, arms) { Identification::Identified } else { Identification::Weak };
    effect.verdict.checks.push(Check {
        rule: Rule::ConcurrentTreatments,
        finding,
        reason: format!(
            "other campaigns touched {treated:.1} % of the treated and {untreated:.1} % of the untreated within the \
             window"
        ),
    });
    effect.verdict.identification = effect.verdict.identification.max(finding);
    Ok(effect)
}

/// Refuses what no method can answer.
fn can_be_asked(compared: &Compared<'_>) -> Result<(), Refusal> {
    let reached = compared.reached + compared.late;
    if compared.late as f64 > LATE_SHARE_MAX * reached as f64 {
        return Err(Refusal::SpreadTreatment { late: compared.late, reached });
    }
    let followed = compared.ordered[0] as f64 / compared.full_arms[0].max(1) as f64;
    let usual = compared.ordered[1] as f64 / compared.full_arms[1].max(1) as f64;
    if followed > FOLLOWED_SHARE_MIN.max(2.0 * usual) {
        return Err(Refusal::TriggeredTreatment { followed, usual });
    }
    let [treated, untreated] = compared.arms();
    for (what, have) in [("the treated", treated), ("the untreated", untreated)] {
        if have < CUSTOMERS_MIN {
            return Err(Refusal::TooFew { what: what.into(), unit: "customers", have, need: CUSTOMERS_MIN });
        }
    }
    let missing_ms = compared.end().0 - compared.setting.data_until.0;
    if missing_ms > 0 {
        let need = compared.setting.window_ms.div_euclid(DAY_MS);
        let have = (need - missing_ms.div_euclid(DAY_MS) - 1).max(0) as u64;
        let what = "the window after the campaign".into();
        return Err(Refusal::TooFew { what, unit: "days of data", have, need: need as u64 });
    }
    if compared.periods < 2 {
        let have = compared.periods.max(0) as u64;
        let what = "the history before the campaign".into();
        return Err(Refusal::TooFew { what, unit: "windows", have, need: 2 });
    }
    Ok(())
}
