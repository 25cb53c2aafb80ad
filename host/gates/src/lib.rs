//! The rules between a proposal and a decision: draw, consent, frequency cap, budget, holdout, in this order.
//!
//! Rules that draw nothing come first, so that a held-out customer is one who *would have been* touched: the
//! controls of a run are comparable to its contacted customers. Controls walk the same path untouched; their
//! held-out touches count as their history and against their cap, and cost nothing.
//!
//! # Invariants
//!
//! - **Every proposal gets exactly one decision**, with a reason and a propensity.
//! - **Caps and budgets are exact**: a touch is counted before the next proposal is looked at.
//! - **No state but the budget**: everything else is a function of the policy, the customer and the instant.

mod budget;
mod policy;

use stratagem_model::column::Proposal;
use stratagem_model::{Action, CustomerId, Decision, PPM, Reason, Time};
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub use budget::Budget;
pub use policy::{Cap, ConsentRule, Holdout, Policy};

/// What the gates ask about a customer at the instant of the decision.
pub trait Customer {
    /// Whether consent for a channel is known to be given (`Some(true)`), withdrawn, or neither.
    fn consent(&self, channel: &str) -> Option<bool>;

    /// Contacts carried out, or held out, later than `after` and not later than `until`.
    fn contacts_between(&self, after: Time, until: Time) -> u32;
}

/// Decides about the proposals of one customer at one step and appends a decision for each, in their order.
///
/// Returns the proposal that was carried out or held out, with whether it was carried out.
pub fn decide<'p>(
    policy: &Policy,
    actions: &[Action],
    budget: Option<&mut Budget>,
    customer: (CustomerId, &impl Customer),
    now: Time,
    proposals: &'p [Proposal],
    decisions: &mut Vec<Decision>,
) -> Option<(&'p Proposal, bool)> {
    let (id, facts) = customer;
    let total: i128 = proposals.iter().map(|p| i128::from(p.score)).sum();
    let drawn = draw(policy.seed, id, now, proposals, total);
    let mut walked = None;
    let mut budget = budget;
    for (i, proposal) in proposals.iter().enumerate() {
        let action = &actions[proposal.action as usize];
        let forbidden = forbidden(policy, action, budget.as_deref(), facts, proposal.when);
        let reason = match forbidden {
            _ if i != drawn => Reason::NotDrawn,
            Some(reason) => reason,
            None => policy.holdout(id).unwrap_or(Reason::Sent),
        };
        let propensity_ppm = match forbidden {
            Some(_) => 0,
            None => propensity(policy.sent_ppm(), proposal.score, total),
        };
        if reason.is_sent()
            && let Some(budget) = budget.as_deref_mut()
        {
            budget.spend(action.worst_case_cost());
        }
        if reason.is_sent() || reason.is_held_out() {
            walked = Some((proposal, reason.is_sent()));
        }
        decisions.push(Decision {
            time: now,
            customer: id,
            action: proposal.action,
            item: proposal.item,
            score: proposal.score,
            when: proposal.when,
            reason,
            propensity_ppm,
        });
    }
    walked
}

/// The rule that draws nothing and forbids this action, if one does.
fn forbidden(
    policy: &Policy,
    action: &Action,
    budget: Option<&Budget>,
    customer: &impl Customer,
    when: Time,
) -> Option<Reason> {
    if action.kind.is_contact() {
        if !policy.consent.allows(customer.consent(&action.channel)) {
            return Some(Reason::NoConsent);
        }
        if let Some(cap) = policy.cap
            && customer.contacts_between(Time(when.0 - cap.window_ms()), when) >= cap.touches
        {
            return Some(Reason::FrequencyCap);
        }
    }
    let is_covered = budget.is_none_or(|budget| budget.covers(action.worst_case_cost()));
    (!is_covered).then_some(Reason::Budget)
}

/// The index of the proposal that is drawn, with probability proportional to its score.
fn draw(seed: u64, customer: CustomerId, now: Time, proposals: &[Proposal], total: i128) -> usize {
    if proposals.len() < 2 {
        return 0;
    }
    let mut key = [0; 16];
    key[..8].copy_from_slice(&customer.0.to_le_bytes());
    key[8..].copy_from_slice(&now.0.to_le_bytes());
    // 56 bits of the hash, so that the product with 16 scores of up to 63 bits fits.
    let hash = i128::from(xxh3_64_with_seed(&key, seed) >> 8);
    let mut point = (hash * total) >> 56;
    for (i, proposal) in proposals.iter().enumerate() {
        point -= i128::from(proposal.score);
        if point < 0 {
            return i;
        }
    }
    proposals.len() - 1
}

fn propensity(sent_ppm: u32, score: i64, total: i128) -> u32 {
    let share = i128::from(sent_ppm) * i128::from(score);
    u32::try_from((share + total / 2) / total).map_or(PPM, |ppm| ppm.min(PPM))
}

#[cfg(test)]
mod tests;
