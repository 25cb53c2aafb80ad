//! Several variants against one control: the Westfall-Young max-T correction, which uses how the tests depend.

use rand::Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::distribution::probability;
use super::means::variances_of_means;
use crate::bootstrap::Resampler;
use crate::{Estimate, Refusal, Sample, random};

/// A variant against the control, corrected for the other variants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Comparison {
    /// Variant less control; all intervals together hold with the confidence asked for.
    pub difference: Estimate,
    /// The difference in its standard errors.
    pub t: f64,
    /// Step-down: at or below 1 − confidence whenever the interval excludes 0, and sometimes when it does not.
    pub adjusted_p_value: f64,
}

/// Each variant's mean less the control's, corrected for there being several: the probability of any false rejection,
/// and of any interval that misses, is about 1 − confidence at most in large arms.
///
/// In each of `draws` bootstrap draws every arm is resampled from its own customers less their mean, so that no variant
/// has an effect while spreads and the shared control stay, and t* of each variant is Welch's. The adjusted p-value is
/// (1 + the draws with max |t*| ≥ |t|) / (1 + draws), the maximum over the variants not yet stepped over, in descending
/// order of |t|. The intervals are d ± c SE, with c the quantile of max |t*| over all variants. Source: P. H. Westfall and
/// S. S. Young, "Resampling-Based Multiple Testing" (1993), algorithm 4.1; Y. Ge, S. Dudoit, T. P. Speed,
/// "Resampling-based multiple testing for microarray data analysis", Test 12 (2003).
///
/// # Errors
/// There is no variant, an arm has fewer than two customers or values that are not finite, a variant and the control do
/// not vary, or there are too few draws for the confidence.
pub fn max_t(
    control: &[f64],
    variants: &[&[f64]],
    confidence: f64,
    draws: usize,
    seed: u64,
) -> Result<Vec<Comparison>, Refusal> {
    probability("the confidence", confidence)?;
    if variants.is_empty() {
        return Err(Refusal::TooFew { what: "the experiment".into(), unit: "variants", have: 0, need: 1 });
    }
    let critical_rank = ((draws + 1) as f64 * confidence).ceil() as usize;
    if critical_rank > draws {
        let need = (confidence / (1.0 - confidence)).ceil() as u64;
        return Err(Refusal::TooFew {
            what: "the bootstrap".into(),
            unit: "draws",
            have: draws as u64,
            need,
        });
    }
    let control = Arm::of(control)?;
    let variants = variants.iter().map(|values| Arm::of(values)).collect::<Result<Vec<_>, _>>()?;
    let mut found =
        variants.iter().map(|variant| variant.against(&control)).collect::<Result<Vec<_>, _>>()?;
    let mut order: Vec<usize> = (0..variants.len()).collect();
    order.sort_by(|one, other| found[*other].t.abs().total_cmp(&found[*one].t.abs()));
    let ordered: Vec<&Arm> = order.iter().map(|variant| &variants[*variant]).collect();
    let maxima: Vec<Vec<f64>> = (0..draws as u64)
        .into_par_iter()
        .map(|draw| maxima_from(&control, &ordered, &mut random::stream(seed, draw)))
        .collect();
    let mut largest: Vec<f64> = maxima.iter().map(|maxima| maxima[0]).collect();
    largest.sort_by(f64::total_cmp);
    let critical = largest[critical_rank - 1];
    if critical.is_infinite() {
        return Err(Refusal::NoVariation { what: "the outcome in many bootstrap draws".into() });
    }
    let mut before: f64 = 0.0;
    for (place, variant) in order.into_iter().enumerate() {
        let Comparison { difference, t, adjusted_p_value } = &mut found[variant];
        let reached = maxima.iter().filter(|maxima| maxima[place] >= t.abs()).count();
        before = before.max((1 + reached) as f64 / (1 + draws) as f64);
        *adjusted_p_value = before;
        difference.low = difference.value - critical * difference.standard_error;
        difference.high = difference.value + critical * difference.standard_error;
    }
    Ok(found)
}

/// The largest |t*| of a draw among the variants from each one on.
fn maxima_from(control: &Arm, variants: &[&Arm], generator: &mut impl Rng) -> Vec<f64> {
    let control = control.resampled(generator);
    let mut maxima: Vec<f64> =
        variants.iter().map(|variant| t_of(&variant.resampled(generator), &control).abs()).collect();
    for place in (1..maxima.len()).rev() {
        maxima[place - 1] = maxima[place - 1].max(maxima[place]);
    }
    maxima
}

struct Arm {
    sample: Sample,
    /// Each value less the mean, and its square.
    centred: Resampler<2>,
}

impl Arm {
    fn of(values: &[f64]) -> Result<Self, Refusal> {
        let sample = Sample::of(values)?;
        let rows: Vec<[f64; 2]> =
            values.iter().map(|value| value - sample.mean).map(|value| [value, value * value]).collect();
        Ok(Self { sample, centred: Resampler::new(&rows)? })
    }

    /// The difference from the control, its interval and p-value still to be found.
    fn against(&self, control: &Self) -> Result<Comparison, Refusal> {
        let (one, two) = variances_of_means(&self.sample, &control.sample)?;
        let (value, standard_error) = (self.sample.mean - control.sample.mean, (one + two).sqrt());
        let difference = Estimate { value, standard_error, low: value, high: value };
        Ok(Comparison { difference, t: value / standard_error, adjusted_p_value: 1.0 })
    }

    fn resampled(&self, generator: &mut impl Rng) -> Sample {
        let [sum, squares] = self.centred.draw(generator);
        let n = self.sample.count as f64;
        let mean = sum / n;
        Sample { count: self.sample.count, mean, variance: ((squares - sum * mean) / (n - 1.0)).max(0.0) }
    }
}

/// Welch's t of a draw; where nothing varies it is as far out as can be, unless there is no difference.
fn t_of(variant: &Sample, control: &Sample) -> f64 {
    let difference = variant.mean - control.mean;
    if difference == 0.0 {
        return 0.0;
    }
    difference / (variant.variance / variant.count as f64 + control.variance / control.count as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::super::{holm, normal_p_value, welch};
    use super::*;

    /// A control and three variants of 400 customers, of whom a quarter spend 8 on average, 8, a tenth more, and twice
    /// as much.
    fn arms() -> [Vec<f64>; 4] {
        let mut generator = random::stream(5, 0);
        [1.0, 1.0, 1.1, 2.0].map(|factor| {
            let mut spend =
                || f64::from(u8::from(generator.random_bool(0.25))) * generator.random_range(2.0..14.0);
            (0..400).map(|_| factor * spend()).collect()
        })
    }

    #[test]
    fn adjusted_p_values_and_intervals_agree_and_lie_between_none_and_holm() {
        let [control, one, two, three] = arms();
        let found = max_t(&control, &[&one, &two, &three], 0.95, 1_999, 1).unwrap();
        let unadjusted: Vec<f64> = found.iter().map(|variant| normal_p_value(variant.t).unwrap()).collect();
        let holm = holm(&unadjusted, 0.05).unwrap();
        for ((comparison, unadjusted), holm) in found.iter().zip(&unadjusted).zip(&holm) {
            let adjusted = comparison.adjusted_p_value;
            assert!(
                *unadjusted - 0.01 <= adjusted && adjusted <= holm.adjusted_p_value + 0.02,
                "{found:?}, {holm:?}"
            );
            assert!(!comparison.difference.excludes(0.0) || adjusted <= 0.05, "{comparison:?}");
        }
        assert!(found[2].difference.excludes(0.0) && found[2].adjusted_p_value < 0.01, "{found:?}");
        assert_eq!(found, max_t(&control, &[&one, &two, &three], 0.95, 1_999, 1).unwrap());
    }

    #[test]
    fn variants_equally_far_from_the_control_are_corrected_alike() {
        let [control, variant, ..] = arms();
        let found = max_t(&control, &[&variant, &variant], 0.95, 999, 1).unwrap();
        assert_eq!(found[0], found[1]);
    }

    #[test]
    fn one_variant_is_an_ordinary_test() {
        let [control, variant, ..] = arms();
        let found = max_t(&control, &[&variant], 0.95, 9_999, 1).unwrap()[0];
        let welch = welch(&Sample::of(&variant).unwrap(), &Sample::of(&control).unwrap(), 0.95).unwrap();
        assert_eq!(
            (found.difference.value, found.difference.standard_error),
            (welch.value, welch.standard_error)
        );
        assert!((found.difference.high / welch.high - 1.0).abs() < 0.05, "{found:?}, {welch:?}");
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let [control, variant, ..] = arms();
        assert!(max_t(&control, &[], 0.95, 999, 1).is_err());
        assert!(max_t(&control, &[&[1.0]], 0.95, 999, 1).is_err());
        assert!(max_t(&[0.0; 5], &[&[0.0; 5]], 0.95, 999, 1).is_err());
        let few = max_t(&control, &[&variant], 0.95, 18, 1).unwrap_err();
        assert!(matches!(few, Refusal::TooFew { have: 18, need: 19, .. }), "{few}");
        assert!(max_t(&control, &[&variant], 0.95, 19, 1).is_ok());
    }
}
