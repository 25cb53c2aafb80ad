//! Two-sided quantiles and p-values of the normal and Student distributions.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use crate::Refusal;

/// The z with P(|Z| ≤ z) = confidence, of a standard normal Z.
pub(crate) fn normal_quantile(confidence: f64) -> Result<f64, Refusal> {
    Ok(Normal::standard().inverse_cdf(upper(confidence)?))
}

/// The t with P(|T| ≤ t) = confidence, of a Student T with these degrees of freedom, above 0.
///
/// Above 1,000 degrees of freedom by the expansion around the normal quantile, to 1e-13, because the inversion of
/// `statrs` loses digits there (6 of them at a million, all at 100 million). Source: M. Abramowitz and I. A. Stegun,
/// "Handbook of Mathematical Functions" (1964), 26.7.5.
pub(crate) fn student_quantile(confidence: f64, freedom: f64) -> Result<f64, Refusal> {
    if freedom <= 1_000.0 {
        return Ok(student(freedom).inverse_cdf(upper(confidence)?));
    }
    let z = normal_quantile(confidence)?;
    let z2 = z * z;
    let first = z * (z2 + 1.0) / 4.0;
    let second = z * ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0;
    let third = z * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0;
    let fourth = z * ((((79.0 * z2 + 776.0) * z2 + 1482.0) * z2 - 1920.0) * z2 - 945.0) / 92_160.0;
    Ok(z + (first + (second + (third + fourth / freedom) / freedom) / freedom) / freedom)
}

/// P(|Z| ≥ |z|) of a standard normal Z: the two-sided p-value of an estimate z standard errors from the null.
///
/// # Errors
/// `z` is not a number.
pub fn normal_p_value(z: f64) -> Result<f64, Refusal> {
    Ok(2.0 * Normal::standard().sf(number("the z statistic", z)?.abs()))
}

/// P(|T| ≥ |t|) of a Student T: the two-sided p-value with these degrees of freedom, above 0.
///
/// Above 100,000 degrees of freedom by the normal of a transformed t, to 1e-9 for |t| up to 5, because the tail of
/// `statrs` loses digits there. Source: D. L. Wallace, "Bounds on Normal Approximations to Student's and the Chi-Square
/// Distributions", Annals of Mathematical Statistics 30 (1959).
///
/// # Errors
/// `t` is not a number, or the degrees of freedom are not above 0.
pub fn student_p_value(t: f64, freedom: f64) -> Result<f64, Refusal> {
    let freedom = above_zero("the number of degrees of freedom", freedom)?;
    if freedom <= 1e5 {
        return Ok(2.0 * student(freedom).sf(number("the t statistic", t)?.abs()));
    }
    let z = (8.0 * freedom + 1.0) / (8.0 * freedom + 3.0) * (freedom * (t * t / freedom).ln_1p()).sqrt();
    normal_p_value(z)
}

fn student(freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, freedom).expect("the degrees of freedom are positive")
}

/// The probability up to the upper end of a two-sided interval.
fn upper(confidence: f64) -> Result<f64, Refusal> {
    Ok(0.5 + probability("the confidence", confidence)? / 2.0)
}

/// A value that must lie strictly between 0 and 1.
pub(crate) fn probability(what: &str, value: f64) -> Result<f64, Refusal> {
    let within = 0.0 < value && value < 1.0;
    within.then_some(value).ok_or(Refusal::BadValue { what: what.into(), value, must: "between 0 and 1" })
}

/// A value that must be finite and above 0.
pub(super) fn above_zero(what: &str, value: f64) -> Result<f64, Refusal> {
    let within = 0.0 < value && value < f64::INFINITY;
    within.then_some(value).ok_or(Refusal::BadValue { what: what.into(), value, must: "finite and above 0" })
}

fn number(what: &str, value: f64) -> Result<f64, Refusal> {
    (!value.is_nan()).then_some(value).ok_or(Refusal::BadValue { what: what.into(), value, must: "a number" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_p_values_agree_with_tables() {
        assert!((normal_quantile(0.95).unwrap() - 1.959963984540054).abs() < 1e-12);
        assert!((normal_p_value(-1.959963984540054).unwrap() - 0.05).abs() < 1e-11);
        assert!((normal_p_value(10.0).unwrap() / 1.523970604832105e-23 - 1.0).abs() < 1e-9);
        // scipy 1.17: stats.t.ppf(0.975, freedom).
        #[rustfmt::skip]
        let quantiles = [
            (1.0,      12.706204736174694),
            (10.0,     2.228138851986274),
            (1_000.0,  1.9623390808264083),
            (1_001.0,  1.9623367052808798),
            (33_000.5, 1.9600358730496705),
            (1e6,      1.959966356814107),
            (1e12,     1.9599639845424262),
        ];
        for (freedom, expected) in quantiles {
            let found = student_quantile(0.95, freedom).unwrap();
            assert!((found / expected - 1.0).abs() < 1e-12, "{freedom}: {found}");
            let p_value = student_p_value(-expected, freedom).unwrap();
            assert!((p_value - 0.05).abs() < 1e-10, "{freedom}: {p_value}");
        }
        assert_eq!(student_p_value(f64::INFINITY, 3.0), Ok(0.0));
        assert!(normal_p_value(f64::NAN).is_err() && student_p_value(1.0, 0.0).is_err());
        assert!([0.0, 1.0, 95.0, f64::NAN].iter().all(|confidence| normal_quantile(*confidence).is_err()));
    }
}
