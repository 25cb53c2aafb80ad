//! What happened to the customers of a shard after their touches: sums only, so that shards add up in any order.
//!
//! Controls are measured from the contacts they would have had. Which orders count for which contact is
//! `attribution`.

use stratagem_insight::{OwnTouch, Timelines};
use stratagem_measure::ClusteredTrials;
use stratagem_model::event::EventKind;
use stratagem_model::time::{DAY_MS, Time};
use stratagem_model::{CustomerId, Decision, Goal, Money, Plan, Reason};

use crate::attribution::{Candidate, attribute};
use crate::cohorts::{CohortTotals, Months};
use crate::curve::{self, PeriodTotals, Periods};
use crate::lookalike::{self, SilenceCounts};
use crate::shard::Shard;
use crate::simulation::Ledger;

/// How a row came into the strategy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Was asked about at least once.
    pub(crate) is_eligible: bool,
    /// Was touched, or would have been but for the holdout.
    pub(crate) is_participant: bool,
    /// RFM class and lifecycle stage at the first touch.
    pub(crate) class: Option<u32>,
    pub(crate) stage: Option<u32>,
    /// When it was first asked about.
    pub(crate) entered: Time,
}

impl Entry {
    pub(crate) const NONE: Self =
        Self { is_eligible: false, is_participant: false, class: None, stage: None, entered: Time::MAX };
}

/// Sums over touches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ActionTotals {
    pub touches: u64,
    /// Contacts with at least one qualifying order in their window.
    pub converted: u64,
    /// Both by customer: contacts of one hang together.
    pub by_customer: ClusteredTrials,
    pub orders: u64,
    /// Attributed order value before discounts, minor units.
    pub gmv: i64,
}

/// Sums over participants of one RFM class, or one lifecycle stage, at their first touch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SegmentTotals {
    pub participants: u64,
    pub converted: u64,
    pub gmv: i64,
}

/// Sums over the customers of one arm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    pub classes: Vec<SegmentTotals>,
    /// By lifecycle stage; the sixth is customers without an order.
    pub stages: Vec<SegmentTotals>,
    pub(crate) periods: Vec<PeriodTotals>,
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
    pub(crate) cohorts: CohortTotals,
    /// What actions caused, in a simulated world.
    pub(crate) ledger: Ledger,
    /// Each eligible customer, in the order of `(bucket, customer)`, if the run keeps them.
    pub customers_of_run: Vec<CustomerOutcome>,
}

/// What is known of an eligible customer when the strategy was first asked about him, and what followed.
///
/// The population that arms are compared over: also those the strategy wanted nothing of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomerOutcome {
    pub customer: CustomerId,
    pub is_control: bool,
    pub is_participant: bool,
    /// Days since the last order, and orders and their value so far, when first asked about.
    pub recency_days: Option<i64>,
    pub frequency: u32,
    pub monetary: Money,
    /// Over the whole measured period: orders, and their value before discounts.
    pub orders: u32,
    pub gmv: Money,
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
    fn new(actions: usize, periods: usize) -> Self {
        Self {
            actions: vec![ActionTotals::default(); actions],
            classes: vec![SegmentTotals::default(); 9],
            stages: vec![SegmentTotals::default(); 6],
            periods: vec![PeriodTotals::default(); periods],
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
            mine.by_customer.merge(&theirs.by_customer);
            mine.orders += theirs.orders;
            mine.gmv += theirs.gmv;
        }
        let segments = self.classes.iter_mut().chain(&mut self.stages);
        for (mine, theirs) in segments.zip(other.classes.iter().chain(&other.stages)) {
            mine.participants += theirs.participants;
            mine.converted += theirs.converted;
            mine.gmv += theirs.gmv;
        }
        self.periods.iter_mut().zip(&other.periods).for_each(|(mine, theirs)| mine.add(theirs));
    }
}

impl Totals {
    pub(crate) fn new(actions: usize, measured: &Measured) -> Self {
        Self {
            customers: 0,
            treated: ArmTotals::new(actions, measured.periods.len()),
            control: ArmTotals::new(actions, measured.periods.len()),
            shares: Shares::new(actions),
            population: SilenceCounts::default(),
            cohorts: CohortTotals::new(&measured.months),
            ledger: Ledger::new(measured.periods.len()),
            customers_of_run: vec![],
        }
    }

    pub(crate) fn merge(mut self, mut other: Self) -> Self {
        self.customers += other.customers;
        self.treated.add(&other.treated);
        self.control.add(&other.control);
        self.shares.add(&other.shares);
        self.population.merge(&other.population);
        self.cohorts.merge(&other.cohorts);
        self.ledger.merge(&other.ledger);
        self.customers_of_run.append(&mut other.customers_of_run);
        self
    }
}

/// The period a run is measured over.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) from: Time,
    /// The last step; touches can be up to a day later.
    pub(crate) last_step: Time,
    /// Until here orders are counted.
    pub(crate) end: Time,
    pub(crate) window_ms: i64,
    pub(crate) periods: Periods,
    pub(crate) months: Months,
    /// Whether each customer's outcome is kept, and not only the sums.
    pub(crate) keeps_customers: bool,
}

/// What happened to a shard's customers.
pub(crate) fn measure(shard: &mut Shard<'_>, measured: &Measured, plan: &Plan) -> Totals {
    let mut totals = Totals::new(plan.actions.len(), measured);
    totals.customers = shard.timelines.rows() as u64;
    totals.shares = std::mem::take(&mut shard.shares);
    let (mut scratch, mut counted, mut orders) = (vec![], vec![], vec![]);
    shard.caused.sort_unstable_by_key(|order| (order.row, order.time));
    for row in 0..shard.timelines.rows() {
        lookalike::count(&shard.timelines, row, measured, &mut orders, &mut totals.population);
        totals.cohorts.count(&measured.months, &shard.timelines, row);
        let entry = shard.entries[row];
        if !entry.is_eligible {
            continue;
        }
        let is_control = shard.is_control(row);
        let arm = if is_control { &mut totals.control } else { &mut totals.treated };
        arm.eligible += 1;
        let (orders, gmv) = count_period(&shard.timelines, row, measured, &mut scratch, arm);
        if entry.is_participant {
            count_touches(shard, row, measured, plan, &mut counted, arm);
        }
        if let Some(response) = shard.response().filter(|_| entry.is_participant && !is_control) {
            totals.ledger.count(shard, row, plan, response, &measured.periods);
        }
        if measured.keeps_customers {
            totals.customers_of_run.push(outcome(&shard.timelines, row, &entry, is_control, orders, gmv));
        }
    }
    totals
}

fn outcome(
    timelines: &Timelines,
    row: usize,
    entry: &Entry,
    is_control: bool,
    orders: u64,
    gmv: Money,
) -> CustomerOutcome {
    let known = timelines.advance(row, 0, entry.entered);
    let last = timelines.last_order_time(row, known);
    CustomerOutcome {
        customer: timelines.customer(row),
        is_control,
        is_participant: entry.is_participant,
        recency_days: last.map(|last| (entry.entered.0 - last.0).div_euclid(DAY_MS)),
        frequency: timelines.order_count(row, known),
        monetary: timelines.monetary(row, known),
        orders: orders as u32,
        gmv,
    }
}

fn count_period(
    timelines: &Timelines,
    row: usize,
    measured: &Measured,
    scratch: &mut Vec<Money>,
    arm: &mut ArmTotals,
) -> (u64, Money) {
    let is_inside = |at: Time| measured.from <= at && at < measured.end;
    let inside = || timelines.orders(row).filter(|order| is_inside(timelines.order_time(*order)));
    let mut gmv = 0;
    let mut orders = 0;
    for order in inside() {
        let (gross, discount) = timelines.order_value(order);
        gmv += gross;
        orders += 1;
        arm.discounts += discount;
    }
    arm.buyers += u64::from(orders > 0);
    arm.orders += orders;
    arm.gmv += gmv;
    arm.gmv_squares += i128::from(gmv) * i128::from(gmv);
    let values = inside().map(|order| (timelines.order_time(order), timelines.order_value(order).0));
    curve::add_orders(&measured.periods, values, scratch, &mut arm.periods);
    let events = timelines.events_before(row, Time::MAX);
    let refunds = events.filter(|event| event.kind == EventKind::Refund && is_inside(event.event_time));
    arm.refunds += refunds.map(|event| event.value).sum::<i64>();
    (orders, gmv)
}

fn count_touches(
    shard: &Shard<'_>,
    row: usize,
    measured: &Measured,
    plan: &Plan,
    counted: &mut Vec<(u64, u64)>,
    arm: &mut ArmTotals,
) {
    let timelines = &shard.timelines;
    let touches = shard.touches.of(row);
    counted.clear();
    counted.extend(arm.actions.iter().map(|action| (action.converted, action.touches)));
    for touch in touches {
        arm.actions[touch.action as usize].touches += 1;
        let (contact_cost, face_value) = curve::costs(plan, touch.action);
        let period = &mut arm.periods[measured.periods.index(touch.when)];
        period.contact_cost += contact_cost;
        period.offer_exposure += face_value;
    }
    let contacts: Vec<_> = touches.iter().copied().filter(|touch| touch.is_contact).collect();
    let orders = timelines.orders(row).map(|order| Candidate {
        time: timelines.order_time(order),
        gross: timelines.order_value(order).0,
        qualifies: move |touch: &OwnTouch| {
            plan.goal == Goal::Order || timelines.order_has_category(order, touch.item)
        },
    });
    let attributed = attribute(&contacts, measured.window_ms, orders, &mut arm.actions);
    for (action, (converted, touches)) in arm.actions.iter_mut().zip(counted) {
        if action.touches > *touches {
            action.by_customer.add(action.converted - *converted, action.touches - *touches);
        }
    }
    arm.participants += 1;
    arm.contacted += u64::from(!contacts.is_empty());
    arm.converted += u64::from(attributed.orders > 0);
    arm.attributed_orders += attributed.orders;
    arm.attributed_gmv += attributed.gmv;
    let entry = &shard.entries[row];
    for segment in [
        &mut arm.classes[entry.class.map_or(8, |class| class as usize)],
        &mut arm.stages[entry.stage.map_or(5, |stage| stage as usize)],
    ] {
        segment.participants += 1;
        segment.converted += u64::from(attributed.orders > 0);
        segment.gmv += attributed.gmv;
    }
}
