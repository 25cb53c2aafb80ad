//! What each customer's outcome says of a run: the arms compared in several ways, whether assignment was fair, and how
//! often an interval is wrong where nothing happened.
//!
//! # Not here
//!
//! The statistics are `stratagem_measure`.

use rand::RngExt;
use rayon::prelude::*;
use stratagem_measure::bootstrap::{Bootstrap, Resampler, difference};
use stratagem_measure::effects::{
    Cuped, PairedSample, cuped, guard_sample_ratio, newcombe, sample_ratio, welch,
};
use stratagem_measure::{Estimate, Refusal, Sample, random};
use stratagem_model::PPM;
use stratagem_record::{Covariate, Coverage, Evidence, NoAction};

use crate::outcome::CustomerOutcome;
use crate::summary::CONFIDENCE;

/// Random halves that the A/A panel compares.
pub const SPLITS: u32 = 1_000;
/// Of these, halves whose intervals are kept to be shown.
const SHOWN: usize = 40;
/// Most customers of the A/A panel: more would say the same and take longer.
const SPLIT_CUSTOMERS_MAX: usize = 5_000;
/// Bootstrap draws of one half against the other, and of the arms.
const SPLIT_DRAWS: usize = 499;
const DRAWS: usize = 2_000;

/// Compares the arms of a run. `treated_ppm` is the share that no holdout has; `is_untouched` says that nothing was
/// really done to anyone, so that all may enter the A/A panel, and not only controls.
pub fn evidence(customers: &[CustomerOutcome], treated_ppm: u32, is_untouched: bool, seed: u64) -> Evidence {
    let untouched: Vec<_> = customers.iter().filter(|c| is_untouched || c.is_control).collect();
    let controls = customers.iter().filter(|c| c.is_control).count();
    let sizes = [(customers.len() - controls) as u64, controls as u64];
    let shares = [treated_ppm, PPM - treated_ppm].map(|ppm| f64::from(ppm) / f64::from(PPM));
    let guard = guard_sample_ratio(&sizes, &shares).err();
    let is_mismatch = matches!(guard, Some(Refusal::SampleRatioMismatch { .. }));
    let found = if is_mismatch { Differences::default() } else { Differences::of(customers, seed) };
    Evidence {
        gmv: found.gmv,
        gmv_percentile: found.gmv_percentile,
        gmv_bca: found.gmv_bca,
        gmv_cuped: found.gmv_cuped,
        conversion: found.conversion,
        sample_ratio: sample_ratio(&sizes, &shares).ok(),
        refusal: guard.map(|refusal| (refusal.to_string(), refusal.hint())),
        balance: balance(customers),
        no_action: no_action(&untouched, seed).ok(),
        draws: DRAWS as u32,
        seed,
    }
}

/// Treated less control, in several ways.
#[derive(Default)]
struct Differences {
    gmv: Option<Estimate>,
    gmv_percentile: Option<Estimate>,
    gmv_bca: Option<Estimate>,
    gmv_cuped: Option<Cuped>,
    conversion: Option<Estimate>,
}

impl Differences {
    fn of(customers: &[CustomerOutcome], seed: u64) -> Self {
        let of = |is_control: bool| customers.iter().filter(move |c| c.is_control == is_control);
        let values =
            |is_control, value: fn(&CustomerOutcome) -> f64| of(is_control).map(value).collect::<Vec<_>>();
        let gmv = |is_control| values(is_control, |c| c.gmv as f64);
        let worth = |is_control| values(is_control, |c| c.monetary as f64);
        let buyers = |is_control| of(is_control).filter(|c| c.orders > 0).count() as u64;
        let (treated, control) = (gmv(false), gmv(true));
        let bootstrap = resampled(&treated, &control, DRAWS, seed).ok();
        let paired = |is_control, gmv: &[f64]| PairedSample::of(gmv, &worth(is_control)).ok();
        let hits = |is_control, arm: &[f64]| (buyers(is_control), arm.len() as u64);
        Self {
            gmv: both(&treated, &control).and_then(|(t, c)| welch(&t, &c, CONFIDENCE).ok()),
            gmv_percentile: bootstrap.as_ref().and_then(|draws| draws.percentile(CONFIDENCE).ok()),
            gmv_bca: bootstrap.as_ref().and_then(|draws| draws.bca(CONFIDENCE).ok()),
            gmv_cuped: paired(false, &treated)
                .zip(paired(true, &control))
                .and_then(|(treated, control)| cuped(&treated, &control, CONFIDENCE).ok()),
            conversion: newcombe(hits(false, &treated), hits(true, &control), CONFIDENCE).ok(),
        }
    }
}

fn both(treated: &[f64], control: &[f64]) -> Option<(Sample, Sample)> {
    Sample::of(treated).ok().zip(Sample::of(control).ok())
}

fn resampled(treated: &[f64], control: &[f64], draws: usize, seed: u64) -> Result<Bootstrap, Refusal> {
    let (treated, control) = (Resampler::of_values(treated)?, Resampler::of_values(control)?);
    Bootstrap::new([&treated, &control], difference, draws, seed)
}

/// What was known of a customer at the start.
type Known = fn(&CustomerOutcome) -> Option<f64>;

fn balance(customers: &[CustomerOutcome]) -> Vec<Covariate> {
    let covariates: [(&str, Known); 3] = [
        ("recency", |c| c.recency_days.map(|days| days as f64)),
        ("frequency", |c| Some(f64::from(c.frequency))),
        ("monetary", |c| Some(c.monetary as f64)),
    ];
    let covariate = |(name, value): &(&str, Known)| {
        let arm = |is_control| -> Vec<f64> {
            customers.iter().filter(|c| c.is_control == is_control).filter_map(value).collect()
        };
        let (treated, control) = both(&arm(false), &arm(true))?;
        let scale = ((treated.variance + control.variance) / 2.0).sqrt();
        let difference = (treated.mean - control.mean) / scale;
        difference.is_finite().then(|| Covariate { name: (*name).to_owned(), difference })
    };
    covariates.iter().filter_map(covariate).collect()
}

/// The A/A panel.
fn no_action(customers: &[&CustomerOutcome], seed: u64) -> Result<NoAction, Refusal> {
    const NEED: u64 = 100;
    let have = customers.len() as u64;
    if have < NEED {
        return Err(Refusal::TooFew { what: "an A/A panel".into(), unit: "customers", have, need: NEED });
    }
    let step = customers.len().div_ceil(SPLIT_CUSTOMERS_MAX);
    let sample: Vec<_> = customers.iter().step_by(step).collect();
    let splits: Vec<[Option<[Estimate; 3]>; 2]> = (0..SPLITS)
        .into_par_iter()
        .map(|split| {
            let mut generator = random::stream(seed ^ 0x4141, u64::from(split));
            let (mut first, mut second) = (vec![], vec![]);
            for customer in &sample {
                let half = if generator.random::<bool>() { &mut first } else { &mut second };
                half.push((customer.gmv as f64, f64::from(u8::from(customer.orders > 0))));
            }
            let column = |half: &[(f64, f64)], value: fn(&(f64, f64)) -> f64| {
                half.iter().map(value).collect::<Vec<_>>()
            };
            let seed = seed.wrapping_add(u64::from(split));
            let gmv = intervals(&column(&first, |c| c.0), &column(&second, |c| c.0), seed);
            let conversion = intervals(&column(&first, |c| c.1), &column(&second, |c| c.1), seed);
            [gmv.ok(), conversion.ok()]
        })
        .collect();
    let (gmv, conversion): (Option<Vec<_>>, Option<Vec<_>>) =
        (splits.iter().map(|split| split[0]).collect(), splits.iter().map(|split| split[1]).collect());
    Ok(NoAction {
        splits: SPLITS,
        customers: sample.len() as u64,
        shown: gmv.iter().flatten().take(SHOWN).map(|estimates| estimates[0]).collect(),
        gmv: gmv.as_deref().map(coverage),
        conversion: conversion.as_deref().map(coverage),
    })
}

fn coverage(splits: &[[Estimate; 3]]) -> Coverage {
    let share = |method: usize| {
        splits.iter().filter(|split| !split[method].excludes(0.0)).count() as f64 / splits.len() as f64
    };
    Coverage { welch: share(0), percentile: share(1), bca: share(2) }
}

/// The intervals of a difference by Welch, percentile and BCa bootstrap.
fn intervals(first: &[f64], second: &[f64], seed: u64) -> Result<[Estimate; 3], Refusal> {
    let bootstrap = resampled(first, second, SPLIT_DRAWS, seed)?;
    let welch = welch(&Sample::of(first)?, &Sample::of(second)?, CONFIDENCE)?;
    Ok([welch, bootstrap.percentile(CONFIDENCE)?, bootstrap.bca(CONFIDENCE)?])
}

#[cfg(test)]
mod tests {
    use stratagem_model::CustomerId;

    use super::*;

    /// So many customers, every `n`-th of them a control.
    fn customers(count: u64, n: u64) -> Vec<CustomerOutcome> {
        let customer = |i| CustomerOutcome {
            customer: CustomerId(i),
            is_control: i % n == 0,
            is_participant: true,
            recency_days: Some((i % 30) as i64),
            frequency: (i % 7) as u32,
            monetary: (i % 11) as i64,
            orders: (i % 3) as u32,
            gmv: (i % 3 * 500) as i64,
        };
        (0..count).map(customer).collect()
    }

    #[test]
    fn arms_of_other_sizes_than_drawn_are_not_compared() {
        let fair = evidence(&customers(1_000, 10), 900_000, false, 1);
        assert!(fair.gmv.is_some() && fair.conversion.is_some() && fair.refusal.is_none(), "{fair:?}");
        let unfair = evidence(&customers(1_000, 5), 900_000, false, 1);
        assert!(unfair.sample_ratio.is_some_and(|test| test.p_value < 0.001));
        assert_eq!((unfair.gmv, unfair.gmv_percentile, unfair.gmv_bca), (None, None, None));
        assert!(unfair.gmv_cuped.is_none() && unfair.conversion.is_none());
        assert!(unfair.refusal.unwrap().0.contains("sample ratio mismatch"));
    }

    #[test]
    fn arms_too_small_for_the_test_of_their_sizes_say_so() {
        let small = evidence(&customers(40, 10), 900_000, false, 1);
        assert!(small.sample_ratio.is_none() && small.gmv.is_some());
        assert!(small.refusal.unwrap().0.contains("customers"));
    }
}
