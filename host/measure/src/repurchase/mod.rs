//! Repurchase models: who is still a customer, how many orders to expect if nothing is done, and what they are
//! worth.
//!
//! A [`Kind`] of model is fitted on [`History`]s to a [`Model`], the spend of an order to a [`GammaGamma`]. Both
//! are fitted by maximum likelihood, and what they say is closed form or simulated ([`futures`]).
//!
//! # Invariants
//!
//! - **One time unit.** Whatever the caller counts in (days, weeks), all times, rates and log-likelihoods are in it.
//! - **No action.** The models know nothing of messages and discounts: they say what happens without.
//!
//! # Not here
//!
//! Turning an order log into histories, and the uncertainty of the parameters in what is forecast with them.

mod beta_geometric;
mod counted;
mod fit;
mod history;
mod holdout;
mod maximum;
mod model;
mod numeric;
mod pareto;
mod simulate;
mod spend;
mod tracking;
mod value;

pub use fit::{Fit, Parameter};
pub use history::History;
pub use holdout::{Calibration, Holdout};
pub use model::{Kind, Model, Posterior};
pub use simulate::{Customer, Order, cohort, future, futures, order_value};
pub use spend::{GammaGamma, Spending};
pub use tracking::Tracking;
pub use value::Terms;
