//! Whose claim is looked at first where a budget decides: over all shards, in an order that is drawn anew at each step.

use rayon::prelude::*;
use stratagem_gates::lottery;
use stratagem_model::{CustomerId, Time};

use crate::shard::Shard;

/// A claim's place in the order of its step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket {
    drawn: u64,
    customer: CustomerId,
    /// Which claim of which shard: not part of the order, for no customer has two.
    pub(crate) shard: u32,
    pub(crate) claim: u32,
}

/// All claims of a step, the first to be served first.
pub(crate) fn tickets(shards: &mut [Shard<'_>], salt: u64, now: Time) -> Vec<Ticket> {
    let of_shard = |(shard, of): (usize, &mut Shard<'_>)| {
        let ticket = |(claim, customer)| Ticket {
            drawn: lottery(salt, now, customer),
            customer,
            shard: shard as u32,
            claim: claim as u32,
        };
        of.claims().map(ticket).collect::<Vec<_>>()
    };
    let mut tickets: Vec<_> = shards.par_iter_mut().enumerate().map(of_shard).collect::<Vec<_>>().concat();
    tickets.par_sort_unstable();
    tickets
}
