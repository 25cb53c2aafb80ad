//! What each customer's outcome says of a run: the arms compared in several ways, whether assignment was fair, and how
//! often an interval is wrong where nothing happened.
//!
//! # Not here
//!
//! The statistics are `stratagem_measure`.

use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use stratagem_measure::bootstrap::{Bootstrap, Resampler, difference};
use stratagem_measure::effects::{Cuped, PairedSample, SampleRatio, cuped, newcombe, sample_ratio, welch};
use stratagem_measure::{Estimate, Refusal, Sample, random};
use stratagem_model::PPM;

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

/// The arms of a run compared, over all eligible customers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Evidence {
    /// GMV per eligible customer, treated less control, minor units: by Welch, by the percentile and the BCa bootstrap,
    /// and adjusted by what each was worth before (CUPED). Nothing without controls.
    pub gmv: Option<Estimate>,
    pub gmv_percentile: Option<Estimate>,
    pub gmv_bca: Option<Estimate>,
    pub gmv_cuped: Option<Cuped>,
    /// Share with an order, treated less control (Newcombe).
    pub conversion: Option<Estimate>,
    /// Whether the arms have the sizes that the holdout draws.
    pub sample_ratio: Option<SampleRatio>,
    /// By covariate when first asked about: the standardised mean difference between the arms.
    pub balance: Vec<Covariate>,
    pub no_action: Option<NoAction>,
    /// Bootstrap draws and their seed.
    pub draws: u32,
    pub seed: u64,
}

/// How unlike the arms were before anything was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Covariate {
    pub name: String,
    pub difference: f64,
}

/// Random halves of customers to whom the same happened: a 95 % interval should hold 0 in 95 % of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NoAction {
    pub splits: u32,
    pub customers: u64,
    /// Nothing where it does not vary in each half.
    pub gmv: Option<Coverage>,
    pub conversion: Option<Coverage>,
    /// The first of the Welch intervals of GMV.
    pub shown: Vec<Estimate>,
}

/// Share of the splits whose interval holds 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Coverage {
    pub welch: f64,
    pub percentile: f64,
    pub bca: f64,
}

/// Compares the arms of a run. `treated_ppm` is the share that no holdout has; `is_untouched` says that nothing was
/// really done to anyone, so that all may enter the A/A panel, and not only controls.
pub fn evidence(customers: &[CustomerOutcome], treated_ppm: u32, is_untouched: bool, seed: u64) -> Evidence {
    let of = |is_control: bool| customers.iter().filter(move |c| c.is_control == is_control);
    let values =
        |is_control, value: fn(&CustomerOutcome) -> f64| of(is_control).map(value).collect::<Vec<_>>();
    let gmv = |is_control| values(is_control, |c| c.gmv as f64);
    let worth = |is_control| values(is_control, |c| c.monetary as f64);
    let buyers = |is_control| of(is_control).filter(|c| c.orders > 0).count() as u64;
    let (treated, control) = (gmv(false), gmv(true));
    let bootstrap = resampled(&treated, &control, DRAWS, seed).ok();
    let paired = |is_control, gmv: &[f64]| PairedSample::of(gmv, &worth(is_control)).ok();
    let sizes = [treated.len() as u64, control.len() as u64];
    let shares = [treated_ppm, PPM - treated_ppm].map(|ppm| f64::from(ppm) / f64::from(PPM));
    let untouched: Vec<_> = customers.iter().filter(|c| is_untouched || c.is_control).collect();
    Evidence {
        gmv: both(&treated, &control).and_then(|(t, c)| welch(&t, &c, CONFIDENCE).ok()),
        gmv_percentile: bootstrap.as_ref().and_then(|draws| draws.percentile(CONFIDENCE).ok()),
        gmv_bca: bootstrap.as_ref().and_then(|draws| draws.bca(CONFIDENCE).ok()),
        gmv_cuped: paired(false, &treated)
            .zip(paired(true, &control))
            .and_then(|(treated, control)| cuped(&treated, &control, CONFIDENCE).ok()),
        conversion: newcombe((buyers(false), sizes[0]), (buyers(true), sizes[1]), CONFIDENCE).ok(),
        sample_ratio: sample_ratio(&sizes, &shares).ok(),
        balance: balance(customers),
        no_action: no_action(&untouched, seed).ok(),
        draws: DRAWS as u32,
        seed,
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
        gmv: gmv.as_deref().map(Coverage::of),
        conversion: conversion.as_deref().map(Coverage::of),
    })
}

impl Coverage {
    fn of(splits: &[[Estimate; 3]]) -> Self {
        let share = |method: usize| {
            splits.iter().filter(|split| !split[method].excludes(0.0)).count() as f64 / splits.len() as f64
        };
        Self { welch: share(0), percentile: share(1), bca: share(2) }
    }
}

/// The intervals of a difference by Welch, percentile and BCa bootstrap.
fn intervals(first: &[f64], second: &[f64], seed: u64) -> Result<[Estimate; 3], Refusal> {
    let bootstrap = resampled(first, second, SPLIT_DRAWS, seed)?;
    let welch = welch(&Sample::of(first)?, &Sample::of(second)?, CONFIDENCE)?;
    Ok([welch, bootstrap.percentile(CONFIDENCE)?, bootstrap.bca(CONFIDENCE)?])
}
