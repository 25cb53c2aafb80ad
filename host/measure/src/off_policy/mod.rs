//! Off-policy evaluation: what a policy would have earned, from the log of another whose propensities are known.
//!
//! [`evaluate`] is the whole of it: it refuses what the log cannot answer, and else gives every estimator with its
//! intervals, the diagnostics, and what must hold for the numbers to mean anything. [`Scores`] is the way to single
//! estimates without those checks.
//!
//! # Invariants
//!
//! - No number without support, without enough rows that count, or with a mean weight that cannot be 1.
//! - Every self-normalised estimate is normalised anew in each bootstrap draw.
//!
//! # Not here
//!
//! Where the log and the policy come from; choosing a policy by these numbers, for which they are too optimistic; how
//! assumptions and warnings are worded.

mod crossfit;
mod diagnostics;
mod estimator;
mod evaluation;
mod influence;
mod log;
mod model;
mod policy;
mod scores;
#[cfg(test)]
mod studies;

pub use crossfit::Fitting;
pub use diagnostics::{Diagnostics, MeanWeight, Support, Unsupported, Warning, WeightBin};
pub use estimator::Estimator;
pub use evaluation::{Assumption, Estimated, Evaluation, Limits, Options, Unavailable, evaluate};
pub use log::{Categorical, Log};
pub use model::RewardModel;
pub use policy::Policy;
pub use scores::{NoValue, Scores};
