//! What every estimator here takes and gives: a sample's moments, and a number with its interval.

use serde::{Deserialize, Serialize};

use crate::Refusal;

/// A number that was estimated, with its standard error and its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Estimate {
    pub value: f64,
    pub standard_error: f64,
    pub low: f64,
    pub high: f64,
}

impl Estimate {
    /// Whether the interval excludes a value.
    pub fn excludes(&self, value: f64) -> bool {
        value < self.low || self.high < value
    }

    /// Everything times a factor, such as a number of customers.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        let (low, high) = (self.low * factor, self.high * factor);
        Self {
            value: self.value * factor,
            standard_error: self.standard_error * factor.abs(),
            low: low.min(high),
            high: low.max(high),
        }
    }
}

/// Count, mean and unbiased variance of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sample {
    pub count: u64,
    pub mean: f64,
    /// Σ(x − mean)² / (n − 1); 0 for a single value.
    pub variance: f64,
}

impl Sample {
    /// The moments of values, by two passes.
    ///
    /// # Errors
    /// There are no values.
    pub fn of(values: &[f64]) -> Result<Self, Refusal> {
        if values.is_empty() {
            return Err(Refusal::TooFew { what: "the sample".into(), unit: "values", have: 0, need: 1 });
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
        // What rounding leaves of equal values is no variance.
        let rounding = n * (mean * 1e-12).powi(2);
        let variance = if values.len() > 1 && squares > rounding { squares / (n - 1.0) } else { 0.0 };
        Ok(Self { count: values.len() as u64, mean, variance })
    }

    /// The moments of `hits` ones among `of` values.
    ///
    /// # Errors
    /// There are no values, or more hits than values.
    pub fn of_hits(hits: u64, of: u64) -> Result<Self, Refusal> {
        if hits > of {
            let what = "the number of hits".into();
            return Err(Refusal::BadValue { what, value: hits as f64, must: "at most the number of values" });
        }
        Moments { count: of, sum: hits as i64, squares: i128::from(hits) }.sample()
    }

    /// Standard error of the mean.
    pub fn standard_error(&self) -> f64 {
        (self.variance / self.count as f64).sqrt()
    }
}

/// Count, sum and sum of squares of integers: exact, and added up in any order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Moments {
    pub count: u64,
    pub sum: i64,
    pub squares: i128,
}

impl Moments {
    /// Takes in a value.
    pub fn add(&mut self, value: i64) {
        self.count += 1;
        self.sum += value;
        self.squares += i128::from(value) * i128::from(value);
    }

    /// Takes in other moments.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// Mean and unbiased variance. The sums are exact, so nothing cancels.
    ///
    /// # Errors
    /// There are no values.
    pub fn sample(&self) -> Result<Sample, Refusal> {
        if self.count == 0 {
            return Err(Refusal::TooFew { what: "the sample".into(), unit: "values", have: 0, need: 1 });
        }
        let (n, sum) = (i128::from(self.count), i128::from(self.sum));
        let mean = self.sum as f64 / self.count as f64;
        let variance = match n.checked_mul(self.squares).zip(sum.checked_mul(sum)) {
            _ if n < 2 => 0.0,
            Some((squares, square)) => (squares - square) as f64 / (n as f64 * (n - 1) as f64),
            None => (self.squares as f64 - mean * self.sum as f64) / (n - 1) as f64,
        };
        Ok(Sample { count: self.count, mean, variance })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_sums_and_floats_have_the_same_moments() {
        let values = [1_000_000_007_i64, 1_000_000_009, 1_000_000_011, -5];
        let mut moments = Moments::default();
        values.iter().for_each(|value| moments.add(*value));
        let exact = moments.sample().unwrap();
        let floats = Sample::of(&values.map(|value| value as f64)).unwrap();
        assert!((exact.mean - floats.mean).abs() < 1e-6);
        assert!((exact.variance / floats.variance - 1.0).abs() < 1e-12);
        assert_eq!(Sample::of_hits(3, 12).unwrap().mean, 0.25);
        assert_eq!(Sample::of(&[19.99; 1_000]).unwrap().variance, 0.0);
        assert!(Sample::of_hits(5, 3).is_err());
        assert!(Sample::of(&[]).is_err() && Moments::default().sample().is_err());
    }
}
