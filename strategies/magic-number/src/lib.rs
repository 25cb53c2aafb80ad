//! Magic number, 魔法数字: brings a new customer to the number of purchases from which on customers stay.
//!
//! The way begins on day 0, with the registration (or the first order, for those who never registered), or with the
//! first order after a long dormancy: such a customer is new-like, 类新用户. It ends when the magic number is reached,
//! or when the last day that counts is over. On the way there is a starter pack of coupons, if the preset has one, and
//! up to four nudges on their days, each for those with too few purchases by then.
//!
//! A nudge's turn lasts until the next one's: who could not be reached on day 3 may be on day 5, but on day 7 gets
//! only what is for day 7. So no one is ever caught up with.
//!
//! # Wake times
//!
//! Purchases and the begin of a way come with events. Without one, the answer changes only when the turn of a nudge
//! comes that the customer's purchases do not rule out.

pub mod settings;
#[cfg(test)]
mod tests;

use settings::{Settings, Target};
use stratagem_sdk::prelude::*;

/// The starter pack and the nudges: more touches than this cannot belong to one way.
const ACTIONS: usize = 5;

/// The strategy with its times in milliseconds and its handles.
#[derive(Debug)]
pub struct MagicNumber {
    target: Target,
    pack_until_day: i64,
    /// `None` if nobody counts as returned.
    dormancy: Option<i64>,
    /// Day and bound of each.
    nudges: [(i64, i64); 4],
    since: Column<Option<i64>>,
    first_order: Column<Option<i64>>,
    orders: Column<[i64]>,
    touch_times: Column<[i64]>,
    touch_actions: Column<[u32]>,
    /// The starter pack, then the nudges.
    actions: [Action; ACTIONS],
}

impl Strategy for MagicNumber {
    type Parameters = Settings;

    fn describe() -> Description {
        Description {
            package: stratagem_sdk::package!(),
            title: Text::both("Magic number", "魔法数字"),
            summary: Text::both(
                "Customers who buy often enough within their first weeks stay; this strategy helps new ones, and those \
                 back from a long dormancy, to get there. A starter pack of coupons where the preset has one, and \
                 nudges on days 2, 3, 7 and 30 to those with too few purchases by then.",
                "首月内购买达到一定次数的客户留存明显更高。本策略帮助新客户以及沉睡后回归的类新用户达到该次数：\
                 按预设发放新手券包，并在第2、3、7、30天对购买次数不足者进行提醒。",
            ),
            class: OperationClass::Lifecycle,
            answers: Answers {
                to_whom: "Customers in their first weeks, and those whose first order after a long dormancy is as recent.",
                why: "A habit forms with the number of purchases; who reaches it stays.",
                what: "A starter pack of coupons, and up to four nudges, the later ones with a coupon.",
                when: "At a fixed local hour: at the start, and on days 2, 3, 7 and 30 unless set otherwise.",
                r#where: "One channel, app push unless set otherwise.",
                how: "Each nudge goes to those with too few purchases by its day; it all stops at the magic number.",
                how_much: "Five contacts, the starter pack and two coupons at most.",
            },
        }
    }

    fn configure(settings: Settings, plan: &mut PlanBuilder) -> Result<Self, Vec<ParameterError>> {
        settings.check()?;
        plan.daily_at(&[settings.hour * 60]);
        plan.on_events(&["register", "order"]);
        let target = settings.target();
        // A day more than the way lasts, and before it the dormancy, to see that there was none but the first order.
        let order_days = (target.within_days + 1 + settings.dormancy_days) as u32;
        let newest = Window::LastN(ACTIONS as u32);
        Ok(Self {
            target,
            pack_until_day: settings.pack_until_day,
            dormancy: (settings.dormancy_days > 0).then(|| days(settings.dormancy_days)),
            nudges: settings.nudges(),
            since: plan.column(column::CUSTOMER_SINCE),
            first_order: plan.column(column::ORDER_FIRST_TIME),
            orders: plan.history(column::ORDER_TIMES, Window::LastDays(order_days)),
            touch_times: plan.history(column::TOUCH_TIMES, newest),
            touch_actions: plan.history(column::TOUCH_ACTIONS, newest),
            actions: actions(&settings, target, plan),
        })
    }

    #[inline]
    fn evaluate(&self, customer: Row<'_>, out: &mut Proposals<'_>) {
        let Some(start) = self.start(customer) else { return };
        let orders = customer.get(self.orders);
        let purchases = (orders.len() - orders.partition_point(|time| *time < start)) as i64;
        if purchases >= self.target.purchases {
            return;
        }
        let day = day_of(customer.now(), start);
        let is_given = self.given_since(customer, start);
        if self.target.coupon_count > 0 && day <= self.pack_until_day && !is_given[0] {
            out.propose(self.actions[0]);
            return;
        }
        let is_wanted = |nudge: usize| purchases < self.nudges[nudge].1;
        let turn = self.nudges.iter().rposition(|(first_day, _)| *first_day <= day);
        if let Some(nudge) = turn.filter(|nudge| is_wanted(*nudge) && !is_given[nudge + 1]) {
            out.propose(self.actions[nudge + 1]);
            return;
        }
        let next = turn.map_or(0, |nudge| nudge + 1);
        if let Some(nudge) = (next..self.nudges.len()).find(|nudge| is_wanted(*nudge)) {
            out.wake_at(start + days(self.nudges[nudge].0));
        }
    }
}

impl MagicNumber {
    /// When the customer's way began, if it is not over by now.
    #[inline]
    fn start(&self, customer: Row<'_>) -> Option<i64> {
        let now = customer.now();
        let is_on_the_way = |start: i64, at: i64| day_of(at, start) <= self.target.within_days;
        let since = customer.get(self.since);
        if let Some(since) = since.filter(|since| is_on_the_way(*since, now)) {
            return Some(since);
        }
        let dormancy = self.dormancy?;
        let first_order = customer.get(self.first_order)?;
        let orders = customer.get(self.orders);
        for (i, order) in orders.iter().copied().enumerate().rev() {
            if !is_on_the_way(order, now) {
                break;
            }
            // The column reaches back further than the dormancy: what is not in it lies before.
            let before = if i > 0 { orders[i - 1] } else { first_order };
            if before < order && order - before >= dormancy {
                // Who was new at that time has had his way already.
                return (!since.is_some_and(|since| is_on_the_way(since, order))).then_some(order);
            }
        }
        None
    }

    /// Which of the actions were carried out since then.
    #[inline]
    fn given_since(&self, customer: Row<'_>, start: i64) -> [bool; ACTIONS] {
        let mut is_given = [false; ACTIONS];
        let touches = customer.get(self.touch_times).iter().zip(customer.get(self.touch_actions));
        for (_, action) in touches.filter(|(time, _)| **time > start) {
            if let Some(is_given) = is_given.get_mut(*action as usize) {
                *is_given = true;
            }
        }
        is_given
    }
}

/// Which day of a way an instant is on: the first 24 hours are day 0.
fn day_of(at: i64, start: i64) -> i64 {
    (at - start).div_euclid(DAY_MS)
}

/// The actions, always the same in the same order: touches outlive a change of parameters.
fn actions(settings: &Settings, target: Target, plan: &mut PlanBuilder) -> [Action; ACTIONS] {
    let valid_days = settings.valid_days as u32;
    let mut contact = |id, content: std::fmt::Arguments<'_>, face_value| {
        let kind = if face_value > 0 { ActionKind::Coupon } else { ActionKind::Message };
        let action = plan.action(id, kind).channel(&settings.channel).contact_cost(settings.contact_cost);
        let action = action.content(content);
        if face_value == 0 {
            return action.add();
        }
        action.offer(Offer { face_value, minimum_spend: 0, valid_days }).add()
    };
    let Target { coupon_count, coupon_value, .. } = target;
    [
        // The contract knows one face value an action, so the pack's is that of all its coupons: what they can cost.
        contact(
            "starter-pack",
            format_args!("magic-number-starter-pack: {coupon_count} coupons of {coupon_value}"),
            coupon_count * coupon_value,
        ),
        contact("first-nudge", format_args!("magic-number-first-order"), 0),
        contact("second-nudge", format_args!("magic-number-first-order-again"), 0),
        contact("third-nudge", format_args!("magic-number-next-order"), settings.nudge_value),
        contact("fourth-nudge", format_args!("magic-number-last-day"), settings.nudge_value),
    ]
}

stratagem_sdk::export!(MagicNumber);
