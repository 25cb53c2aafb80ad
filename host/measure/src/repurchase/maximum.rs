//! Maximum likelihood for positive parameters, by their logarithms.
//!
//! L-BFGS of `argmin` comes near the maximum, Newton steps finish. An answer is given only where the
//! log-likelihood is curved enough in every direction to tell the parameters; one that runs off to a boundary is
//! refused.

use std::cell::{Cell, RefCell};

use argmin::core::{CostFunction, Error, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;

use crate::Refusal;

/// A log-likelihood and its derivatives by the logarithms of the parameters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evaluation<const N: usize> {
    pub(super) value: f64,
    pub(super) gradient: [f64; N],
}

/// Where the log-likelihood is highest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Maximum<const N: usize> {
    /// Logarithms of the parameters.
    pub(super) at: [f64; N],
    pub(super) value: f64,
    /// Standard errors of the logarithms: roots of the diagonal of the inverse observed information.
    pub(super) standard_errors: [f64; N],
}

/// A Newton step below this, measured in standard errors, ends the search.
const CONVERGED: f64 = 1e-7;
/// A logarithm that is further from its start has run off.
const RANGE: f64 = 15.0;
/// A parameter is not told by the data when its logarithm has a larger standard error: the 95 % interval would span
/// eight orders of magnitude.
const STANDARD_ERROR_LIMIT: f64 = 5.0;

/// Maximises a log-likelihood of `size` observations from each of the starts in turn, until one converges.
///
/// # Errors
/// None converges; the parameter that is furthest off is named.
pub(super) fn maximise<const N: usize>(
    what: &str,
    names: [&str; N],
    size: u64,
    starts: &[[f64; N]],
    evaluate: impl Fn(&[f64; N]) -> Evaluation<N>,
) -> Result<Maximum<N>, Refusal> {
    let mut why = String::new();
    for start in starts {
        let near = approach(size as f64, start, &evaluate);
        match finish(names, start, near, &evaluate) {
            Ok(maximum) => return Ok(maximum),
            Err(reason) => why = reason,
        }
    }
    Err(Refusal::NotConverged { what: what.into(), why })
}

/// The mean log-likelihood as `argmin` asks for it: value and gradient of one place in two calls.
struct Mean<'a, const N: usize, F> {
    size: f64,
    start: &'a [f64; N],
    evaluate: &'a F,
    newest: RefCell<Option<([f64; N], Evaluation<N>)>>,
    /// Evaluations that are left. The line search knows no end of its own.
    budget: Cell<u32>,
}

impl<const N: usize, F: Fn(&[f64; N]) -> Evaluation<N>> Mean<'_, N, F> {
    fn at(&self, place: &[f64]) -> Result<Evaluation<N>, Error> {
        let place = std::array::from_fn(|index| place[index]);
        match *self.newest.borrow() {
            Some((newest, evaluation)) if newest == place => return Ok(evaluation),
            _ => {}
        }
        let left = self.budget.get().checked_sub(1).ok_or_else(|| Error::msg("the budget is spent"))?;
        self.budget.set(left);
        if furthest(self.start, &place).1 > RANGE {
            return Err(Error::msg("a parameter runs off"));
        }
        let evaluation = (self.evaluate)(&place);
        *self.newest.borrow_mut() = Some((place, evaluation));
        Ok(evaluation)
    }
}

impl<const N: usize, F: Fn(&[f64; N]) -> Evaluation<N>> CostFunction for Mean<'_, N, F> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, place: &Vec<f64>) -> Result<f64, Error> {
        Ok(-self.at(place)?.value / self.size)
    }
}

impl<const N: usize, F: Fn(&[f64; N]) -> Evaluation<N>> Gradient for Mean<'_, N, F> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, place: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.at(place)?.gradient.iter().map(|slope| -slope / self.size).collect())
    }
}

/// The best place that L-BFGS finds: the start itself, if it fails at once.
fn approach<const N: usize>(
    size: f64,
    start: &[f64; N],
    evaluate: &impl Fn(&[f64; N]) -> Evaluation<N>,
) -> [f64; N] {
    let problem = Mean { size, start, evaluate, newest: RefCell::new(None), budget: Cell::new(200) };
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), 2 * N)
        .with_tolerance_grad(1e-5)
        .and_then(|solver| solver.with_tolerance_cost(1e-11))
        .expect("the tolerances are positive");
    let run = Executor::new(problem, solver)
        .configure(|state| state.param(start.to_vec()).max_iters(200))
        .ctrlc(false)
        .timer(false)
        .run();
    match run.as_ref().ok().and_then(|run| run.state().get_best_param()) {
        Some(best) => std::array::from_fn(|index| best[index]),
        None => *start,
    }
}

/// Newton's steps to the maximum, or why there is none.
fn finish<const N: usize>(
    names: [&str; N],
    start: &[f64; N],
    mut at: [f64; N],
    evaluate: &impl Fn(&[f64; N]) -> Evaluation<N>,
) -> Result<Maximum<N>, String> {
    let mut here = evaluate(&at);
    for _ in 0..30 {
        let Evaluation { value, gradient } = here;
        let information = information(&at, evaluate);
        let (covariance, damped) = damped_inverse(information).ok_or("its log-likelihood is not a number")?;
        let step = covariance.map(|row| dot(&row, &gradient));
        // The length of the step as the standard errors measure it, whatever the units and the number of customers.
        if !damped && dot(&step, &gradient).sqrt() <= CONVERGED {
            let standard_errors = std::array::from_fn(|index| covariance[index][index].sqrt());
            let worst = largest(&standard_errors);
            return if standard_errors[worst] <= STANDARD_ERROR_LIMIT {
                Ok(Maximum { at, value, standard_errors })
            } else {
                Err(format!(
                    "the data does not tell `{}`: any value near {:.1e} fits as well",
                    names[worst],
                    at[worst].exp()
                ))
            };
        }
        let longest = step[largest(&step)].abs();
        let mut length = 1.0 / longest.max(1.0);
        let place = |length: f64| std::array::from_fn(|index| at[index] + length * step[index]);
        here = evaluate(&place(length));
        // Where it is flat, rounding lets the value fall by a little.
        while here.value < value - 1e-13 * value.abs() && length > 1e-6 {
            length /= 2.0;
            here = evaluate(&place(length));
        }
        at = place(length);
        if furthest(start, &at).1 > RANGE {
            break;
        }
    }
    let (index, _) = furthest(start, &at);
    Err(format!("`{}` runs off to {:.1e}", names[index], at[index].exp()))
}

/// The logarithm that is furthest from its start, and how far that is.
fn furthest<const N: usize>(start: &[f64; N], place: &[f64; N]) -> (usize, f64) {
    let way: [f64; N] = std::array::from_fn(|index| (place[index] - start[index]).abs());
    let index = largest(&way);
    (index, way[index])
}

fn dot<const N: usize>(one: &[f64; N], other: &[f64; N]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// The index of the entry that is furthest from 0.
fn largest<const N: usize>(values: &[f64; N]) -> usize {
    (0..N).max_by(|&i, &j| values[i].abs().total_cmp(&values[j].abs())).unwrap_or(0)
}

/// The observed information: the negative second derivatives, by central differences of the gradient.
fn information<const N: usize>(
    at: &[f64; N],
    evaluate: &impl Fn(&[f64; N]) -> Evaluation<N>,
) -> [[f64; N]; N] {
    const STEP: f64 = 1e-4;
    let differences: [[f64; N]; N] = std::array::from_fn(|index| {
        let moved = |by: f64| {
            let mut place = *at;
            place[index] += by;
            evaluate(&place).gradient
        };
        let (above, below) = (moved(STEP), moved(-STEP));
        std::array::from_fn(|other| (below[other] - above[other]) / (2.0 * STEP))
    });
    std::array::from_fn(|i| std::array::from_fn(|j| (differences[i][j] + differences[j][i]) / 2.0))
}

/// The inverse of a symmetric matrix, with as much added to its diagonal as makes it positive definite, and whether
/// that was anything; `None` for a matrix with entries that are no numbers.
fn damped_inverse<const N: usize>(matrix: [[f64; N]; N]) -> Option<([[f64; N]; N], bool)> {
    let scale = (0..N).map(|index| matrix[index][index].abs()).fold(f64::MIN_POSITIVE, f64::max);
    let mut damping = 0.0;
    while damping < 1e3 {
        let mut damped = matrix;
        (0..N).for_each(|index| damped[index][index] += damping * scale);
        if let Some(inverse) = inverse(&damped) {
            return Some((inverse, damping > 0.0));
        }
        damping = (damping * 10.0).max(1e-3);
    }
    None
}

/// The inverse of a symmetric matrix by Cholesky's decomposition; `None` unless it is positive definite.
fn inverse<const N: usize>(matrix: &[[f64; N]; N]) -> Option<[[f64; N]; N]> {
    let mut lower = [[0.0; N]; N];
    for i in 0..N {
        for j in 0..=i {
            let rest = matrix[i][j] - (0..j).map(|k| lower[i][k] * lower[j][k]).sum::<f64>();
            if i > j {
                lower[i][j] = rest / lower[j][j];
            } else if rest > 1e-14 * matrix[i][i].abs() {
                lower[i][i] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    // Column by column of the inverse of the lower triangle, whose square it is.
    let mut columns = [[0.0; N]; N];
    for (column, solved) in columns.iter_mut().enumerate() {
        for i in column..N {
            let unit = if i == column { 1.0 } else { 0.0 };
            solved[i] = (unit - (column..i).map(|k| lower[i][k] * solved[k]).sum::<f64>()) / lower[i][i];
        }
    }
    Some(std::array::from_fn(|i| std::array::from_fn(|j| dot(&columns[i], &columns[j]))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_times_its_inverse_is_one() {
        let matrix = [[4.0, 2.0, 0.6], [2.0, 5.0, 1.5], [0.6, 1.5, 3.0]];
        let inverse = inverse(&matrix).unwrap();
        for (i, row) in matrix.iter().enumerate() {
            for j in 0..3 {
                let entry = dot(row, &inverse.map(|other| other[j]));
                assert!((entry - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
        assert_eq!(super::inverse(&[[1.0, 2.0], [2.0, 1.0]]), None);
    }

    /// A normal log-likelihood in two logarithms, with correlation, at a distance from the start.
    fn normal(at: &[f64; 2]) -> Evaluation<2> {
        let (x, y) = (at[0] - 2.0, at[1] + 3.0);
        Evaluation { value: -(x * x + x * y + y * y) / 2.0, gradient: [-x - y / 2.0, -y - x / 2.0] }
    }

    #[test]
    fn a_normal_likelihood_gives_its_mean_and_standard_errors() {
        let maximum = maximise("it", ["x", "y"], 1, &[[0.0, 0.0]], normal).unwrap();
        assert!((maximum.at[0] - 2.0).abs() < 1e-7 && (maximum.at[1] + 3.0).abs() < 1e-7);
        maximum
            .standard_errors
            .iter()
            .for_each(|error| assert!((error - (4.0_f64 / 3.0).sqrt()).abs() < 1e-8));
    }

    #[test]
    fn a_parameter_that_the_data_does_not_tell_is_named() {
        let rising = |at: &[f64; 2]| Evaluation {
            value: -(-at[1]).exp() - at[0] * at[0],
            gradient: [-2.0 * at[0], (-at[1]).exp()],
        };
        let refusal = maximise("it", ["x", "y"], 1, &[[0.0, 0.0]], rising).unwrap_err();
        assert!(
            refusal.to_string().starts_with("it did not converge") && refusal.to_string().contains("`y`"),
            "{refusal}"
        );
        let flat = |at: &[f64; 2]| Evaluation {
            value: -at[0] * at[0] - 0.01 * at[1] * at[1],
            gradient: [-2.0 * at[0], -0.02 * at[1]],
        };
        let refusal = maximise("it", ["x", "y"], 1, &[[0.0, 0.0]], flat).unwrap_err();
        assert!(refusal.to_string().contains("the data does not tell `y`"), "{refusal}");
        let no_number = |_: &[f64; 2]| Evaluation { value: f64::NAN, gradient: [f64::NAN; 2] };
        assert!(maximise("it", ["x", "y"], 1, &[[0.0, 0.0]], no_number).is_err());
    }
}
