//! Nearest-neighbour matching of the treated to the untreated, with replacement.
//!
//! Exact, over all threads. Few covariates narrow the search; with many, all pairs are compared.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::linear::{Design, Line, dot, normal};
use super::panel::Adjustment;
use crate::{Estimate, Refusal};

/// Treated customers matched at a time, so that their neighbours need little memory.
const BLOCK: usize = 4096;

/// How matching is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MatchingOptions {
    /// Untreated neighbours for each treated customer, at least 1; more where they are equally near.
    pub matches: usize,
    /// Whether what still differs between neighbours is taken out by least squares.
    pub is_bias_adjusted: bool,
}

impl Default for MatchingOptions {
    fn default() -> Self {
        Self { matches: 4, is_bias_adjusted: true }
    }
}

/// The effect on the treated (ATT), each compared with his nearest untreated neighbours, in units of the outcome a
/// customer.
///
/// Distances are Mahalanobis's, neighbours are used again as often as they are nearest, and equally near ones share.
/// With Ŷ₀ the neighbours' mean, moved by m₀(x) − m₀(x of neighbour) where bias-adjusted (m₀: least squares among the
/// neighbours), the effect is the mean of Y − Ŷ₀ over the n₁ treated. Its variance is
/// \[Σ over treated (Y − Ŷ₀ − effect)² + Σ over untreated (K² − K′) σ²(x)\] / n₁², with K the sum of the weights a
/// customer has as a neighbour, K′ the sum of their squares, and σ²(x) = J / (J + 1) (Y − mean of the J nearest of his
/// own arm)². Sources: A. Abadie and G. W. Imbens, "Large sample properties of matching estimators for average
/// treatment effects", Econometrica 74 (2006); and "Bias-corrected matching estimators", JBES 29 (2011).
///
/// # Errors
/// An arm is no larger than the matches or the covariates, customers are clustered (no standard error is known), or
/// the outcome does not vary.
pub fn matching(
    adjustment: &Adjustment<'_>,
    options: MatchingOptions,
    confidence: f64,
) -> Result<Estimate, Refusal> {
    if adjustment.clusters.is_some() {
        return Err(Refusal::NoMethod { what: "the standard error of matching clustered customers".into() });
    }
    Matched::of(adjustment, options)?.estimate(adjustment, options, confidence)
}

/// Each customer's weight: 1 treated; untreated, the sum of what he counts as a neighbour.
pub(super) fn matching_weights(
    adjustment: &Adjustment<'_>,
    options: MatchingOptions,
) -> Result<Vec<f64>, Refusal> {
    let matched = Matched::of(adjustment, options)?;
    let mut weights: Vec<_> = adjustment.treated.iter().map(|treated| f64::from(*treated)).collect();
    for (customer, counts) in matched.untreated.iter().zip(&matched.counts) {
        weights[*customer] = counts.0;
    }
    Ok(weights)
}

/// Who was matched with whom, as far as an estimate needs it.
struct Matched {
    treated: Vec<usize>,
    untreated: Vec<usize>,
    design: Design,
    space: Space,
    /// Of each treated: the mean outcome of the neighbours.
    neighbours: Vec<f64>,
    /// Of each treated: the mean row of the neighbours, one after the other.
    rows: Vec<f64>,
    /// Of each untreated: the sum of weights as a neighbour, and the sum of their squares.
    counts: Vec<(f64, f64)>,
}

impl Matched {
    fn of(adjustment: &Adjustment<'_>, options: MatchingOptions) -> Result<Self, Refusal> {
        let all = adjustment.treated;
        let arm = |arm: bool| (0..all.len()).filter(|i| all[*i] == arm).collect::<Vec<_>>();
        let (treated, untreated) = (arm(true), arm(false));
        let design = Design::standardised(&adjustment.columns, all.len());
        let need = options.matches.saturating_add(1).max(2 * design.width());
        for (what, customers) in [("the treated", &treated), ("the untreated", &untreated)] {
            if customers.len() < need {
                let have = customers.len() as u64;
                return Err(Refusal::TooFew {
                    what: what.into(),
                    unit: "customers",
                    have,
                    need: need as u64,
                });
            }
        }
        if options.matches == 0 {
            return Err(Refusal::BadValue {
                what: "the number of matches".into(),
                value: 0.0,
                must: "at least 1",
            });
        }
        let space = Space::of(&design)?;
        let (mut neighbours, mut rows) = (vec![], vec![]);
        let mut counts = vec![(0.0, 0.0); untreated.len()];
        for block in treated.chunks(BLOCK) {
            let found: Vec<_> = space.nearest(block, &untreated, options.matches);
            for nearest in found {
                let weight = 1.0 / nearest.len() as f64;
                let start = rows.len();
                rows.resize(start + design.width(), 0.0);
                let mut outcome = 0.0;
                for place in nearest {
                    let customer = untreated[place];
                    outcome += weight * adjustment.outcome[customer];
                    rows[start..]
                        .iter_mut()
                        .zip(design.row(customer))
                        .for_each(|(sum, value)| *sum += weight * value);
                    counts[place].0 += weight;
                    counts[place].1 += weight * weight;
                }
                neighbours.push(outcome);
            }
        }
        Ok(Self { treated, untreated, design, space, neighbours, rows, counts })
    }

    fn estimate(
        &self,
        adjustment: &Adjustment<'_>,
        options: MatchingOptions,
        confidence: f64,
    ) -> Result<Estimate, Refusal> {
        let outcome = &adjustment.outcome;
        let mut weights = vec![0.0; outcome.len()];
        self.untreated.iter().zip(&self.counts).for_each(|(customer, counts)| weights[*customer] = counts.0);
        let slopes = if options.is_bias_adjusted {
            Line::fit(&self.design, outcome, &weights)?.coefficients
        } else {
            vec![0.0; self.design.width()]
        };
        let gap = |(place, customer): (usize, &usize)| {
            let neighbours = &self.rows[place * self.design.width()..][..self.design.width()];
            let moved = dot(self.design.row(*customer), &slopes) - dot(neighbours, &slopes);
            outcome[*customer] - self.neighbours[place] - moved
        };
        let gaps: Vec<_> = self.treated.iter().enumerate().map(gap).collect();
        let count = gaps.len() as f64;
        let value = gaps.iter().sum::<f64>() / count;

        let used: Vec<_> = (0..self.untreated.len()).filter(|place| self.counts[*place].0 > 0.0).collect();
        let customers: Vec<_> = used.iter().map(|place| self.untreated[*place]).collect();
        let extra = |(nearest, place): (Vec<usize>, &usize)| {
            let customer = self.untreated[*place];
            let others =
                nearest.iter().map(|other| self.untreated[*other]).filter(|other| *other != customer);
            let (mut sum, mut peers) = (0.0, 0.0);
            others.for_each(|other| (sum, peers) = (sum + outcome[other], peers + 1.0));
            let residual = outcome[customer] - sum / peers;
            let (weight, squares) = self.counts[*place];
            (weight * weight - squares) * peers / (peers + 1.0) * residual * residual
        };
        let mut variance = gaps.iter().map(|gap| (gap - value) * (gap - value)).sum::<f64>();
        for (block, places) in customers.chunks(BLOCK).zip(used.chunks(BLOCK)) {
            // He himself is the nearest, at no distance.
            let nearest = self.space.nearest(block, &self.untreated, options.matches + 1);
            variance += nearest.into_iter().zip(places).map(extra).sum::<f64>();
        }
        normal(value, variance / (count * count), confidence)
    }
}

/// Customers as points whose Euclidean distance is Mahalanobis's.
struct Space {
    width: usize,
    points: Vec<f64>,
}

impl Space {
    fn of(design: &Design) -> Result<Self, Refusal> {
        let customers = design.rows().len() as f64;
        // The columns are standardised, so this is their correlation matrix; a constant one would have no variance.
        let correlation = design.gram(&vec![1.0 / customers; design.rows().len()], 1e-9);
        let whitening = correlation.inverse_root()?;
        let points = design
            .rows()
            .flat_map(|row| whitening.iter().skip(1).map(|column| dot(row, column)).collect::<Vec<_>>());
        Ok(Self { width: design.width() - 1, points: points.collect() })
    }

    fn point(&self, customer: usize) -> &[f64] {
        &self.points[customer * self.width..][..self.width]
    }

    /// The places among `others` of the nearest to each customer: `count`, and more where they are as near as the last.
    fn nearest(&self, customers: &[usize], others: &[usize], count: usize) -> Vec<Vec<usize>> {
        let mut order: Vec<_> = (0..others.len()).collect();
        order.sort_by(|a, b| self.point(others[*a])[0].total_cmp(&self.point(others[*b])[0]));
        let points: Vec<f64> = order.iter().flat_map(|place| self.point(others[*place])).copied().collect();
        let search = |(best, near): &mut (Vec<f64>, Vec<(f64, usize)>), customer: &usize| {
            Search { from: self.point(*customer), points: &points, best, near }.run(count);
            near.iter().map(|(_, place)| order[*place]).collect()
        };
        customers.par_iter().map_init(Default::default, search).collect()
    }
}

/// The search for the points nearest to one, among points in the order of their first coordinate.
struct Search<'a> {
    from: &'a [f64],
    points: &'a [f64],
    /// The smallest squared distances so far, in order.
    best: &'a mut Vec<f64>,
    /// Points that were as near as the last of `best` when they were seen.
    near: &'a mut Vec<(f64, usize)>,
}

impl Search<'_> {
    /// Looks outwards along the first coordinate until that alone is farther than what was found.
    fn run(mut self, count: usize) {
        self.near.clear();
        self.best.clear();
        self.best.resize(count, f64::INFINITY);
        let width = self.from.len();
        let first = |place: usize| self.points[place * width];
        let total = self.points.len() / width;
        let (mut below, mut above) = (0, total);
        while below < above {
            let middle = usize::midpoint(below, above);
            if first(middle) < self.from[0] { below = middle + 1 } else { above = middle }
        }
        loop {
            let down = if below > 0 { self.from[0] - first(below - 1) } else { f64::INFINITY };
            let up = if above < total { first(above) - self.from[0] } else { f64::INFINITY };
            let along = down.min(up);
            if along * along > self.reach() || along == f64::INFINITY {
                break;
            }
            if down < up {
                below -= 1;
                self.see(below);
            } else {
                self.see(above);
                above += 1;
            }
        }
        let reach = self.reach();
        self.near.retain(|(distance, _)| *distance <= reach);
    }

    /// Up to here a point counts as near. Equal covariates give equal distances but for rounding.
    fn reach(&self) -> f64 {
        self.best[self.best.len() - 1] * (1.0 + 1e-12) + 1e-18
    }

    fn see(&mut self, place: usize) {
        let point = &self.points[place * self.from.len()..][..self.from.len()];
        let distance = self.from.iter().zip(point).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        if distance > self.reach() {
            return;
        }
        self.near.push((distance, place));
        let rank = self.best.partition_point(|other| *other <= distance);
        if let Some(better) = self.best.get_mut(rank..).filter(|better| !better.is_empty()) {
            better.rotate_right(1);
            better[0] = distance;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observational::{Covariate, Outcome, Panel};

    const ONE: MatchingOptions = MatchingOptions { matches: 1, is_bias_adjusted: false };

    /// Customers as (treated, covariates, outcome).
    fn panel<const N: usize>(customers: &[(bool, [f64; N], f64)]) -> Panel {
        let column =
            |at: usize| Covariate::fixed(at.to_string(), customers.iter().map(|row| row.1[at]).collect());
        let treated = customers.iter().map(|row| row.0).collect();
        Panel::new(treated, (0..N).map(column).collect(), vec![], customers.iter().map(|row| row.2).collect())
            .unwrap()
    }

    fn adjustment(panel: &Panel) -> Adjustment<'_> {
        Adjustment::of(panel, Outcome::Level { adjusted_periods: 0 }).unwrap()
    }

    #[test]
    fn a_worked_example_has_its_effect_and_its_standard_error() {
        let treated = [(0.0, 5.0), (0.0, 7.0), (10.0, 9.0), (30.0, 1.0)].map(|(x, y)| (true, [x], y));
        let untreated = [(1.0, 2.0), (9.0, 4.0), (12.0, 6.0), (40.0, 0.0)].map(|(x, y)| (false, [x], y));
        let panel = panel(&[treated, untreated].concat());
        // Gaps 3, 5, 5 and 1; the neighbour at 1 serves twice, and his own neighbour is 2 away in the outcome.
        let found = matching(&adjustment(&panel), ONE, 0.95).unwrap();
        assert!((found.value - 3.5).abs() < 1e-12, "{found:?}");
        assert!((found.standard_error - ((11.0 + 2.0 * 2.0) / 16.0_f64).sqrt()).abs() < 1e-12, "{found:?}");
        assert_eq!(matching_weights(&adjustment(&panel), ONE).unwrap()[4..], [2.0, 1.0, 0.0, 1.0]);
    }

    #[test]
    fn equally_near_neighbours_share_and_a_line_leaves_no_bias() {
        // Outcomes on the line 2 x, plus 7 for the treated; a treated customer lies between two untreated.
        let on_line = |treated: bool, x: f64| (treated, [x], 2.0 * x + if treated { 7.0 } else { 0.0 });
        let untreated = [0.0, 2.0, 5.0, 6.0, 20.0].map(|x| on_line(false, x));
        let panel =
            panel(&[[1.0, 9.0, 12.0, 30.0].map(|x| on_line(true, x)).to_vec(), untreated.to_vec()].concat());
        assert_eq!(matching_weights(&adjustment(&panel), ONE).unwrap()[4..6], [0.5, 0.5]);
        let adjusted = MatchingOptions { is_bias_adjusted: true, ..ONE };
        assert!((matching(&adjustment(&panel), adjusted, 0.95).unwrap().value - 7.0).abs() < 1e-3);
    }

    #[test]
    fn the_narrowed_search_finds_what_comparing_all_pairs_finds() {
        let point = |i: u64| [(i * 7919 % 101) as f64, (i * 104_729 % 89) as f64, (i * 31 % 4) as f64];
        let customers: Vec<_> = (0..300).map(|i| (i % 3 == 0, point(i), 0.0)).collect();
        let panel = panel(&customers);
        let adjustment = adjustment(&panel);
        let space = Space::of(&Design::standardised(&adjustment.columns, customers.len())).unwrap();
        let all: Vec<_> = (0..300).collect();
        let distance = |i: usize, j: usize| {
            space.point(i).iter().zip(space.point(j)).map(|(a, b)| (a - b).powi(2)).sum::<f64>()
        };
        for (i, mut found) in space.nearest(&all, &all, 5).into_iter().enumerate() {
            let mut distances: Vec<_> = all.iter().map(|j| distance(i, *j)).collect();
            distances.sort_by(f64::total_cmp);
            let expected: Vec<_> =
                all.iter().copied().filter(|j| distance(i, *j) <= distances[4] + 1e-12).collect();
            found.sort_unstable();
            assert_eq!(found, expected, "of customer {i}");
        }
    }

    #[test]
    fn distances_do_not_depend_on_units_or_on_columns_that_follow_from_others() {
        let base = |i: u64| [(i * 7919 % 101) as f64, (i * 104_729 % 89) as f64];
        let outcome = |i: u64| (i * 17 % 23) as f64;
        let plain: Vec<_> = (0..90).map(|i| (i % 3 == 0, base(i), outcome(i))).collect();
        let mixed = |[a, b]: [f64; 2]| [1000.0 * a + 3.0 * b, b - a];
        let mixed: Vec<_> = plain.iter().map(|(z, x, y)| (*z, mixed(*x), *y)).collect();
        let estimate = |panel: &Panel| matching(&adjustment(panel), ONE, 0.95).unwrap();
        let (a, b) = (estimate(&panel(&plain)), estimate(&panel(&mixed)));
        assert!(
            (a.value - b.value).abs() < 1e-9 && (a.standard_error - b.standard_error).abs() < 1e-9,
            "{a:?} {b:?}"
        );
    }

    #[test]
    fn what_cannot_be_matched_is_refused() {
        let customers: Vec<_> = (0..20).map(|i| (i % 2 == 0, [f64::from(i)], f64::from(i % 5))).collect();
        let panel = panel(&customers);
        let options = |matches| MatchingOptions { matches, is_bias_adjusted: false };
        assert!(matches!(matching(&adjustment(&panel), options(0), 0.95), Err(Refusal::BadValue { .. })));
        assert!(matches!(
            matching(&adjustment(&panel), options(10), 0.95),
            Err(Refusal::TooFew { need: 11, .. })
        ));
        let clustered = panel.clustered((0..20).map(|i| i / 2).collect()).unwrap();
        assert!(matches!(matching(&adjustment(&clustered), ONE, 0.95), Err(Refusal::NoMethod { .. })));
    }
}
