//! Weighted least squares on standardised columns, sums over customers for standard errors, and what every column is
//! checked for.
//!
//! # Not here
//!
//! Factorisation, which is `smartcore`'s.

use std::collections::BTreeMap;

use smartcore::linalg::basic::arrays::{Array, Array2};
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linalg::traits::cholesky::CholeskyDecomposable;

use crate::effects::{normal_quantile, student_quantile};
use crate::{Estimate, Refusal};

/// The penalty on the squared coefficients of standardised columns, for each customer: enough to make every system
/// solvable (columns may be constant or follow from one another) and too little to move an estimate.
pub(crate) const RIDGE: f64 = 1e-6;

/// Clusters below which a standard error by clusters is not trusted.
const CLUSTERS_MIN: usize = 10;

/// Whether there is one value a customer.
pub(crate) fn check_length(what: &str, length: usize, customers: usize) -> Result<(), Refusal> {
    if length == customers {
        return Ok(());
    }
    let what = format!("the number of values of {what} for {customers} customers");
    Err(Refusal::BadValue { what, value: length as f64, must: "one a customer" })
}

/// Whether there is one finite value a customer.
pub(crate) fn check(what: &str, values: &[f64], customers: usize) -> Result<(), Refusal> {
    check_length(what, values.len(), customers)?;
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(Refusal::BadValue {
            what: format!("{what} of customer {at}"),
            value: values[at],
            must: "a finite number",
        }),
    }
}

/// Rows of a one and of the columns, each less its mean and divided by its standard deviation; a column that does not
/// vary is zero.
#[derive(Debug, Clone)]
pub(crate) struct Design {
    width: usize,
    values: Vec<f64>,
}

impl Design {
    pub(crate) fn standardised(columns: &[&[f64]], rows: usize) -> Self {
        let width = columns.len() + 1;
        let mut values = vec![0.0; rows * width];
        values.iter_mut().step_by(width).for_each(|one| *one = 1.0);
        for (place, column) in columns.iter().enumerate() {
            let mean = column.iter().sum::<f64>() / rows as f64;
            let squares = column.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
            let deviation = (squares / rows as f64).sqrt();
            // What rounding leaves of a constant is not variation.
            if deviation > 1e-12 * mean.abs() {
                for (row, value) in column.iter().enumerate() {
                    values[row * width + place + 1] = (value - mean) / deviation;
                }
            }
        }
        Self { width, values }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.values.chunks_exact(self.width)
    }

    pub(crate) fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.width..][..self.width]
    }

    /// Each row times the coefficients.
    pub(crate) fn times(&self, coefficients: &[f64]) -> Vec<f64> {
        self.rows().map(|row| dot(row, coefficients)).collect()
    }

    /// The sum of rows, each times its weight.
    pub(crate) fn weighted_sum(&self, weights: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.width];
        for (row, weight) in self.rows().zip(weights) {
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
        }
        sum
    }

    /// The weighted sum of outer products of rows, with a penalty on the diagonal but for the intercept.
    pub(crate) fn gram(&self, weights: &[f64], penalty: f64) -> System {
        let width = self.width;
        let mut gram = vec![0.0; width * width];
        for (row, weight) in self.rows().zip(weights).filter(|(_, weight)| **weight != 0.0) {
            for (i, value) in row.iter().enumerate() {
                let scaled = weight * value;
                gram[i * width..][..=i].iter_mut().zip(row).for_each(|(sum, value)| *sum += scaled * value);
            }
        }
        for i in 0..width {
            for j in 0..i {
                gram[j * width + i] = gram[i * width + j];
            }
        }
        gram.iter_mut().step_by(width + 1).skip(1).for_each(|value| *value += penalty);
        System { width, values: gram }
    }
}

/// A symmetric positive definite matrix.
#[derive(Debug, Clone)]
pub(crate) struct System {
    width: usize,
    values: Vec<f64>,
}

impl System {
    /// Of the values of a square matrix.
    pub(crate) fn new(values: Vec<f64>) -> Self {
        Self { width: values.len().isqrt(), values }
    }

    /// The solution for one right side.
    ///
    /// # Errors
    /// The matrix is not positive definite.
    pub(crate) fn solve(&self, right: &[f64]) -> Result<Vec<f64>, Refusal> {
        let right = DenseMatrix::new(self.width, 1, right.to_vec(), false).map_err(singular)?;
        finite(&self.matrix()?.cholesky_solve_mut(right).map_err(singular)?)
    }

    /// Columns c with Σ (c'x)² = x' system⁻¹ x.
    pub(crate) fn inverse_root(&self) -> Result<Vec<Vec<f64>>, Refusal> {
        let inverse = self.matrix()?.cholesky_solve_mut(DenseMatrix::eye(self.width)).map_err(singular)?;
        let values = finite(&inverse.cholesky().map_err(singular)?.L().transpose())?;
        Ok(values.chunks_exact(self.width).map(<[f64]>::to_vec).collect())
    }

    fn matrix(&self) -> Result<DenseMatrix<f64>, Refusal> {
        DenseMatrix::new(self.width, self.width, self.values.clone(), false).map_err(singular)
    }
}

fn singular(error: impl ToString) -> Refusal {
    Refusal::NotConverged { what: "least squares".into(), why: error.to_string() }
}

/// The values of a matrix by rows.
fn finite(matrix: &DenseMatrix<f64>) -> Result<Vec<f64>, Refusal> {
    let values: Vec<_> = matrix.iterator(0).copied().collect();
    let are_finite = values.iter().all(|value| value.is_finite());
    if are_finite { Ok(values) } else { Err(singular("the columns follow from one another")) }
}

/// Least squares of some customers' outcomes on their rows.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) coefficients: Vec<f64>,
    pub(crate) equations: Equations,
}

impl Line {
    /// Coefficients minimising Σ w (y − x'b)² plus the ridge.
    pub(crate) fn fit(design: &Design, outcome: &[f64], weights: &[f64]) -> Result<Self, Refusal> {
        let gram = design.gram(weights, RIDGE * weights.iter().sum::<f64>());
        let products: Vec<_> = outcome.iter().zip(weights).map(|(value, weight)| value * weight).collect();
        let coefficients = gram.solve(&design.weighted_sum(&products))?;
        let residual =
            |((row, value), weight): ((&[f64], &f64), &f64)| weight * (value - dot(row, &coefficients));
        let residuals = design.rows().zip(outcome).zip(weights).map(residual).collect();
        Ok(Self { coefficients, equations: Equations { system: gram, residuals } })
    }
}

/// What fitted coefficients are the root of: each customer's score is his residual (weighted) times his row.
#[derive(Debug, Clone)]
pub(crate) struct Equations {
    /// The negative of the scores' derivatives by the coefficients.
    pub(crate) system: System,
    pub(crate) residuals: Vec<f64>,
}

impl Equations {
    /// Adds what each customer moves an estimate by through the coefficients, given its gradient by them:
    /// gradient' · system⁻¹ · score.
    pub(crate) fn add_influence(
        &self,
        design: &Design,
        gradient: &[f64],
        influence: &mut [f64],
    ) -> Result<(), Refusal> {
        let direction = self.system.solve(gradient)?;
        for ((sum, row), residual) in influence.iter_mut().zip(design.rows()).zip(&self.residuals) {
            *sum += residual * dot(row, &direction);
        }
        Ok(())
    }
}

pub(crate) fn dot(first: &[f64], second: &[f64]) -> f64 {
    first.iter().zip(second).map(|(a, b)| a * b).sum()
}

/// The ranks of values from 1, the mean of their places for equal ones.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<_> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut place = 0;
    for equal in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = place as f64 + (equal.len() + 1) as f64 / 2.0;
        equal.iter().for_each(|at| ranks[*at] = rank);
        place += equal.len();
    }
    ranks
}

/// What customers add, summed by cluster; as it is without clusters.
pub(crate) fn by_cluster(influence: &[f64], clusters: Option<&[u64]>) -> Vec<f64> {
    let Some(clusters) = clusters else { return influence.to_vec() };
    let mut sums = BTreeMap::new();
    for (cluster, value) in clusters.iter().zip(influence) {
        *sums.entry(*cluster).or_insert(0.0) += value;
    }
    sums.into_values().collect()
}

/// An estimate from what each customer moves it by.
///
/// The variance is G / (G − 1) Σ ψ², with ψ summed within each of G clusters (each customer one without clusters). The
/// interval is normal, or of Student's t with G − 1 degrees of freedom with clusters. Source: K.-Y. Liang and
/// S. L. Zeger, "Longitudinal data analysis using generalized linear models", Biometrika 73 (1986).
pub(crate) fn from_influence(
    value: f64,
    influence: &[f64],
    clusters: Option<&[u64]>,
    confidence: f64,
) -> Result<Estimate, Refusal> {
    let sums = by_cluster(influence, clusters);
    let count = sums.len() as f64;
    if clusters.is_some() && sums.len() < CLUSTERS_MIN {
        let what = "a standard error by clusters".into();
        return Err(Refusal::TooFew {
            what,
            unit: "clusters",
            have: sums.len() as u64,
            need: CLUSTERS_MIN as u64,
        });
    }
    let variance = count / (count - 1.0) * dot(&sums, &sums);
    match clusters {
        None => normal(value, variance, confidence),
        Some(_) => symmetric(value, variance, student_quantile(confidence, count - 1.0)?),
    }
}

/// An estimate with a normal interval.
pub(crate) fn normal(value: f64, variance: f64, confidence: f64) -> Result<Estimate, Refusal> {
    symmetric(value, variance, normal_quantile(confidence)?)
}

fn symmetric(value: f64, variance: f64, quantile: f64) -> Result<Estimate, Refusal> {
    if !(variance > 0.0 && variance.is_finite() && value.is_finite()) {
        return Err(Refusal::NoVariation { what: "the outcome".into() });
    }
    let (standard_error, half) = (variance.sqrt(), quantile * variance.sqrt());
    Ok(Estimate { value, standard_error, low: value - half, high: value + half })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_squares_finds_the_line_and_survives_columns_that_say_nothing() {
        let x: Vec<f64> = (0..50).map(f64::from).collect();
        let constant = vec![7.3; 50];
        let outcome: Vec<_> = x.iter().map(|x| 2.0 + 3.0 * x).collect();
        let design = Design::standardised(&[&x, &constant, &x], 50);
        let line = Line::fit(&design, &outcome, &vec![1.0; 50]).unwrap();
        let fitted = design.times(&line.coefficients);
        assert!(fitted.iter().zip(&outcome).all(|(a, b)| (a - b).abs() < 1e-3), "{fitted:?}");
        assert_eq!(line.coefficients[2], 0.0);
    }

    #[test]
    fn equal_values_share_their_rank() {
        assert_eq!(ranks(&[5.0, 1.0, 5.0, 0.0]), [3.5, 2.0, 3.5, 1.0]);
    }

    #[test]
    fn clusters_that_move_together_widen_the_interval() {
        let influence: Vec<f64> = (0..40).map(|i| if i / 2 % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let pairs: Vec<u64> = (0..40).map(|i| i / 2).collect();
        let alone = from_influence(0.0, &influence, None, 0.95).unwrap();
        let together = from_influence(0.0, &influence, Some(&pairs), 0.95).unwrap();
        assert!((alone.standard_error - (40.0 / 39.0 * 40.0_f64).sqrt()).abs() < 1e-12);
        assert!((together.standard_error - (20.0 / 19.0 * 80.0_f64).sqrt()).abs() < 1e-12);
        assert!(from_influence(0.0, &influence, Some(&[1; 40]), 0.95).is_err());
        assert!(from_influence(0.0, &[0.0; 9], None, 0.95).is_err());
    }
}
