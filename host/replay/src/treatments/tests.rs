//! Campaigns without an effect, sent in ways that make them look like one.

use rand::RngExt;
use stratagem_insight::{Needs, StoreContext, Timelines};
use stratagem_measure::random::stream;
use stratagem_model::event::{EventId, EventKind, FlatEvent, Line, Order, Timeline};
use stratagem_model::time::{DAY_MS, Time, Zone};
use stratagem_model::{BUCKETS, Currency};
use stratagem_store::{CustomerEvents, MemoryStore, Settings, Store};

use super::*;

const CUSTOMERS: u64 = 600;
const DAYS: i64 = 200;
const WINDOW: i64 = 14;
/// When the campaign in question begins.
const START: i64 = 150;

/// Nobody drew it, but nothing that a customer did decides it either.
fn is_even(customer: u64) -> bool {
    customer.is_multiple_of(2)
}

/// Customers who order every ten days on average, whatever is sent to them. `touches` says by customer, and the days of
/// his orders, which campaign touches him when.
fn observed(touches: impl Fn(u64, &[f64]) -> Vec<(&'static str, f64)>) -> Vec<Treatment> {
    let currency = Currency { code: "USD".into(), digits: 2 };
    let store = MemoryStore::new(Settings { zone: "UTC".into(), currency });
    let at = |day: f64| Time((day * DAY_MS as f64) as i64);
    for customer in 0..CUSTOMERS {
        let mut generator = stream(11, customer);
        let (mut day, mut days, mut timeline) = (generator.random::<f64>(), vec![], Timeline::default());
        while day < DAYS as f64 {
            let gross = 1_000 + (generator.random::<f64>() * 2_000.0) as i64;
            let (id, time) = (EventId(days.len() as u64), at(day));
            timeline.orders.push(Order { lines: 1, ..Order::new(id, time, gross) });
            timeline.lines.push(Line { product: 0, quantity: 1, gross });
            days.push(day);
            day += -10.0 * (1.0 - generator.random::<f64>()).ln();
        }
        for (n, (campaign, day)) in touches(customer, &days).into_iter().enumerate() {
            timeline.events.push(FlatEvent {
                subject: store.intern("campaign", &[campaign]).unwrap()[0],
                ..FlatEvent::new(EventKind::Touch, EventId(n as u64), at(day))
            });
        }
        store.append(vec![CustomerEvents::new(format!("c{customer}"), timeline)]).unwrap();
    }
    let context = StoreContext::read(&store, Zone::utc(), None).unwrap();
    let needs = Needs { events: true, ..Needs::default() };
    let history = Timelines::load(&store, &context, 0..BUCKETS, needs, Time::MAX).unwrap();
    let setting = Setting {
        histories: &[history],
        first_order: Time(store.totals().unwrap().first_order_ms.unwrap()),
        data_until: Time(DAYS * DAY_MS),
        window_ms: WINDOW * DAY_MS,
    };
    of_setting(&setting, &store.dictionary("campaign").unwrap(), &Zone::utc())
}

fn of_campaign<'a>(treatments: &'a [Treatment], name: &str) -> &'a Treatment {
    treatments.iter().find(|treatment| treatment.campaign == name).unwrap()
}

/// The date so many windows before the campaign.
fn date(back: i64) -> String {
    Zone::utc().date(Time((START - back * WINDOW) * DAY_MS))
}

fn sent_at_once(customer: u64) -> Vec<(&'static str, f64)> {
    if is_even(customer) { vec![("main", START as f64)] } else { vec![] }
}

#[test]
fn a_campaign_of_one_day_without_effect_has_none() {
    let found = observed(|customer, _| sent_at_once(customer));
    let [treatment] = &found[..] else { panic!("{found:?}") };
    assert_eq!((treatment.reached, treatment.late), (CUSTOMERS / 2, 0));
    let effect = treatment.effect.as_ref().unwrap_or_else(|| panic!("{:?}", treatment.refusal));
    assert!(effect.effect.value.abs() < 4.0 * effect.effect.standard_error, "{:?}", effect.effect);
    assert_eq!((treatment.placebo_dates, treatment.placebo_dates_left_out), (6, 0));
    assert_eq!(treatment.touched_otherwise, [0.0, 0.0]);
}

/// Half of those who order get a message with it: who is treated then is who bought.
#[test]
fn a_campaign_that_follows_what_customers_do_is_refused() {
    let found = observed(|customer, days| {
        let within = START as f64..(START + WINDOW) as f64;
        let order = days.iter().find(|day| within.contains(day)).filter(|_| is_even(customer));
        order.map(|day| ("main", *day)).into_iter().collect()
    });
    let treatment = &found[0];
    assert!(treatment.effect.is_none(), "{:?}", treatment.effect);
    let (why, hint) = treatment.refusal.as_ref().unwrap();
    assert!(why.contains("spread over days") && !hint.is_empty(), "{why}");
    assert!(treatment.late > 3 * treatment.reached, "{} of {}", treatment.late, treatment.reached);
}

/// Without an effect, and though all who are touched later have bought.
#[test]
fn those_touched_after_an_order_are_not_taken_from_the_untreated() {
    let found = observed(|customer, days| {
        let within = (START + 1) as f64..(START + WINDOW) as f64;
        match customer % 20 {
            0..15 => vec![("main", START as f64)],
            _ => days.iter().find(|day| within.contains(day)).map(|day| ("main", *day)).into_iter().collect(),
        }
    });
    let treatment = &found[0];
    assert!(treatment.late > 0, "{treatment:?}");
    let effect = treatment.effect.as_ref().unwrap_or_else(|| panic!("{:?}", treatment.refusal));
    assert!(effect.effect.value.abs() < 4.0 * effect.effect.standard_error, "{:?}", effect.effect);
}

/// A receipt on the day of a sale: all on one day, and each after its order.
#[test]
fn a_campaign_that_follows_orders_of_its_day_is_refused() {
    let found = observed(|_, days| {
        let day = START as f64..(START + 1) as f64;
        days.iter().find(|at| day.contains(at)).map(|at| ("main", at + 0.001)).into_iter().collect()
    });
    let (why, _) = found[0].refusal.as_ref().unwrap();
    assert!(why.contains("may follow from an order"), "{why}");
}

#[test]
fn whoever_is_touched_a_little_later_is_untreated() {
    let found = observed(|customer, _| match customer % 20 {
        0 => vec![("main", START as f64 + 3.0)],
        // After the window it says nothing of the outcome.
        1 => vec![("main", (START + WINDOW) as f64 + 1.0)],
        _ => sent_at_once(customer),
    });
    let treatment = &found[0];
    assert_eq!((treatment.reached, treatment.late), (CUSTOMERS / 2 - CUSTOMERS / 20, CUSTOMERS / 20));
    assert_eq!((treatment.treated, treatment.treated + treatment.untreated), (treatment.reached, CUSTOMERS));
    assert!(treatment.effect.is_some(), "{:?}", treatment.refusal);
}

#[test]
fn an_earlier_date_that_another_campaign_followed_is_no_placebo() {
    let found = observed(|customer, _| {
        let mut touches = sent_at_once(customer);
        // Twenty days before: within the window of the second earlier date.
        touches.extend((customer % 5 == 0).then_some(("other", START as f64 - 20.0)));
        touches
    });
    let treatment = of_campaign(&found, "main");
    assert_eq!((treatment.placebo_dates, treatment.placebo_dates_left_out), (6, 1));
    let effect = treatment.effect.as_ref().unwrap_or_else(|| panic!("{:?}", treatment.refusal));
    let dates = effect.placebo.as_ref().unwrap().estimates.iter().map(|placebo| placebo.date.clone());
    assert_eq!(dates.collect::<Vec<_>>(), [1, 3, 4, 5, 6, 7].map(date));
}

#[test]
fn another_campaign_within_the_window_is_named_and_weakens_the_verdict() {
    let found = observed(|customer, _| {
        let mut touches = sent_at_once(customer);
        touches.extend(is_even(customer).then_some(("other", START as f64 + 3.0)));
        touches
    });
    let treatment = of_campaign(&found, "main");
    assert_eq!(treatment.touched_otherwise, [1.0, 0.0]);
    let other = Concurrent { campaign: Some("other".into()), treated: 1.0, untreated: 0.0 };
    assert_eq!(treatment.concurrent, [other]);
    let verdict = &treatment.effect.as_ref().unwrap().verdict;
    assert!(verdict.identification >= Identification::Weak);
    let check = verdict.checks.iter().find(|check| check.rule == Rule::ConcurrentTreatments).unwrap();
    assert_eq!(check.finding, Identification::Weak, "{}", check.reason);
}
