//! The bootstrap of customers: resampling them with replacement, within their arm and stratum.
//!
//! [`Bootstrap`] makes intervals of any statistic of arm means; [`resample_sums`] is the primitive for others.
//!
//! # Invariants
//!
//! - A seed gives the same numbers for any number of threads and any order of the customers.

mod interval;
mod resample;
mod statistic;

pub use interval::Bootstrap;
pub(crate) use interval::percentile;
pub use resample::{Resampler, resample_sums};
pub use statistic::{difference, mean, ratio, ratio_difference, relative_lift};
