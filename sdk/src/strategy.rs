//! The trait that a strategy implements.

use crate::batch::{BatchView, Row};
use crate::builder::PlanBuilder;
use crate::description::Description;
use crate::output::Proposals;
use crate::parameters::{ParameterError, Parameters};

/// A marketing strategy: a pure function from a customer's history to proposals.
///
/// The host may ask on any machine, in any batching, on history or live, and must get the same answer for the same
/// customer. So there is nothing to remember with: a value of the type lives for one batch, and
/// [`evaluate`](Self::evaluate) cannot change it. What the strategy did before is a column, like everything else.
pub trait Strategy: Sized {
    /// What an operator may set; `()` for nothing.
    type Parameters: Parameters;

    /// What the strategy is. Constant.
    fn describe() -> Description;

    /// Asks for columns, declares actions, and keeps the handles.
    ///
    /// Called once to make the plan, and again before each batch with the same parameters, so it must do the same
    /// every time and should do little.
    ///
    /// # Errors
    /// Combinations of parameters that make no sense. Each one alone lies within its bounds already.
    fn configure(settings: Self::Parameters, plan: &mut PlanBuilder) -> Result<Self, Vec<ParameterError>>;

    /// Works out what all customers of a batch share, such as an index over a reference table. Does nothing unless
    /// written.
    ///
    /// # Errors
    /// The strategy cannot answer, and says why; every customer of the batch then gets the plan's fallback.
    fn begin(&mut self, batch: &BatchView<'_>) -> Result<(), Failure> {
        let _ = batch;
        Ok(())
    }

    /// Decides about one customer.
    fn evaluate(&self, customer: Row<'_>, out: &mut Proposals<'_>);
}

/// The strategy cannot answer, and knows it. The batch gets the fallback, recorded with this message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// At most 2,000 bytes are recorded.
    pub message: String,
}

impl Failure {
    /// Says why.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<ParameterError> for Failure {
    fn from(error: ParameterError) -> Self {
        Self::new(format!("parameter `{}`: {}", error.parameter, error.message))
    }
}
