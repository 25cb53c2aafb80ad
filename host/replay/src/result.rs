//! What a run gives: the sum over its shards, in any order of adding.

use std::collections::BTreeMap;

use stratagem_model::time::Zone;
use stratagem_model::{DECISION_ENCODING, Decision, Reason};
use stratagem_record::{Cohort, CurvePoint, FailureCount, Receipt, Treatment};
use stratagem_runtime::LogLine;

use crate::config::BacktestError;
use crate::curve::curve;
use crate::driver::Sink;
use crate::outcome::{Measured, Totals};
use crate::receipt::{BucketDigests, digest};
use crate::summary::CONFIDENCE;

/// Different log lines kept of a run.
const LOG_LINES: usize = 100;

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
    pub treatments: Vec<Treatment>,
    pub failures: Vec<FailureCount>,
    pub log: Vec<LogLine>,
    pub receipt: Receipt,
    pub steps: u64,
    pub evaluations: u64,
    pub batches: u64,
    pub fuel: u64,
}

/// What is left of a shard when it has run.
pub(crate) struct Finished {
    pub(crate) totals: Totals,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) digests: BucketDigests,
    pub(crate) failures: Vec<FailureCount>,
    pub(crate) log: Vec<LogLine>,
    pub(crate) evaluations: u64,
    pub(crate) batches: u64,
    pub(crate) fuel: u64,
}

/// What a run is told of itself when it ends.
pub(crate) struct Origin<'a> {
    pub(crate) days: (String, String),
    pub(crate) data_end: String,
    pub(crate) measured: &'a Measured,
    pub(crate) zone: &'a Zone,
    pub(crate) engine: String,
    pub(crate) steps: u64,
}

/// The sum over finished shards.
pub(crate) struct Collected {
    totals: Totals,
    decisions: u64,
    digests: BucketDigests,
    failures: BTreeMap<(Reason, String), (u64, u64)>,
    log: Vec<LogLine>,
    evaluations: u64,
    batches: u64,
    fuel: u64,
}

impl Collected {
    pub(crate) fn new(actions: usize, measured: &Measured) -> Self {
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

    pub(crate) fn add(&mut self, shard: Finished, sink: &mut dyn Sink) -> Result<(), BacktestError> {
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

    pub(crate) fn result(self, of: &Origin<'_>) -> RunResult {
        let failures = self.failures.into_iter().map(|((reason, message), (batches, rows))| FailureCount {
            reason,
            message,
            batches,
            rows,
        });
        RunResult {
            days: of.days.clone(),
            data_end: of.data_end.clone(),
            curve: curve(&self.totals, &of.measured.periods, of.zone, CONFIDENCE),
            cohorts: self.totals.cohorts.summarise(&of.measured.months),
            treatments: vec![],
            totals: self.totals,
            failures: failures.collect(),
            log: self.log,
            receipt: Receipt {
                decisions: self.decisions,
                encoding: DECISION_ENCODING.into(),
                decisions_digest: digest(self.digests),
                engine: of.engine.clone(),
            },
            steps: of.steps,
            evaluations: self.evaluations,
            batches: self.batches,
            fuel: self.fuel,
        }
    }
}
