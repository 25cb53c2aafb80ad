//! Percentile and BCa intervals of any statistic of arm means.

use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

use super::Resampler;
use crate::effects::{normal_quantile, probability};
use crate::{Estimate, Refusal, Sample, random};

/// A statistic, and what it was in each bootstrap draw.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    value: f64,
    /// Ascending.
    draws: Vec<f64>,
    acceleration: f64,
}

impl Bootstrap {
    /// Resamples the arms independently, `draws` times, and takes the statistic of the arms' means each time.
    ///
    /// `arms` are an array of [`Resampler`]s; the statistic sees `means[arm][column]`.
    ///
    /// ```
    /// use stratagem_measure::bootstrap::{Bootstrap, Resampler, difference};
    /// let treated = Resampler::of_values(&[0.0, 0.0, 35.0, 12.0, 7.5])?;
    /// let control = Resampler::of_values(&[0.0, 4.0, 0.0, 9.0, 0.0])?;
    /// let bootstrap = Bootstrap::new([&treated, &control], difference, 2_000, 1)?;
    /// let interval = bootstrap.percentile(0.95)?;
    /// # Ok::<(), stratagem_measure::Refusal>(())
    /// ```
    ///
    /// # Errors
    /// The statistic is not defined for the arms as they are, without one customer, or in a draw, such as a ratio whose
    /// denominator is 0; it does not vary; or there are no draws.
    pub fn new<const K: usize, const ARMS: usize>(
        arms: [&Resampler<K>; ARMS],
        statistic: impl Fn(&[[f64; K]; ARMS]) -> f64 + Sync,
        draws: usize,
        seed: u64,
    ) -> Result<Self, Refusal> {
        if draws == 0 {
            return Err(Refusal::TooFew { what: "the bootstrap".into(), unit: "draws", have: 0, need: 2 });
        }
        let means = arms.map(Resampler::means);
        let value = statistic(&means);
        let acceleration = acceleration(&arms, &means, &statistic)?;
        let mut draws: Vec<f64> = (0..draws as u64)
            .into_par_iter()
            .map(|draw| {
                let mut generator = random::stream(seed, draw);
                statistic(&arms.map(|arm| arm.draw(&mut generator).map(|sum| sum / arm.rows() as f64)))
            })
            .collect();
        let undefined = draws.iter().filter(|value| !value.is_finite()).count();
        if undefined > 0 || !value.is_finite() {
            let why = format!("it has no value in {undefined} of {} bootstrap draws", draws.len());
            return Err(Refusal::Undefined { what: "the statistic".into(), why });
        }
        draws.par_sort_unstable_by(f64::total_cmp);
        Ok(Self { value, draws, acceleration })
    }

    /// The percentile interval: between the quantiles of the draws. The standard error is their standard deviation.
    ///
    /// Source: B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.
    ///
    /// # Errors
    /// There are too few draws for the confidence, or the confidence is not between 0 and 1.
    pub fn percentile(&self, confidence: f64) -> Result<Estimate, Refusal> {
        let tail = (1.0 - probability("the confidence", confidence)?) / 2.0;
        between_quantiles(self.value, &self.draws, tail, 1.0 - tail)
    }

    /// The BCa interval: between quantiles of the draws that are corrected for bias and for a spread that changes with
    /// the value. It follows a skewed statistic to second order where the percentile interval does to first.
    ///
    /// With z₀ the normal quantile of the share of draws below the value (ties count half), a the acceleration and z a
    /// normal quantile, it reads the draws at Φ(z₀ + (z₀ + z)/(1 − a(z₀ + z))). The acceleration is the skewness of the
    /// jackknife's influences, Σ l³/n³ / 6 (Σ l²/n²)^{3/2} over arms and strata of n customers each. Source: B. Efron,
    /// "Better Bootstrap Confidence Intervals", JASA 82 (1987); for several samples A. C. Davison and D. V. Hinkley,
    /// "Bootstrap Methods and their Application" (1997), section 5.3.
    ///
    /// # Errors
    /// As for [`percentile`](Self::percentile), or the draws lie so far to one side that there is no correction.
    pub fn bca(&self, confidence: f64) -> Result<Estimate, Refusal> {
        let z = normal_quantile(confidence)?;
        let below = self.draws.partition_point(|draw| *draw < self.value);
        let up_to = self.draws.partition_point(|draw| *draw <= self.value);
        let normal = Normal::standard();
        let bias = normal.inverse_cdf((below + up_to) as f64 / (2 * self.draws.len()) as f64);
        let corrected = |z: f64| {
            let scale = 1.0 - self.acceleration * (bias + z);
            (bias.is_finite() && scale > 0.0).then(|| normal.cdf(bias + (bias + z) / scale))
        };
        let Some((low, high)) = corrected(-z).zip(corrected(z)) else {
            let why = "the draws lie too far to one side of the estimate".into();
            return Err(Refusal::Undefined { what: "the BCa interval".into(), why });
        };
        between_quantiles(self.value, &self.draws, low, high)
    }
}

/// A value with the standard deviation of its draws, which ascend, and two of their quantiles as its interval.
fn between_quantiles(value: f64, draws: &[f64], low: f64, high: f64) -> Result<Estimate, Refusal> {
    let standard_error = Sample::of(draws)?.variance.sqrt();
    Ok(Estimate { value, standard_error, low: quantile(draws, low)?, high: quantile(draws, high)? })
}

/// The p-quantile of the draws: the (draws + 1) p-th smallest, between two of them in proportion.
fn quantile(draws: &[f64], p: f64) -> Result<f64, Refusal> {
    let place = (draws.len() + 1) as f64 * p;
    if !(1.0..=draws.len() as f64).contains(&place) {
        let need = (1.0 / p.min(1.0 - p)).ceil() as u64 - 1;
        let have = draws.len() as u64;
        return Err(Refusal::TooFew { what: "the bootstrap".into(), unit: "draws", have, need });
    }
    let below = draws[place as usize - 1];
    let above = draws[(place as usize).min(draws.len() - 1)];
    Ok(below + place.fract() * (above - below))
}

/// The percentile interval of a value whose draws were made elsewhere, as [`Bootstrap::percentile`].
///
/// # Errors
/// There are too few draws for the confidence, or the confidence is not between 0 and 1.
pub(crate) fn percentile(value: f64, mut draws: Vec<f64>, confidence: f64) -> Result<Estimate, Refusal> {
    let tail = (1.0 - probability("the confidence", confidence)?) / 2.0;
    draws.par_sort_unstable_by(f64::total_cmp);
    between_quantiles(value, &draws, tail, 1.0 - tail)
}

/// The acceleration of BCa, by leaving out one customer after another: a sixth of the influences' skewness.
///
/// An arm's mean without a customer is in closed form, so that each costs one evaluation of the statistic.
fn acceleration<const K: usize, const ARMS: usize>(
    arms: &[&Resampler<K>; ARMS],
    means: &[[f64; K]; ARMS],
    statistic: &impl Fn(&[[f64; K]; ARMS]) -> f64,
) -> Result<f64, Refusal> {
    let (mut squares, mut cubes) = (0.0, 0.0);
    let mut without = *means;
    for (arm, resampler) in arms.iter().enumerate() {
        for stratum in resampler.strata() {
            let n = stratum.rows() as f64;
            if n < 2.0 {
                continue;
            }
            // A stratum keeps its weight in the arm when it loses a customer.
            let weight = n / resampler.rows() as f64 / (n - 1.0);
            let centre = stratum.sums().map(|sum| sum / n);
            let values: Vec<(f64, f64)> = stratum
                .weighted_rows()
                .map(|(row, times)| {
                    for column in 0..K {
                        without[arm][column] = means[arm][column] + weight * (centre[column] - row[column]);
                    }
                    (statistic(&without), times as f64)
                })
                .collect();
            without[arm] = means[arm];
            let mean = values.iter().map(|(value, times)| value * times).sum::<f64>() / n;
            for (value, times) in values {
                let influence = (n - 1.0) * (mean - value) / n;
                squares += times * influence * influence;
                cubes += times * influence * influence * influence;
            }
        }
    }
    // What rounding leaves of equal customers is no variation.
    let largest = means.as_flattened().iter().fold(0.0_f64, |largest, mean| largest.max(mean.abs()));
    if squares.sqrt() <= 1e-12 * largest {
        return Err(Refusal::NoVariation { what: "the statistic".into() });
    }
    let acceleration = cubes / (6.0 * f64::powf(squares, 1.5));
    if !acceleration.is_finite() {
        let why = "it has no value without one of the customers".into();
        return Err(Refusal::Undefined { what: "the statistic".into(), why });
    }
    Ok(acceleration)
}

#[cfg(test)]
mod tests {
    use super::super::{difference, mean, ratio, relative_lift};
    use super::*;

    /// Skewed values, most of them 0.
    fn spend(n: u32) -> Vec<f64> {
        (0..n).map(|i| if i % 4 == 0 { f64::from(i * i % 89) } else { 0.0 }).collect()
    }

    #[test]
    fn percentiles_of_many_draws_are_those_of_the_law() {
        // The mean of two values, each 0 or 1: 0, 1/2, 1/2, 1. Ends between are reached only by its quantiles.
        let arm = Resampler::of_values(&[0.0, 1.0]).unwrap();
        let bootstrap = Bootstrap::new([&arm], mean, 9_999, 1).unwrap();
        let half = bootstrap.percentile(0.4).unwrap();
        assert_eq!((half.value, half.low, half.high), (0.5, 0.5, 0.5));
        let all = bootstrap.percentile(0.6).unwrap();
        assert_eq!((all.low, all.high), (0.0, 1.0));
        assert!((all.standard_error - 0.125_f64.sqrt()).abs() < 0.01, "{all:?}");
    }

    #[test]
    fn a_mean_is_accelerated_by_a_sixth_of_its_skewness() {
        // Efron (1987): a = skewness / 6√n, with the moments of the sample itself.
        let values = spend(1_000);
        let n = values.len() as f64;
        let moment = |power| {
            let centre = values.iter().sum::<f64>() / n;
            values.iter().map(|value| (value - centre).powi(power)).sum::<f64>() / n
        };
        let expected = moment(3) / moment(2).powf(1.5) / 6.0 / n.sqrt();
        let arm = Resampler::of_values(&values).unwrap();
        let found = Bootstrap::new([&arm], mean, 99, 1).unwrap().acceleration;
        assert!((found / expected - 1.0).abs() < 1e-9, "{found}, {expected}");
        // Turned around, two arms alike are skewed alike: nothing is left.
        assert!(Bootstrap::new([&arm, &arm], difference, 99, 1).unwrap().acceleration.abs() < 1e-12);
    }

    #[test]
    fn the_closed_form_jackknife_leaves_out_one_customer_of_a_stratum() {
        let (first, second) = (spend(60), spend(45));
        let rows: Vec<[f64; 2]> = first.iter().chain(&second).map(|value| [*value, value + 3.0]).collect();
        let strata: Vec<u32> = (0..105).map(|row| u32::from(row >= 60)).collect();
        let (mut squares, mut cubes) = (0.0, 0.0);
        for (stratum, n) in [(0, 60.0), (1, 45.0)] {
            let values: Vec<f64> = (0..105)
                .filter(|row| strata[*row] == stratum)
                .map(|left_out| {
                    // Strata weigh as before: the one that lost a customer is scaled up.
                    let mut means = [[0.0; 2]];
                    for row in (0..105).filter(|row| *row != left_out) {
                        let weight = if strata[row] == stratum { n / (n - 1.0) } else { 1.0 };
                        means[0][0] += rows[row][0] * weight / 105.0;
                        means[0][1] += rows[row][1] * weight / 105.0;
                    }
                    ratio(&means)
                })
                .collect();
            let mean = values.iter().sum::<f64>() / n;
            let influences = values.iter().map(|value| (n - 1.0) * (mean - value) / n);
            squares += influences.clone().map(|influence| influence.powi(2)).sum::<f64>();
            cubes += influences.map(|influence| influence.powi(3)).sum::<f64>();
        }
        let arm = Resampler::stratified(&rows, &strata).unwrap();
        let found = Bootstrap::new([&arm], ratio, 99, 1).unwrap().acceleration;
        let expected = cubes / (6.0 * f64::powf(squares, 1.5));
        assert!((found / expected - 1.0).abs() < 1e-9, "{found}, {expected}");
    }

    #[test]
    fn bca_follows_the_skewness_of_a_mean() {
        // Means of exponential values: the exact 95 % interval is 2 n mean / χ²(2n), far from symmetric for n = 20.
        let quantiles = (0..20).map(|i| -(1.0 - (f64::from(i) + 0.5) / 20.0_f64).ln());
        let arm = Resampler::of_values(&quantiles.collect::<Vec<_>>()).unwrap();
        let bootstrap = Bootstrap::new([&arm], mean, 20_000, 1).unwrap();
        let (percentile, bca) = (bootstrap.percentile(0.95).unwrap(), bootstrap.bca(0.95).unwrap());
        let exact = [40.0 / 59.342, 40.0 / 24.433].map(|factor| factor * bca.value);
        assert!(percentile.low < bca.low && bca.low < exact[0] + 0.02, "{percentile:?}, {bca:?}, {exact:?}");
        assert!(percentile.high < bca.high && bca.high < exact[1], "{percentile:?}, {bca:?}, {exact:?}");
    }

    #[test]
    fn bca_reads_normal_draws_where_the_formula_says() {
        // Draws at normal quantiles, the value at 0.2 of them: the ends are z₀ + (z₀ ± z)/(1 − a(z₀ ± z)).
        let normal = Normal::standard();
        let draws = (1..100_000).map(|i| normal.inverse_cdf(f64::from(i) / 100_000.0)).collect();
        let found = Bootstrap { value: 0.2, draws, acceleration: 0.05 }.bca(0.95).unwrap();
        assert!((found.low - -1.417617).abs() < 1e-3 && (found.high - 2.621488).abs() < 1e-3, "{found:?}");
    }

    #[test]
    fn what_the_draws_cannot_tell_is_refused() {
        let arm = Resampler::of_values(&spend(100)).unwrap();
        let few = Bootstrap::new([&arm], mean, 38, 1).unwrap();
        let refusal = few.percentile(0.95).unwrap_err();
        assert!(matches!(refusal, Refusal::TooFew { have: 38, need: 39, .. }), "{refusal}");
        assert!(few.percentile(0.9).is_ok() && few.percentile(1.0).is_err());
        assert!(Bootstrap::new([&arm], mean, 0, 1).is_err());
        // One buyer in the control: without him there is no lift.
        let one = Resampler::of_values(&[0.0, 0.0, 0.0, 5.0]).unwrap();
        let refusal = Bootstrap::new([&arm, &one], relative_lift, 99, 1).unwrap_err();
        assert!(matches!(refusal, Refusal::Undefined { .. }), "{refusal}");
        let same = Resampler::of_values(&[2.0; 10]).unwrap();
        assert!(matches!(Bootstrap::new([&same], mean, 99, 1), Err(Refusal::NoVariation { .. })));
        // 0.1 has no exact binary form: its means differ from it by rounding.
        let [first, second] = [1_000, 700].map(|n| Resampler::of_values(&vec![0.1; n]).unwrap());
        let refusal = Bootstrap::new([&first, &second], difference, 99, 1).unwrap_err();
        assert!(matches!(refusal, Refusal::NoVariation { .. }), "{refusal}");
    }
}
