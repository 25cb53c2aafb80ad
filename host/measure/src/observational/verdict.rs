//! From declared rules to a verdict: identified, weak, or not identified.
//!
//! A verdict is the worst of its checks. No check makes up for another.

use serde::{Deserialize, Serialize};

use super::balance::{Balance, Overlap};
use super::differences::ParallelTrends;
use super::placebo::Placebo;
use super::sensitivity::EValue;
use super::{Estimate, Method, MethodEstimate};

/// What may be claimed of an effect; ordered from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identification {
    /// No rule speaks against reading the estimate as an effect; that nothing unmeasured differs remains assumed.
    Identified,
    /// Something speaks against it: a direction to test in a randomised trial, not a number to plan with.
    Weak,
    /// The same method finds effects where there are none, or the arms cannot be compared.
    NotIdentified,
}

/// The rules' limits.
///
/// Where a limit has a source it is named; the others are this crate's own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Thresholds {
    /// The standardised difference of a covariate after weighting from which the verdict is weak (0.1: Austin 2009), and
    /// from which nothing is identified (0.25: E. A. Stuart, "Matching methods for causal inference", Statistical
    /// Science 25, 2010). Differences in differences do not ask for balance; for them the second is the difference of
    /// the last outcomes before from which the verdict is weak: trends that are parallel from unequal levels are so on
    /// one scale only (J. Roth and P. H. C. Sant'Anna, "When is parallel trends sensitive to functional form?",
    /// Econometrica 91, 2023).
    pub standardised_difference_weak: f64,
    pub standardised_difference_max: f64,
    /// The variance ratio after weighting, or its inverse, from which the verdict is weak (2: Stuart 2010).
    pub variance_ratio_weak: f64,
    /// The effective share of an arm below which the verdict is weak, and below which nothing is identified.
    pub effective_share_weak: f64,
    pub effective_share_min: f64,
    /// The share of customers with extreme propensities from which the verdict is weak: the effect is that of a part.
    pub extreme_share_weak: f64,
    /// Placebo dates below which the verdict is weak.
    pub placebo_dates_min: u64,
    /// Chance of so many placebo intervals excluding 0 below which nothing is identified.
    pub placebo_p_value_min: f64,
    /// The mean placebo as a share of the estimate from which the verdict is weak (if it is also above half a standard
    /// error), and from which nothing is identified (if above a whole one): below, it may be noise.
    pub placebo_mean_weak: f64,
    pub placebo_mean_max: f64,
    /// The p-value of parallel trends below which the verdict is weak; for differences in differences, below which
    /// nothing is identified.
    pub trends_p_value_min: f64,
    /// The E-value of the interval's limit below which an effect is weak.
    pub e_value_weak: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            standardised_difference_weak: 0.1,
            standardised_difference_max: 0.25,
            variance_ratio_weak: 2.0,
            effective_share_weak: 0.25,
            effective_share_min: 0.1,
            extreme_share_weak: 0.2,
            placebo_dates_min: 3,
            placebo_p_value_min: 0.05,
            placebo_mean_weak: 0.25,
            placebo_mean_max: 0.5,
            trends_p_value_min: 0.05,
            e_value_weak: 1.25,
        }
    }
}

/// One rule and what it found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Check {
    pub rule: Rule,
    pub finding: Identification,
    /// The finding in words, with its figures.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    Agreement,
    Balance,
    Levels,
    VarianceRatio,
    EffectiveSize,
    Overlap,
    PlaceboDates,
    PlaceboIntervals,
    PlaceboMean,
    PlaceboRank,
    ParallelTrends,
    UnmeasuredConfounding,
    /// Other treatments within the outcome: known to the caller, not to [`observe`](super::observe).
    ConcurrentTreatments,
}

/// A verdict with all checks, those that passed too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verdict {
    pub identification: Identification,
    pub checks: Vec<Check>,
}

impl Verdict {
    /// What speaks against the estimate, worst first.
    pub fn reasons(&self) -> Vec<&Check> {
        let mut against: Vec<_> =
            self.checks.iter().filter(|check| check.finding > Identification::Identified).collect();
        against.sort_by_key(|check| std::cmp::Reverse(check.finding));
        against
    }
}

/// All that the rules look at.
pub(super) struct Evidence<'a> {
    pub(super) method: Method,
    pub(super) estimate: &'a Estimate,
    pub(super) estimates: &'a [MethodEstimate],
    /// The standardised difference of the last outcome before, if there is one.
    pub(super) levels: Option<f64>,
    pub(super) balance: &'a [Balance],
    pub(super) overlap: Option<&'a Overlap>,
    pub(super) placebo: Option<&'a Placebo>,
    pub(super) trends: Option<&'a ParallelTrends>,
    pub(super) e_value: &'a EValue,
}

impl Evidence<'_> {
    pub(super) fn judge(&self, limits: &Thresholds) -> Verdict {
        let mut checks = self.of_placebo(limits);
        if self.is_by_differences() {
            checks.extend(self.levels.map(|levels| of_levels(levels, limits)));
        } else {
            checks.extend(self.of_balance(limits));
            checks.extend(self.of_overlap(limits));
        }
        checks.push(self.of_agreement());
        checks.extend([self.of_trends(limits), self.of_confounding(limits)]);
        let worst = checks.iter().map(|check| check.finding).max();
        Verdict { identification: worst.unwrap_or(Identification::Weak), checks }
    }

    fn is_by_differences(&self) -> bool {
        self.method == Method::DifferenceInDifferences
    }

    fn of_balance(&self, limits: &Thresholds) -> Vec<Check> {
        let difference = |row: &&Balance| row.standardised_difference_after.abs();
        let Some(worst) = self.balance.iter().max_by(|a, b| difference(a).total_cmp(&difference(b))) else {
            let reason = "no covariates to compare the arms by".to_owned();
            return vec![Check { rule: Rule::Balance, finding: Identification::Weak, reason }];
        };
        let size = difference(&worst);
        let finding = if size >= limits.standardised_difference_max {
            Identification::NotIdentified
        } else {
            weak_if(size >= limits.standardised_difference_weak)
        };
        let reason = format!(
            "after weighting the arms differ most in {}: {size:.3} standard deviations ({:.3} before)",
            worst.covariate,
            worst.standardised_difference_before.abs()
        );
        let mut checks = vec![Check { rule: Rule::Balance, finding, reason }];
        let spread = |row: &Balance| row.variance_ratio_after.map(|ratio| ratio.max(1.0 / ratio));
        let widest = self.balance.iter().filter_map(|row| Some((spread(row)?, row)));
        if let Some((ratio, row)) = widest.max_by(|a, b| a.0.total_cmp(&b.0)) {
            let finding = weak_if(ratio >= limits.variance_ratio_weak);
            let reason =
                format!("after weighting the variances differ most in {}: {ratio:.2} times", row.covariate);
            checks.push(Check { rule: Rule::VarianceRatio, finding, reason });
        }
        checks
    }

    fn of_overlap(&self, limits: &Thresholds) -> Vec<Check> {
        let Some(overlap) = self.overlap else {
            let reason = "the overlap of the arms is not known".to_owned();
            return vec![Check { rule: Rule::Overlap, finding: Identification::Weak, reason }];
        };
        let share = overlap.treated.effective_share.min(overlap.untreated.effective_share);
        let finding = if share < limits.effective_share_min {
            Identification::NotIdentified
        } else {
            weak_if(share < limits.effective_share_weak)
        };
        let reason = format!(
            "the weights leave {:.0} of {} treated and {:.0} of {} untreated customers",
            overlap.treated.effective_customers,
            overlap.treated.customers,
            overlap.untreated.effective_customers,
            overlap.untreated.customers
        );
        let size = Check { rule: Rule::EffectiveSize, finding, reason };
        let finding = weak_if(overlap.is_separated || overlap.extreme_share >= limits.extreme_share_weak);
        let separated =
            if overlap.is_separated { "; a covariate decides some customers' treatment" } else { "" };
        let percent = 100.0 * overlap.extreme_share;
        let reason = format!("{percent:.1} % of customers have an extreme propensity{separated}");
        vec![size, Check { rule: Rule::Overlap, finding, reason }]
    }

    fn of_placebo(&self, limits: &Thresholds) -> Vec<Check> {
        let dates = self.placebo.map_or(0, |placebo| placebo.estimates.len() as u64);
        let finding = weak_if(dates < limits.placebo_dates_min);
        let reason = format!("{dates} placebo dates, at least {} asked for", limits.placebo_dates_min);
        let mut checks = vec![Check { rule: Rule::PlaceboDates, finding, reason }];
        let Some(placebo) = self.placebo else { return checks };

        let is_chance = placebo.excluding_zero_p_value >= limits.placebo_p_value_min;
        let finding = if is_chance { Identification::Identified } else { Identification::NotIdentified };
        let reason = format!(
            "at {} of {dates} placebo dates the interval excludes 0 though nothing happened (by chance, p = {})",
            placebo.excluding_zero,
            probability(placebo.excluding_zero_p_value)
        );
        checks.push(Check { rule: Rule::PlaceboIntervals, finding, reason });

        let (mean, size) = (placebo.mean.abs(), self.estimate.value.abs());
        let is_above =
            |share: f64, errors: f64| mean > share * size && mean > errors * placebo.mean_standard_error;
        let finding = if is_above(limits.placebo_mean_max, 1.0) {
            Identification::NotIdentified
        } else {
            weak_if(is_above(limits.placebo_mean_weak, 0.5))
        };
        let reason = format!(
            "placebo dates average {:.4} where the estimate is {:.4}, with a standard error of {:.4} at a date",
            placebo.mean, self.estimate.value, placebo.mean_standard_error
        );
        checks.push(Check { rule: Rule::PlaceboMean, finding, reason });

        if self.estimate.excludes(0.0) {
            let finding = weak_if(placebo.rank > 1);
            let reason = format!("{} of {dates} placebo dates have an estimate as large", placebo.rank - 1);
            checks.push(Check { rule: Rule::PlaceboRank, finding, reason });
        }
        checks
    }

    /// Methods that rest on different assumptions and disagree cannot all be right.
    fn of_agreement(&self) -> Check {
        let is_apart = |other: &&MethodEstimate| {
            other.estimate.high < self.estimate.low || other.estimate.low > self.estimate.high
        };
        let apart: Vec<_> = self.estimates.iter().filter(is_apart).map(|other| other.method.name()).collect();
        let reason = if apart.is_empty() {
            format!("the intervals of all {} methods meet", self.estimates.len())
        } else {
            format!("the interval does not meet that of {}", apart.join(" and that of "))
        };
        Check { rule: Rule::Agreement, finding: weak_if(!apart.is_empty()), reason }
    }

    fn of_trends(&self, limits: &Thresholds) -> Check {
        let Some(trends) = self.trends else {
            let reason = "too few periods before to see whether the arms moved alike".to_owned();
            return Check { rule: Rule::ParallelTrends, finding: Identification::Weak, reason };
        };
        let finding = match trends.p_value < limits.trends_p_value_min {
            false => Identification::Identified,
            true if self.is_by_differences() => Identification::NotIdentified,
            true => Identification::Weak,
        };
        let reason =
            format!("that the arms moved alike before the date has p = {}", probability(trends.p_value));
        Check { rule: Rule::ParallelTrends, finding, reason }
    }

    fn of_confounding(&self, limits: &Thresholds) -> Check {
        let EValue { value, limit, .. } = self.e_value;
        let (finding, reason) = if self.estimate.excludes(0.0) {
            let reason = format!(
                "a confounder with risk ratios of {value:.2} would explain the effect, of {limit:.2} its interval's \
                 distance from 0"
            );
            (weak_if(*limit < limits.e_value_weak), reason)
        } else {
            (
                Identification::Identified,
                "the interval includes 0: there is nothing to explain away".to_owned(),
            )
        };
        Check { rule: Rule::UnmeasuredConfounding, finding, reason }
    }
}

fn of_levels(levels: f64, limits: &Thresholds) -> Check {
    let finding = weak_if(levels.abs() >= limits.standardised_difference_max);
    let reason = format!("the arms' last outcomes before differ by {:.3} standard deviations", levels.abs());
    Check { rule: Rule::Levels, finding, reason }
}

fn probability(value: f64) -> String {
    if value < 0.001 { format!("{value:.1e}") } else { format!("{value:.3}") }
}

fn weak_if(is_weak: bool) -> Identification {
    if is_weak { Identification::Weak } else { Identification::Identified }
}

#[cfg(test)]
mod tests {
    use super::super::balance::ArmOverlap;
    use super::super::placebo::{PlaceboEstimate, placebo};
    use super::*;

    fn estimate(value: f64) -> Estimate {
        Estimate { value, standard_error: 1.0, low: value - 1.96, high: value + 1.96 }
    }

    /// Evidence that nothing speaks against: an effect of 10 with a standard error of 1.
    #[derive(Clone)]
    struct Case {
        method: Method,
        differences: f64,
        balance: Balance,
        overlap: Overlap,
        placebos: Vec<f64>,
        trends: Option<f64>,
        e_value: f64,
        levels: f64,
    }

    impl Case {
        fn good() -> Self {
            let arm = |effective_share| ArmOverlap {
                customers: 100,
                quantiles: vec![],
                effective_customers: 100.0 * effective_share,
                effective_share,
            };
            Self {
                method: Method::OverlapAipw,
                differences: 11.0,
                balance: Balance {
                    covariate: "age".into(),
                    treated_mean: 1.0,
                    untreated_mean: 0.0,
                    standardised_difference_before: 0.6,
                    standardised_difference_after: 0.09,
                    variance_ratio_before: Some(3.0),
                    variance_ratio_after: Some(0.6),
                },
                overlap: Overlap {
                    treated: arm(0.9),
                    untreated: arm(0.5),
                    histogram: vec![],
                    extreme_share: 0.1,
                    unsupported_share: 0.0,
                    is_separated: false,
                },
                placebos: vec![0.5, -1.0, 1.9, -0.2],
                trends: Some(0.3),
                e_value: 1.6,
                levels: 0.2,
            }
        }

        fn judge(&self) -> Verdict {
            let effect = estimate(10.0);
            let date = |value: &f64| PlaceboEstimate { date: String::new(), estimate: estimate(*value) };
            let placebo = placebo(&effect, self.placebos.iter().map(date).collect(), 0.95).ok();
            let trends =
                self.trends.map(|p_value| ParallelTrends { changes: vec![], statistic: 0.0, p_value });
            let estimates = [(self.method, 10.0), (Method::DifferenceInDifferences, self.differences)];
            let evidence = Evidence {
                method: self.method,
                estimate: &effect,
                estimates: &estimates
                    .map(|(method, value)| MethodEstimate { method, estimate: estimate(value) }),
                levels: Some(self.levels),
                balance: std::slice::from_ref(&self.balance),
                overlap: Some(&self.overlap),
                placebo: placebo.as_ref(),
                trends: trends.as_ref(),
                e_value: &EValue { risk_ratio: 2.0, value: 3.0, limit: self.e_value },
            };
            evidence.judge(&Thresholds::default())
        }
    }

    #[test]
    fn each_rule_speaks_when_its_limit_is_passed_and_only_then() {
        use Identification::{Identified, NotIdentified, Weak};
        assert_eq!(Case::good().judge().identification, Identified, "{:?}", Case::good().judge());
        type Change = fn(&mut Case);
        let cases: [(Rule, Identification, Change); 18] = [
            (Rule::Balance, Weak, |case| case.balance.standardised_difference_after = -0.1),
            (Rule::Balance, NotIdentified, |case| case.balance.standardised_difference_after = 0.25),
            (Rule::VarianceRatio, Weak, |case| case.balance.variance_ratio_after = Some(0.49)),
            (Rule::EffectiveSize, Weak, |case| case.overlap.untreated.effective_share = 0.24),
            (Rule::EffectiveSize, NotIdentified, |case| case.overlap.treated.effective_share = 0.09),
            (Rule::Overlap, Weak, |case| case.overlap.extreme_share = 0.2),
            (Rule::Overlap, Weak, |case| case.overlap.is_separated = true),
            (Rule::PlaceboDates, Weak, |case| case.placebos.truncate(2)),
            (Rule::PlaceboDates, Weak, |case| case.placebos.clear()),
            // By size they cancel, but two of four intervals exclude 0.
            (Rule::PlaceboIntervals, NotIdentified, |case| case.placebos = vec![2.0, -2.0, 0.0, 0.0]),
            (Rule::PlaceboMean, Weak, |case| case.placebos = vec![9.0, 0.6, 0.6, 0.6]),
            (Rule::PlaceboMean, NotIdentified, |case| case.placebos = vec![6.0, 6.0, 6.0, 6.0]),
            (Rule::PlaceboRank, Weak, |case| case.placebos = vec![-10.5, 0.5, 0.5, 0.5]),
            (Rule::ParallelTrends, Weak, |case| case.trends = Some(0.04)),
            (Rule::ParallelTrends, Weak, |case| case.trends = None),
            (Rule::UnmeasuredConfounding, Weak, |case| case.e_value = 1.2),
            (Rule::Agreement, Weak, |case| case.differences = 14.0),
            (Rule::Agreement, Weak, |case| case.differences = 5.0),
        ];
        for (rule, expected, change) in cases {
            let mut case = Case::good();
            change(&mut case);
            let verdict = case.judge();
            let found = verdict.checks.iter().find(|check| check.rule == rule).unwrap();
            assert_eq!(found.finding, expected, "{rule:?} {verdict:?}");
            assert_eq!(verdict.identification, verdict.reasons()[0].finding);
            assert!(verdict.identification >= expected);
        }
    }

    #[test]
    fn differences_in_differences_are_judged_by_trends_and_levels() {
        let mut case = Case { method: Method::DifferenceInDifferences, ..Case::good() };
        case.balance.standardised_difference_after = 3.0;
        assert_eq!(case.judge().identification, Identification::Identified);
        case.levels = -0.3;
        assert_eq!(case.judge().reasons()[0].rule, Rule::Levels);
        case.trends = Some(0.04);
        assert_eq!(case.judge().identification, Identification::NotIdentified);
    }
}
