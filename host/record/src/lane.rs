//! Who ran: a strategy with its parameters, and what it was found to do.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};
use stratagem_model::Reason;
use stratagem_model::parameter::Value;
use stratagem_model::plan::Text;

/// A strategy in a run, and its outcome, which is of another kind in each mode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Lane<O> {
    /// The strategy's own name, where a run has no portfolio.
    pub name: String,
    /// Which of the lane's arms; empty where it has none.
    pub arm: String,
    pub strategy: StrategyRecord,
    pub outcome: O,
}

/// Which strategy ran, with which parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StrategyRecord {
    pub name: String,
    pub version: String,
    /// SHA-256 of the component, hex.
    pub digest: String,
    pub title: Text,
    /// Every parameter with its value, in schema order.
    pub parameters: Vec<(String, Value)>,
}

/// How often batches failed in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FailureCount {
    pub reason: Reason,
    pub message: String,
    pub batches: u64,
    pub rows: u64,
}

/// A line the strategy logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LoggedLine {
    pub level: String,
    pub message: String,
}

/// The lanes of a run, as a list.
///
/// Only runs of a single strategy are made, so there is exactly one: a record with another number of lanes is refused
/// when it is read, and not half shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
#[serde(bound(deserialize = "O: Deserialize<'de>"))]
pub struct Lanes<O>(#[serde(deserialize_with = "one_lane")] Vec<Lane<O>>);

fn one_lane<'de, D, O>(deserializer: D) -> Result<Vec<Lane<O>>, D::Error>
where
    D: serde::Deserializer<'de>,
    O: Deserialize<'de>,
{
    let lanes = Vec::deserialize(deserializer)?;
    match lanes.len() {
        1 => Ok(lanes),
        count => Err(serde::de::Error::custom(format_args!("{count} lanes, where one is read"))),
    }
}

impl<O> Lanes<O> {
    /// The lane of a run of one strategy.
    pub fn of(strategy: StrategyRecord, outcome: O) -> Self {
        Self(vec![Lane { name: strategy.name.clone(), arm: String::new(), strategy, outcome }])
    }

    /// The only lane.
    pub fn sole(&self) -> &Lane<O> {
        &self.0[0]
    }
}

impl<O> Deref for Lanes<O> {
    type Target = [Lane<O>];

    fn deref(&self) -> &[Lane<O>] {
        &self.0
    }
}

// As a slice, which keeps its length.
impl<O> DerefMut for Lanes<O> {
    fn deref_mut(&mut self) -> &mut [Lane<O>] {
        &mut self.0
    }
}
