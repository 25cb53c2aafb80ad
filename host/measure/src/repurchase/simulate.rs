//! Futures in which nobody does anything, drawn from a fitted model and each customer's history.
//!
//! A future is exact: whether the customer is still there, the order rate, the chance to leave and the level of
//! spend are drawn from their posterior given the history, then orders from these. The parameters are taken as
//! known, so many futures together are narrower than what is not known.
//!
//! # Invariants
//!
//! - **Same seed, same futures**, whatever the threads: customers are drawn in chunks of a fixed size, each from its stream.

use rand::{Rng, RngExt};
use rand_distr::{Beta, Distribution, Exp1, Gamma};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use super::history::{History, in_row};
use super::model::{Kind, Model, Posterior};
use super::spend::{GammaGamma, Spending};
use crate::{Refusal, random};

/// Customers who are drawn from one stream.
const CHUNK: usize = 4_096;

/// What is known of a customer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Customer {
    pub history: History,
    /// `None` of one without repeat orders: spend is then that of the population.
    pub spending: Option<Spending>,
}

/// An order that may come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Order {
    /// Time from now.
    pub after: f64,
    pub value: f64,
}

/// Draws one future of each customer over `horizon` and gives it, with the customer's index, to `visit`; the
/// result has what `visit` made of them. Another seed is another future.
///
/// A customer is there with P(alive), and orders at a rate λ ~ Gamma(r + x, alpha + T) until leaving. BG/NBD and
/// MBG/NBD: each order is the last with probability p, drawn independently from Beta(a, b + chances passed).
/// Pareto/NBD: the customer leaves after an exponential time of rate μ ~ Gamma(s, beta + T). Order values are
/// Gamma(p, ν) with ν ~ Gamma(q + p x, v + x m).
///
/// # Errors
/// The horizon is one that [`Model::expected_orders`] refuses; the message names the customer's row, counted from 1.
pub fn futures<R: Send>(
    model: &Model,
    spend: &GammaGamma,
    customers: &[Customer],
    horizon: f64,
    seed: u64,
    visit: impl Fn(usize, &[Order]) -> R + Sync,
) -> Result<Vec<R>, Refusal> {
    let chunk = |(chunk, customers): (usize, &[Customer])| {
        let mut generator = random::stream(seed, chunk as u64);
        let mut orders = Vec::new();
        let one = |(index, customer): (usize, &Customer)| {
            let index = chunk * CHUNK + index;
            future(model, spend, customer, horizon, &mut generator, &mut orders)
                .map_err(|refusal| in_row(index, refusal))?;
            Ok(visit(index, &orders))
        };
        customers.iter().enumerate().map(one).collect()
    };
    let parts: Result<Vec<Vec<R>>, Refusal> = customers.par_chunks(CHUNK).enumerate().map(chunk).collect();
    Ok(parts?.into_iter().flatten().collect())
}

/// Draws one future of one customer over `horizon` into `orders`, as [`futures`] does, from the caller's generator.
///
/// # Errors
/// As [`futures`].
pub fn future(
    model: &Model,
    spend: &GammaGamma,
    customer: &Customer,
    horizon: f64,
    generator: &mut impl Rng,
    orders: &mut Vec<Order>,
) -> Result<(), Refusal> {
    let sampler = Sampler::new(model, &customer.history, horizon)?;
    orders.clear();
    sampler.orders(horizon, generator, |after| orders.push(Order { after, value: 0.0 }));
    if !orders.is_empty() {
        let values = order_values(spend, customer.spending.as_ref(), generator);
        orders.iter_mut().for_each(|order| order.value = values.sample(generator));
    }
    Ok(())
}

/// Draws the value of one order of a customer.
pub fn order_value(spend: &GammaGamma, spending: Option<&Spending>, generator: &mut impl Rng) -> f64 {
    order_values(spend, spending, generator).sample(generator)
}

/// Draws new customers, each observed for a time, as the model says they come.
///
/// # Errors
/// A time is one that [`Model::expected_orders`] refuses as a horizon; the message names the row, counted from 1.
pub fn cohort(model: &Model, observed: &[f64], seed: u64) -> Result<Vec<History>, Refusal> {
    for (index, &time) in observed.iter().enumerate() {
        model.check_horizon(time).map_err(|refusal| in_row(index, refusal))?;
    }
    let sampler = Sampler::new(model, &History::NEW, 0.0)?;
    let mut histories = vec![History::NEW; observed.len()];
    let chunks = histories.par_chunks_mut(CHUNK).zip(observed.par_chunks(CHUNK)).enumerate();
    chunks.for_each(|(chunk, (histories, observed))| {
        let mut generator = random::stream(seed, chunk as u64);
        for (history, &observed) in histories.iter_mut().zip(observed) {
            let (mut repeats, mut last) = (0, 0.0);
            sampler.orders(observed, &mut generator, |time| (repeats, last) = (repeats + 1, time));
            *history =
                History::new(repeats, last, observed).expect("orders come after 0 and until `observed`");
        }
    });
    Ok(histories)
}

/// The values of one customer's orders: a level of spend drawn from its posterior, and orders around it.
fn order_values(spend: &GammaGamma, spending: Option<&Spending>, generator: &mut impl Rng) -> Gamma<f64> {
    let [p, ..] = spend.parameters();
    let (shape, rate) = spend.after(spending);
    // A level may underflow to 0, whose orders would be worth more than a number can say.
    let level = gamma(shape, rate).sample(generator).max(1e-200);
    gamma(p, level)
}

fn gamma(shape: f64, rate: f64) -> Gamma<f64> {
    Gamma::new(shape, 1.0 / rate).expect("shape and rate are above 0 and finite")
}

/// What a history leaves open, ready to be drawn any number of times.
struct Sampler {
    alive: f64,
    rate: Gamma<f64>,
    leaving: Leaving,
}

enum Leaving {
    Never,
    /// With this probability after each order.
    AfterOrders(Beta<f64>),
    /// At this rate at any time.
    AnyTime(Gamma<f64>),
}

impl Sampler {
    fn new(model: &Model, history: &History, horizon: f64) -> Result<Self, Refusal> {
        let Posterior { alive, given_alive } = model.after(history);
        given_alive.check_horizon(horizon)?;
        let [r, alpha, third, fourth] = given_alive.parameters();
        let leaving = match given_alive.kind() {
            Kind::Nbd => Leaving::Never,
            Kind::BgNbd | Kind::MbgNbd => {
                Leaving::AfterOrders(Beta::new(third, fourth).expect("parameters are above 0"))
            }
            Kind::ParetoNbd => Leaving::AnyTime(gamma(third, fourth)),
        };
        Ok(Self { alive, rate: gamma(r, alpha), leaving })
    }

    /// Draws a future and gives its order times, rising, above 0 and not above `horizon`.
    fn orders(&self, horizon: f64, generator: &mut impl Rng, mut order: impl FnMut(f64)) {
        if self.alive < 1.0 && generator.random::<f64>() >= self.alive {
            return;
        }
        let rate = self.rate.sample(generator);
        let (leaves, end) = match &self.leaving {
            Leaving::Never => (0.0, horizon),
            Leaving::AfterOrders(probability) => (probability.sample(generator), horizon),
            Leaving::AnyTime(leaving) => {
                let leaving = leaving.sample(generator);
                (0.0, horizon.min(wait(leaving, generator)))
            }
        };
        let mut time = 0.0;
        loop {
            // A wait may be rounded to 0, but no order comes with the first.
            time = (time + wait(rate, generator)).max(f64::MIN_POSITIVE);
            if time > end {
                return;
            }
            order(time);
            if leaves > 0.0 && generator.random::<f64>() < leaves {
                return;
            }
        }
    }
}

/// A time until the next event at a rate; infinite at rate 0.
fn wait(rate: f64, generator: &mut impl Rng) -> f64 {
    let unit: f64 = Exp1.sample(generator);
    unit / rate
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODELS: [(Kind, [f64; 4]); 3] = [
        (Kind::BgNbd, [0.243, 4.414, 0.793, 2.426]),
        (Kind::MbgNbd, [0.525, 6.183, 0.891, 1.614]),
        (Kind::ParetoNbd, [0.553, 10.578, 0.606, 11.668]),
    ];

    /// Asserts that a mean of independent values is what is expected, within four standard errors.
    #[track_caller]
    fn assert_mean(values: impl Iterator<Item = f64> + Clone, expected: f64, what: &str) {
        let n = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / n;
        let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let error = (mean - expected) / (variance / n).sqrt();
        assert!(
            error.abs() < 4.0,
            "{what}: {mean} simulated, {expected} expected, {error:.1} standard errors"
        );
    }

    #[test]
    fn simulated_futures_agree_with_the_closed_forms() {
        let spend = GammaGamma::new(6.25, 3.74, 15.44).unwrap();
        for (kind, parameters) in MODELS {
            let model = Model::new(kind, parameters).unwrap();
            for (repeats, last, observed) in
                [(0, 0.0, 38.86), (2, 30.43, 38.86), (5, 12.0, 30.0), (29, 36.0, 38.86)]
            {
                let history = History::new(repeats, last, observed).unwrap();
                let spending = (repeats > 0).then(|| Spending::new(repeats, 22.35).unwrap());
                let customers = vec![Customer { history, spending }; 40_000];
                let drawn = futures(&model, &spend, &customers, 39.0, 7, |_, orders| {
                    assert!(orders.is_sorted_by(|one, next| one.after < next.after));
                    assert!(
                        orders
                            .iter()
                            .all(|order| 0.0 < order.after && order.after <= 39.0 && order.value > 0.0)
                    );
                    (orders.len(), orders.first().map(|order| order.value))
                })
                .unwrap();
                let name = format!("{kind:?} after {history:?}");
                let orders = drawn.iter().map(|(orders, _)| *orders as f64);
                assert_mean(orders, model.expected_orders(&history, 39.0).unwrap(), &name);
                for n in [0, 1] {
                    let hits = drawn.iter().map(|(orders, _)| f64::from(u8::from(*orders == n)));
                    assert_mean(hits, model.probability_of(n as u32, &history, 39.0).unwrap(), &name);
                }
                let values = drawn.iter().filter_map(|(_, value)| *value);
                assert_mean(values, spend.expected_spend(spending.as_ref()).unwrap(), &name);
            }
        }
    }

    #[test]
    fn simulated_cohorts_agree_with_the_closed_forms() {
        for (kind, parameters) in MODELS {
            let model = Model::new(kind, parameters).unwrap();
            let histories = cohort(&model, &vec![39.0; 100_000], 3).unwrap();
            let repeats = histories.iter().map(|history| f64::from(history.repeats()));
            assert_mean(repeats, model.expected_orders(&History::NEW, 39.0).unwrap(), kind.name());
            for n in [0, 1, 12] {
                let hits = histories.iter().map(|history| f64::from(u8::from(history.repeats() == n)));
                assert_mean(hits, model.probability_of(n, &History::NEW, 39.0).unwrap(), kind.name());
            }
        }
    }

    #[test]
    fn a_seed_gives_the_same_futures_on_any_number_of_threads() {
        let model = Model::new(MODELS[0].0, MODELS[0].1).unwrap();
        let spend = GammaGamma::new(6.25, 3.74, 15.44).unwrap();
        let draw = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let histories = cohort(&model, &vec![39.0; 10_000], seed).unwrap();
                let customers: Vec<_> =
                    histories.iter().map(|&history| Customer { history, spending: None }).collect();
                let orders =
                    futures(&model, &spend, &customers, 13.0, seed, |index, orders| (index, orders.to_vec()));
                (histories, orders.unwrap())
            })
        };
        let (histories, orders) = draw(1, 5);
        assert!((histories.clone(), orders.clone()) == draw(3, 5));
        assert!((0..).zip(&orders).all(|(index, (found, _))| index == *found));
        assert!((histories, orders) != draw(1, 6));
    }
}
