//! What happened to the customers of a shard after their touches: sums only, so that shards add up in any order.
//!
//! An order is attributed to the last contact before it whose window it falls in and whose goal it meets: it counts
//! once. A contact converts if any such order follows in its window, also after a later contact. Controls are measured
//! from the touches they would have had.

use serde::{Deserialize, Serialize};
use stratagem_insight::{OwnTouch, Timelines};
use stratagem_model::event::EventKind;
use stratagem_model::time::{DAY_MS, Time};
use stratagem_model::{Decision, Goal, Reason};

use crate::lookalike::{self, SilenceCounts};
use crate::shard::Shard;

/// How a row came into the strategy.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry {
    /// Was asked about at least once.
    pub(crate) is_eligible: bool,
    /// Was touched, or would have been but for the holdout.
    pub(crate) is_participant: bool,
    /// RFM class at the first touch.
    pub(crate) class: Option<u32>,
}

/// Sums over touches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ActionTotals {
    pub touches: u64,
    /// Contacts with at least one qualifying order in their window.
    pub converted: u64,
    pub orders: u64,
    /// Attributed order value before discounts, minor units.
    pub gmv: i64,
}

/// Sums over participants of one RFM class at their first touch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ClassTotals {
    pub participants: u64,
    pub converted: u64,
    pub gmv: i64,
}

/// Sums over the customers of one arm.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ArmTotals {
    /// Customers the strategy was asked about.
    pub eligible: u64,
    pub participants: u64,
    /// Participants with at least one contact, carried out or held out.
    pub contacted: u64,
    /// Participants with at least one qualifying order attributed.
    pub converted: u64,
    /// Attributed order value before discounts, minor units.
    pub attributed_gmv: i64,
    pub attributed_orders: u64,
    /// Over the whole measured period, attributed or not: for ARPU and the comparison of the arms.
    pub buyers: u64,
    pub orders: u64,
    pub gmv: i64,
    /// Sum over eligible customers of the square of their GMV.
    pub gmv_squares: i128,
    pub discounts: i64,
    pub refunds: i64,
    /// By action.
    pub actions: Vec<ActionTotals>,
    /// By RFM class; the ninth is customers without an order.
    pub classes: Vec<ClassTotals>,
}

/// What a run did to whom, and what followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Customers in the store.
    pub customers: u64,
    /// Customers in no holdout, and controls.
    pub treated: ArmTotals,
    pub control: ArmTotals,
    pub shares: Shares,
    pub(crate) population: SilenceCounts,
}

/// Counts of decisions, and of contacts by how long the customer had been silent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shares {
    /// Decisions by action (the last: none) and reason.
    pub decisions: Vec<[u64; Reason::ALL.len()]>,
    pub(crate) silences: Vec<SilenceCounts>,
}

impl Shares {
    pub(crate) fn new(actions: usize) -> Self {
        Self {
            decisions: vec![[0; Reason::ALL.len()]; actions + 1],
            silences: vec![SilenceCounts::default(); actions],
        }
    }

    fn cell(&mut self, action: u32, reason: Reason) -> &mut u64 {
        let action = (action as usize).min(self.decisions.len() - 1);
        let reason = Reason::ALL.iter().position(|r| *r == reason).expect("`ALL` has every reason");
        &mut self.decisions[action][reason]
    }

    pub(crate) fn count(&mut self, decision: &Decision) {
        *self.cell(decision.action, decision.reason) += 1;
    }

    pub(crate) fn uncount(&mut self, decision: &Decision) {
        *self.cell(decision.action, decision.reason) -= 1;
    }

    pub(crate) fn contact(&mut self, action: u32, known_orders: u32, silence_ms: Option<i64>) {
        if let Some(silence) = silence_ms {
            self.silences[action as usize].add(known_orders, silence.div_euclid(DAY_MS), 1);
        }
    }

    fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.decisions.iter_mut().zip(&other.decisions) {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
        }
        for (mine, theirs) in self.silences.iter_mut().zip(&other.silences) {
            mine.merge(theirs);
        }
    }
}

impl ArmTotals {
    fn new(actions: usize) -> Self {
        Self {
            actions: vec![ActionTotals::default(); actions],
            classes: vec![ClassTotals::default(); 9],
            ..Self::default()
        }
    }

    fn add(&mut self, other: &Self) {
        self.eligible += other.eligible;
        self.participants += other.participants;
        self.contacted += other.contacted;
        self.converted += other.converted;
        self.attributed_gmv += other.attributed_gmv;
        self.attributed_orders += other.attributed_orders;
        self.buyers += other.buyers;
        self.orders += other.orders;
        self.gmv += other.gmv;
        self.gmv_squares += other.gmv_squares;
        self.discounts += other.discounts;
        self.refunds += other.refunds;
        for (mine, theirs) in self.actions.iter_mut().zip(&other.actions) {
            mine.touches += theirs.touches;
            mine.converted += theirs.converted;
            mine.orders += theirs.orders;
            mine.gmv += theirs.gmv;
        }
        for (mine, theirs) in self.classes.iter_mut().zip(&other.classes) {
            mine.participants += theirs.participants;
            mine.converted += theirs.converted;
            mine.gmv += theirs.gmv;
        }
    }
}

impl Totals {
    pub(crate) fn new(actions: usize) -> Self {
        Self {
            customers: 0,
            treated: ArmTotals::new(actions),
            control: ArmTotals::new(actions),
            shares: Shares::new(actions),
            population: SilenceCounts::default(),
        }
    }

    pub(crate) fn merge(mut self, other: &Self) -> Self {
        self.customers += other.customers;
        self.treated.add(&other.treated);
        self.control.add(&other.control);
        self.shares.add(&other.shares);
        self.population.merge(&other.population);
        self
    }
}

/// The period a run is measured over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) from: Time,
    /// The last step; touches can be up to a day later.
    pub(crate) last_step: Time,
    /// Until here orders are counted.
    pub(crate) end: Time,
    pub(crate) window_ms: i64,
}

/// What happened to a shard's customers.
pub(crate) fn measure(shard: &mut Shard<'_>, measured: &Measured, goal: Goal) -> Totals {
    let mut totals = Totals::new(shard.shares.silences.len());
    totals.customers = shard.timelines.rows() as u64;
    totals.shares = std::mem::take(&mut shard.shares);
    for row in 0..shard.timelines.rows() {
        lookalike::count(&shard.timelines, row, measured, &mut totals.population);
        let entry = shard.entries[row];
        if !entry.is_eligible {
            continue;
        }
        let arm = if shard.is_control(row) { &mut totals.control } else { &mut totals.treated };
        arm.eligible += 1;
        count_period(&shard.timelines, row, measured, arm);
        if entry.is_participant {
            count_touches(shard, row, measured, goal, arm);
        }
    }
    totals
}

fn count_period(timelines: &Timelines, row: usize, measured: &Measured, arm: &mut ArmTotals) {
    let is_inside = |at: Time| measured.from <= at && at < measured.end;
    let mut gmv = 0;
    let mut orders = 0;
    for order in timelines.orders(row).filter(|order| is_inside(timelines.order_time(*order))) {
        let (gross, discount) = timelines.order_value(order);
        gmv += gross;
        orders += 1;
        arm.discounts += discount;
    }
    arm.buyers += u64::from(orders > 0);
    arm.orders += orders;
    arm.gmv += gmv;
    arm.gmv_squares += i128::from(gmv) * i128::from(gmv);
    let events = timelines.events_before(row, Time::MAX).iter();
    let refunds = events.filter(|event| event.kind == EventKind::Refund && is_inside(event.event_time));
    arm.refunds += refunds.map(|event| event.value).sum::<i64>();
}

fn count_touches(shard: &Shard<'_>, row: usize, measured: &Measured, goal: Goal, arm: &mut ArmTotals) {
    let timelines = &shard.timelines;
    let (contacts, others): (Vec<OwnTouch>, Vec<_>) =
        shard.touches.of(row).iter().partition(|touch| touch.is_contact);
    arm.participants += 1;
    arm.contacted += u64::from(!contacts.is_empty());
    for touch in contacts.iter().chain(&others) {
        arm.actions[touch.action as usize].touches += 1;
    }
    let mut all = ClassTotals { participants: 1, ..ClassTotals::default() };
    let mut is_converted = vec![false; contacts.len()];
    let first = contacts.first().map_or(Time::MAX, |touch| touch.when);
    for order in timelines.orders(row).filter(|order| timelines.order_time(*order) >= first) {
        let qualifies =
            |touch: &OwnTouch| goal == Goal::Order || timelines.order_has_category(order, touch.item);
        let mut before =
            contacts_before(&contacts, timelines.order_time(order), measured.window_ms, qualifies).peekable();
        if let Some(last) = before.peek() {
            let (gross, _) = timelines.order_value(order);
            let totals = &mut arm.actions[contacts[*last].action as usize];
            totals.orders += 1;
            totals.gmv += gross;
            all.gmv += gross;
            arm.attributed_orders += 1;
        }
        before.for_each(|contact| is_converted[contact] = true);
    }
    for (touch, _) in contacts.iter().zip(&is_converted).filter(|(_, is_converted)| **is_converted) {
        arm.actions[touch.action as usize].converted += 1;
        all.converted = 1;
    }
    arm.converted += all.converted;
    arm.attributed_gmv += all.gmv;
    let class = &mut arm.classes[shard.entries[row].class.map_or(8, |class| class as usize)];
    class.participants += 1;
    class.converted += all.converted;
    class.gmv += all.gmv;
}

/// Which contacts an order at this time came after, within the window, and qualifies for: the last first.
fn contacts_before<'a>(
    contacts: &'a [OwnTouch],
    order: Time,
    window_ms: i64,
    qualifies: impl Fn(&OwnTouch) -> bool + 'a,
) -> impl Iterator<Item = usize> + 'a {
    let first = contacts.partition_point(|touch| touch.when.0 + window_ms <= order.0);
    let end = contacts.partition_point(|touch| touch.when <= order);
    (first..end).rev().filter(move |i| qualifies(&contacts[*i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(day: i64, item: u32) -> OwnTouch {
        OwnTouch { when: Time(day * DAY_MS), action: 0, item, is_contact: true }
    }

    /// With contacts on days 0, 7 and 10, about items 1, 2 and 1, and a window of 14 days.
    fn before(at: i64, item: Option<u32>) -> Vec<usize> {
        let contacts = [contact(0, 1), contact(7, 2), contact(10, 1)];
        let qualifies = |touch: &OwnTouch| item.is_none_or(|item| item == touch.item);
        contacts_before(&contacts, Time(at), 14 * DAY_MS, qualifies).collect()
    }

    #[test]
    fn an_order_is_attributed_to_the_last_contact_within_the_window() {
        assert!(before(-1, None).is_empty());
        assert_eq!(before(0, None), [0], "an order of the same instant came after");
        assert_eq!(before(7 * DAY_MS - 1, None), [0]);
        assert_eq!(before(7 * DAY_MS, None), [1, 0]);
        assert_eq!(before(14 * DAY_MS - 1, None), [2, 1, 0]);
        assert_eq!(before(14 * DAY_MS, None), [2, 1], "the window of the first is over");
        assert!(before(24 * DAY_MS, None).is_empty());
    }

    #[test]
    fn an_order_of_another_item_goes_to_the_last_contact_it_qualifies_for() {
        assert_eq!(before(12 * DAY_MS, Some(2)), [1]);
        assert_eq!(before(12 * DAY_MS, Some(1)), [2, 0]);
        assert!(before(12 * DAY_MS, Some(3)).is_empty());
    }
}
