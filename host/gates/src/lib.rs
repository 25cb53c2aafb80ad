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
//!
//! # Not here
//!
//! Who is decided about first; where a budget decides, the caller goes by [`lottery`].

mod budget;
mod draw;
mod lottery;
mod policy;

use stratagem_model::column::Proposal;
use stratagem_model::{Action, CustomerId, Decision, Reason, Time};

use draw::{DrawKey, GROUP, propensity_ppm, total};

pub use budget::Budget;
pub use lottery::lottery;
pub use policy::Policy;

/// What the gates ask about a customer at the instant of the decision.
pub trait Customer {
    /// Whether consent for a channel is known to be given (`Some(true)`), withdrawn, or neither.
    fn consent(&self, channel: &str) -> Option<bool>;

    /// Contacts carried out, or held out, later than `after` and not later than `until`.
    fn contacts_between(&self, after: Time, until: Time) -> u32;
}

/// One strategy under its gates.
#[derive(Debug, Clone, Copy)]
pub struct Lane<'a> {
    /// The strategy's name: each lane draws on its own.
    pub name: &'a str,
    pub policy: &'a Policy,
    pub actions: &'a [Action],
}

/// Decides about the proposals of one customer at one step and appends a decision for each, in their order.
///
/// Returns the proposal that was carried out or held out, with whether it was carried out.
pub fn decide<'p>(
    lane: Lane<'_>,
    budget: Option<&mut Budget>,
    customer: (CustomerId, &impl Customer),
    now: Time,
    proposals: &'p [Proposal],
    decisions: &mut Vec<Decision>,
) -> Option<(&'p Proposal, bool)> {
    let (id, facts) = customer;
    let Lane { name, policy, actions } = lane;
    let total = total(proposals);
    let key = DrawKey { salt: policy.seed, lane: name, customer: id, time: now, group: GROUP };
    let drawn = key.draw(proposals, total);
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
            None => propensity_ppm(policy.sent_ppm(), proposal, total),
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
            group: GROUP,
            item: proposal.item,
            amount: 0,
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

#[cfg(test)]
mod tests;
