//! Statistics: what a strategy caused, and how sure one may be. No I/O, no decisions, `f64`.
//!
//! Each public function names its formula and its source. What cannot be answered is a [`Refusal`], never a number.
//!
//! # Not here
//!
//! Anything a gate or a strategy reads: decisions are made on integers.

pub mod bootstrap;
pub mod effects;
mod estimate;
mod interval;
pub mod observational;
pub mod off_policy;
pub mod random;
mod refusal;
pub mod repurchase;
pub mod uplift;

pub use effects::welch;
pub use estimate::{Estimate, Moments, Sample};
pub use interval::{ClusteredTrials, Rate, wilson};
pub use refusal::Refusal;
