//! What an observational question is asked of: customers, some treated, with outcomes by period.
//!
//! A [`Panel`] is checked once, when it is made. An [`Adjustment`] is the only thing that matching and weighting take,
//! and only a panel makes one: an outcome that is a change never comes with covariates that behaviour moves, because
//! customers picked for an unusual period return to their usual after it, treated or not.

use serde::{Deserialize, Serialize};

use super::linear::{check, check_length, ranks};
use crate::Refusal;

/// The rank correlation from which a covariate counts as the differenced period under another name.
const SAME_RANKING: f64 = 0.98;

/// What is known of each customer before the treatment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Covariate {
    pub name: String,
    pub kind: CovariateKind,
    /// One value a customer; a category is given as one column of zeros and ones for each level but one.
    pub values: Vec<f64>,
}

/// Whether a covariate moves with what the customer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CovariateKind {
    /// Stays as it is over all periods of the panel: a birth year, a region, a household's size.
    Fixed,
    /// Measured on behaviour before the treatment: orders, recency, spend in another category.
    Behaviour,
}

impl Covariate {
    /// A covariate that behaviour does not move.
    pub fn fixed(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self { name: name.into(), kind: CovariateKind::Fixed, values }
    }

    /// A covariate measured on behaviour before the treatment.
    pub fn behaviour(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self { name: name.into(), kind: CovariateKind::Behaviour, values }
    }
}

/// Customers around one date at which some of them were treated.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    treated: Vec<bool>,
    covariates: Vec<Covariate>,
    before: Vec<Vec<f64>>,
    after: Vec<f64>,
    clusters: Option<Vec<u64>>,
}

impl Panel {
    /// Customers by position: whether treated, covariates, the outcome of each period before the date (oldest first,
    /// the last ends at the date) and of the period after it. Periods are equally long.
    ///
    /// # Errors
    /// Lengths differ, a value is not finite, or an arm has no customers.
    pub fn new(
        treated: Vec<bool>,
        covariates: Vec<Covariate>,
        before: Vec<Vec<f64>>,
        after: Vec<f64>,
    ) -> Result<Self, Refusal> {
        let customers = treated.len();
        for (arm, is_treated) in [("the treated", true), ("the untreated", false)] {
            if !treated.contains(&is_treated) {
                return Err(Refusal::TooFew { what: arm.into(), unit: "customers", have: 0, need: 1 });
            }
        }
        for Covariate { name, values, .. } in &covariates {
            check(&format!("covariate `{name}`"), values, customers)?;
        }
        for (period, values) in before.iter().enumerate() {
            check(&format!("the outcome {}", period_name(before.len() - period)), values, customers)?;
        }
        check("the outcome after", &after, customers)?;
        Ok(Self { treated, covariates, before, after, clusters: None })
    }

    /// The same customers, independent only between clusters (households of a store, say): one number a customer.
    ///
    /// # Errors
    /// There is not one cluster a customer.
    pub fn clustered(mut self, clusters: Vec<u64>) -> Result<Self, Refusal> {
        check_length("the clusters", clusters.len(), self.treated.len())?;
        self.clusters = Some(clusters);
        Ok(self)
    }

    /// The panel as it stood `periods` periods earlier, when nothing happened: a fake date. Its outcome is the period
    /// that followed that date.
    ///
    /// # Errors
    /// There is no such period, or a covariate was measured on behaviour, and so after the fake date.
    pub fn earlier(&self, periods: usize) -> Result<Self, Refusal> {
        if periods == 0 || periods > self.before.len() {
            return Err(Refusal::TooFew {
                what: "the panel".into(),
                unit: "periods before",
                have: self.before.len() as u64,
                need: periods.max(1) as u64,
            });
        }
        if let Some(covariate) = self.behaviour() {
            return Err(Refusal::BadValue {
                what: format!(
                    "covariate `{}`, measured on behaviour, at a fake date {periods} periods earlier",
                    covariate.name
                ),
                value: periods as f64,
                must: "measured again before the fake date",
            });
        }
        let kept = self.before.len() - periods;
        Ok(Self { before: self.before[..kept].to_vec(), after: self.before[kept].clone(), ..self.clone() })
    }

    pub fn treated(&self) -> &[bool] {
        &self.treated
    }

    /// The outcome of each period before the date, oldest first.
    pub fn before(&self) -> &[Vec<f64>] {
        &self.before
    }

    pub fn after(&self) -> &[f64] {
        &self.after
    }

    pub fn clusters(&self) -> Option<&[u64]> {
        self.clusters.as_deref()
    }

    /// The change of each customer's outcome from the last period before the date to the one after it.
    ///
    /// # Errors
    /// There is no period before.
    pub fn change(&self) -> Result<Vec<f64>, Refusal> {
        let last = self.before.last().ok_or_else(|| needs_periods(0, 1))?;
        Ok(self.after.iter().zip(last).map(|(after, before)| after - before).collect())
    }

    fn behaviour(&self) -> Option<&Covariate> {
        self.covariates.iter().find(|covariate| covariate.kind == CovariateKind::Behaviour)
    }
}

/// What matching and weighting compare between the arms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Outcome {
    /// The outcome after the date, adjusted by the covariates and by the outcome of so many periods before it.
    Level { adjusted_periods: usize },
    /// The change from the last period before, adjusted by fixed covariates only.
    Change,
}

/// An outcome and what it is adjusted by.
#[derive(Debug, Clone)]
pub struct Adjustment<'a> {
    pub(super) treated: &'a [bool],
    pub(super) outcome: Vec<f64>,
    pub(super) names: Vec<String>,
    pub(super) columns: Vec<&'a [f64]>,
    pub(super) clusters: Option<&'a [u64]>,
}

impl<'a> Adjustment<'a> {
    /// Of a panel.
    ///
    /// # Errors
    /// The panel has fewer periods than are asked for, has nothing to adjust by, or is to compare changes between
    /// customers picked by what they did before: [`Refusal::RegressionToTheMean`].
    pub fn of(panel: &'a Panel, outcome: Outcome) -> Result<Self, Refusal> {
        let mut names: Vec<_> = panel.covariates.iter().map(|covariate| covariate.name.clone()).collect();
        let mut columns: Vec<_> =
            panel.covariates.iter().map(|covariate| covariate.values.as_slice()).collect();
        let outcome = match outcome {
            Outcome::Change => {
                refuse_regression_to_the_mean(panel)?;
                panel.change()?
            }
            Outcome::Level { adjusted_periods } => {
                if adjusted_periods > panel.before.len() {
                    return Err(needs_periods(panel.before.len(), adjusted_periods));
                }
                for back in 1..=adjusted_periods {
                    names.push(format!("the outcome {}", period_name(back)));
                    columns.push(&panel.before[panel.before.len() - back]);
                }
                panel.after.clone()
            }
        };
        if columns.is_empty() {
            return Err(Refusal::TooFew {
                what: "the adjustment".into(),
                unit: "covariates",
                have: 0,
                need: 1,
            });
        }
        Ok(Self { treated: &panel.treated, outcome, names, columns, clusters: panel.clusters.as_deref() })
    }
}

/// A covariate that behaviour moves picks customers in unusual periods, and their return to the usual reads as an
/// effect on the change. One that is labelled fixed but ranks customers as the differenced period does is the same.
fn refuse_regression_to_the_mean(panel: &Panel) -> Result<(), Refusal> {
    let refusal = |name: &str| Refusal::RegressionToTheMean { covariate: name.to_owned() };
    if let Some(covariate) = panel.behaviour() {
        return Err(refusal(&covariate.name));
    }
    let Some(last) = panel.before.last().map(|last| ranks(last)) else { return Ok(()) };
    for Covariate { name, values, .. } in &panel.covariates {
        if correlation(&ranks(values), &last).abs() > SAME_RANKING {
            return Err(refusal(name));
        }
    }
    Ok(())
}

/// Pearson's correlation; 0 where either does not vary.
fn correlation(first: &[f64], second: &[f64]) -> f64 {
    let n = first.len() as f64;
    let (a, b) = (first.iter().sum::<f64>() / n, second.iter().sum::<f64>() / n);
    let (mut product, mut first_square, mut second_square) = (0.0, 0.0, 0.0);
    for (x, y) in first.iter().zip(second) {
        product += (x - a) * (y - b);
        first_square += (x - a) * (x - a);
        second_square += (y - b) * (y - b);
    }
    let scale = (first_square * second_square).sqrt();
    if scale > 0.0 { product / scale } else { 0.0 }
}

fn period_name(back: usize) -> String {
    format!("{back} {} before", if back == 1 { "period" } else { "periods" })
}

pub(super) fn needs_periods(have: usize, need: usize) -> Refusal {
    Refusal::TooFew { what: "the panel".into(), unit: "periods before", have: have as u64, need: need as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(covariates: Vec<Covariate>) -> Panel {
        let before = vec![vec![1.0, 2.0, 3.0, 5.0], vec![2.0, 1.0, 8.0, 4.0]];
        Panel::new(vec![true, false, true, false], covariates, before, vec![3.0, 3.0, 9.0, 1.0]).unwrap()
    }

    #[test]
    fn a_change_is_never_matched_on_what_customers_did_before() {
        let spend = vec![2.0, 1.0, 8.0, 4.0];
        let refuses = |covariate| {
            let refusal = Adjustment::of(&panel(vec![covariate]), Outcome::Change).unwrap_err();
            assert!(matches!(refusal, Refusal::RegressionToTheMean { .. }), "{refusal}");
        };
        refuses(Covariate::behaviour("trips", vec![1.0, 5.0, 2.0, 2.0]));
        // Labelled fixed, the differenced period is recognised, in any unit.
        refuses(Covariate::fixed("spend", spend.clone()));
        refuses(Covariate::fixed("log spend", spend.iter().map(|value| value.ln()).collect()));
        assert!(
            Adjustment::of(&panel(vec![Covariate::fixed("age", vec![1.0, 5.0, 2.0, 2.0])]), Outcome::Change)
                .is_ok()
        );
        // Adjusting the level by the same is what covariates are for.
        let level = Outcome::Level { adjusted_periods: 2 };
        let panel = panel(vec![Covariate::behaviour("trips", vec![1.0, 5.0, 2.0, 2.0])]);
        let adjustment = Adjustment::of(&panel, level).unwrap();
        assert_eq!(
            adjustment.names,
            ["trips", "the outcome 1 period before", "the outcome 2 periods before"]
        );
        assert_eq!(adjustment.columns[1], spend);
    }

    #[test]
    fn a_fake_date_knows_nothing_of_later_periods() {
        let fake = panel(vec![]).earlier(1).unwrap();
        assert_eq!(fake.after(), [2.0, 1.0, 8.0, 4.0]);
        assert_eq!(fake.before(), [[1.0, 2.0, 3.0, 5.0]]);
        let first = panel(vec![]).earlier(2).unwrap();
        assert_eq!((first.after(), first.before().len()), ([1.0, 2.0, 3.0, 5.0].as_slice(), 0));
        assert!(panel(vec![]).earlier(3).is_err() && panel(vec![]).earlier(0).is_err());
        assert!(panel(vec![Covariate::behaviour("trips", vec![0.0; 4])]).earlier(1).is_err());
    }

    #[test]
    fn bad_panels_are_refused_by_name() {
        let bad = |covariates, before, after| {
            Panel::new(vec![true, false], covariates, before, after).unwrap_err().to_string()
        };
        assert_eq!(
            bad(vec![Covariate::fixed("age", vec![1.0, f64::NAN])], vec![], vec![0.0; 2]),
            "covariate `age` of customer 1 is NaN, but must be a finite number"
        );
        assert_eq!(
            bad(vec![], vec![vec![0.0]], vec![0.0; 2]),
            "the number of values of the outcome 1 period before for 2 customers is 1, but must be one a customer"
        );
        assert!(Panel::new(vec![true], vec![], vec![], vec![1.0]).is_err());
        assert!(panel(vec![]).clustered(vec![1]).is_err());
        assert!(Adjustment::of(&panel(vec![]), Outcome::Level { adjusted_periods: 3 }).is_err());
        assert!(Adjustment::of(&panel(vec![]), Outcome::Level { adjusted_periods: 0 }).is_err());
    }
}
