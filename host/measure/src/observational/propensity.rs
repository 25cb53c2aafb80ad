//! The probability of treatment given the covariates, by logistic regression.

use super::linear::{Design, Equations, RIDGE, System, dot};
use super::panel::Adjustment;
use crate::Refusal;

const STEPS_MAX: usize = 60;

/// The largest mean gradient, in units of a standardised covariate, at which the fit has converged.
const GRADIENT_MAX: f64 = 1e-10;

/// How much the ridge shrinks to see whether the fit depends on it, and the move of a log-odds from which it does.
/// Where it does, the ridge of 10⁻⁶ leaves some log-odds near 11; below 5 nobody needs to look.
const SHRINK: f64 = 1e-2;
const MOVE_MAX: f64 = 1.0;
const ODDS_SUSPECT: f64 = 5.0;

/// A fitted propensity.
#[derive(Debug, Clone)]
pub(crate) struct Propensity {
    /// Each customer's probability of treatment.
    pub(crate) scores: Vec<f64>,
    /// Some customers' probability would be 0 or 1 without the ridge: a covariate decides their treatment.
    pub(crate) is_separated: bool,
    pub(crate) equations: Equations,
}

impl Propensity {
    /// Coefficients b that maximise Σ [z log e + (1 − z) log(1 − e)] − ½ λ n Σ b², e = 1 / (1 + exp(−x'b)), by Newton's
    /// method with halved steps, on standardised covariates with an intercept that is not penalised; λ = 10⁻⁶.
    ///
    /// Separation is found by its definition: where the likelihood has no maximum, coefficients grow as the ridge
    /// shrinks. Source: A. Albert and J. A. Anderson, "On the existence of maximum likelihood estimates in logistic
    /// regression models", Biometrika 71 (1984).
    ///
    /// # Errors
    /// The covariates tell the arms apart without error, or there are fewer than 20 customers, or than two for each
    /// covariate, in an arm.
    pub(crate) fn fit(adjustment: &Adjustment<'_>, design: &Design) -> Result<Self, Refusal> {
        let treated = adjustment.treated;
        enough(treated, design.width())?;
        let mut coefficients = vec![0.0; design.width()];
        let share = treated.iter().filter(|treated| **treated).count() as f64 / treated.len() as f64;
        coefficients[0] = (share / (1.0 - share)).ln();
        let hessian = maximise(design, treated, RIDGE, &mut coefficients)?;
        let odds = design.times(&coefficients);
        let is_separated = odds.iter().any(|odds| odds.abs() > ODDS_SUSPECT) && {
            maximise(design, treated, RIDGE * SHRINK, &mut coefficients)?;
            let moved = |(row, odds): (&[f64], &f64)| (dot(row, &coefficients) - odds).abs() > MOVE_MAX;
            design.rows().zip(&odds).any(moved)
        };
        let extreme = |arm: bool, start: f64, pick: fn(f64, f64) -> f64| {
            odds.iter()
                .zip(treated)
                .filter(|(_, treated)| **treated == arm)
                .map(|(odds, _)| *odds)
                .fold(start, pick)
        };
        if is_separated
            && extreme(false, f64::NEG_INFINITY, f64::max) < extreme(true, f64::INFINITY, f64::min)
        {
            return Err(Refusal::Separated { what: format!("`{}`", adjustment.names.join("`, `")) });
        }
        let scores: Vec<_> = odds.iter().map(|odds| logistic(*odds)).collect();
        let residuals =
            scores.iter().zip(treated).map(|(score, treated)| f64::from(*treated) - score).collect();
        Ok(Self { scores, is_separated, equations: Equations { system: hessian, residuals } })
    }
}

/// Moves the coefficients to the maximum; returns the negative of the second derivatives there.
fn maximise(
    design: &Design,
    treated: &[bool],
    ridge: f64,
    coefficients: &mut Vec<f64>,
) -> Result<System, Refusal> {
    let customers = treated.len() as f64;
    let penalty = ridge * customers;
    let mut likelihood = penalised(design, treated, coefficients, penalty);
    for _ in 0..STEPS_MAX {
        let scores: Vec<_> = design.times(coefficients).into_iter().map(logistic).collect();
        let residuals: Vec<_> = scores.iter().zip(treated).map(|(e, z)| f64::from(*z) - e).collect();
        let mut gradient = design.weighted_sum(&residuals);
        for (slope, coefficient) in gradient.iter_mut().zip(&*coefficients).skip(1) {
            *slope -= penalty * coefficient;
        }
        let weights: Vec<_> = scores.iter().map(|e| e * (1.0 - e)).collect();
        let hessian = design.gram(&weights, penalty);
        if gradient.iter().all(|slope| slope.abs() <= GRADIENT_MAX * customers) {
            return Ok(hessian);
        }
        let step = hessian.solve(&gradient)?;
        let mut length = 1.0;
        loop {
            let next: Vec<_> = coefficients.iter().zip(&step).map(|(b, step)| b + length * step).collect();
            let better = penalised(design, treated, &next, penalty);
            // At the maximum, rounding may make the likelihood fall by as much as it can show.
            if better >= likelihood - 1e-12 * likelihood.abs() {
                (*coefficients, likelihood) = (next, better);
                break;
            }
            length /= 2.0;
            if length < 1e-9 {
                return Err(not_converged());
            }
        }
    }
    Err(not_converged())
}

fn not_converged() -> Refusal {
    Refusal::NotConverged { what: "the propensity".into(), why: format!("more than {STEPS_MAX} steps") }
}

fn penalised(design: &Design, treated: &[bool], coefficients: &[f64], penalty: f64) -> f64 {
    let each = |(row, treated): (&[f64], &bool)| {
        let odds = dot(row, coefficients);
        let against = if *treated { -odds } else { odds };
        // log(1 + exp(against)), without overflow.
        -(against.max(0.0) + (-against.abs()).exp().ln_1p())
    };
    let squares = coefficients.iter().skip(1).map(|b| b * b).sum::<f64>();
    design.rows().zip(treated).map(each).sum::<f64>() - 0.5 * penalty * squares
}

fn logistic(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

/// Whether each arm has enough customers for models of this width.
fn enough(treated: &[bool], width: usize) -> Result<(), Refusal> {
    let need = (2 * width).max(20) as u64;
    for (what, arm) in [("the treated", true), ("the untreated", false)] {
        let have = treated.iter().filter(|treated| **treated == arm).count() as u64;
        if have < need {
            return Err(Refusal::TooFew { what: what.into(), unit: "customers", have, need });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observational::{Covariate, Outcome, Panel};

    fn fit(treated: Vec<bool>, columns: Vec<Vec<f64>>) -> Result<Propensity, Refusal> {
        let after = vec![0.0; treated.len()];
        let covariates = columns.into_iter().map(|values| Covariate::fixed("x", values)).collect();
        let panel = Panel::new(treated, covariates, vec![], after)?;
        let adjustment = Adjustment::of(&panel, Outcome::Level { adjusted_periods: 0 })?;
        Propensity::fit(&adjustment, &Design::standardised(&adjustment.columns, adjustment.treated.len()))
    }

    #[test]
    fn the_propensity_of_groups_is_their_share() {
        // Of 100 with the mark 30 are treated, of 100 without it 60.
        let marked: Vec<f64> = (0..200).map(|i| f64::from(i < 100)).collect();
        let treated: Vec<bool> = (0..200).map(|i| !(30..140).contains(&i)).collect();
        let found = fit(treated, vec![marked, vec![1.0; 200]]).unwrap();
        assert!((found.scores[0] - 0.3).abs() < 1e-5 && (found.scores[199] - 0.6).abs() < 1e-5);
        assert!(!found.is_separated);
    }

    #[test]
    fn separation_is_found() {
        let treated: Vec<bool> = (0..200).map(|i| i % 2 == 0).collect();
        // All ten with the mark are treated, the others as before.
        let marked: Vec<f64> = (0..200).map(|i| f64::from(i % 20 == 0)).collect();
        assert!(fit(treated.clone(), vec![marked]).unwrap().is_separated);
        let decides: Vec<f64> = treated.iter().map(|treated| if *treated { 5.0 } else { 2.0 }).collect();
        assert!(matches!(fit(treated, vec![decides]), Err(Refusal::Separated { .. })));
    }

    #[test]
    fn a_small_arm_is_refused() {
        let treated: Vec<bool> = (0..200).map(|i| i < 19).collect();
        let values: Vec<f64> = (0..200).map(|i| f64::from(i % 7)).collect();
        let expected = Refusal::TooFew { what: "the treated".into(), unit: "customers", have: 19, need: 20 };
        assert_eq!(fit(treated, vec![values]).unwrap_err(), expected);
    }
}
