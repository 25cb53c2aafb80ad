//! The repurchase models, and what each says of a customer.

use serde::{Deserialize, Serialize};

use super::beta_geometric::BetaGeometric;
use super::counted::Counted;
use super::history::History;
use super::maximum::Evaluation;
use super::pareto::ParetoNbd;
use super::spend::check_parameters;
use crate::Refusal;

/// A model of repeat orders by customers who leave unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Customers never leave: what the others come to where the chance to leave is 0. A. S. C. Ehrenberg, "The Pattern
    /// of Consumer Purchases", Journal of the Royal Statistical Society C 8 (1959). Parameters r, alpha.
    Nbd,
    /// Customers may leave after each repeat order. P. Fader, B. Hardie, K. L. Lee, "'Counting Your Customers' the
    /// Easy Way: An Alternative to the Pareto/NBD Model", Marketing Science 24 (2005). Parameters r, alpha, a, b.
    BgNbd,
    /// Customers may leave after each order, the first included. E. P. Batislam, M. Denizel, A. Filiztekin,
    /// "Empirical validation and comparison of models for customer base analysis", International Journal of
    /// Research in Marketing 24 (2007). Parameters r, alpha, a, b.
    MbgNbd,
    /// Customers may leave at any time. D. C. Schmittlein, D. G. Morrison, R. Colombo, "Counting Your Customers:
    /// Who Are They and What Will They Do Next?", Management Science 33 (1987); P. Fader, B. Hardie, "A Note on
    /// Deriving the Pareto/NBD Model and Related Expressions" (2005). Parameters r, alpha, s, beta.
    ParetoNbd,
}

impl Kind {
    /// The names of the parameters, in their order.
    pub fn parameter_names(self) -> &'static [&'static str] {
        match self {
            Self::Nbd => &["r", "alpha"],
            Self::BgNbd | Self::MbgNbd => &["r", "alpha", "a", "b"],
            Self::ParetoNbd => &["r", "alpha", "s", "beta"],
        }
    }

    /// The name in the literature.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nbd => "NBD",
            Self::BgNbd => "BG/NBD",
            Self::MbgNbd => "MBG/NBD",
            Self::ParetoNbd => "Pareto/NBD",
        }
    }
}

/// A model with its parameters, in the time unit of the histories it was fitted on.
///
/// Orders of a customer come at a rate λ ~ Gamma(r, alpha) while the customer is alive; alpha, and beta, are
/// times. All questions about a customer take the same two steps: P(alive) after the history, and what a customer
/// who is alive does from then on, which is again such a model, with parameters moved by the history.
/// [`History::NEW`] asks for a customer of whom nothing but the first order is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "Unchecked")]
pub struct Model {
    kind: Kind,
    parameters: [f64; 4],
}

/// The a and b of a BG/NBD that is an NBD.
pub(super) const NEVER_LEAVES: [f64; 2] = [0.0, 1.0];

/// What a history leaves to expect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Posterior {
    /// P(alive): the probability that the customer has not left.
    pub alive: f64,
    /// The orders of a customer who has not: an NBD, a BG/NBD or a Pareto/NBD from now on.
    pub given_alive: Model,
}

/// Parameters as they were stored.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Unchecked {
    kind: Kind,
    parameters: [f64; 4],
}

impl TryFrom<Unchecked> for Model {
    type Error = Refusal;

    fn try_from(Unchecked { kind, parameters }: Unchecked) -> Result<Self, Refusal> {
        Self::new(kind, parameters)
    }
}

/// A kind with its formulas.
enum Formulas {
    BetaGeometric(BetaGeometric),
    ParetoNbd(ParetoNbd),
}

impl Model {
    /// A model with parameters in the order of [`Kind::parameter_names`]; after those of an NBD come 0 and 1.
    ///
    /// # Errors
    /// One is not from 1e-50 to 1e50.
    pub fn new(kind: Kind, parameters: [f64; 4]) -> Result<Self, Refusal> {
        check_parameters(kind.name(), kind.parameter_names(), &parameters)?;
        let [.., third, fourth] = parameters;
        if kind == Kind::Nbd && [third, fourth] != NEVER_LEAVES {
            let what = "a third parameter of NBD".into();
            return Err(Refusal::BadValue { what, value: third, must: "0, and a fourth 1" });
        }
        Ok(Self { kind, parameters })
    }

    /// A model with parameters that a search tries.
    pub(super) fn unchecked(kind: Kind, parameters: [f64; 4]) -> Self {
        Self { kind, parameters }
    }

    /// Which model it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The parameters, as [`Model::new`] takes them.
    pub fn parameters(&self) -> [f64; 4] {
        self.parameters
    }

    fn formulas(&self) -> Formulas {
        let [one, two, three, four] = self.parameters;
        let beta_geometric = |at_first| {
            Formulas::BetaGeometric(BetaGeometric { r: one, alpha: two, a: three, b: four, at_first })
        };
        match self.kind {
            Kind::Nbd | Kind::BgNbd => beta_geometric(0.0),
            Kind::MbgNbd => beta_geometric(1.0),
            Kind::ParetoNbd => Formulas::ParetoNbd(ParetoNbd { r: one, alpha: two, s: three, beta: four }),
        }
    }

    /// The log-likelihood of histories, as the articles give it: of (x, t_x, T) in the time unit of the model.
    ///
    /// It depends on the unit, so that log-likelihoods in different ones are not to be compared.
    pub fn log_likelihood(&self, histories: &[History]) -> f64 {
        self.evaluate(&History::counted(histories)).value
    }

    /// The log-likelihood, with its derivatives by the logarithms of the parameters.
    pub(super) fn evaluate(&self, counted: &Counted<History>) -> Evaluation<4> {
        let [value, gradient @ ..] = match self.formulas() {
            Formulas::BetaGeometric(model) => counted
                .sum(|repeats| model.group(repeats), |group, history| model.log_likelihood(group, history)),
            Formulas::ParetoNbd(model) => counted
                .sum(|repeats| model.group(repeats), |group, history| model.log_likelihood(group, history)),
        };
        Evaluation { value, gradient: std::array::from_fn(|index| gradient[index] * self.parameters[index]) }
    }

    /// What a history leaves to expect: P(alive), and the model of a customer who is alive.
    ///
    /// NBD: P(alive) = 1, and λ ~ Gamma(r + x, alpha + T). BG/NBD: P(alive) = 1 / (1 + 1{x > 0} a / (b + x − 1) ((alpha + T) / (alpha + t_x))^(r + x)); given alive, λ
    /// ~ Gamma(r + x, alpha + T) and independently p ~ Beta(a, b + x). MBG/NBD has x + 1 for x but in the exponent
    /// and in the shape of λ, and no indicator. Pareto/NBD: given alive, λ ~ Gamma(r + x, alpha + T) and μ ~
    /// Gamma(s, beta + T).
    pub fn after(&self, history: &History) -> Posterior {
        let (alive, kind, parameters) = match self.formulas() {
            Formulas::BetaGeometric(model) => {
                let BetaGeometric { r, alpha, a, b, .. } = model.given_alive(history);
                match self.kind {
                    Kind::Nbd => (1.0, Kind::Nbd, [r, alpha, NEVER_LEAVES[0], NEVER_LEAVES[1]]),
                    _ => (model.alive(history), Kind::BgNbd, [r, alpha, a, b]),
                }
            }
            Formulas::ParetoNbd(model) => {
                let ParetoNbd { r, alpha, s, beta } = model.given_alive(history);
                (model.alive(history), Kind::ParetoNbd, [r, alpha, s, beta])
            }
        };
        Posterior { alive, given_alive: Self { kind, parameters } }
    }

    /// E[Y(t) | x, t_x, T]: expected orders of a customer within `horizon` from now; E[X(t)] for [`History::NEW`].
    ///
    /// # Errors
    /// The horizon is negative, not finite, or beyond what the model can be summed over.
    pub fn expected_orders(&self, history: &History, horizon: f64) -> Result<f64, Refusal> {
        let Posterior { alive, given_alive } = self.after(history);
        given_alive.check_horizon(horizon)?;
        Ok(alive
            * match given_alive.formulas() {
                Formulas::BetaGeometric(model) => model.expected(horizon),
                Formulas::ParetoNbd(model) => model.expected(horizon),
            })
    }

    /// P(Y(t) = n | x, t_x, T): the probability of exactly `orders` within `horizon` from now; P(X(t) = n) for
    /// [`History::NEW`].
    ///
    /// # Errors
    /// As for [`expected_orders`](Self::expected_orders), or `orders` is above 1,000,000.
    pub fn probability_of(&self, orders: u32, history: &History, horizon: f64) -> Result<f64, Refusal> {
        let Posterior { alive, given_alive } = self.after(history);
        given_alive.check_horizon(horizon)?;
        if orders > 1_000_000 {
            let what = "the number of orders".into();
            return Err(Refusal::BadValue { what, value: orders.into(), must: "at most 1,000,000" });
        }
        let none = if orders == 0 { 1.0 } else { 0.0 };
        if horizon == 0.0 {
            return Ok(none);
        }
        let active = match given_alive.formulas() {
            Formulas::BetaGeometric(model) => model.probability(horizon, orders),
            Formulas::ParetoNbd(model) => model.probability(horizon, orders),
        };
        Ok(alive * active + (1.0 - alive) * none)
    }

    /// Sums over the number of orders, and simulations, take as long as there are orders.
    pub(super) fn check_horizon(&self, horizon: f64) -> Result<(), Refusal> {
        let [r, alpha, ..] = self.parameters;
        if horizon >= 0.0 && r.max(1.0) * horizon <= 1e6 * alpha {
            return Ok(());
        }
        let must = "not negative, and too short for a million orders at the mean rate or at rate 1 / alpha";
        Err(Refusal::BadValue { what: "the horizon".into(), value: horizon, must })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Log-likelihood, P(alive), E[Y(39)] and P(Y(39) = n) for n = 0, 1, 12 of one history, by the published
    /// formulas with hypergeometric functions, or the integrals they stand for, in 80 digits (mpmath). The
    /// parameters include those where the formulas have poles: a = 1, a + b = 1, s = 1, and alpha = beta.
    type Published = (Kind, [f64; 4], (u32, f64, f64), [f64; 6]);
    #[rustfmt::skip]
    const PUBLISHED: &[Published] = &[
        (Kind::BgNbd, [0.243, 4.414, 0.793, 2.426], (0, 0.0, 0.0), [0.0, 1.0, 1.196723193320817, 0.5737863520960094, 0.19939528083591146, 0.0021607936659132935]),
        (Kind::BgNbd, [0.243, 4.414, 0.793, 2.426], (2, 30.43, 38.86), [-9.45860630706627, 0.726578570080673, 1.2260281747671444, 0.4453728620829956, 0.23931893743502777, 0.00018562805568183]),
        (Kind::BgNbd, [0.243, 4.414, 0.793, 2.426], (29, 36.0, 38.86), [-44.311837881269575, 0.8385823927941355, 17.077031178820537, 0.16141761300961208, 0.020639944167797627, 0.015541904465250623]),
        (Kind::BgNbd, [0.243, 4.414, 0.793, 2.426], (0, 0.0, 38.86), [-0.5547132764381585, 1.0, 0.19509805201126265, 0.8554494592166816, 0.1098729888007178, 1.1685995857226688e-6]),
        (Kind::BgNbd, [0.5, 0.25, 0.2, 0.8], (0, 0.0, 0.0), [0.0, 1.0, 30.8007390290846, 0.07980868844676221, 0.2157584034512715, 0.012328987847800833]),
        (Kind::BgNbd, [0.5, 20.0, 1.0, 3.0], (4, 12.5, 80.0), [-14.887948527248478, 0.036758808116915134, 0.057199315095405094, 0.9715932752390479, 0.012777939878213048, 7.408321077697536e-7]),
        (Kind::BgNbd, [3.5, 2.0, 1.25, 0.3], (250, 38.0, 40.5), [200.54739015829804, 4.220928229874191e-5, 0.00640503528889615, 0.9999577907177013, 2.097459863781649e-7, 1.9044481299504882e-7]),
        (Kind::BgNbd, [0.5, 2.0, 0.5, 3.0], (900, 39.0, 39.0), [1875.8823995515975, 0.9994459833795014, 714.57477116293, 0.000554016620498615, 0.0005530968364026018, 0.0005431448615835294]),
        (Kind::MbgNbd, [0.525, 6.183, 0.891, 1.614], (0, 0.0, 0.0), [0.0, 0.644311377245509, 1.1829536655971726, 0.582473189493289, 0.1827830772875405, 0.002087750221000944]),
        (Kind::MbgNbd, [0.525, 6.183, 0.891, 1.614], (0, 0.0, 38.86), [-0.5398374635310146, 0.3897350809187629, 0.15401274667514667, 0.8911706012225319, 0.07870413291230872, 1.1987698103996145e-6]),
        (Kind::MbgNbd, [0.525, 6.183, 1.0, 1.614], (3, 1.5, 30.0), [-8.283436100639413, 0.01920539433755894, 0.0549032171579569, 0.9822528492494997, 0.0049465717344421255, 4.4593080134877254e-5]),
        (Kind::MbgNbd, [0.525, 6.183, 0.891, 1.614], (40, 20.0, 20.0), [-26.243547099212044, 0.9790377602634984, 38.60120089446647, 0.020962239736501676, 0.020051089401100255, 0.01304022007609332]),
        (Kind::ParetoNbd, [0.553, 10.578, 0.606, 11.668], (0, 0.0, 0.0), [0.0, 1.0, 1.2129706550441026, 0.5936327037457384, 0.16556145234029251, 0.002332861650835919]),
        (Kind::ParetoNbd, [0.553, 10.578, 0.606, 11.668], (0, 0.0, 38.86), [-0.5210333943186244, 0.2952710017227106, 0.10707549340342024, 0.9307186547855442, 0.045895601690006754, 1.720427972505488e-6]),
        (Kind::ParetoNbd, [0.553, 10.578, 0.606, 11.668], (2, 30.43, 38.86), [-9.554320153001086, 0.8691649224383223, 1.4551144758963528, 0.40806575700958725, 0.21928674115903898, 0.0003148291118259164]),
        (Kind::ParetoNbd, [0.553, 11.5, 1.0, 2.25], (26, 30.86, 31.0), [-41.572938221133754, 0.9956001896842871, 16.051159554930948, 0.04971067488675, 0.04139739674906344, 0.023058711129749155]),
        (Kind::ParetoNbd, [2.0, 7.0, 0.5, 7.0], (3, 10.0, 50.0), [-9.924934630837742, 0.01399551805898593, 0.04167464572933661, 0.9880002645869027, 0.002415198641323693, 3.0238248928856468e-5]),
        (Kind::ParetoNbd, [0.25, 1.5, 1.75, 60.0], (200, 20.0, 40.0), [237.1374459552313, 1.8437554344296666e-55, 2.5959546404881704e-53, 1.0, 6.6438689150209e-58, 6.243860098137499e-58]),
        (Kind::ParetoNbd, [1.5, 60.0, 0.125, 0.03125], (0, 0.0, 100.0), [-0.43467812511224335, 0.129319644916648, 0.04627062888230695, 0.9646186434636396, 0.02693021187885448, 1.1613573938024345e-9]),
    ];

    #[track_caller]
    fn assert_close(found: f64, expected: f64, what: &str) {
        assert!(
            (found - expected).abs() <= 1e-12 * expected.abs(),
            "{what}: {found:e} found, {expected:e} expected"
        );
    }

    #[test]
    fn published_formulas_agree_to_twelve_digits() {
        for &(kind, parameters, (repeats, last, observed), [likelihood, alive, orders, none, one, twelve]) in
            PUBLISHED
        {
            let model = Model::new(kind, parameters).unwrap();
            let history = History::new(repeats, last, observed).unwrap();
            let name = |what| format!("{what} of {history:?} by {model:?}");
            assert_close(
                1.0 + model.log_likelihood(&[history]),
                1.0 + likelihood,
                &name("1 + log-likelihood"),
            );
            assert_close(model.after(&history).alive, alive, &name("P(alive)"));
            assert_close(model.expected_orders(&history, 39.0).unwrap(), orders, &name("E[Y(39)]"));
            for (n, expected) in [(0, none), (1, one), (12, twelve)] {
                assert_close(
                    model.probability_of(n, &history, 39.0).unwrap(),
                    expected,
                    &name("P(Y(39) = n)"),
                );
            }
        }
    }

    #[test]
    fn customers_who_never_leave_order_at_their_rate() {
        let model = Model::new(Kind::Nbd, [0.5, 10.0, 0.0, 1.0]).unwrap();
        let history = History::new(3, 2.0, 30.0).unwrap();
        assert_eq!(model.after(&history).alive, 1.0);
        // (r + x) / (alpha + T) a unit of time, however long ago the last order was.
        assert_close(model.expected_orders(&history, 39.0).unwrap(), 3.5 / 40.0 * 39.0, "E[Y(39)]");
        // The negative binomial of shape 3.5 and probability 40 / 79.
        for (n, expected) in [(0, 0.09236664094675773), (2, 0.1772722447412509)] {
            assert_close(model.probability_of(n, &history, 39.0).unwrap(), expected, "P(Y(39) = n)");
        }
        // It is a BG/NBD from which hardly anyone leaves.
        let nearly = Model::new(Kind::BgNbd, [0.5, 10.0, 1e-15, 1.0]).unwrap();
        assert_close(model.log_likelihood(&[history]), nearly.log_likelihood(&[history]), "log-likelihood");
    }

    #[test]
    fn derivatives_are_those_of_the_log_likelihood() {
        let rows = [
            (0, 0.0, 20.0),
            (0, 0.0, 38.0),
            (1, 0.5, 38.0),
            (3, 30.0, 31.0),
            (12, 38.0, 38.0),
            (40, 10.0, 38.0),
        ];
        let counted = History::counted(&History::of_rows(&rows).unwrap());
        for &(kind, parameters, ..) in PUBLISHED {
            let at = |index: usize, by: f64| {
                let mut moved = parameters;
                moved[index] *= f64::exp(by);
                Model::new(kind, moved).unwrap().evaluate(&counted)
            };
            let exact = at(0, 0.0).gradient;
            for (index, exact) in exact.into_iter().enumerate() {
                let difference = |step: f64| (at(index, step).value - at(index, -step).value) / (2.0 * step);
                // Richardson's extrapolation, exact to the fourth order.
                let slope = (4.0 * difference(1e-3) - difference(2e-3)) / 3.0;
                assert!(
                    (slope - exact).abs() < 1e-8 * exact.abs().max(1.0),
                    "{kind:?} {parameters:?} {index}: {slope} {exact}"
                );
            }
        }
    }

    #[test]
    fn probabilities_add_up_to_the_expected_orders() {
        for &(kind, parameters, (repeats, last, observed), _) in PUBLISHED {
            let model = Model::new(kind, parameters).unwrap();
            let history = History::new(repeats, last, observed).unwrap();
            let of = |n| model.probability_of(n, &history, 2.5).unwrap();
            let (mut all, mut orders) = (0.0, 0.0);
            for n in 0..400 {
                all += of(n);
                orders += f64::from(n) * of(n);
            }
            assert!((all - 1.0).abs() < 1e-12, "{model:?}: {all}");
            assert!((orders - model.expected_orders(&history, 2.5).unwrap()).abs() < 1e-12 * orders.max(1.0));
        }
    }

    #[test]
    fn nothing_is_expected_of_no_time_and_nonsense_is_refused() {
        assert!(Model::new(Kind::Nbd, [0.5, 10.0, 0.7, 3.0]).is_err());
        for kind in [Kind::BgNbd, Kind::MbgNbd, Kind::ParetoNbd] {
            let model = Model::new(kind, [0.5, 10.0, 0.7, 3.0]).unwrap();
            let history = History::new(3, 20.0, 30.0).unwrap();
            assert_eq!(model.expected_orders(&history, 0.0), Ok(0.0));
            assert_eq!(model.probability_of(0, &history, 0.0), Ok(1.0));
            assert_eq!(model.probability_of(2, &history, 0.0), Ok(0.0));
            for horizon in [-1.0, f64::NAN, f64::INFINITY, 1e9] {
                let refusal = model.expected_orders(&history, horizon).unwrap_err();
                assert!(refusal.to_string().starts_with(&format!("the horizon is {horizon}")), "{refusal}");
                assert!(model.probability_of(1, &history, horizon).is_err());
            }
            assert!(model.probability_of(u32::MAX, &history, 1.0).is_err());
            for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
                let refusal = Model::new(kind, [0.5, 10.0, bad, 3.0]).unwrap_err();
                let name = kind.parameter_names()[2];
                assert!(
                    refusal.to_string().starts_with(&format!("parameter `{name}` of {}", kind.name())),
                    "{refusal}"
                );
            }
        }
    }
}
