//! What each customer's outcome says of a run: the arms compared in several ways, whether assignment was fair, and how
//! often an interval is wrong where nothing happened.

use serde::{Deserialize, Serialize};
use stratagem_measure::Estimate;
use stratagem_measure::effects::{Cuped, SampleRatio};

/// The arms of a run compared, over all eligible customers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Evidence {
    /// GMV per eligible customer, treated less control, minor units: by Welch, by the percentile and the BCa bootstrap,
    /// and adjusted by what each was worth before (CUPED). Nothing without controls, or on a sample ratio mismatch.
    pub gmv: Option<Estimate>,
    pub gmv_percentile: Option<Estimate>,
    pub gmv_bca: Option<Estimate>,
    pub gmv_cuped: Option<Cuped>,
    /// Share with an order, treated less control (Newcombe).
    pub conversion: Option<Estimate>,
    /// Whether the arms have the sizes that the holdout draws.
    pub sample_ratio: Option<SampleRatio>,
    /// Why the arms are not compared, or their sizes not tested, and what would be needed.
    pub refusal: Option<(String, String)>,
    /// By covariate when first asked about: the standardised mean difference between the arms.
    pub balance: Vec<Covariate>,
    pub no_action: Option<NoAction>,
    /// Bootstrap draws and their seed.
    pub draws: u32,
    pub seed: u64,
}

/// How unlike the arms were before anything was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Covariate {
    pub name: String,
    pub difference: f64,
}

/// Random halves of customers to whom the same happened: a 95 % interval should hold 0 in 95 % of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NoAction {
    pub splits: u32,
    pub customers: u64,
    /// Nothing where it does not vary in each half.
    pub gmv: Option<Coverage>,
    pub conversion: Option<Coverage>,
    /// The first of the Welch intervals of GMV.
    pub shown: Vec<Estimate>,
}

/// Share of the splits whose interval holds 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Coverage {
    pub welch: f64,
    pub percentile: f64,
    pub bca: f64,
}
