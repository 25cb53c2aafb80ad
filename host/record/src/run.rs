//! A run: what every mode has, and what only its own has.

use serde::{Deserialize, Serialize};

use crate::data::{DataRecord, Period};
use crate::format::Format;
use crate::lane::StrategyRecord;
use crate::off_policy::OffPolicy;
use crate::replay::Replay;
use crate::simulation::Simulation;

/// A run as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Run {
    pub format: Format,
    /// `r0001`, `r0002`, ... in the order of appending.
    pub id: String,
    /// When it was made, RFC 3339: for people; nothing depends on it.
    pub recorded_at: String,
    /// Which portfolio ran; empty for a single strategy.
    pub portfolio: String,
    pub data: DataRecord,
    pub period: Period,
    /// Minutes after its instant from which on a table of the whole population is used.
    pub table_lag_minutes: u32,
    /// Of the draw among competing proposals, of the worlds, or of the bootstrap.
    pub seed: u64,
    /// How many variants of what ran, other versions and parameters, the library has on this data with this one:
    /// the best of many looks better than it is.
    pub variants_tried: u32,
    #[serde(flatten)]
    pub mode: Mode,
}

/// What kind of run it is, and what this kind found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "kebab-case")]
pub enum Mode {
    Replay(Box<Replay>),
    Simulation(Box<Simulation>),
    OffPolicy(Box<OffPolicy>),
}

/// A finished run that the library has not numbered yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub recorded_at: String,
    pub portfolio: String,
    pub data: DataRecord,
    pub period: Period,
    pub table_lag_minutes: u32,
    pub seed: u64,
    pub mode: Mode,
}

impl Draft {
    /// The run, with what the library knows of it.
    pub fn numbered(self, id: String, variants_tried: u32) -> Run {
        let Self { recorded_at, portfolio, data, period, table_lag_minutes, seed, mode } = self;
        Run {
            format: Format,
            id,
            recorded_at,
            portfolio,
            data,
            period,
            table_lag_minutes,
            seed,
            variants_tried,
            mode,
        }
    }
}

impl Mode {
    /// The strategies that ran, in the order of the lanes.
    pub fn strategies(&self) -> Vec<&StrategyRecord> {
        match self {
            Self::Replay(replay) => replay.lanes.iter().map(|lane| &lane.strategy).collect(),
            Self::Simulation(simulation) => simulation.lanes.iter().map(|lane| &lane.strategy).collect(),
            Self::OffPolicy(on_log) => on_log.lanes.iter().map(|lane| &lane.strategy).collect(),
        }
    }
}

impl Run {
    /// The strategy of the only lane.
    pub fn sole_strategy(&self) -> &StrategyRecord {
        match &self.mode {
            Mode::Replay(replay) => &replay.lanes.sole().strategy,
            Mode::Simulation(simulation) => &simulation.lanes.sole().strategy,
            Mode::OffPolicy(on_log) => &on_log.lanes.sole().strategy,
        }
    }

    /// Engine, version and limits.
    pub fn engine(&self) -> &str {
        match &self.mode {
            Mode::Replay(replay) => &replay.receipt.engine,
            Mode::Simulation(simulation) => &simulation.receipt.engine,
            Mode::OffPolicy(on_log) => &on_log.engine,
        }
    }
}
