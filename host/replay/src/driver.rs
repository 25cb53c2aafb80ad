//! Running all shards: on their own where no gate reads across customers, in lockstep where one does.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;
use stratagem_gates::Budget;
use stratagem_insight::{
    Census, ColumnPlan, Needs, Population, PopulationNeeds, ReferencePlan, StoreContext, Timelines,
};
use stratagem_model::time::{DAY_MS, Day, Time, Zone, date_of};
use stratagem_model::{BUCKETS, Decision, DecisionNames, Goal};
use stratagem_runtime::Configured;
use stratagem_store::{Store, StoreError};

use crate::clock::{Clock, Step};
use crate::cohorts::Months;
use crate::config::{Backtest, BacktestError};
use crate::curve::Periods;
use crate::lottery::tickets;
use crate::names::decision_names;
use crate::outcome::{Measured, measure};
use crate::receipt::digest_buckets;
use crate::result::{Collected, Finished, Origin, RunResult};
use crate::shard::{Shard, Shared};
use crate::simulation::Response;
use crate::treatments::treatments;

/// Customers a shard should have: enough for full batches, few enough to fit a cache.
const CUSTOMERS_PER_SHARD: u64 = 8_192;

/// Where decisions go, in the order of shards and, within each, of steps and customers.
pub trait Sink: Send {
    /// Takes the next decisions.
    ///
    /// # Errors
    /// They could not be written; the run stops.
    fn write(&mut self, decisions: &[Decision]) -> std::io::Result<()>;
}

/// Decisions kept in memory.
impl Sink for Vec<Decision> {
    fn write(&mut self, decisions: &[Decision]) -> std::io::Result<()> {
        self.extend_from_slice(decisions);
        Ok(())
    }
}

/// Decisions counted and dropped.
impl Sink for () {
    fn write(&mut self, _: &[Decision]) -> std::io::Result<()> {
        Ok(())
    }
}

/// How far a run is, and whether it should stop; shared with the thread that watches.
#[derive(Debug, Default)]
pub struct Progress {
    /// Parts of the work done and in all: comparable with each other and nothing else.
    pub done: AtomicU64,
    pub total: AtomicU64,
    pub is_cancelled: AtomicBool,
}

impl Progress {
    pub(crate) fn expect(&self, parts: u64) {
        self.total.store(parts, Ordering::Relaxed);
    }

    pub(crate) fn step(&self, parts: u64) -> Result<(), BacktestError> {
        self.done.fetch_add(parts, Ordering::Relaxed);
        if self.is_cancelled.load(Ordering::Relaxed) { Err(BacktestError::Interrupted) } else { Ok(()) }
    }
}

/// Runs a backtest over a store.
///
/// # Errors
/// The data cannot answer, the store cannot be read, the sink cannot be written, or it was cancelled.
pub fn run(
    store: &dyn Store,
    configured: &Configured,
    backtest: &Backtest,
    progress: &Progress,
    sink: &mut dyn Sink,
) -> Result<RunResult, BacktestError> {
    in_pool(backtest.threads, |threads| {
        let run = Run::new(store, configured, backtest, progress, threads, Span::of_replay)?;
        let mut result = run.execute(sink)?;
        if backtest.observes_treatments {
            result.treatments = treatments(&run)?;
        }
        Ok(result)
    })
}

/// Works with so many threads, 0 for one a core.
pub(crate) fn in_pool<T: Send>(
    threads: usize,
    work: impl FnOnce(usize) -> Result<T, BacktestError> + Send,
) -> Result<T, BacktestError> {
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|source| BacktestError::Threads { threads, source })?;
    pool.install(|| work(threads))
}

/// The local days that a run covers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// First and last day with steps.
    pub(crate) from: Day,
    pub(crate) until: Day,
    /// The last day of which anything is known, or simulated.
    pub(crate) end: Day,
    /// The first day that is not read, if not all is.
    pub(crate) cut: Option<Day>,
}

impl Span {
    fn of_replay(backtest: &Backtest, data: (Day, Day)) -> Result<Self, BacktestError> {
        let (from, until) = backtest.days(data)?;
        Ok(Self { from, until, end: data.1, cut: None })
    }
}

pub(crate) struct Run<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) configured: &'a Configured,
    pub(crate) backtest: &'a Backtest,
    pub(crate) progress: &'a Progress,
    pub(crate) threads: usize,
    pub(crate) context: StoreContext,
    pub(crate) columns: ColumnPlan,
    pub(crate) references: ReferencePlan,
    pub(crate) needs: Needs,
    pub(crate) clock: Clock,
    /// The first step at which each table that the plan reads is used, ascending.
    table_steps: Vec<Step>,
    pub(crate) measured: Measured,
    /// Event time of the first order.
    pub(crate) first_order: Time,
    names: DecisionNames,
    days: (String, String),
    pub(crate) data_end: String,
    population_needs: PopulationNeeds,
    /// Nothing known at this instant or later is read.
    cut: Time,
    /// Where the data ends.
    pub(crate) data_until: Time,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        store: &'a dyn Store,
        configured: &'a Configured,
        backtest: &'a Backtest,
        progress: &'a Progress,
        threads: usize,
        span: impl FnOnce(&Backtest, (Day, Day)) -> Result<Span, BacktestError>,
    ) -> Result<Self, BacktestError> {
        let plan = configured.plan();
        let zone = Zone::new(&store.settings().zone).expect("a store is created with a known zone");
        let context = StoreContext::read(store, zone, Some(plan))?;
        let columns = ColumnPlan::new(plan, &context)?;
        let references = ReferencePlan::new(plan, &context)?;
        let totals = store.totals()?;
        let (Some(first), Some(last)) = (totals.first_order_ms, totals.last_order_ms) else {
            return Err(BacktestError::NoOrders);
        };
        let zone = &context.zone;
        let data = (zone.day(Time(first)), zone.day(Time(last)));
        let span = span(backtest, data)?;
        let (from, until) = (span.from, span.until);
        let clock = Clock::new(zone, from, until, &plan.triggers.daily_at);
        let window_ms = i64::from(backtest.window_days) * DAY_MS;
        let last_step = clock.time(clock.len() as Step - 1);
        let end = Time(zone.at(until + 1, 0).0 + window_ms);
        // In a simulation coupons may be redeemed after the last window: their cost falls when it is spent.
        let settled = span.cut.map_or(end, |_| end.max(zone.at(span.end + 1, 0)));
        let measured = Measured {
            from: zone.at(from, 0),
            last_step,
            end,
            window_ms,
            periods: Periods::new(zone.at(from, 0), settled),
            months: Months::new(zone, data.0, span.end),
            keeps_customers: backtest.keeps_customers,
        };
        let mut population_needs = PopulationNeeds::new(zone, from, until, backtest.table_lag_minutes)
            .with_pairs(references.schedules());
        let changes = population_needs.effective(columns.schedules().chain(references.schedules()));
        if columns.needs_repurchase() {
            population_needs = population_needs.with_repurchase(zone);
        }
        let mut needs = columns.needs();
        needs.events = context.has_events;
        // Of the lifecycle stages that participants are counted by.
        needs.days = true;
        let has_pairs = references.schedules().next().is_some();
        needs.categories |= has_pairs || plan.goal == Goal::ItemOrder;
        Ok(Self {
            store,
            configured,
            backtest,
            progress,
            threads,
            columns,
            references,
            needs,
            table_steps: clock.first_after_each(&changes),
            clock,
            measured,
            first_order: Time(first),
            names: decision_names(store, configured)?,
            days: (date_of(from), date_of(until)),
            data_end: date_of(span.end),
            population_needs,
            data_until: context.zone.at(data.1 + 1, 0),
            cut: span.cut.map(|day| context.zone.at(day, 0)).or(backtest.cut).unwrap_or(Time::MAX),
            context,
        })
    }

    fn execute(&self, sink: &mut dyn Sink) -> Result<RunResult, BacktestError> {
        let shards = self.shards()?;
        self.progress.expect(2 * shards.len() as u64);
        // A store that fits is read once; a larger one twice, so that memory does not grow with it.
        let is_lockstep = self.backtest.policy.budget.is_some();
        let keeps = is_lockstep || shards.len() <= 2 * self.threads;
        let (population, mut kept) = self.population(&shards, keeps)?;
        let shared = self.shared(&population, None);
        let mut collected = Collected::new(self.configured.plan().actions.len(), &self.measured);
        if let Some(budget) = self.backtest.policy.budget {
            let shards = kept.into_iter().map(|timelines| Shard::new(&shared, timelines)).collect();
            for finished in self.lockstep(shards, Budget::new(budget))? {
                self.progress.step(1)?;
                collected.add(finished, sink)?;
            }
            return Ok(collected.result(&self.origin()));
        }
        // A few shards for each worker at a time, handed on in order.
        let mut kept = kept.drain(..);
        for ranges in shards.chunks(4 * self.threads) {
            let work: Vec<_> = ranges.iter().cloned().map(|range| (range, kept.next())).collect();
            let finished: Vec<_> = work
                .into_par_iter()
                .map(|(range, timelines)| {
                    let timelines = timelines.map_or_else(|| self.load(range), Ok)?;
                    let finished = self.alone(Shard::new(&shared, timelines))?;
                    self.progress.step(1)?;
                    Ok(finished)
                })
                .collect::<Result<_, BacktestError>>()?;
            for finished in finished {
                collected.add(finished, sink)?;
            }
        }
        Ok(collected.result(&self.origin()))
    }

    pub(crate) fn shared<'s>(
        &'s self,
        population: &'s Population,
        response: Option<&'s Response>,
    ) -> Shared<'s> {
        Shared {
            backtest: self.backtest,
            configured: self.configured,
            context: &self.context,
            clock: &self.clock,
            table_steps: &self.table_steps,
            columns: &self.columns,
            references: &self.references,
            population,
            response,
        }
    }

    pub(crate) fn origin(&self) -> Origin<'_> {
        Origin {
            days: self.days.clone(),
            data_end: self.data_end.clone(),
            measured: &self.measured,
            zone: &self.context.zone,
            engine: self.configured.strategy().engine_name(),
            steps: self.clock.len() as u64,
        }
    }

    /// Bucket ranges of about equal size.
    pub(crate) fn shards(&self) -> Result<Vec<Range<u16>>, BacktestError> {
        let customers = self.store.totals()?.customers;
        let wanted = customers.div_ceil(CUSTOMERS_PER_SHARD).max(self.threads as u64);
        let count = wanted.min(u64::from(BUCKETS)) as u32;
        let edge = |i: u32| (u32::from(BUCKETS) * i / count) as u16;
        Ok((0..count).map(|i| edge(i)..edge(i + 1)).collect())
    }

    pub(crate) fn load(&self, buckets: Range<u16>) -> Result<Timelines, StoreError> {
        Timelines::load(self.store, &self.context, buckets, self.needs, self.cut)
    }

    pub(crate) fn population(
        &self,
        shards: &[Range<u16>],
        keeps: bool,
    ) -> Result<(Population, Vec<Timelines>), BacktestError> {
        let census = Census::new(&self.population_needs);
        let kept: Vec<_> = shards
            .par_iter()
            .map(|range| {
                let timelines = self.load(range.clone())?;
                self.progress.step(1)?;
                census.add(&timelines);
                Ok(keeps.then_some(timelines))
            })
            .collect::<Result<_, BacktestError>>()?;
        Ok((self.prepared(census), kept.into_iter().flatten().collect()))
    }

    fn prepared(&self, census: Census<'_>) -> Population {
        let mut population = census.population();
        self.references.prepare(&mut population);
        population
    }

    /// The population of histories in memory.
    pub(crate) fn population_of(&self, shards: &[Timelines]) -> Population {
        let census = Census::new(&self.population_needs);
        shards.par_iter().for_each(|timelines| census.add(timelines));
        self.prepared(census)
    }

    /// All steps of one shard.
    pub(crate) fn alone(&self, mut shard: Shard<'_>) -> Result<Finished, BacktestError> {
        for step in 0..self.clock.len() as Step {
            shard.propose(step);
            shard.decide_all(step);
            shard.settle(step);
            if self.progress.is_cancelled.load(Ordering::Relaxed) {
                return Err(BacktestError::Interrupted);
            }
        }
        self.finish(shard)
    }

    /// All shards step by step. The budget is spent in the order of the step's lottery, so that nobody is served first
    /// every day.
    pub(crate) fn lockstep(
        &self,
        mut shards: Vec<Shard<'_>>,
        mut budget: Budget,
    ) -> Result<Vec<Finished>, BacktestError> {
        for step in 0..self.clock.len() as Step {
            shards.par_iter_mut().for_each(|shard| shard.propose(step));
            for ticket in tickets(&mut shards, self.backtest.policy.seed, self.clock.time(step)) {
                shards[ticket.shard as usize].decide(ticket.claim as usize, step, Some(&mut budget));
            }
            shards.par_iter_mut().for_each(|shard| shard.settle(step));
            if self.progress.is_cancelled.load(Ordering::Relaxed) {
                return Err(BacktestError::Interrupted);
            }
        }
        shards.into_par_iter().map(|shard| self.finish(shard)).collect()
    }

    fn finish(&self, mut shard: Shard<'_>) -> Result<Finished, BacktestError> {
        let totals = measure(&mut shard, &self.measured, self.configured.plan());
        let failures = shard.take_failures();
        let log = shard.evaluator().take_log();
        let fuel = shard.evaluator().fuel_used();
        let decisions = std::mem::take(&mut shard.decisions);
        Ok(Finished {
            totals,
            digests: digest_buckets(&decisions, &self.names),
            decisions,
            failures,
            log,
            evaluations: shard.evaluations,
            batches: shard.batches,
            fuel,
        })
    }
}
