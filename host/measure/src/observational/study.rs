//! Simulated worlds in which the effect is known: whether intervals cover it, and whether verdicts tell when they can.
//!
//! A world has 1,000 customers over five periods before the date and one after it. A confounder moves both treatment
//! and outcome; another covariate moves treatment, outcome and effect.

use std::sync::LazyLock;

use rand::RngExt;
use rand_distr::StandardNormal;
use rayon::prelude::*;

use super::*;
use crate::random;

const CUSTOMERS: usize = 1000;
const PERIODS: usize = 5;
const WORLDS: u64 = 400;

#[derive(Clone, Copy)]
struct World {
    /// Whether the estimators see the confounder.
    is_observed: bool,
    /// How much more the confounder matters each period: with 0, the arms' trends are parallel.
    growth: f64,
}

fn propensity(confounder: f64, taste: f64) -> f64 {
    1.0 / (1.0 + (0.3 - 0.8 * confounder - 0.5 * taste).exp())
}

fn effect(taste: f64) -> f64 {
    3.0 + taste
}

/// The effect on the treated, and on the overlap of the arms.
static TRUTH: LazyLock<(f64, f64)> = LazyLock::new(|| {
    // Gauss-Hermite would do; an even grid over ±8 is simpler and as exact.
    let grid: Vec<f64> = (-800..=800).map(|i| f64::from(i) / 100.0).collect();
    let (mut treated, mut overlap) = ([0.0; 2], [0.0; 2]);
    for confounder in &grid {
        for taste in &grid {
            let e = propensity(*confounder, *taste);
            let density = (-0.5 * (confounder * confounder + taste * taste)).exp();
            for (sums, weight) in [(&mut treated, density * e), (&mut overlap, density * e * (1.0 - e))] {
                sums[0] += weight * effect(*taste);
                sums[1] += weight;
            }
        }
    }
    (treated[0] / treated[1], overlap[0] / overlap[1])
});

fn truth(method: Method) -> f64 {
    if method == Method::OverlapAipw { TRUTH.1 } else { TRUTH.0 }
}

impl World {
    fn panel(self, seed: u64, draw: u64) -> Panel {
        let mut generator = random::stream(seed, draw);
        let mut normal = || generator.sample::<f64, _>(StandardNormal);
        let mut column = |scale: f64| (0..CUSTOMERS).map(|_| scale * normal()).collect::<Vec<_>>();
        let (confounder, taste, own) = (column(1.0), column(1.0), column(2.0));
        let mut period = |at: usize| -> Vec<f64> {
            let matters = 4.0 + self.growth * at as f64;
            let noise = column(3.0);
            (0..CUSTOMERS)
                .map(|i| 20.0 + matters * confounder[i] + 2.0 * taste[i] + own[i] + noise[i])
                .collect()
        };
        let before: Vec<_> = (0..PERIODS).map(&mut period).collect();
        let mut after = period(PERIODS);
        let mut treated = vec![];
        for i in 0..CUSTOMERS {
            let is_treated = generator.random::<f64>() < propensity(confounder[i], taste[i]);
            after[i] += if is_treated { effect(taste[i]) } else { 0.0 };
            treated.push(is_treated);
        }
        let mut covariates = vec![Covariate::fixed("taste", taste)];
        if self.is_observed {
            covariates.push(Covariate::fixed("confounder", confounder));
        }
        Panel::new(treated, covariates, before, after).unwrap()
    }

    fn observe(self, method: Method, seed: u64, draw: u64) -> Observational {
        let panel = self.panel(seed, draw);
        let placebos: Vec<_> =
            (1..PERIODS).map(|back| (format!("{back} before"), panel.earlier(back).unwrap())).collect();
        observe(&panel, &placebos, Options { method, ..Options::default() }).unwrap()
    }

    /// The share of worlds in which each method's interval covers the truth, and that of each verdict.
    fn study(self, method: Method, seed: u64, worlds: u64) -> Found {
        let worlds: Vec<_> =
            (0..worlds).into_par_iter().map(|draw| self.observe(method, seed, draw)).collect();
        let share = |is: &dyn Fn(&Observational) -> bool| {
            worlds.iter().filter(|world| is(world)).count() as f64 / worlds.len() as f64
        };
        let covers = |method: Method| {
            share(&|world| {
                world
                    .estimates
                    .iter()
                    .any(|found| found.method == method && !found.estimate.excludes(truth(method)))
            })
        };
        let judged = |finding| share(&|world| world.verdict.identification == finding);
        let findings = [Identification::Identified, Identification::Weak, Identification::NotIdentified];
        Found { covers: Method::ALL.map(covers), verdicts: findings.map(judged) }
    }
}

/// Shares of worlds: intervals that cover, by method; verdicts, from best to worst.
#[derive(Debug)]
struct Found {
    covers: [f64; 4],
    verdicts: [f64; 3],
}

// Seed 1 was the first tried. Over seeds 1 to 8 each method's share here was between 0.9225 and 0.9675 (one such share has
// a standard error of 0.011), on average 0.944 to 0.949.
#[test]
fn with_the_confounder_observed_intervals_cover_and_verdicts_say_so() {
    let found = World { is_observed: true, growth: 0.0 }.study(Method::OverlapAipw, 1, WORLDS);
    assert!(found.covers.iter().all(|share| (0.93..=0.97).contains(share)), "{found:?}");
    assert!(found.verdicts[0] > 0.85, "{found:?}");
}

#[test]
fn with_the_confounder_hidden_nothing_covers_and_verdicts_say_so() {
    let found = World { is_observed: false, growth: 1.0 }.study(Method::OverlapAipw, 1, WORLDS);
    assert!(found.covers.iter().all(|share| *share < 0.7), "{found:?}");
    assert_eq!(found.verdicts[0], 0.0, "{found:?}");
    for method in Method::ALL.into_iter().filter(|method| *method != Method::OverlapAipw) {
        let found = World { is_observed: false, growth: 1.0 }.study(method, 1, 100);
        assert_eq!(found.verdicts[0], 0.0, "{method:?}: {found:?}");
    }
}
