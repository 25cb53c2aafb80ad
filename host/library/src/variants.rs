//! How many variants of a strategy were tried on the same data.
//!
//! Runs of every format count, and damaged ones as far as they can be read.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use stratagem_record::{Draft, StrategyRecord};

/// Of a run only what ran on what.
#[derive(Deserialize)]
struct Origin {
    /// Of format 1, which had no lanes.
    strategy: Option<Tried>,
    #[serde(default)]
    lanes: Vec<Lane>,
    #[serde(default)]
    portfolio: String,
    data: Data,
}

#[derive(Deserialize)]
struct Lane {
    strategy: Tried,
}

#[derive(Deserialize)]
struct Tried {
    name: String,
    digest: String,
    parameters: Value,
}

#[derive(Deserialize)]
struct Data {
    fingerprint: String,
}

/// A component and its parameters, as text.
type Variant = (String, String);

impl Origin {
    fn strategies(&self) -> impl Iterator<Item = &Tried> {
        self.strategy.iter().chain(self.lanes.iter().map(|lane| &lane.strategy))
    }
}

/// How many variants of a run's strategies there are on the same data, with the run's own.
pub(crate) fn tried<'a>(documents: impl Iterator<Item = &'a [u8]>, draft: &Draft) -> u32 {
    let strategies = draft.mode.strategies();
    let mine = |strategy: &&StrategyRecord| -> Variant {
        let parameters = serde_json::to_value(&strategy.parameters).expect("parameters are a list");
        (strategy.digest.clone(), parameters.to_string())
    };
    let names: Vec<_> = strategies.iter().map(|strategy| strategy.name.as_str()).collect();
    let mut variants = BTreeSet::from([strategies.iter().map(mine).collect::<Vec<_>>()]);
    for bytes in documents {
        // A run that is damaged stands in the way of reading it, not of recording another.
        let Ok(other) = serde_json::from_slice::<Origin>(bytes) else { continue };
        let is_same = other.portfolio == draft.portfolio
            && other.data.fingerprint == draft.data.fingerprint
            && other.strategies().map(|strategy| strategy.name.as_str()).eq(names.iter().copied());
        if is_same {
            let variant = |tried: &Tried| (tried.digest.clone(), tried.parameters.to_string());
            variants.insert(other.strategies().map(variant).collect());
        }
    }
    variants.len() as u32
}
