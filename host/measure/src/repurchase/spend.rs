//! Gamma-Gamma: what an order of a customer is worth, from the mean of the orders seen so far.

use serde::{Deserialize, Serialize};
use statrs::function::gamma::{digamma, ln_gamma};

use super::counted::Counted;
use super::fit::{Fit, parameters};
use super::history::in_row;
use super::maximum::{Evaluation, maximise};
use crate::Refusal;

/// What a customer has spent on orders: their number and their mean value.
///
/// First orders often differ from later ones, so the literature takes repeat orders only.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Spending {
    orders: u32,
    mean: f64,
}

impl Spending {
    /// A customer whose `orders` orders (x) were worth `mean` on average, in any unit of money.
    ///
    /// # Errors
    /// There are no orders, or the mean is not finite and above 0: the model knows no free orders, so leave out
    /// customers with nothing else.
    pub fn new(orders: u32, mean: f64) -> Result<Self, Refusal> {
        if orders == 0 {
            let what = "the number of orders".into();
            return Err(Refusal::BadValue { what, value: 0.0, must: "at least 1" });
        }
        if !(mean.is_finite() && mean > 0.0) {
            let what = "the mean value of the orders".into();
            return Err(Refusal::BadValue { what, value: mean, must: "finite and above 0" });
        }
        Ok(Self { orders, mean })
    }

    /// Rows of (`orders`, `mean`), as in [`new`](Self::new).
    ///
    /// # Errors
    /// As there; the message names the row, counted from 1.
    pub fn of_rows(rows: &[(u32, f64)]) -> Result<Vec<Self>, Refusal> {
        let row =
            |(index, &(orders, mean))| Self::new(orders, mean).map_err(|refusal| in_row(index, refusal));
        rows.iter().enumerate().map(row).collect()
    }

    fn counted(spendings: &[Self]) -> Counted<Self> {
        Counted::of(spendings, |spending| (spending.orders, spending.mean.to_bits()))
    }

    fn total(&self) -> f64 {
        f64::from(self.orders) * self.mean
    }
}

/// The Gamma-Gamma model of order values, with its parameters.
///
/// Order values of a customer are Gamma(p, ν) with ν ~ Gamma(q, v), independent of how often the customer orders.
/// Where frequent customers spend more or less than others the model is biased: look at the correlation first.
/// Source: P. Fader, B. Hardie, "The Gamma-Gamma Model of Monetary Value" (2013).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "Unchecked")]
pub struct GammaGamma {
    p: f64,
    q: f64,
    v: f64,
}

/// Parameters as they were stored.
#[derive(Deserialize)]
struct Unchecked {
    p: f64,
    q: f64,
    v: f64,
}

impl TryFrom<Unchecked> for GammaGamma {
    type Error = Refusal;

    fn try_from(Unchecked { p, q, v }: Unchecked) -> Result<Self, Refusal> {
        Self::new(p, q, v)
    }
}

impl GammaGamma {
    const NAME: &str = "Gamma-Gamma";
    const NAMES: [&str; 3] = ["p", "q", "v"];

    /// A model with shapes p and q and scale v; v is in the unit of money.
    ///
    /// # Errors
    /// One is not from 1e-50 to 1e50.
    pub fn new(p: f64, q: f64, v: f64) -> Result<Self, Refusal> {
        check_parameters(Self::NAME, &Self::NAMES, &[p, q, v])?;
        Ok(Self { p, q, v })
    }

    /// p, q and v.
    pub fn parameters(&self) -> [f64; 3] {
        [self.p, self.q, self.v]
    }

    /// Fits the model by maximum likelihood, as [`Kind::fit`](super::Kind::fit) does.
    ///
    /// # Errors
    /// There are fewer than ten customers, or the likelihood has no maximum within reach.
    pub fn fit(spendings: &[Spending]) -> Result<Fit<Self>, Refusal> {
        let have = spendings.len() as u64;
        if have < 10 {
            return Err(Refusal::TooFew { what: Self::NAME.into(), unit: "customers", have, need: 10 });
        }
        let counted = Spending::counted(spendings);
        let mean = spendings.iter().map(|spending| spending.mean).sum::<f64>() / have as f64;
        let start = |p: f64, q: f64| [p.ln(), q.ln(), (mean * (q - 1.0) / p).ln()];
        let model = |[p, q, v]: [f64; 3]| Self { p: p.exp(), q: q.exp(), v: v.exp() };
        let maximum = maximise(Self::NAME, Self::NAMES, have, &[start(5.0, 4.0), start(1.0, 10.0)], |at| {
            model(*at).evaluate(&counted)
        })?;
        let Self { p, q, v } = model(maximum.at);
        Ok(Fit {
            model: Self::new(p, q, v)?,
            parameters: parameters(Self::NAMES, &maximum),
            log_likelihood: maximum.value,
            customers: have,
        })
    }

    /// The log-likelihood of the means, given the numbers of orders, in the unit of money they are in.
    pub fn log_likelihood(&self, spendings: &[Spending]) -> f64 {
        self.evaluate(&Spending::counted(spendings)).value
    }

    /// L = Γ(p x + q) / (Γ(p x) Γ(q)) · v^q m^(p x − 1) x^(p x) / (v + x m)^(p x + q), with its derivatives by the
    /// logarithms of the parameters.
    fn evaluate(&self, counted: &Counted<Spending>) -> Evaluation<3> {
        let &Self { p, q, v } = self;
        let group = |orders: u32| {
            let x = f64::from(orders);
            let both = p * x + q;
            let constant = ln_gamma(both) - ln_gamma(p * x) - ln_gamma(q) + p * x * x.ln() + q * v.ln();
            (x, constant, digamma(both) - digamma(p * x) + x.ln(), digamma(both) - digamma(q) + v.ln())
        };
        let [value, by_p, by_q, by_v] = counted.sum(group, |&(x, constant, by_p, by_q), spending| {
            let (ln_mean, sum) = (spending.mean.ln(), v + spending.total());
            let ln_sum = sum.ln();
            let value = constant + (p * x - 1.0) * ln_mean - (p * x + q) * ln_sum;
            [value, x * (by_p + ln_mean - ln_sum), by_q - ln_sum, q / v - (p * x + q) / sum]
        });
        Evaluation { value, gradient: [by_p * p, by_q * q, by_v * v] }
    }

    /// The expected value of an order: p (v + x m) / (p x + q − 1) of a customer with orders, p v / (q − 1) of one
    /// without.
    ///
    /// # Errors
    /// The expectation is infinite: p x + q is 1 or less.
    pub fn expected_spend(&self, spending: Option<&Spending>) -> Result<f64, Refusal> {
        let (shape, rate) = self.after(spending);
        if shape <= 1.0 {
            let (what, must) =
                ("shape p x + q of Gamma-Gamma".into(), "above 1, or the expected spend is infinite");
            return Err(Refusal::BadValue { what, value: shape, must });
        }
        Ok(self.p * rate / (shape - 1.0))
    }

    /// Shape and rate of ν after what was spent: Gamma(q + p x, v + x m).
    pub(super) fn after(&self, spending: Option<&Spending>) -> (f64, f64) {
        spending.map_or((self.q, self.v), |spending| {
            (self.q + self.p * f64::from(spending.orders), self.v + spending.total())
        })
    }
}

/// Refuses parameters that are not positive numbers within reason.
pub(super) fn check_parameters(model: &str, names: &[&str], values: &[f64]) -> Result<(), Refusal> {
    for (name, value) in names.iter().zip(values) {
        if !(1e-50..=1e50).contains(value) {
            let what = format!("parameter `{name}` of {model}");
            return Err(Refusal::BadValue { what, value: *value, must: "from 1e-50 to 1e50" });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, Gamma};
    use rayon::iter::{IntoParallelIterator, ParallelIterator};

    use super::*;
    use crate::random;

    #[test]
    fn published_formulas_agree_to_twelve_digits() {
        // log-likelihood and expected spend by the formulas in 50 digits (mpmath).
        let model = GammaGamma::new(6.25, 3.74, 15.44).unwrap();
        for (orders, mean, likelihood, spend) in [
            (2, 22.35, -3.5513167597317046, 24.663713910761157),
            (1, 11.77, -3.73770967874084, 18.916852057842046),
            (40, 73.5, -6.062719857957578, 73.0849885257577),
        ] {
            let spending = Spending::new(orders, mean).unwrap();
            assert!((model.log_likelihood(&[spending]) / likelihood - 1.0).abs() < 1e-12);
            assert!((model.expected_spend(Some(&spending)).unwrap() / spend - 1.0).abs() < 1e-12);
        }
        assert!((model.expected_spend(None).unwrap() / 35.21897810218978 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn intervals_hold_the_parameters_in_95_of_100_simulated_worlds() {
        let parameters = [2.0, 3.0, 20.0];
        let [p, q, v] = parameters;
        let held: Vec<[bool; 3]> = (0..400_u64)
            .into_par_iter()
            .map(|world| {
                let mut generator = random::stream(world, 0);
                let customer = |index: u32| {
                    let orders = 1 + index % 6;
                    let level = Gamma::new(q, 1.0 / v).unwrap().sample(&mut generator);
                    let total =
                        Gamma::new(p * f64::from(orders), 1.0 / level).unwrap().sample(&mut generator);
                    (orders, total / f64::from(orders))
                };
                let rows: Vec<_> = (0..800).map(customer).collect();
                let fit = GammaGamma::fit(&Spending::of_rows(&rows).unwrap()).unwrap();
                std::array::from_fn(|index| !fit.parameters[index].estimate.excludes(parameters[index]))
            })
            .collect();
        let coverage: [f64; 3] =
            std::array::from_fn(|index| held.iter().filter(|held| held[index]).count() as f64 / 400.0);
        assert!(coverage.iter().all(|share| (0.93..=0.97).contains(share)), "{coverage:?}");
    }

    #[test]
    fn an_infinite_mean_is_refused_and_so_is_a_free_order() {
        let model = GammaGamma::new(0.5, 0.75, 10.0).unwrap();
        assert!(model.expected_spend(None).unwrap_err().to_string().contains("0.75"));
        assert!(model.expected_spend(Some(&Spending::new(1, 20.0).unwrap())).is_ok());
        for (orders, mean) in [(0, 20.0), (1, 0.0), (1, -3.0), (1, f64::NAN), (1, f64::INFINITY)] {
            let refusal = Spending::of_rows(&[(1, 20.0), (orders, mean)]).unwrap_err();
            assert!(refusal.to_string().starts_with("row 2: the "), "{refusal}");
        }
    }

    #[test]
    fn customers_who_spend_alike_have_no_spread_to_fit() {
        let alike = Spending::of_rows(&[(3, 20.0); 50]).unwrap();
        assert!(matches!(GammaGamma::fit(&alike), Err(Refusal::NotConverged { .. })));
        assert!(matches!(GammaGamma::fit(&alike[..9]), Err(Refusal::TooFew { have: 9, need: 10, .. })));
    }
}
