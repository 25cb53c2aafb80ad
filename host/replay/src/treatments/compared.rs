//! Whom a campaign treated, with whom they are compared, and the earlier dates at which nothing happened.

use std::collections::BTreeMap;

use stratagem_insight::Timelines;
use stratagem_model::NO_ITEM;
use stratagem_model::event::{EventKind, FlatEvent};
use stratagem_model::time::{DAY_MS, Time};

use super::{CUSTOMERS_MIN, is_clean};

/// Campaigns that are looked at: those that reached most customers.
const CAMPAIGNS_MAX: usize = 5;
/// Most customers that are compared: matching looks at pairs.
const CUSTOMERS_MAX: usize = 20_000;
/// Most earlier dates at which an estimate is repeated.
const PLACEBOS_MAX: usize = 6;

/// What the campaigns took place in.
pub(super) struct Setting<'a> {
    pub(super) histories: &'a [Timelines],
    pub(super) first_order: Time,
    pub(super) data_until: Time,
    pub(super) window_ms: i64,
}

pub(super) struct Campaign {
    pub(super) subject: u32,
    /// Its first touch.
    pub(super) start: Time,
    /// Customers it ever touched.
    customers: u64,
}

fn touches(history: &Timelines, row: usize) -> impl Iterator<Item = &FlatEvent> {
    history.events_before(row, Time::MAX).filter(|event| event.kind == EventKind::Touch)
}

/// The campaigns that reached most customers.
pub(super) fn campaigns(histories: &[Timelines]) -> Vec<Campaign> {
    let mut found: BTreeMap<u32, Campaign> = BTreeMap::new();
    let mut seen = vec![];
    for history in histories {
        for row in 0..history.rows() {
            seen.clear();
            for touch in touches(history, row).filter(|touch| touch.subject != NO_ITEM) {
                let (subject, start) = (touch.subject, touch.event_time);
                let campaign = found.entry(subject).or_insert(Campaign { subject, start, customers: 0 });
                campaign.start = campaign.start.min(start);
                if !seen.contains(&subject) {
                    seen.push(subject);
                    campaign.customers += 1;
                }
            }
        }
    }
    let mut found: Vec<_> = found.into_values().collect();
    found.sort_by_key(|campaign| (std::cmp::Reverse(campaign.customers), campaign.subject));
    found.truncate(CAMPAIGNS_MAX);
    found
}

/// A customer with an order before the campaign.
struct Member {
    shard: u32,
    row: u32,
    is_treated: bool,
}

impl Member {
    /// The place in pairs of treated and untreated.
    fn arm(&self) -> usize {
        usize::from(!self.is_treated)
    }
}

/// What is known of a customer at a date, and what followed.
pub(super) struct Row {
    pub(super) is_treated: bool,
    pub(super) recency: f64,
    pub(super) frequency: f64,
    pub(super) monetary: f64,
    pub(super) touches: f64,
    /// GMV of each period before the date, oldest first.
    pub(super) before: Vec<f64>,
    pub(super) after: f64,
}

/// Earlier dates, as windows before the campaign, the latest first.
pub(super) struct Placebos {
    pub(super) dates: Vec<i64>,
    /// Dates among them that other touches followed.
    pub(super) left_out: u64,
}

/// Touches of other campaigns within the outcome window: how many of the treated and of the untreated they reached.
pub(super) struct OtherTouches {
    pub(super) by_any: [u64; 2],
    /// Those that reached most first.
    pub(super) by_campaign: Vec<(u32, [u64; 2])>,
}

/// The customers of a campaign's date. Earlier dates are one window apart.
pub(super) struct Compared<'a> {
    pub(super) setting: &'a Setting<'a>,
    campaign: &'a Campaign,
    /// Whole windows of data before the campaign.
    pub(super) periods: i64,
    /// Of all customers: touched within the first day, and later but within the window.
    pub(super) reached: u64,
    pub(super) late: u64,
    /// Who ordered on the first day: of the treated before they were touched, of the untreated at any time.
    pub(super) ordered: [u64; 2],
    /// How many they are of, before any draw.
    pub(super) full_arms: [u64; 2],
    /// Customers who can be compared; no more than can be matched are.
    pub(super) customers: u64,
    members: Vec<Member>,
}

impl<'a> Compared<'a> {
    pub(super) fn new(setting: &'a Setting<'a>, campaign: &'a Campaign) -> Self {
        let before = campaign.start.0 - setting.first_order.0;
        let periods = before.div_euclid(setting.window_ms).max(0);
        let mut this = Self {
            setting,
            campaign,
            periods,
            reached: 0,
            late: 0,
            ordered: [0; 2],
            full_arms: [0; 2],
            customers: 0,
            members: vec![],
        };
        let (first_day, end) = (Time(campaign.start.0 + DAY_MS), this.end());
        for (shard, history) in setting.histories.iter().enumerate() {
            for row in 0..history.rows() {
                let its = touches(history, row).filter(|touch| touch.subject == campaign.subject);
                let first = its.map(|touch| touch.event_time).min().filter(|first| *first < end);
                let is_treated = first.is_some_and(|first| first < first_day);
                this.reached += u64::from(is_treated);
                // At the date whoever is touched later was not: without them the untreated would be picked by what
                // they did afterwards.
                this.late += u64::from(first.is_some() && !is_treated);
                if first_order(history, row).is_some_and(|known| known < campaign.start) {
                    let member = Member { shard: shard as u32, row: row as u32, is_treated };
                    let until = first.unwrap_or(first_day).min(first_day);
                    let mut times = history.orders(row).map(|order| history.order_time(order));
                    let has_ordered = times.any(|at| campaign.start <= at && at < until);
                    this.ordered[member.arm()] += u64::from(has_ordered);
                    this.members.push(member);
                }
            }
        }
        this.customers = this.members.len() as u64;
        this.full_arms = this.arms();
        if this.members.len() > CUSTOMERS_MAX {
            // Ids are hashes: the lowest are a random draw, and the same for any shards.
            let id = |member: &Member| setting.histories[member.shard as usize].customer(member.row as usize);
            this.members.select_nth_unstable_by_key(CUSTOMERS_MAX, id);
            this.members.truncate(CUSTOMERS_MAX);
            this.members.sort_unstable_by_key(|member| (member.shard, member.row));
        }
        this
    }

    /// So many windows before the campaign.
    pub(super) fn date(&self, back: i64) -> Time {
        Time(self.campaign.start.0 - back * self.setting.window_ms)
    }

    /// Until here the outcome is counted.
    pub(super) fn end(&self) -> Time {
        self.date(-1)
    }

    fn history(&self, member: &Member) -> &'a Timelines {
        &self.setting.histories[member.shard as usize]
    }

    /// How many treated and untreated are compared.
    pub(super) fn arms(&self) -> [u64; 2] {
        let treated = self.members.iter().filter(|member| member.is_treated).count() as u64;
        [treated, self.members.len() as u64 - treated]
    }

    /// The customers of an earlier date, 0 for the campaign's own: those with an order before it.
    pub(super) fn rows(&self, back: i64) -> Vec<Row> {
        self.members.iter().filter_map(|member| self.row(member, back)).collect()
    }

    fn row(&self, member: &Member, back: i64) -> Option<Row> {
        let (history, row, at) = (self.history(member), member.row as usize, self.date(back));
        let periods = self.periods - back;
        let known = history.advance(row, 0, at);
        let last = history.last_order_time(row, known)?;
        let mut before = vec![0.0; periods.max(0) as usize];
        let mut after = 0.0;
        for order in history.orders(row) {
            let (time, gross) = (history.order_time(order), history.order_value(order).0 as f64);
            let period = (time.0 - at.0).div_euclid(self.setting.window_ms);
            if period == 0 {
                after += gross;
            } else if -periods <= period && period < 0 {
                before[(periods + period) as usize] += gross;
            }
        }
        let touches = history.events_before(row, at).filter(|event| event.kind == EventKind::Touch);
        // Right-skewed all four: a difference of one means less to whoever has many.
        let damped = |value: f64| value.max(0.0).ln_1p();
        Some(Row {
            is_treated: member.is_treated,
            recency: damped((at.0 - last.0) as f64 / DAY_MS as f64),
            frequency: damped(f64::from(history.order_count(row, known))),
            monetary: damped(history.monetary(row, known) as f64),
            touches: damped(touches.count() as f64),
            before,
            after,
        })
    }

    /// The latest of the earlier dates after which nobody of either arm was touched, but for a few.
    pub(super) fn placebo_dates(&self) -> Placebos {
        let (compared, touched) = self.touched_before();
        let mut found = Placebos { dates: vec![], left_out: 0 };
        for (date, (compared, touched)) in compared.iter().zip(&touched).enumerate() {
            if found.dates.len() == PLACEBOS_MAX || compared.iter().any(|arm| *arm < CUSTOMERS_MIN) {
                break;
            }
            if is_clean(*touched, *compared) {
                found.dates.push(date as i64 + 1);
            } else {
                found.left_out += 1;
            }
        }
        found
    }

    /// By date, the latest first: how many of each arm are compared there, and how many of these were touched in the
    /// window from it. At least one period lies before each.
    fn touched_before(&self) -> (Vec<[u64; 2]>, Vec<[u64; 2]>) {
        let count = (self.periods - 1).max(0) as usize;
        let (mut compared, mut touched) = (vec![[0; 2]; count], vec![[0; 2]; count]);
        // The last member that was counted as touched, one past its place.
        let mut counted = vec![0; count];
        let start = self.campaign.start.0;
        for (place, member) in self.members.iter().enumerate() {
            let (history, row) = (self.history(member), member.row as usize);
            let window = |at: Time| (start - at.0 - 1).div_euclid(self.setting.window_ms);
            // Of dates after the first order became known.
            let dates = first_order(history, row).map_or(0, |known| window(known).max(0) as usize).min(count);
            compared[..dates].iter_mut().for_each(|arms| arms[member.arm()] += 1);
            for touch in touches(history, row) {
                let date = window(touch.event_time);
                if (0..dates as i64).contains(&date) && counted[date as usize] != place + 1 {
                    counted[date as usize] = place + 1;
                    touched[date as usize][member.arm()] += 1;
                }
            }
        }
        (compared, touched)
    }

    /// What other campaigns did within the window.
    pub(super) fn other_touches(&self) -> OtherTouches {
        let (mut by_any, mut by_campaign) = ([0; 2], BTreeMap::<u32, [u64; 2]>::new());
        let mut seen = vec![];
        for member in &self.members {
            seen.clear();
            let within = self.campaign.start..self.end();
            let others = touches(self.history(member), member.row as usize)
                .filter(|touch| touch.subject != self.campaign.subject && within.contains(&touch.event_time));
            for touch in others {
                if !seen.contains(&touch.subject) {
                    seen.push(touch.subject);
                    by_campaign.entry(touch.subject).or_default()[member.arm()] += 1;
                }
            }
            by_any[member.arm()] += u64::from(!seen.is_empty());
        }
        let mut by_campaign: Vec<_> = by_campaign.into_iter().collect();
        by_campaign.sort_by_key(|(subject, [treated, untreated])| {
            (std::cmp::Reverse(treated + untreated), *subject)
        });
        OtherTouches { by_any, by_campaign }
    }
}

/// When a row's first order became known.
fn first_order(history: &Timelines, row: usize) -> Option<Time> {
    history.orders(row).next().map(|order| history.order_known(order))
}
