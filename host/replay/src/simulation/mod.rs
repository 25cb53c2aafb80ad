//! Simulation: the strategy run over made-up futures in which what its actions do is declared.
//!
//! Repurchase and spend models are fitted on the history before the cut. Each world draws what every customer would do
//! without any action, and adds the orders that contacts cause at the declared rate. The same component, gates and
//! holdouts run over it as over history, so that in a world what was caused is known, and what a holdout would have
//! measured can be held against it.
//!
//! # Invariants
//!
//! - **A seed is a world**, whatever the threads and shards: each customer has streams of his own.
//! - **Nothing after the cut is read.**
//!
//! # Not here
//!
//! Customers who do not exist at the cut, events other than orders, and orders that a contact only brings forward.

mod ledger;
mod response;
mod result;
mod world;

use rand::RngExt;
use rayon::prelude::*;
use stratagem_gates::Budget;
use stratagem_insight::{PurchaseLog, Timelines};
use stratagem_measure::repurchase::{Fit, GammaGamma, History, Kind, Model, Spending};
use stratagem_measure::{Refusal, random};
use stratagem_model::Plan;
use stratagem_model::time::{DAY_MS, Day, date_of};
use stratagem_record::simulation::Fitted;
use stratagem_runtime::Configured;
use stratagem_store::Store;

use crate::config::{Backtest, BacktestError};
use crate::driver::{Progress, Run, Span, in_pool};
use crate::result::{Collected, RunResult};
use crate::shard::{Shard, Shared};

pub(crate) use ledger::Ledger;
pub(crate) use response::Response;
use result::Played;
pub use result::Simulated;
use world::{Futures, spends};

/// What is declared and asked of a simulation.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The first day that is simulated: only what was known before it is read.
    pub cut: Day,
    /// Days with decisions.
    pub days: u32,
    pub worlds: u32,
    /// BG/NBD, or NBD where that cannot be told, if nothing is asked for.
    pub model: Option<Kind>,
    /// By action: the least and the most orders that a contact causes on average.
    pub effects: Vec<(f64, f64)>,
    /// Probability that an order which came by itself redeems a coupon it could redeem.
    pub redemption: f64,
    pub margin_ppm: u32,
}

impl Settings {
    fn fit(&self, histories: &[History]) -> Result<Fit<Model>, Refusal> {
        self.model.map_or_else(|| Kind::fit_leaving_or_not(histories), |kind| kind.fit(histories))
    }
}

/// Strengths of the grid, in units of the highest declared effects.
const STRENGTHS: [f64; 7] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0];
/// Most worlds of a point of the grid.
const GRID_WORLDS_MAX: u32 = 20;

/// Runs a strategy over simulated futures.
///
/// # Errors
/// As [`run`](crate::run), or the history before the cut cannot be fitted.
pub fn simulate(
    store: &dyn Store,
    configured: &Configured,
    backtest: &Backtest,
    settings: &Settings,
    progress: &Progress,
) -> Result<Simulated, BacktestError> {
    let span = |backtest: &Backtest, data: (Day, Day)| {
        if settings.cut <= data.0 {
            return Err(BacktestError::NothingBeforeCut {
                cut: date_of(settings.cut),
                first: date_of(data.0),
            });
        }
        let until = settings.cut + settings.days as Day - 1;
        let end = until + days_after(configured.plan(), backtest) as Day;
        Ok(Span { from: settings.cut, until, end, cut: Some(settings.cut) })
    };
    in_pool(backtest.threads, |threads| {
        let run = Run::new(store, configured, backtest, progress, threads, span)?;
        Simulator::new(&run, settings)?.simulate()
    })
}

/// A coupon that is valid longer is as good as one for ever: its later redemptions are left out.
const DAYS_AFTER_MAX: u32 = 3_650;

/// Days that are simulated after the last with decisions: until the window of its contacts is over and their coupons
/// have expired.
fn days_after(plan: &Plan, backtest: &Backtest) -> u32 {
    let valid = plan.actions.iter().filter_map(|action| action.offer).map(|offer| offer.valid_days);
    valid.fold(backtest.window_days, u32::max).min(DAYS_AFTER_MAX)
}

struct Simulator<'a> {
    run: &'a Run<'a>,
    settings: &'a Settings,
    histories: Vec<Timelines>,
    spends: Vec<Vec<Option<Spending>>>,
    fitted: Fitted,
}

impl<'a> Simulator<'a> {
    fn new(run: &'a Run<'a>, settings: &'a Settings) -> Result<Self, BacktestError> {
        let shards = run.shards()?;
        let histories: Vec<_> =
            shards.into_par_iter().map(|range| run.load(range)).collect::<Result<_, _>>()?;
        let mut rows = vec![];
        let mut values = vec![];
        for history in &histories {
            for row in 0..history.rows() {
                let known = history.known_at_the_end(row);
                let Some(days) = history.purchase_days(row, known, settings.cut) else { continue };
                rows.push(days.history()?);
                values.extend(days.spend());
            }
        }
        let repurchase = settings.fit(&rows)?;
        let kind = repurchase.model.kind();
        Ok(Self {
            run,
            settings,
            spends: histories.iter().map(|history| spends(history, settings.cut)).collect(),
            fitted: Fitted {
                repurchase,
                spend: GammaGamma::fit(&values)?,
                tried: result::tried(&PurchaseLog::new(&histories, 1.0), settings, kind),
            },
            histories,
        })
    }

    fn simulate(&self) -> Result<Simulated, BacktestError> {
        let settings = self.settings;
        let grid_worlds = settings.worlds.min(GRID_WORLDS_MAX);
        let total = u64::from(settings.worlds) + STRENGTHS.len() as u64 * u64::from(grid_worlds);
        self.run.progress.expect(total);
        let ranges = &settings.effects;
        let between =
            |share: f64| ranges.iter().map(|(low, high)| low + share * (high - low)).collect::<Vec<_>>();
        let worlds: Vec<_> = (0..settings.worlds)
            .into_par_iter()
            .map(|number| {
                // How strong the actions are in this world: anything within what was declared.
                let share: f64 = random::stream(self.run.backtest.policy.seed, u64::from(number)).random();
                let result = self.world(number, between(share))?;
                self.run.progress.step(1)?;
                Ok((Played::new(number, share, &result, self), (number == 0).then_some(result)))
            })
            .collect::<Result<_, BacktestError>>()?;
        let mut first = None;
        let mut all = vec![];
        for (world, result) in worlds {
            all.push(world);
            first = first.or(result);
        }
        let points: Vec<_> = STRENGTHS.iter().flat_map(|s| (0..grid_worlds).map(move |w| (*s, w))).collect();
        let grid: Vec<_> = points
            .into_par_iter()
            .map(|(strength, number)| {
                let effects = ranges.iter().map(|(_, high)| (strength * high).min(1.0)).collect();
                let result = self.world(number, effects)?;
                self.run.progress.step(1)?;
                Ok(Played::new(number, strength, &result, self).world)
            })
            .collect::<Result<_, BacktestError>>()?;
        let run = first.expect("there is at least one world");
        let until: Vec<_> = run.curve.iter().map(|point| point.until.clone()).collect();
        let over_worlds = result::over_worlds(self, all, &grid, &until);
        let effects = result::effects(self, over_worlds.break_even);
        Ok(Simulated { over_worlds, effects, run })
    }

    /// Runs one world.
    fn world(&self, number: u32, effects: Vec<f64>) -> Result<RunResult, BacktestError> {
        let run = self.run;
        let response = Response {
            world: run.backtest.policy.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(number),
            effects,
            window_ms: i64::from(run.backtest.window_days) * DAY_MS,
            redemption: self.settings.redemption,
            spend: self.fitted.spend.model,
        };
        let futures = Futures {
            repurchase: &self.fitted.repurchase.model,
            spend: &self.fitted.spend.model,
            zone: &run.context.zone,
            cut: self.settings.cut,
            days: self.settings.days + days_after(run.configured.plan(), run.backtest),
        };
        let continued = self.histories.iter().zip(&self.spends);
        let continued = continued.map(|(history, spends)| futures.continued(history, spends, response.world));
        let continued: Vec<_> = continued.collect::<Result<_, Refusal>>()?;
        let population = run.population_of(&continued);
        // Each world holds out others: what a holdout would measure hangs on who happens to be in it. The salts that
        // are recorded are those of the run, to which each world, the one that is shown included, adds its number.
        let mut backtest = run.backtest.clone();
        let policy = &mut backtest.policy;
        for holdout in [&mut policy.holdout, &mut policy.global_holdout] {
            holdout.salt += &format!("/{number}");
        }
        let shared = Shared { backtest: &backtest, ..run.shared(&population, Some(&response)) };
        let shards = continued.into_iter().zip(&self.spends);
        let shards = shards.map(|(timelines, spends)| Shard::in_world(&shared, timelines, spends.clone()));
        let mut collected = Collected::new(run.configured.plan().actions.len(), &run.measured);
        match run.backtest.policy.budget {
            Some(budget) => {
                for finished in run.lockstep(shards.collect(), Budget::new(budget))? {
                    collected.add(finished, &mut ())?;
                }
            }
            None => {
                for shard in shards {
                    collected.add(run.alone(shard)?, &mut ())?;
                }
            }
        }
        Ok(collected.result(&run.origin()))
    }
}
