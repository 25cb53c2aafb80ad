//! Recall waves, 多波次召回: three waves to customers who have fallen silent, each stronger than the one before.
//!
//! 1. After three weeks without an order: brand content, no coupon.
//! 2. A week later, still no order: a coupon, with copy that is personal.
//! 3. Another week later: a gift pack from a minimum spend.
//!
//! After an observation window the customer is filed as silent. Any order ends the waves, and the next silence begins
//! anew. All numbers are [parameters](settings::Settings).
//!
//! Where a customer stands follows from the newest own touch: if it is after the last order, its action says which
//! wave comes next; otherwise none has been sent in this silence. Only what was carried out is a touch, so a wave
//! that a gate suppressed is asked for again, and none is sent twice.
//!
//! # Wake times
//!
//! A wave is due at a time that only an order can change. Where nothing is due any more (silent, silent too long, or
//! never ordered) only an order can begin anything. So with the trigger `order` the wake time is that due time, or
//! never. Without it (parameter `late-orders` is `false`) an order leaves a wake time that is too early, which is
//! harmless, and where nothing is due the strategy looks again when an order from now on could have become a silence.

pub mod settings;
#[cfg(test)]
mod tests;

use settings::{Settings, Timing};
use stratagem_sdk::prelude::*;

/// Parts per million.
const PPM: i128 = 1_000_000;

/// The strategy with its times in milliseconds and its handles.
#[derive(Debug)]
pub struct RecallWaves {
    silence: i64,
    /// From the wave at this index to what comes next.
    pauses: [i64; 3],
    /// Earliest time of what comes next, counted from the last order.
    silence_before: [i64; 3],
    enter_max: i64,
    /// How long nothing can become due where nothing is; `NEVER` if an order is a trigger.
    idle: i64,
    personal: Option<Personal>,
    last_order: Column<Option<i64>>,
    touch_times: Column<[i64]>,
    touch_actions: Column<[u32]>,
    /// The waves, and filing as silent.
    actions: [Action; 4],
}

/// Timing by the customer's own interval.
#[derive(Debug)]
struct Personal {
    share_ppm: i64,
    count_min: i64,
    min: i64,
    max: i64,
    median: Column<Option<i64>>,
    count: Column<i64>,
}

impl Strategy for RecallWaves {
    type Parameters = Settings;

    fn describe() -> Description {
        Description {
            package: stratagem_sdk::package!(),
            title: Text::both("Recall waves", "多波次召回"),
            summary: Text::both(
                "Customers who stop ordering hear from the shop three times, a week apart: brand content without a \
                 coupon, then a coupon with personal copy, then a gift pack from a minimum spend and within a cost \
                 ceiling. Whoever orders leaves the waves; whoever does not is filed as silent after a while.",
                "对停止购买的客户分三波触达，每波间隔一周：先推品牌内容不发券，再发券并配个性化文案，最后在成本上限内\
                 以满额赠礼包加码。任何一次购买即结束；观察期后仍未购买者归入沉默客户。",
            ),
            class: OperationClass::Lifecycle,
            answers: Answers {
                to_whom: "Customers who have ordered, but not for three weeks, or not for a multiple of their own interval.",
                why: "The longer the silence, the rarer the return; some of those drifting away can still be reached.",
                what: "Brand content, then a coupon, then a gift pack from a minimum spend.",
                when: "At a fixed local hour: days 21, 28 and 35 of the silence unless set otherwise.",
                r#where: "One channel, app push unless set otherwise.",
                how: "Each wave once per silence and only while no order comes; the holdout shows what would have come anyway.",
                how_much: "Three contacts, a coupon and a gift pack at most, within the cost ceiling per customer.",
            },
        }
    }

    fn configure(settings: Settings, plan: &mut PlanBuilder) -> Result<Self, Vec<ParameterError>> {
        settings.check()?;
        let personal = match settings.timing {
            Timing::Fixed => None,
            Timing::Personal => Some(Personal {
                share_ppm: settings.interval_share_ppm,
                count_min: settings.interval_count_min,
                min: days(settings.personal_min_days),
                max: days(settings.personal_max_days),
                median: plan.column(column::ORDER_INTERVAL_MEDIAN),
                count: plan.column(column::ORDER_INTERVAL_COUNT),
            }),
        };
        // A purchase can shorten the median, and with it the silence that is waited for.
        let asks_after_orders = settings.late_orders || personal.is_some();
        plan.daily_at(&[settings.hour * 60]);
        if asks_after_orders {
            plan.on_events(&["order"]);
        }
        let pauses = [settings.second_wave_days, settings.third_wave_days, settings.observe_days].map(days);
        Ok(Self {
            silence: days(settings.silence_days),
            pauses,
            silence_before: [pauses[0], pauses[0] + pauses[1], pauses.iter().sum()],
            enter_max: days(settings.enter_max_days),
            idle: if asks_after_orders { NEVER } else { days(settings.silence_days) },
            personal,
            last_order: plan.column(column::ORDER_LAST_TIME),
            // The waves come in order, so the newest touch says it all.
            touch_times: plan.history(column::TOUCH_TIMES, Window::LastN(1)),
            touch_actions: plan.history(column::TOUCH_ACTIONS, Window::LastN(1)),
            actions: actions(&settings, plan),
        })
    }

    #[inline]
    fn evaluate(&self, customer: Row<'_>, out: &mut Proposals<'_>) {
        let now = customer.now();
        let nothing_due = now.saturating_add(self.idle);
        let Some(last_order) = customer.get(self.last_order) else { return out.wake_at(nothing_due) };
        let silence = self.silence_of(customer);
        let (next, due) = match self.newest_wave(customer, last_order) {
            None if now - last_order > self.enter_max => return out.wake_at(nothing_due),
            None => (0, last_order + silence),
            // An order that became known after a wave may have begun a silence just before it: the next wave then
            // waits until the silence is as long as it should be.
            Some((wave, sent)) if wave < 3 => {
                (wave + 1, (sent + self.pauses[wave]).max(last_order + silence + self.silence_before[wave]))
            }
            Some(_) => return out.wake_at(nothing_due),
        };
        if now >= due {
            out.propose(self.actions[next]);
        } else {
            out.wake_at(due);
        }
    }
}

impl RecallWaves {
    /// Which of the actions was carried out last in this silence, and when.
    #[inline]
    fn newest_wave(&self, customer: Row<'_>, last_order: i64) -> Option<(usize, i64)> {
        let sent = *customer.get(self.touch_times).last()?;
        let action = *customer.get(self.touch_actions).last()?;
        // A decision comes before the events of the same instant, so a touch at the order's time was before it.
        (sent > last_order).then_some((action as usize, sent))
    }

    /// How long this customer is silent before the first wave.
    #[inline]
    fn silence_of(&self, customer: Row<'_>) -> i64 {
        let Some(personal) = &self.personal else { return self.silence };
        match customer.get(personal.median) {
            Some(median) if customer.get(personal.count) >= personal.count_min => {
                let share = i128::from(median) * i128::from(personal.share_ppm) / PPM;
                i64::try_from(share).unwrap_or(i64::MAX).clamp(personal.min, personal.max)
            }
            _ => self.silence,
        }
    }
}

/// The actions, always the same in the same order: touches outlive a change of parameters.
fn actions(settings: &Settings, plan: &mut PlanBuilder) -> [Action; 4] {
    let valid_days = settings.valid_days as u32;
    let coupon =
        Offer { face_value: settings.coupon_value, minimum_spend: settings.coupon_minimum_spend, valid_days };
    let gift =
        Offer { face_value: settings.gift_value, minimum_spend: settings.gift_minimum_spend, valid_days };
    let mut contact = |id, kind, content, offer| {
        let action = plan.action(id, kind).channel(&settings.channel).contact_cost(settings.contact_cost);
        let action = action.content(content);
        match offer {
            Some(offer) => action.offer(offer).add(),
            None => action.add(),
        }
    };
    [
        contact("brand-content", ActionKind::Message, "recall-brand-content", None),
        contact("personal-coupon", ActionKind::Coupon, "recall-personal-coupon", Some(coupon)),
        contact("gift-pack", ActionKind::Coupon, "recall-gift-pack", Some(gift)),
        plan.action("mark-silent", ActionKind::MarkSilent).add(),
    ]
}

stratagem_sdk::export!(RecallWaves);
