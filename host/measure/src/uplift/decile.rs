//! The effect by tenths of the ranking.

use serde::{Deserialize, Serialize};

use super::Ranked;
use crate::{Estimate, Refusal, Sample, welch};

const TENTHS: usize = 10;

/// One tenth of customers by score; 1 has the highest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Decile {
    pub decile: u64,
    pub treated: u64,
    pub untreated: u64,
    pub lowest_score: f64,
    pub highest_score: f64,
    /// Treated less untreated (Welch), in units of the outcome a customer; nothing where an arm has fewer than two
    /// customers or nothing varies.
    pub effect: Option<Estimate>,
}

impl Ranked {
    /// Customers of equal score stay together, in the tenth that their middle falls into, so that tenths may differ in
    /// size and some be missing.
    pub(super) fn deciles(&self, confidence: f64) -> Result<Vec<Decile>, Refusal> {
        let mut bounds = vec![(0, 0); TENTHS];
        let mut start = 0;
        for end in &self.ends {
            let tenth = (start + end) * TENTHS / (2 * self.outcome.len());
            let bound = &mut bounds[tenth.min(TENTHS - 1)];
            *bound = if bound.1 == 0 { (start, *end) } else { (bound.0, *end) };
            start = *end;
        }
        let mut deciles = vec![];
        for (tenth, (start, end)) in bounds.into_iter().enumerate().filter(|(_, (start, end))| start < end) {
            let arm = |arm: bool| {
                let of = (start..end).filter(|place| self.treated[*place] == arm);
                of.map(|place| self.outcome[place]).collect::<Vec<_>>()
            };
            let (treated, untreated) = (arm(true), arm(false));
            let difference = || welch(&Sample::of(&treated)?, &Sample::of(&untreated)?, confidence);
            deciles.push(Decile {
                decile: tenth as u64 + 1,
                treated: treated.len() as u64,
                untreated: untreated.len() as u64,
                lowest_score: self.scores[end - 1],
                highest_score: self.scores[start],
                effect: difference().ok(),
            });
        }
        Ok(deciles)
    }
}
