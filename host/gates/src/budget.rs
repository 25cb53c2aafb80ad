//! Money that a run may commit.

use stratagem_model::Money;

/// What is left of a run's budget. Committed is the worst case: each offer redeemed at its full face value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    remaining: Money,
}

impl Budget {
    /// A budget of which nothing is spent.
    pub fn new(limit: Money) -> Self {
        Self { remaining: limit.max(0) }
    }

    /// Whether this cost fits into what is left.
    pub fn covers(&self, cost: Money) -> bool {
        cost <= self.remaining
    }

    /// Commits a cost that was found to be covered.
    pub(crate) fn spend(&mut self, cost: Money) {
        debug_assert!(self.covers(cost), "the gate asks before it spends");
        self.remaining -= cost;
    }

    /// What can still be committed.
    pub fn remaining(&self) -> Money {
        self.remaining
    }
}
