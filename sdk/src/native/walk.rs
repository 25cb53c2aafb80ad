//! Goes through one customer's history the way a host does, and shows whether the wake times miss anything.

use super::bench::Bench;
use super::customer::Customer;
use crate::plan::Action;
use crate::strategy::Strategy;

/// Something a strategy did to the customer on the way. All proposals are carried out; of several for one step, the
/// one with the highest score, and of those the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The step, milliseconds.
    pub time: i64,
    /// Id of the action.
    pub action: String,
    /// What it was about, or [`NO_ITEM`](crate::NO_ITEM).
    pub item: u32,
}

/// A customer's history and the steps through it.
///
/// The wake times of a strategy are right when [`by_wakes`](Self::by_wakes) and [`every_step`](Self::every_step)
/// give the same touches for any history.
#[derive(Debug, Clone)]
pub struct Walk<F> {
    /// The moments at which the strategy may be asked, ascending, milliseconds.
    pub steps: Vec<i64>,
    /// When something happened that the plan's triggers name, ascending, milliseconds.
    pub events: Vec<i64>,
    /// The customer as known before a moment, without touches.
    pub customer: F,
}

impl<F: Fn(i64) -> Customer> Walk<F> {
    /// The touches when the strategy is asked only when it must be: at the first step, after an event, after its own
    /// touch, and at its wake time.
    pub fn by_wakes<S: Strategy>(&self, bench: &Bench<S>) -> Vec<Touch> {
        self.run(bench, false)
    }

    /// The touches when the strategy is asked at every step.
    pub fn every_step<S: Strategy>(&self, bench: &Bench<S>) -> Vec<Touch> {
        self.run(bench, true)
    }

    fn run<S: Strategy>(&self, bench: &Bench<S>, always: bool) -> Vec<Touch> {
        let mut touches: Vec<(Action, Touch)> = vec![];
        let mut wake = i64::MIN;
        let mut events = self.events.iter().peekable();
        for now in self.steps.iter().copied() {
            // A decision comes before the events of the same instant.
            let mut happened = false;
            while events.next_if(|event| **event < now).is_some() {
                happened = true;
            }
            if !(always || happened || wake <= now) {
                continue;
            }
            let past = touches.iter().fold((self.customer)(now), |customer, (action, touch)| {
                customer.touch_about(touch.time, *action, touch.item)
            });
            let answer = bench.at(now).ask(&past);
            wake = answer.wake;
            let best = answer
                .proposals
                .into_iter()
                .reduce(|best, next| if next.score > best.score { next } else { best });
            if let Some(proposal) = best {
                let touch = Touch { time: proposal.at, action: proposal.action, item: proposal.item };
                touches.push((Action::with_index(proposal.index), touch));
                // A touch is an event, too.
                wake = i64::MIN;
            }
        }
        touches.into_iter().map(|(_, touch)| touch).collect()
    }
}
