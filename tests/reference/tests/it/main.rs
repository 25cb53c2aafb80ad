//! One module a part of `stratagem-measure`.

mod data;
mod effects;
mod observational;
mod off_policy;
mod repurchase;
mod uplift;
