//! One shard of customers moving through the steps: who is asked, what becomes of it, when to ask again.

use std::collections::BTreeMap;
use std::ops::Range;

use stratagem_gates::{Budget, Customer, Lane, decide};
use stratagem_insight::{
    AddedOrder, AsOf, ColumnPlan, OwnTouch, OwnTouches, Population, ReferencePlan, StoreContext,
    items_are_categories,
};
use stratagem_insight::{Timelines, View};
use stratagem_measure::repurchase::Spending;
use stratagem_model::column::{Batch, Column, Proposal};
use stratagem_model::decision::NO_ACTION;
use stratagem_model::event::EventKind;
use stratagem_model::{CustomerId, Decision, NO_ITEM, Reason, Time};
use stratagem_record::FailureCount;
use stratagem_runtime::{Configured, Evaluator, Failure};

use crate::clock::{Clock, NEVER, Step};
use crate::config::Backtest;
use crate::outcome::{Entry, Shares};
use crate::simulation::Response;

/// What all shards of a run share.
#[derive(Debug)]
pub(crate) struct Shared<'a> {
    pub(crate) backtest: &'a Backtest,
    pub(crate) configured: &'a Configured,
    pub(crate) context: &'a StoreContext,
    pub(crate) clock: &'a Clock,
    /// Steps at which a table that the plan reads is new, ascending.
    pub(crate) table_steps: &'a [Step],
    pub(crate) columns: &'a ColumnPlan,
    pub(crate) references: &'a ReferencePlan,
    pub(crate) population: &'a Population,
    /// What contacts cause, in a simulated world.
    pub(crate) response: Option<&'a Response>,
}

impl<'a> Shared<'a> {
    fn lane(&self) -> Lane<'a> {
        Lane {
            name: &self.configured.strategy().description().name,
            policy: &self.backtest.policy,
            actions: &self.configured.plan().actions,
        }
    }
}

/// A shard in motion.
pub(crate) struct Shard<'a> {
    shared: &'a Shared<'a>,
    pub(crate) timelines: Timelines,
    as_of: AsOf,
    pub(crate) touches: OwnTouches,
    /// Rows to ask at each step; a row counts only at the step that `due` says.
    queue: Vec<Vec<u32>>,
    due: Vec<Step>,
    resting_until: Vec<Step>,
    /// When anything of each row is known first; never of rows of which nothing is.
    known_from: Vec<Time>,
    /// What the measurement needs to know of each row's first touch and of all touches.
    pub(crate) entries: Vec<Entry>,
    pub(crate) shares: Shares,
    evaluator: Evaluator<'a>,
    columns: Vec<Column>,
    asked: Asked,
    pub(crate) decisions: Vec<Decision>,
    failures: BTreeMap<(Reason, String), (u64, u64)>,
    pub(crate) evaluations: u64,
    pub(crate) batches: u64,
    /// In a simulated world: what is known of each row's spend, and the orders that contacts caused; those of this
    /// step are not yet in the history.
    spends: Vec<Option<Spending>>,
    caused_now: Vec<AddedOrder>,
    pub(crate) caused: Vec<AddedOrder>,
}

/// What the strategy answered at the current step, rows being positions in `rows`.
#[derive(Debug, Default)]
struct Asked {
    rows: Vec<u32>,
    proposals: Vec<Proposal>,
    wakes: Vec<i64>,
    /// Why batches failed, by the positions of their rows, ascending.
    failed: Vec<(Range<usize>, Reason)>,
    /// Rows to decide about, ascending.
    claims: Vec<Claim>,
    /// How many decisions there were before this step.
    decided: usize,
}

impl Asked {
    fn clear(&mut self, decided: usize) {
        self.proposals.clear();
        self.wakes.clear();
        self.failed.clear();
        self.claims.clear();
        self.decided = decided;
    }

    /// Makes the claims out of what was proposed and what failed, both in the order of rows.
    fn find_claims(&mut self) {
        let each = |(rows, reason): &(Range<usize>, Reason)| {
            let reason = *reason;
            rows.clone().map(move |row| (row, reason))
        };
        let mut failed = self.failed.iter().flat_map(each).peekable();
        let mut start = 0;
        while start < self.proposals.len() || failed.peek().is_some() {
            let proposed = self.proposals.get(start).map_or(usize::MAX, |proposal| proposal.row as usize);
            let position = failed.peek().map_or(proposed, |(row, _)| proposed.min(*row));
            let mine = self.proposals[start..].iter().take_while(|p| p.row as usize == position).count();
            let failure = failed.next_if(|(row, _)| *row == position).map(|(_, reason)| reason);
            self.claims.push(Claim { position, proposals: start..start + mine, failure, fate: Fate::Quiet });
            start += mine;
        }
    }
}

/// A row with proposals, or whose batch failed.
#[derive(Debug)]
struct Claim {
    /// Position in the rows that were asked.
    position: usize,
    /// Into the step's proposals.
    proposals: Range<usize>,
    failure: Option<Reason>,
    fate: Fate,
}

impl<'a> Shard<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>, timelines: Timelines) -> Self {
        Self::in_world(shared, timelines, vec![])
    }

    /// A shard of a simulated world, with what is known of each row's spend.
    pub(crate) fn in_world(
        shared: &'a Shared<'a>,
        timelines: Timelines,
        spends: Vec<Option<Spending>>,
    ) -> Self {
        let rows = timelines.rows();
        let mut this = Self {
            shared,
            as_of: AsOf::new(rows, shared.columns.needs()),
            touches: OwnTouches::new(rows),
            queue: vec![vec![]; shared.clock.len()],
            due: vec![NEVER; rows],
            resting_until: vec![0; rows],
            known_from: (0..rows).map(|row| timelines.first_known(row).unwrap_or(Time::MAX)).collect(),
            entries: vec![Entry::NONE; rows],
            shares: Shares::new(shared.configured.plan().actions.len()),
            evaluator: Evaluator::new(shared.configured, shared.backtest.instances),
            columns: shared.columns.buffers(),
            asked: Asked::default(),
            decisions: vec![],
            failures: BTreeMap::new(),
            evaluations: 0,
            batches: 0,
            spends,
            caused_now: vec![],
            caused: vec![],
            timelines,
        };
        for row in 0..rows {
            if this.known_from[row] < Time::MAX {
                let step = shared.clock.after(this.known_from[row]);
                this.schedule(row, step);
            }
        }
        this
    }

    fn schedule(&mut self, row: usize, step: Step) {
        self.due[row] = step;
        if let Some(queue) = self.queue.get_mut(step as usize) {
            queue.push(row as u32);
        }
    }

    /// Runs one step: the only half that runs guest code, and the one that reads no other shard.
    pub(crate) fn propose(&mut self, step: Step) {
        let now = self.shared.clock.time(step);
        self.find_rows(step, now);
        self.asked.clear(self.decisions.len());
        if self.asked.rows.is_empty() {
            return;
        }
        for row in &self.asked.rows {
            self.as_of.advance(&self.timelines, *row as usize, now);
            let entry = &mut self.entries[*row as usize];
            entry.is_eligible = true;
            entry.entered = entry.entered.min(now);
        }
        self.evaluations += self.asked.rows.len() as u64;
        let references = self.shared.references.at(self.shared.context, self.shared.population, now);
        let references: Vec<_> = references.iter().map(AsRef::as_ref).collect();
        let utc_offset_ms = self.shared.context.zone.offset_ms(now);
        let mut start = 0;
        while start < self.asked.rows.len() {
            let end = (start + self.shared.backtest.batch_rows).min(self.asked.rows.len());
            let view = View {
                context: self.shared.context,
                timelines: &self.timelines,
                touches: &self.touches,
                population: self.shared.population,
                now,
            };
            let rows = &self.asked.rows[start..end];
            self.shared.columns.fill(&view, &mut self.as_of, rows, &mut self.columns);
            let batch = Batch {
                now,
                utc_offset_ms,
                parameters: self.shared.configured.values(),
                rows: rows.len() as u32,
                columns: &self.columns,
                references: &references,
            };
            self.batches += 1;
            match self.evaluator.evaluate(&batch) {
                Ok(mut output) => match self.place_items(&mut output.proposals, now) {
                    Ok(()) => {
                        let moved = |p: Proposal| Proposal { row: p.row + start as u32, ..p };
                        self.asked.proposals.extend(output.proposals.into_iter().map(moved));
                        self.asked.wakes.extend_from_slice(&output.wakes);
                    }
                    Err(failure) => self.fail(start..end, failure),
                },
                Err(failure) => self.fail(start..end, failure),
            }
            start = end;
        }
        self.asked.find_claims();
    }

    /// Makes items that are categories, which a strategy knows by rank, into places of words.
    fn place_items(&self, proposals: &mut [Proposal], now: Time) -> Result<(), Failure> {
        if !items_are_categories(self.shared.configured.plan()) {
            return Ok(());
        }
        let words = self.shared.context.categories.as_of(now);
        for proposal in proposals.iter_mut().filter(|proposal| proposal.item != NO_ITEM) {
            proposal.item = words.place(proposal.item).ok_or_else(|| Failure {
                reason: Reason::BrokenOutput,
                message: format!("item {} is none of the {} categories", proposal.item, words.len()),
            })?;
        }
        Ok(())
    }

    fn find_rows(&mut self, step: Step, now: Time) {
        let rows = &mut self.asked.rows;
        rows.clear();
        let queue = std::mem::take(&mut self.queue[step as usize]);
        // A new table may change any row's answer, and a guest cannot know when there is one.
        if self.shared.backtest.every_step || self.shared.table_steps.binary_search(&step).is_ok() {
            let is_asked = |row: &u32| {
                let row = *row as usize;
                self.resting_until[row] <= step && self.known_from[row] < now
            };
            rows.extend((0..self.timelines.rows() as u32).filter(is_asked));
            return;
        }
        rows.extend(queue.into_iter().filter(|row| self.due[*row as usize] == step));
        rows.sort_unstable();
        rows.dedup();
    }

    fn fail(&mut self, rows: Range<usize>, failure: Failure) {
        let count = self.failures.entry((failure.reason, failure.message)).or_default();
        count.0 += 1;
        count.1 += rows.len() as u64;
        if let Some(action) = self.shared.configured.plan().fallback {
            let when = Time::MIN;
            let fallback = |row| Proposal { row: row as u32, action, item: NO_ITEM, score: 1, when };
            self.asked.proposals.extend(rows.clone().map(fallback));
        }
        self.asked.wakes.extend(rows.clone().map(|_| i64::MAX));
        self.asked.failed.push((rows, failure.reason));
    }

    /// Who claims something at this step: customers by the numbers of their claims, in the order of rows.
    pub(crate) fn claims(&self) -> impl Iterator<Item = (usize, CustomerId)> {
        let of = |claim: &Claim| self.timelines.customer(self.asked.rows[claim.position] as usize);
        self.asked.claims.iter().map(of).enumerate()
    }

    /// Passes all claims of this step through the gates, in the order of rows. No gate reads across customers.
    pub(crate) fn decide_all(&mut self, step: Step) {
        for claim in 0..self.asked.claims.len() {
            self.decide(claim, step, None);
        }
    }

    /// Passes a claim through the gates; claims may come in any order, each once.
    pub(crate) fn decide(&mut self, claim: usize, step: Step, budget: Option<&mut Budget>) {
        let now = self.shared.clock.time(step);
        let Claim { position, proposals, failure, .. } = &self.asked.claims[claim];
        let (row, mine, failure) = (self.asked.rows[*position] as usize, proposals.clone(), *failure);
        let asked = std::mem::take(&mut self.asked.proposals);
        let mine = &asked[mine];
        let fate = match failure {
            Some(reason) => self.fall_back(row, now, mine, reason, budget),
            None => self.pass_gates(row, now, mine, budget),
        };
        self.asked.proposals = asked;
        self.asked.claims[claim].fate = fate;
    }

    /// Ends a step whose claims are all decided: decisions in the order of `(bucket, customer)` and of proposals,
    /// whatever the order in which they were made, and each row's next step.
    pub(crate) fn settle(&mut self, step: Step) {
        let of_step = &mut self.decisions[self.asked.decided..];
        let place = |decision: &Decision| (decision.customer.bucket(), decision.customer);
        if !of_step.is_sorted_by_key(place) {
            // Stable: a customer's decisions stay in the order of his proposals.
            of_step.sort_by_key(place);
        }
        let asked = std::mem::take(&mut self.asked);
        let mut claims = asked.claims.iter().peekable();
        for (position, row) in asked.rows.iter().enumerate() {
            let row = *row as usize;
            let fate =
                claims.next_if(|claim| claim.position == position).map_or(Fate::Quiet, |claim| claim.fate);
            let next = match fate {
                Fate::Suppressed => {
                    let rested = self.shared.clock.days_later(step, self.shared.backtest.retry_days);
                    self.resting_until[row] = rested;
                    rested
                }
                // A touch is an event of the row: what follows from it is asked at the next step.
                Fate::Touched => self.shared.clock.after(self.shared.clock.time(step)),
                Fate::Quiet => self.next_step(row, step, Time(asked.wakes[position])),
            };
            self.schedule(row, next);
        }
        if !self.caused_now.is_empty() {
            self.timelines = self.timelines.with_orders(&mut self.caused_now, &self.shared.context.zone);
            self.caused.append(&mut self.caused_now);
        }
        self.asked = asked;
    }

    fn pass_gates(
        &mut self,
        row: usize,
        now: Time,
        proposals: &[Proposal],
        budget: Option<&mut Budget>,
    ) -> Fate {
        let shared = self.shared;
        let customer = self.timelines.customer(row);
        let facts = Facts { shard: self, row, now };
        let mut decisions = vec![];
        let walked = decide(shared.lane(), budget, (customer, &facts), now, proposals, &mut decisions);
        for decision in &decisions {
            self.shares.count(decision);
        }
        self.decisions.append(&mut decisions);
        let Some((proposal, _)) = walked else { return Fate::Suppressed };
        self.touch(row, now, proposal);
        Fate::Touched
    }

    /// A failed batch: the declared fallback passes the gates like a proposal. The decision has the failure's reason,
    /// and no action where a gate forbade the fallback or the customer is a control.
    fn fall_back(
        &mut self,
        row: usize,
        now: Time,
        proposals: &[Proposal],
        reason: Reason,
        budget: Option<&mut Budget>,
    ) -> Fate {
        if let Some(fallback) = proposals.first() {
            let fallback = Proposal { when: now, ..*fallback };
            self.pass_gates(row, now, &[fallback], budget);
            let decision = self.decisions.last_mut().expect("a proposal has a decision");
            self.shares.uncount(decision);
            if !decision.reason.is_sent() {
                decision.action = NO_ACTION;
            }
            decision.reason = reason;
            self.shares.count(decision);
        } else {
            let decision = Decision {
                time: now,
                customer: self.timelines.customer(row),
                action: NO_ACTION,
                group: 0,
                item: NO_ITEM,
                amount: 0,
                score: 0,
                when: now,
                reason,
                propensity_ppm: 0,
            };
            self.shares.count(&decision);
            self.decisions.push(decision);
        }
        // Also after a carried-out fallback: what failed is likely to fail again.
        Fate::Suppressed
    }

    fn touch(&mut self, row: usize, now: Time, proposal: &Proposal) {
        let known = self.as_of.known_entries(row);
        let entry = &mut self.entries[row];
        if !entry.is_participant {
            entry.is_participant = true;
            entry.class = self.shared.population.rfm_class(&self.timelines, row, known, now);
            entry.stage = self.timelines.lifecycle_stage(row, known, now);
        }
        let is_contact = self.shared.configured.plan().actions[proposal.action as usize].kind.is_contact();
        if is_contact && !self.is_control(row) {
            let silence = self.timelines.last_order_time(row, known).map(|last| now.0 - last.0);
            self.shares.contact(proposal.action, self.timelines.order_count(row, known), silence);
        }
        let touch =
            OwnTouch { when: proposal.when, action: proposal.action, item: proposal.item, is_contact };
        self.touches.push(row, touch);
        if let Some(response) = self.shared.response.filter(|_| is_contact && !self.is_control(row)) {
            let customer = self.timelines.customer(row);
            self.caused_now.extend(response.to(customer, row as u32, self.spends[row].as_ref(), &touch));
        }
    }

    /// The step at which a row that was quiet is asked again.
    fn next_step(&self, row: usize, step: Step, wake: Time) -> Step {
        let clock = self.shared.clock;
        let now = clock.time(step);
        let kinds = &self.shared.configured.plan().triggers.events;
        let event = self.timelines.next_known(row, self.as_of.known_entries(row), kinds, now);
        let event = event.map_or(NEVER, |known| clock.after(known));
        let wake = if wake == Time::MAX { NEVER } else { clock.at_or_after(wake).max(clock.after(now)) };
        event.min(wake)
    }

    /// How batches failed, and what the strategy logged.
    pub(crate) fn take_failures(&mut self) -> Vec<FailureCount> {
        std::mem::take(&mut self.failures)
            .into_iter()
            .map(|((reason, message), (batches, rows))| FailureCount { reason, message, batches, rows })
            .collect()
    }

    /// Whether a row is in a holdout.
    pub(crate) fn is_control(&self, row: usize) -> bool {
        self.shared.backtest.policy.holdout(self.timelines.customer(row)).is_some()
    }

    /// What contacts cause, in a simulated world.
    pub(crate) fn response(&self) -> Option<&'a Response> {
        self.shared.response
    }

    pub(crate) fn evaluator(&mut self) -> &mut Evaluator<'a> {
        &mut self.evaluator
    }
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    /// Nothing was proposed.
    Quiet,
    /// Carried out, or held out from a control.
    Touched,
    Suppressed,
}

/// What the gates ask about a row.
struct Facts<'s, 'a> {
    shard: &'s Shard<'a>,
    row: usize,
    now: Time,
}

impl Customer for Facts<'_, '_> {
    fn consent(&self, channel: &str) -> Option<bool> {
        let channels = &self.shard.shared.context.channels;
        let events = self.shard.timelines.events_before(self.row, self.now).filter(|event| {
            let is_consent = matches!(event.kind, EventKind::Subscribe | EventKind::Unsubscribe);
            let of_channel = channels.get(event.subject as usize).is_some_and(|name| name == channel);
            is_consent && (event.subject == NO_ITEM || of_channel)
        });
        // By when it was said, however late it is known; of two at once, withdrawn wins.
        let newest = events.max_by_key(|event| (event.event_time, event.kind == EventKind::Unsubscribe));
        newest.map(|event| event.kind == EventKind::Subscribe)
    }

    fn contacts_between(&self, after: Time, until: Time) -> u32 {
        let is_inside = |at: Time| after < at && at <= until;
        let own = self.shard.touches.of(self.row).iter();
        let own = own.filter(|touch| touch.is_contact && is_inside(touch.when)).count();
        let events = self.shard.timelines.events_before(self.row, self.now);
        let earlier = events.filter(|e| e.kind == EventKind::Touch && is_inside(e.event_time)).count();
        (own + earlier) as u32
    }
}
