//! Cross-sell, 交叉推荐: offers what others buy together with what a customer has just bought.
//!
//! Who bought category A within some days, and category B never (or not for long), is offered B, if A and B are bought
//! together more often than by chance. The host computes the pairs as of the last Monday. Among several, the highest
//! lift wins, or the host draws among a few in proportion to their lift, which leaves data to learn from.
//!
//! The customer's patience is kept: one open offer at a time, a cap in a rolling window, a pause after any refusal, and
//! a longer one for the category that was refused. An offer is refused when B has not been bought once its days are
//! over; buying it later lifts the refusal.
//!
//! # Wake times
//!
//! While a cap, an open offer or a pause holds, nothing can be offered before they all end. Otherwise the answer changes
//! without an event when a cool-down ends, when B was bought long enough ago, or when the pairs are recomputed.

mod best;
pub mod settings;
#[cfg(test)]
mod tests;

use best::Best;
use settings::Settings;
use stratagem_sdk::prelude::*;

/// The strategy with its times in milliseconds and its handles.
#[derive(Debug)]
pub struct CrossSell {
    bought_within: i64,
    /// `NEVER` if what was bought once is not offered.
    again_after: i64,
    explore: usize,
    offers_max: usize,
    offers_window: i64,
    answer: i64,
    cool_down: i64,
    pause: i64,
    codes: Column<[u32]>,
    last_times: Column<[i64]>,
    touch_times: Column<[i64]>,
    touch_items: Column<[u32]>,
    pairs: Table<CategoryPairs>,
    /// Row of `pairs` at which each antecedent begins, and the end; worked out for each batch.
    starts: Vec<u32>,
    offer: Action,
}

impl Strategy for CrossSell {
    type Parameters = Settings;

    fn describe() -> Description {
        Description {
            package: stratagem_sdk::package!(),
            title: Text::both("Cross-sell", "交叉推荐"),
            summary: Text::both(
                "Customers who have just bought one category are offered another that goes with it and that they do not \
                 buy yet. Which go together is measured in the baskets of all customers, as of each Monday; refusals \
                 pause the offers, and a cap limits them.",
                "向近期购买过某品类、但未购买关联品类的客户推荐该关联品类。关联关系每周一按全体客户的购物篮计算；\
                 客户不接受推荐后进入冷却期，并限制单客推荐次数。",
            ),
            class: OperationClass::KeyAction,
            answers: Answers {
                to_whom: "Customers who bought a category within the last weeks, but not the one that goes with it.",
                why: "A customer who buys more categories comes more often and stays longer.",
                what: "An offer of the category with the highest lift, with a coupon unless switched off.",
                when: "At a fixed local hour after the purchase, and when a pause or cool-down has ended.",
                r#where: "One channel, app push unless set otherwise.",
                how: "One open offer at a time, capped in a rolling window; a refusal pauses all and cools that one down.",
                how_much: "A contact per offer, and the coupon's face value for those who redeem it.",
            },
        }
    }

    fn configure(settings: Settings, plan: &mut PlanBuilder) -> Result<Self, Vec<ParameterError>> {
        settings.check()?;
        plan.daily_at(&[settings.hour * 60]);
        plan.on_events(&["order"]);
        plan.goal(Goal::ItemOrder);
        let pairs = PairOptions {
            min_baskets: settings.min_baskets,
            min_confidence_ppm: settings.min_confidence_ppm,
            min_lift_ppm: settings.min_lift_ppm,
            per_category: settings.per_category,
        };
        let touches = Window::LastDays(settings.touch_days() as u32);
        let again_after =
            if settings.again_after_days == 0 { NEVER } else { days(settings.again_after_days) };
        Ok(Self {
            bought_within: days(settings.bought_within_days),
            again_after,
            explore: settings.explore as usize,
            offers_max: settings.offers_max as usize,
            offers_window: days(settings.offers_window_days),
            answer: days(settings.answer_days),
            cool_down: days(settings.cool_down_days),
            pause: days(settings.pause_days),
            codes: plan.column(column::CATEGORY_CODES),
            last_times: plan.column(column::CATEGORY_LAST_TIMES),
            touch_times: plan.history(column::TOUCH_TIMES, touches),
            touch_items: plan.history(column::TOUCH_ITEMS, touches),
            pairs: plan.category_pairs(pairs, Schedule::Weekly),
            starts: Vec::new(),
            offer: offer(&settings, plan),
        })
    }

    fn begin(&mut self, batch: &BatchView<'_>) -> Result<(), Failure> {
        let antecedents = batch.table(self.pairs).antecedents;
        for (row, antecedent) in antecedents.iter().enumerate() {
            if self.starts.len() <= *antecedent as usize {
                self.starts.resize(*antecedent as usize + 1, row as u32);
            }
        }
        self.starts.push(antecedents.len() as u32);
        Ok(())
    }

    #[inline]
    fn evaluate(&self, customer: Row<'_>, out: &mut Proposals<'_>) {
        let past = Past {
            now: customer.now(),
            codes: customer.get(self.codes),
            last_times: customer.get(self.last_times),
            touch_times: customer.get(self.touch_times),
            touch_items: customer.get(self.touch_items),
        };
        let blocked_until = self.blocked_until(&past);
        if blocked_until > past.now {
            out.wake_at(blocked_until);
            return;
        }
        let (best, next) = self.candidates(customer.batch(), &past);
        for (lift, code) in best.entries() {
            out.propose(self.offer).item(*code).score((*lift).max(1));
        }
        if best.entries().is_empty() {
            out.wake_at(next);
        }
    }
}

/// What is known about a customer.
struct Past<'a> {
    now: i64,
    /// Categories bought, ascending, and when each was bought last.
    codes: &'a [u32],
    last_times: &'a [i64],
    /// Offers made, oldest first, and of what.
    touch_times: &'a [i64],
    touch_items: &'a [u32],
}

impl Past<'_> {
    #[inline]
    fn last_bought(&self, code: u32) -> Option<i64> {
        self.codes.binary_search(&code).ok().map(|index| self.last_times[index])
    }

    /// Offers that were not followed by a purchase so far: when and of what.
    #[inline]
    fn unanswered(&self) -> impl Iterator<Item = (i64, u32)> {
        let offers = self.touch_times.iter().copied().zip(self.touch_items.iter().copied());
        // A decision comes before the events of the same instant.
        offers.filter(|(time, item)| self.last_bought(*item).is_none_or(|bought| bought < *time))
    }
}

impl CrossSell {
    /// Until when nothing at all may be offered: cap, open offers, and pauses after refusals.
    #[inline]
    fn blocked_until(&self, past: &Past<'_>) -> i64 {
        let times = past.touch_times;
        let cap_ends =
            times.len().checked_sub(self.offers_max).map(|index| times[index] + self.offers_window);
        let pause_ends = past.unanswered().map(|(time, _)| time + self.answer + self.pause).max();
        cap_ends.max(pause_ends).unwrap_or(i64::MIN)
    }

    /// The best offers, and when there may be one if there is none now.
    #[inline]
    fn candidates(&self, batch: &BatchView<'_>, past: &Past<'_>) -> (Best, i64) {
        let pairs = batch.table(self.pairs);
        let mut best = Best::new(self.explore);
        let mut next = NEVER;
        let mut recent_until = i64::MIN;
        for (code, last_bought) in past.codes.iter().zip(past.last_times) {
            let until = last_bought + self.bought_within;
            if until <= past.now {
                continue;
            }
            recent_until = recent_until.max(until);
            let (start, end) = self.pairs_of(*code);
            for (consequent, lift) in pairs.consequents[start..end].iter().zip(&pairs.lift_ppm[start..end]) {
                if best.is_out_of_reach(*lift) {
                    break;
                }
                let from = self.offered_from(past, *consequent);
                if from <= past.now {
                    best.consider(*lift, *consequent);
                } else if from < until {
                    next = next.min(from);
                }
            }
        }
        let refresh = batch.next_weekly_refresh();
        if refresh < recent_until {
            next = next.min(refresh);
        }
        (best, next)
    }

    #[inline]
    fn pairs_of(&self, antecedent: u32) -> (usize, usize) {
        match self.starts.get(antecedent as usize..) {
            Some([start, end, ..]) => (*start as usize, *end as usize),
            _ => (0, 0),
        }
    }

    /// From when on a category may be offered, as far as the customer's own past with it goes.
    #[inline]
    fn offered_from(&self, past: &Past<'_>, code: u32) -> i64 {
        let again = match past.last_bought(code) {
            Some(bought) => bought.saturating_add(self.again_after),
            None => i64::MIN,
        };
        let refused = past.unanswered().filter(|(_, item)| *item == code);
        let cooled = refused.map(|(time, _)| time + self.answer + self.cool_down).max();
        cooled.map_or(again, |cooled| cooled.max(again))
    }
}

fn offer(settings: &Settings, plan: &mut PlanBuilder) -> Action {
    let kind = if settings.coupon_value > 0 { ActionKind::Coupon } else { ActionKind::Message };
    let action =
        plan.action("cross-sell", kind).channel(&settings.channel).contact_cost(settings.contact_cost);
    let action = action.content("cross-sell");
    if settings.coupon_value == 0 {
        return action.add();
    }
    let offer = Offer {
        face_value: settings.coupon_value,
        minimum_spend: settings.coupon_minimum_spend,
        valid_days: settings.answer_days as u32,
    };
    action.offer(offer).add()
}

stratagem_sdk::export!(CrossSell);
