//! One made-up customer's purchases.
//!
//! The rate of purchases is gamma distributed over customers and the chance to drop out after a purchase is beta
//! distributed (BG/NBD). The rhythm of the week and the day is laid over it by moving a purchase within its week.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution, Exp1, Gamma, LogNormal};
use stratagem_model::time::{Day, monday};
use stratagem_model::{Line, Money, Time, Zone};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Spec;
use super::catalogue::Catalogue;

/// One order.
pub(super) struct Purchase {
    pub(super) time: Time,
    pub(super) gross: Money,
    pub(super) discount: Money,
    /// Products by their number in the catalogue.
    pub(super) lines: Vec<Line>,
}

/// How customers differ.
pub(super) struct Habits {
    /// Purchases a day while alive; mean 1, to be scaled.
    rate: Gamma<f64>,
    scale: f64,
    drop_out: Beta<f64>,
    /// Share of the period over which first purchases are spread.
    days_of_entry: f64,
    days: f64,
    weekday: Weights<7>,
    hour: Weights<24>,
    spending: LogNormal<f64>,
    price_noise: LogNormal<f64>,
}

/// From Monday.
const WEEKDAYS: [u32; 7] = [90, 85, 90, 95, 115, 130, 95];
#[rustfmt::skip]
const HOURS: [u32; 24] = [8, 4, 2, 1, 1, 3, 8, 20, 35, 50, 60, 70, 75, 60, 52, 55, 65, 80, 95, 100, 90, 70, 45, 20];

/// Customers that the scale of rates is fitted on.
const CALIBRATION: u32 = 4096;

/// No customer has more purchases.
const PURCHASES_MAX: usize = 9_999;

/// The random stream of one customer.
fn stream(spec: &Spec, number: u32) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(xxh3_64_with_seed(&number.to_le_bytes(), spec.seed))
}

impl Habits {
    /// Finds the scale of rates with which customers have as many orders as wanted on average.
    pub(super) fn calibrate(spec: &Spec) -> Self {
        let shape = 0.9;
        // Customers would have three times the wanted orders on average before they drop out, but some leave at once.
        let leaving = 0.5;
        let drop_out = Beta::new(leaving, (leaving * (3.0 * spec.orders_per_customer - 1.0)).max(leaving));
        let days = f64::from(spec.days);
        let mut habits = Self {
            rate: Gamma::new(shape, 1.0 / shape).expect("shape and scale are positive"),
            scale: 1.0,
            drop_out: drop_out.expect("both are positive"),
            days_of_entry: 0.7 * days,
            days,
            weekday: Weights::new(WEEKDAYS),
            hour: Weights::new(HOURS),
            spending: LogNormal::new(0.0, 0.4).expect("the deviation is positive"),
            price_noise: LogNormal::new(0.0, 0.1).expect("the deviation is positive"),
        };
        // Counts grow with the scale for the same random numbers, so halving the interval finds it.
        let sample = spec.customers.min(CALIBRATION);
        let (mut low, mut high) = (1e-6_f64, 1e3_f64);
        for _ in 0..40 {
            habits.scale = (low * high).sqrt();
            let count = |number| habits.days_of_purchases(&mut stream(spec, number)).len();
            let orders: usize = (0..sample).map(count).sum();
            if (orders as f64) < spec.orders_per_customer * f64::from(sample) {
                low = habits.scale;
            } else {
                high = habits.scale;
            }
        }
        habits
    }

    /// When a customer buys, in days since the start, ascending.
    fn days_of_purchases(&self, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let rate = (self.rate.sample(rng) * self.scale).max(1e-9);
        let drop_out = self.drop_out.sample(rng);
        let mut at = rng.random::<f64>() * self.days_of_entry;
        let mut days = vec![];
        while at < self.days && days.len() < PURCHASES_MAX {
            days.push(at);
            if rng.random::<f64>() < drop_out {
                break;
            }
            let waited: f64 = Exp1.sample(rng);
            at += waited / rate;
        }
        days
    }

    /// The instant of a purchase: another day of the same week where customers like it better, at an hour they like.
    fn time(&self, spec: &Spec, zone: &Zone, day: f64, first: f64, rng: &mut ChaCha8Rng) -> Time {
        let drawn = spec.start + day as Day;
        let moved = monday(drawn) + self.weekday.draw(rng) as Day;
        let is_inside = moved >= spec.start + first as Day && moved < spec.start + spec.days as Day;
        let minutes = self.hour.draw(rng) * 60 + rng.random_range(0..60);
        let Time(minute) = zone.at(if is_inside { moved } else { drawn }, minutes);
        Time(minute + rng.random_range(0..60) * 1000)
    }
}

/// A customer's purchases in their order in time.
pub(super) fn purchases(
    spec: &Spec,
    habits: &Habits,
    catalogue: &Catalogue,
    zone: &Zone,
    number: u32,
) -> Vec<Purchase> {
    let mut rng = stream(spec, number);
    let days = habits.days_of_purchases(&mut rng);
    let first = days[0];
    let mut times: Vec<_> = days.iter().map(|day| habits.time(spec, zone, *day, first, &mut rng)).collect();
    times.sort_unstable();
    let favourites = [(); 3].map(|()| rng.random_range(0..spec.categories));
    let spending = habits.spending.sample(&mut rng);
    let mut basket = |time| {
        let mut lines = vec![];
        loop {
            // Half of what a customer buys is of one category.
            let category = match rng.random_range(0..10) {
                0..5 => favourites[0],
                5..7 => favourites[1],
                7 => favourites[2],
                _ => rng.random_range(0..spec.categories),
            };
            // A few products of a category are bought most.
            let product = catalogue.product(category, rng.random::<f64>().powi(2));
            let quantity = match rng.random_range(0..20) {
                0..16 => 1,
                16..19 => 2,
                _ => 3,
            };
            let price = catalogue.price(product) as f64 * spending * habits.price_noise.sample(&mut rng);
            let gross = (price.round() as Money).max(1) * i64::from(quantity);
            lines.push(Line { product, quantity, gross });
            if lines.len() == 12 || rng.random_range(0..10) < 4 {
                break;
            }
        }
        let gross: Money = lines.iter().map(|line| line.gross).sum();
        let discount = if rng.random_range(0..20) < 3 { gross / 10 } else { 0 };
        Purchase { time, gross, discount, lines }
    };
    times.into_iter().map(&mut basket).collect()
}

/// A distribution over a few numbers.
struct Weights<const N: usize> {
    sums: [u32; N],
}

impl<const N: usize> Weights<N> {
    fn new(weights: [u32; N]) -> Self {
        let mut sum = 0;
        Self {
            sums: weights.map(|weight| {
                sum += weight;
                sum
            }),
        }
    }

    fn draw(&self, rng: &mut impl Rng) -> u32 {
        let drawn = rng.random_range(0..self.sums[N - 1]);
        self.sums.partition_point(|sum| *sum <= drawn) as u32
    }
}
