//! How well a score ranks customers by the effect of treating them: Qini and cumulative uplift curves and their areas.

use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Ranked;
use crate::observational::linear::normal;
use crate::{Estimate, Refusal, random};

/// One point of both curves: the best-scored customers up to here.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CurvePoint {
    /// The share of all customers.
    pub share: f64,
    /// (Y₁ − Y₀ n₁ / n₀) / N₁ with Y₁, n₁ the outcomes and number of the treated so far, Y₀, n₀ of the untreated, and N₁
    /// all treated: what treating so far brought, a treated customer.
    pub qini: f64,
    /// (Y₁ / n₁ − Y₀ / n₀) times the share: the same by the means so far.
    pub uplift: f64,
}

/// Areas of the curves, with bootstrap standard errors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Areas {
    /// The area between the Qini curve and the straight line to its end: 0 for a random order. In units of the outcome a
    /// customer.
    pub qini: Estimate,
    /// The area under the cumulative uplift curve (AUUC). In units of the outcome a customer.
    pub auuc: Estimate,
    /// What a random order has for `auuc`: half the average effect.
    pub auuc_at_random: f64,
}

/// Sums of the two arms so far: [untreated, treated].
#[derive(Default, Clone, Copy)]
struct Sums {
    customers: [f64; 2],
    outcomes: [f64; 2],
}

impl Sums {
    fn point(&self, total: f64, treated: f64) -> CurvePoint {
        let [n0, n1] = self.customers;
        let [y0, y1] = self.outcomes;
        // An arm without customers so far adds nothing.
        let mean = |y: f64, n: f64| if n > 0.0 { y / n } else { 0.0 };
        let share = (n0 + n1) / total;
        CurvePoint {
            share,
            qini: (y1 - mean(y0, n0) * n1) / treated,
            uplift: (mean(y1, n1) - mean(y0, n0)) * share,
        }
    }
}

impl Ranked {
    /// The points after each group of equal scores, each customer counted so many times, to `see`; returns the last.
    fn walk(&self, times: impl Fn(usize) -> f64, mut see: impl FnMut(CurvePoint)) -> CurvePoint {
        let (total, treated) = (self.outcome.len() as f64, self.arms[1].len() as f64);
        let (mut sums, mut start) = (Sums::default(), 0);
        for end in &self.ends {
            for place in start..*end {
                let (arm, times) = (usize::from(self.treated[place]), times(place));
                sums.customers[arm] += times;
                sums.outcomes[arm] += times * self.outcome[place];
            }
            start = *end;
            see(sums.point(total, treated));
        }
        sums.point(total, treated)
    }

    /// Both curves, from nobody to everybody.
    pub(super) fn curve(&self) -> Vec<CurvePoint> {
        let mut points = vec![CurvePoint { share: 0.0, qini: 0.0, uplift: 0.0 }];
        self.walk(|_| 1.0, |point| points.push(point));
        points
    }

    /// The Qini coefficient and the AUUC, by trapezoids.
    fn areas(&self, times: impl Fn(usize) -> f64) -> (f64, f64) {
        let (mut qini, mut uplift) = (0.0, 0.0);
        let mut last = CurvePoint { share: 0.0, qini: 0.0, uplift: 0.0 };
        let end = self.walk(times, |point| {
            let width = (point.share - last.share) / 2.0;
            qini += width * (point.qini + last.qini);
            uplift += width * (point.uplift + last.uplift);
            last = point;
        });
        (qini - end.qini / 2.0, uplift)
    }

    /// Areas with standard errors from a bootstrap of customers within their arms; intervals are normal.
    pub(super) fn estimate_areas(&self, draws: u64, seed: u64, confidence: f64) -> Result<Areas, Refusal> {
        let (qini, auuc) = self.areas(|_| 1.0);
        let draw = |times: &mut Vec<u32>, draw: u64| {
            let mut generator = random::stream(seed, draw);
            times.clear();
            times.resize(self.outcome.len(), 0);
            for arm in &self.arms {
                for _ in 0..arm.len() {
                    times[arm[generator.random_range(0..arm.len())]] += 1;
                }
            }
            self.areas(|place| f64::from(times[place]))
        };
        let found: Vec<_> = (0..draws).into_par_iter().map_init(Vec::new, draw).collect();
        let variance = |of: fn(&(f64, f64)) -> f64| {
            let mean = found.iter().map(of).sum::<f64>() / draws as f64;
            found.iter().map(|draw| (of(draw) - mean).powi(2)).sum::<f64>() / (draws - 1) as f64
        };
        let end = self.walk(|_| 1.0, |_| ());
        Ok(Areas {
            qini: normal(qini, variance(|draw| draw.0), confidence)?,
            auuc: normal(auuc, variance(|draw| draw.1), confidence)?,
            auuc_at_random: end.uplift / 2.0,
        })
    }
}
