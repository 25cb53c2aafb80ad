//! What happened to the customers of a shard after their touches: sums only, so that shards add up in any order.
//!
//! Controls are measured from the contacts they would have had. Which orders count for which contact is
//! `attribution`.

use serde::{Deserialize, Serialize};
use stratagem_insight::{OwnTouch, Timelines};
use stratagem_model::event::EventKind;
use stratagem_model::time::{DAY_MS, Time};
use stratagem_model::{Decision, Goal, Reason};

use crate::attribution::{Candidate, attribute};
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
    let touches = shard.touches.of(row);
    for touch in touches {
        arm.actions[touch.action as usize].touches += 1;
    }
    let contacts: Vec<_> = touches.iter().copied().filter(|touch| touch.is_contact).collect();
    let orders = timelines.orders(row).map(|order| Candidate {
        time: timelines.order_time(order),
        gross: timelines.order_value(order).0,
        qualifies: move |touch: &OwnTouch| {
            goal == Goal::Order || timelines.order_has_category(order, touch.item)
        },
    });
    let attributed = attribute(&contacts, measured.window_ms, orders, &mut arm.actions);
    arm.participants += 1;
    arm.contacted += u64::from(!contacts.is_empty());
    arm.converted += u64::from(attributed.orders > 0);
    arm.attributed_orders += attributed.orders;
    arm.attributed_gmv += attributed.gmv;
    let class = &mut arm.classes[shard.entries[row].class.map_or(8, |class| class as usize)];
    class.participants += 1;
    class.converted += u64::from(attributed.orders > 0);
    class.gmv += attributed.gmv;
}
