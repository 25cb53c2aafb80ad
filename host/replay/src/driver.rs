//! Running all shards: on their own where no gate reads across customers, in lockstep where one does.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;
use stratagem_gates::Budget;
use stratagem_insight::{
    ColumnPlan, Needs, Population, PopulationNeeds, ReferencePlan, StoreContext, Timelines,
};
use stratagem_model::time::{DAY_MS, Time, Zone, date_of};
use stratagem_model::{BUCKETS, Decision, Goal};
use stratagem_runtime::{Configured, LogLine};
use stratagem_store::{Store, StoreError};

use crate::clock::{Clock, Step};
use crate::cohorts::{Cohort, Months};
use crate::config::{Backtest, BacktestError};
use crate::curve::{CurvePoint, Periods, curve};
use crate::outcome::{Measured, Totals, measure};
use crate::receipt::{BucketDigests, Receipt, digest, digest_buckets};
use crate::shard::{FailureCount, Shard, Shared};
use crate::summary::CONFIDENCE;

/// Customers a shard should have: enough for full batches, few enough to fit a cache.
const CUSTOMERS_PER_SHARD: u64 = 8_192;
/// Different log lines kept of a run.
const LOG_LINES: usize = 100;

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
    fn step(&self, parts: u64) -> Result<(), BacktestError> {
        self.done.fetch_add(parts, Ordering::Relaxed);
        if self.is_cancelled.load(Ordering::Relaxed) { Err(BacktestError::Interrupted) } else { Ok(()) }
    }
}

/// What a run did.
#[derive(Debug, Clone)]
pub struct RunResult {
    /// First and last local day with steps.
    pub days: (String, String),
    /// The last local day of the data.
    pub data_end: String,
    pub totals: Totals,
    pub curve: Vec<CurvePoint>,
    pub cohorts: Vec<Cohort>,
    pub failures: Vec<FailureCount>,
    pub log: Vec<LogLine>,
    pub receipt: Receipt,
    pub steps: u64,
    pub evaluations: u64,
    pub batches: u64,
    pub fuel: u64,
}

/// What is left of a shard when it has run.
struct Finished {
    totals: Totals,
    decisions: Vec<Decision>,
    digests: BucketDigests,
    failures: Vec<FailureCount>,
    log: Vec<LogLine>,
    evaluations: u64,
    batches: u64,
    fuel: u64,
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
    let threads = match backtest.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|source| BacktestError::Threads { threads, source })?;
    pool.install(|| Run::new(store, configured, backtest, progress, threads)?.execute(sink))
}

struct Run<'a> {
    store: &'a dyn Store,
    configured: &'a Configured,
    backtest: &'a Backtest,
    progress: &'a Progress,
    threads: usize,
    context: StoreContext,
    columns: ColumnPlan,
    references: ReferencePlan,
    needs: Needs,
    clock: Clock,
    measured: Measured,
    days: (String, String),
    data_end: String,
    population_needs: PopulationNeeds,
}

impl<'a> Run<'a> {
    fn new(
        store: &'a dyn Store,
        configured: &'a Configured,
        backtest: &'a Backtest,
        progress: &'a Progress,
        threads: usize,
    ) -> Result<Self, BacktestError> {
        let plan = configured.plan();
        let zone = Zone::new(&store.settings().zone).expect("a store is created with a known zone");
        let context = StoreContext::read(store, zone)?;
        let columns = ColumnPlan::new(plan, &context)?;
        let references = ReferencePlan::new(plan, &context)?;
        let totals = store.totals()?;
        let (Some(first), Some(last)) = (totals.first_order_ms, totals.last_order_ms) else {
            return Err(BacktestError::NoOrders);
        };
        let zone = &context.zone;
        let data = (zone.day(Time(first)), zone.day(Time(last)));
        let (from, until) = backtest.days(data)?;
        let clock = Clock::new(zone, from, until, &plan.triggers.daily_at);
        let window_ms = i64::from(backtest.window_days) * DAY_MS;
        let last_step = clock.time(clock.len() as Step - 1);
        let end = Time(zone.at(until + 1, 0).0 + window_ms);
        let measured = Measured {
            from: zone.at(from, 0),
            last_step,
            end,
            window_ms,
            periods: Periods::new(zone.at(from, 0), end),
            months: Months::new(zone, data.0, data.1),
            keeps_customers: backtest.keeps_customers,
        };
        let pairs = references.pair_schedule();
        let mut needs = columns.needs();
        needs.events = context.has_events;
        // Of the lifecycle stages that participants are counted by.
        needs.days = true;
        needs.categories |= pairs.is_some() || plan.goal == Goal::ItemOrder;
        Ok(Self {
            store,
            configured,
            backtest,
            progress,
            threads,
            columns,
            references,
            needs,
            clock,
            measured,
            days: (date_of(from), date_of(until)),
            data_end: date_of(data.1),
            population_needs: PopulationNeeds::new(zone, from, until, pairs),
            context,
        })
    }

    fn execute(&self, sink: &mut dyn Sink) -> Result<RunResult, BacktestError> {
        let shards = self.shards()?;
        self.progress.total.store(2 * shards.len() as u64, Ordering::Relaxed);
        // A store that fits is read once; a larger one twice, so that memory does not grow with it.
        let is_lockstep = self.backtest.policy.budget.is_some();
        let keeps = is_lockstep || shards.len() <= 2 * self.threads;
        let (population, mut kept) = self.population(&shards, keeps)?;
        let shared = Shared {
            backtest: self.backtest,
            configured: self.configured,
            context: &self.context,
            clock: &self.clock,
            columns: &self.columns,
            references: &self.references,
            population: &population,
        };
        let mut collected = Collected::new(self.configured.plan().actions.len(), &self.measured);
        if let Some(budget) = self.backtest.policy.budget {
            let shards = kept.into_iter().map(|timelines| Shard::new(&shared, timelines)).collect();
            for finished in self.lockstep(shards, Budget::new(budget))? {
                collected.add(finished, sink)?;
            }
            return Ok(collected.result(self));
        }
        // A few shards for each worker at a time, handed on in order.
        let mut kept = kept.drain(..);
        for ranges in shards.chunks(4 * self.threads) {
            let work: Vec<_> = ranges.iter().cloned().map(|range| (range, kept.next())).collect();
            let finished: Vec<_> = work
                .into_par_iter()
                .map(|(range, timelines)| {
                    let timelines = timelines.map_or_else(|| self.load(range), Ok)?;
                    self.alone(Shard::new(&shared, timelines))
                })
                .collect::<Result<_, BacktestError>>()?;
            for finished in finished {
                collected.add(finished, sink)?;
            }
        }
        Ok(collected.result(self))
    }

    /// Bucket ranges of about equal size.
    fn shards(&self) -> Result<Vec<Range<u16>>, BacktestError> {
        let customers = self.store.totals()?.customers;
        let wanted = customers.div_ceil(CUSTOMERS_PER_SHARD).max(self.threads as u64);
        let count = wanted.min(u64::from(BUCKETS)) as u32;
        let edge = |i: u32| (u32::from(BUCKETS) * i / count) as u16;
        Ok((0..count).map(|i| edge(i)..edge(i + 1)).collect())
    }

    fn load(&self, buckets: Range<u16>) -> Result<Timelines, StoreError> {
        let cut = self.backtest.cut.unwrap_or(Time::MAX);
        Timelines::load(self.store, &self.context, buckets, self.needs, cut)
    }

    fn population(
        &self,
        shards: &[Range<u16>],
        keeps: bool,
    ) -> Result<(Population, Vec<Timelines>), BacktestError> {
        let parts: Vec<_> = shards
            .par_iter()
            .map(|range| {
                let timelines = self.load(range.clone())?;
                self.progress.step(1)?;
                let contribution = self.population_needs.contribution(&timelines);
                Ok((contribution, keeps.then_some(timelines)))
            })
            .collect::<Result<_, BacktestError>>()?;
        let mut kept = vec![];
        let mut all = None;
        for (contribution, timelines) in parts {
            kept.extend(timelines);
            all = Some(match all {
                None => contribution,
                Some(sum) => stratagem_insight::Contribution::merge(sum, contribution),
            });
        }
        let all = all.expect("there is at least one shard");
        let mut population = Population::new(&self.population_needs, all);
        self.references.prepare(&mut population);
        Ok((population, kept))
    }

    /// All steps of one shard.
    fn alone(&self, mut shard: Shard<'_>) -> Result<Finished, BacktestError> {
        for step in 0..self.clock.len() as Step {
            shard.propose(step);
            shard.decide(step, None);
            if self.progress.is_cancelled.load(Ordering::Relaxed) {
                return Err(BacktestError::Interrupted);
            }
        }
        self.finish(shard)
    }

    /// All shards step by step, decided in order: the budget is spent in the order of `(bucket, customer)`.
    fn lockstep(
        &self,
        mut shards: Vec<Shard<'_>>,
        mut budget: Budget,
    ) -> Result<Vec<Finished>, BacktestError> {
        for step in 0..self.clock.len() as Step {
            shards.par_iter_mut().for_each(|shard| shard.propose(step));
            for shard in &mut shards {
                shard.decide(step, Some(&mut budget));
            }
            if self.progress.is_cancelled.load(Ordering::Relaxed) {
                return Err(BacktestError::Interrupted);
            }
        }
        shards.into_par_iter().map(|shard| self.finish(shard)).collect()
    }

    fn finish(&self, mut shard: Shard<'_>) -> Result<Finished, BacktestError> {
        let totals = measure(&mut shard, &self.measured, self.configured.plan());
        self.progress.step(1)?;
        let failures = shard.take_failures();
        let log = shard.evaluator().take_log();
        let fuel = shard.evaluator().fuel_used();
        let decisions = std::mem::take(&mut shard.decisions);
        Ok(Finished {
            totals,
            digests: digest_buckets(&decisions),
            decisions,
            failures,
            log,
            evaluations: shard.evaluations,
            batches: shard.batches,
            fuel,
        })
    }
}

/// The sum over finished shards.
struct Collected {
    totals: Totals,
    decisions: u64,
    digests: BucketDigests,
    failures: BTreeMap<(stratagem_model::Reason, String), (u64, u64)>,
    log: Vec<LogLine>,
    evaluations: u64,
    batches: u64,
    fuel: u64,
}

impl Collected {
    fn new(actions: usize, measured: &Measured) -> Self {
        Self {
            totals: Totals::new(actions, measured),
            decisions: 0,
            digests: vec![],
            failures: BTreeMap::new(),
            log: vec![],
            evaluations: 0,
            batches: 0,
            fuel: 0,
        }
    }

    fn add(&mut self, shard: Finished, sink: &mut dyn Sink) -> Result<(), BacktestError> {
        sink.write(&shard.decisions).map_err(BacktestError::Sink)?;
        self.totals = std::mem::take(&mut self.totals).merge(shard.totals);
        self.decisions += shard.decisions.len() as u64;
        self.digests.extend(shard.digests);
        for failure in shard.failures {
            let count = self.failures.entry((failure.reason, failure.message)).or_default();
            count.0 += failure.batches;
            count.1 += failure.rows;
        }
        for line in shard.log {
            if self.log.len() < LOG_LINES && !self.log.contains(&line) {
                self.log.push(line);
            }
        }
        self.evaluations += shard.evaluations;
        self.batches += shard.batches;
        self.fuel += shard.fuel;
        Ok(())
    }

    fn result(self, run: &Run<'_>) -> RunResult {
        let failures = self.failures.into_iter().map(|((reason, message), (batches, rows))| FailureCount {
            reason,
            message,
            batches,
            rows,
        });
        let zone = &run.context.zone;
        RunResult {
            days: run.days.clone(),
            data_end: run.data_end.clone(),
            curve: curve(&self.totals, &run.measured.periods, zone, CONFIDENCE),
            cohorts: self.totals.cohorts.summarise(&run.measured.months),
            totals: self.totals,
            failures: failures.collect(),
            log: self.log,
            receipt: Receipt {
                decisions: self.decisions,
                decisions_digest: digest(self.digests),
                engine: run.configured.strategy().engine_name(),
            },
            steps: run.clock.len() as u64,
            evaluations: self.evaluations,
            batches: self.batches,
            fuel: self.fuel,
        }
    }
}
