//! Statistics: intervals of proportions and of differences in means. No I/O, no decisions, `f64`.
//!
//! # Not here
//!
//! Anything a gate or a strategy reads: decisions are made on integers.

mod interval;

pub use interval::{Difference, Moments, Rate, welch, wilson};
