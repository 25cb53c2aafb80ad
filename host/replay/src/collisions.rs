//! Where two strategies would have disturbed the same customers.

use std::collections::HashMap;
use std::io;

use stratagem_model::time::{DAY_MS, Time};
use stratagem_model::{CustomerId, Decision, Plan};
use stratagem_record::Collisions;

use crate::driver::Sink;

/// The contacts that a run carried out, by customer.
#[derive(Debug, Clone, Default)]
pub struct Contacts {
    is_contact: Vec<bool>,
    by_customer: HashMap<CustomerId, Vec<Time>>,
}

impl Contacts {
    /// None yet, of a strategy with this plan.
    pub fn new(plan: &Plan) -> Self {
        let is_contact = plan.actions.iter().map(|action| action.kind.is_contact()).collect();
        Self { is_contact, by_customer: HashMap::new() }
    }

    /// Where these contacts meet those of another run, if they lie at most so many days apart.
    pub fn collisions(&self, other: &Self, days: u32) -> Collisions {
        let reach = i64::from(days) * DAY_MS;
        let both = self
            .by_customer
            .iter()
            .filter_map(|(customer, mine)| Some((mine, other.by_customer.get(customer)?)));
        let mut out = Collisions { customers: 0, contacts: 0, days };
        for (mine, theirs) in both {
            out.customers += 1;
            let meets = |at: &&Time| theirs.iter().any(|other| (at.0 - other.0).abs() <= reach);
            out.contacts += mine.iter().filter(meets).count() as u64;
        }
        out
    }
}

impl Sink for Contacts {
    fn write(&mut self, decisions: &[Decision]) -> io::Result<()> {
        for decision in decisions.iter().filter(|decision| decision.reason.is_sent()) {
            if self.is_contact.get(decision.action as usize).is_some_and(|is_contact| *is_contact) {
                self.by_customer.entry(decision.customer).or_default().push(decision.when);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_collide_within_the_days() {
        let contacts = |of: &[(u64, i64)]| {
            let mut out = Contacts::default();
            for (customer, day) in of {
                out.by_customer.entry(CustomerId(*customer)).or_default().push(Time(day * DAY_MS));
            }
            out
        };
        let (first, second) = (contacts(&[(1, 0), (1, 10), (2, 5)]), contacts(&[(1, 7), (3, 5)]));
        assert_eq!(first.collisions(&second, 7), Collisions { customers: 1, contacts: 2, days: 7 });
        assert_eq!(first.collisions(&second, 3), Collisions { customers: 1, contacts: 1, days: 3 });
    }
}
