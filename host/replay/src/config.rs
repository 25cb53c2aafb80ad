//! What a backtest is asked to do, and whether the data can answer it.

use stratagem_gates::Policy;
use stratagem_insight::UnknownColumn;
use stratagem_model::time::{Day, date_of};
use stratagem_runtime::Instances;
use stratagem_store::StoreError;

/// A backtest's settings. What is marked *free* changes no decision.
#[derive(Debug, Clone)]
pub struct Backtest {
    /// First and last local day with steps; the store's whole span, less the attribution window, if not given.
    pub from: Option<Day>,
    pub until: Option<Day>,
    /// Days after a touch in which orders are attributed to it.
    pub window_days: u32,
    pub policy: Policy,
    /// Days after which a customer whose proposal was suppressed is asked about again.
    pub retry_days: u32,
    /// Minutes after the instant as of which a table of the population is made until it is used.
    pub table_lag_minutes: u32,
    /// *Free.* Worker threads; 0 for one a core.
    pub threads: usize,
    /// *Free.* Most rows of a batch.
    pub batch_rows: usize,
    /// *Free.* Whether each batch gets an instance of its own.
    pub instances: Instances,
    /// *Free, if wake times are right.* Ask about every customer at every step.
    pub every_step: bool,
    /// *Free.* Keep each eligible customer's outcome, for what sums cannot answer: bootstrap, balance, A/A splits.
    pub keeps_customers: bool,
    /// *Free.* Estimate the effects of campaigns that the data has as touches.
    pub observes_treatments: bool,
    /// Pretend that nothing known at this instant or later exists.
    pub cut: Option<stratagem_model::Time>,
}

impl Backtest {
    /// A backtest of the whole store with these gates.
    pub fn new(policy: Policy) -> Self {
        Self {
            from: None,
            until: None,
            window_days: 14,
            policy,
            retry_days: 7,
            table_lag_minutes: 60,
            threads: 0,
            batch_rows: 8_192,
            instances: Instances::Fresh,
            every_step: false,
            keeps_customers: false,
            observes_treatments: false,
            cut: None,
        }
    }

    /// The first and last day of the run, given those of the data.
    pub(crate) fn days(&self, data: (Day, Day)) -> Result<(Day, Day), BacktestError> {
        let latest = data.1 - self.window_days as Day;
        let from = self.from.unwrap_or(data.0);
        let until = self.until.unwrap_or(latest);
        if until > latest {
            return Err(BacktestError::WindowPastEnd {
                until: date_of(until),
                window_days: self.window_days,
                end: date_of(data.1),
                latest: date_of(latest),
            });
        }
        if latest < data.0 {
            return Err(BacktestError::DataTooShort {
                days: data.1 - data.0 + 1,
                window_days: self.window_days,
            });
        }
        if from > until {
            return Err(BacktestError::EmptyPeriod { from: date_of(from), until: date_of(until) });
        }
        Ok((from, until))
    }
}

/// Why a backtest was refused or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BacktestError {
    #[error("the store has no orders")]
    NoOrders,
    #[error("the run from {from} to {until} has no days")]
    EmptyPeriod { from: String, until: String },
    #[error("the data spans {days} days, fewer than the attribution window of {window_days}")]
    DataTooShort { days: Day, window_days: u32 },
    #[error("touches of {until} would be measured for {window_days} days, but the data ends on {end}")]
    WindowPastEnd { until: String, window_days: u32, end: String, latest: String },
    #[error("nothing is known before {cut}: the first order is of {first}")]
    NothingBeforeCut { cut: String, first: String },
    #[error("the log has no rows in this period")]
    EmptyLog,
    #[error("none of the log's {rows} rows is of a customer that the store has")]
    UnknownCustomers { rows: u64 },
    #[error("the strategy failed on a row of the log: {message}")]
    Failed { message: String },
    #[error(transparent)]
    Refusal(#[from] stratagem_measure::Refusal),
    #[error(transparent)]
    Column(#[from] UnknownColumn),
    #[error("cannot read the store")]
    Store(#[from] StoreError),
    #[error("cannot write the decision log")]
    Sink(#[source] std::io::Error),
    #[error("cannot start {threads} worker threads")]
    Threads {
        threads: usize,
        #[source]
        source: rayon::ThreadPoolBuildError,
    },
    #[error("interrupted")]
    Interrupted,
}

impl BacktestError {
    /// The next thing to try.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoOrders => Some("`stratagem ingest FILE --store DIR` adds some".into()),
            Self::EmptyPeriod { .. } => {
                Some("choose `--from` before `--until`, or a shorter `--window`".into())
            }
            Self::DataTooShort { .. } => Some("use a shorter `--window`, or ingest more history".into()),
            Self::WindowPastEnd { latest, .. } => {
                Some(format!("use `--until {latest}` or earlier, or a shorter `--window`"))
            }
            Self::NothingBeforeCut { .. } => {
                Some("choose a later `--from`: the models need history to be fitted on".into())
            }
            Self::UnknownCustomers { .. } => {
                Some("its column `customer` must hold the ids under which the store knows them".into())
            }
            Self::EmptyLog => Some("choose other days with `--from` and `--until`".into()),
            Self::Failed { .. } => {
                Some("`stratagem strategy check FILE` tries it on made-up customers".into())
            }
            Self::Refusal(refusal) => Some(refusal.hint()),
            Self::Column(_) => Some("`stratagem strategy columns` lists what there is".into()),
            Self::Store(error) => error.hint().map(Into::into),
            Self::Threads { .. } => Some("use fewer with `--threads`".into()),
            Self::Interrupted => Some("this run was not added to the library; those before it are".into()),
            Self::Sink(_) => None,
        }
    }
}
