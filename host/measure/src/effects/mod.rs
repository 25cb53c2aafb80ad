//! What a randomised experiment says: differences, ratios, and how sure one may be.
//!
//! The customer is the unit throughout: a value is one customer's, zeros included, and an arm's customers are
//! independent of one another and of the other arm's. Intervals are two-sided.
//!
//! # Not here
//!
//! Intervals by resampling are in [`bootstrap`](crate::bootstrap); effects without random assignment elsewhere.

#[cfg(test)]
mod coverage;
mod cuped;
mod distribution;
mod fieller;
mod holm;
mod max_t;
mod means;
mod paired;
mod power;
mod proportions;
mod ratio;
mod sample_ratio;
mod sequential;

pub use cuped::{Cuped, cuped};
pub use distribution::{normal_p_value, student_p_value};
pub(crate) use distribution::{normal_quantile, probability, student_quantile};
pub use fieller::{FiellerInterval, fieller, fieller_paired};
pub use holm::{Decision, holm};
pub use max_t::{Comparison, max_t};
pub use means::{relative_lift, welch, welch_p_value};
pub use paired::PairedSample;
pub use power::{ArmSizes, Detectable, Effect, Outcome};
pub use proportions::newcombe;
pub use ratio::{ratio, ratio_difference};
pub use sample_ratio::{SampleRatio, guard_sample_ratio, sample_ratio};
pub use sequential::sequential;
