//! The rule as tables, and a year of random histories against the wake times.

use stratagem_sdk::native::{Answer, Bench, Customer, Walk};
use stratagem_sdk::prelude::*;

use super::*;

/// The last order of every case: day 100.
const ORDERED: i64 = days(100);

/// Days after the last order, and the action.
type Touch = (i64, &'static str);

/// Name, touches so far, day, and an action or the day of the wake.
type Case<'a> = (&'a str, &'a [Touch], i64, Result<&'a str, i64>);

fn bench() -> Bench<RecallWaves> {
    Bench::new()
}

/// A customer who ordered on day 100 and got these actions that many days later.
fn silent_since(bench: &Bench<RecallWaves>, touches: &[Touch]) -> Customer {
    touches.iter().fold(Customer::new().order(ORDERED, 2_500), |customer, (day, action)| {
        customer.touch(ORDERED + days(*day), bench.action(action))
    })
}

fn check(name: &str, answer: &Answer, want: Result<&str, i64>) {
    match want {
        Ok(action) => assert_eq!(answer.actions(), [action], "{name}"),
        Err(NEVER) => assert_eq!((answer.actions().len(), answer.wake), (0, NEVER), "{name}"),
        Err(day) => assert_eq!((answer.actions().len(), answer.wake), (0, ORDERED + days(day)), "{name}"),
    }
}

#[test]
fn each_wave_is_sent_on_its_day_and_once() {
    let bench = bench();
    let brand = (21, "brand-content");
    let coupon = (28, "personal-coupon");
    let gift = (35, "gift-pack");
    let silent = (49, "mark-silent");
    #[rustfmt::skip]
    let cases: [Case<'_>; 15] = [
        // name                           touches so far                day  an action, or the day of the wake
        ("the day of the order",          &[],                          0,   Err(21)),
        ("one day short",                 &[],                          20,  Err(21)),
        ("wave 1",                        &[],                          21,  Ok("brand-content")),
        ("wave 1 was suppressed so far",  &[],                          27,  Ok("brand-content")),
        ("the last day to begin",         &[],                          90,  Ok("brand-content")),
        ("silent for too long",           &[],                          91,  Err(NEVER)),
        ("after wave 1",                  &[brand],                     22,  Err(28)),
        ("one day before wave 2",         &[brand],                     27,  Err(28)),
        ("wave 2",                        &[brand],                     28,  Ok("personal-coupon")),
        ("a wave begun late goes on",     &[(90, "brand-content")],     97,  Ok("personal-coupon")),
        ("one day before wave 3",         &[brand, coupon],             34,  Err(35)),
        ("wave 3",                        &[brand, coupon],             35,  Ok("gift-pack")),
        ("observing",                     &[brand, coupon, gift],       48,  Err(49)),
        ("filed as silent",               &[brand, coupon, gift],       49,  Ok("mark-silent")),
        ("nothing after that",            &[brand, coupon, gift, silent], 400, Err(NEVER)),
    ];
    for (name, touches, day, want) in cases {
        let answer = bench.at(ORDERED + days(day)).ask(&silent_since(&bench, touches));
        check(name, &answer, want);
    }
}

#[test]
fn the_threshold_is_exact_to_the_millisecond() {
    let customer = silent_since(&bench(), &[]);
    let due = ORDERED + days(21);
    assert_eq!(bench().at(due - 1).ask(&customer).wake, due);
    assert_eq!(bench().at(due).ask(&customer).actions(), ["brand-content"]);
}

#[test]
fn any_order_ends_the_waves_and_begins_a_new_silence() {
    let bench = bench();
    let before = [(-30, "brand-content"), (-23, "personal-coupon"), (0, "gift-pack")];
    let customer = silent_since(&bench, &before);
    // The gift pack went out at the very instant of the order: it was decided before it.
    check("back to the start", &bench.at(ORDERED + days(1)).ask(&customer), Err(21));
    check("wave 1 again", &bench.at(ORDERED + days(21)).ask(&customer), Ok("brand-content"));
}

#[test]
fn an_order_that_becomes_known_after_a_wave_delays_the_next() {
    // Wave 1 was sent on day 1 of what turned out to be a new silence.
    let bench = bench();
    let customer = silent_since(&bench, &[(1, "brand-content")]);
    check("not a week later", &bench.at(ORDERED + days(8)).ask(&customer), Err(28));
    check(
        "when the silence is long enough",
        &bench.at(ORDERED + days(28)).ask(&customer),
        Ok("personal-coupon"),
    );
}

#[test]
fn personal_timing_follows_the_customers_own_interval() {
    let bench = bench().choose("timing", Timing::Personal);
    #[rustfmt::skip]
    let cases = [
        // name                             median days   intervals  due on day
        ("one and a half of the median",    Some(20),     3,         30),
        ("never before the floor",          Some(2),      50,        14),
        ("never after the cap",             Some(200),    50,        60),
        ("too few intervals",               Some(20),     2,         21),
        ("no interval",                     None,         0,         21),
    ];
    for (name, median, count, due) in cases {
        let customer = silent_since(&bench, &[])
            .with(column::ORDER_INTERVAL_MEDIAN, median.map(days))
            .with(column::ORDER_INTERVAL_COUNT, count);
        check(name, &bench.at(ORDERED + days(due) - 1).ask(&customer), Err(due));
        check(name, &bench.at(ORDERED + days(due)).ask(&customer), Ok("brand-content"));
    }
}

#[test]
fn who_never_ordered_is_left_alone() {
    let nobody = Customer::new();
    assert_eq!(bench().at(ORDERED).ask(&nobody).wake, NEVER);
    let polling = bench().set("late-orders", "false");
    assert_eq!(polling.at(ORDERED).ask(&nobody).wake, ORDERED + days(21));
}

#[test]
fn the_plan_asks_for_no_more_than_the_rule_reads() {
    let plan = bench().plan().unwrap();
    let names: Vec<_> = plan.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["order.last-time", "touch.times", "touch.actions"]);
    assert_eq!((plan.daily_at, plan.events), (vec![600], vec!["order".to_owned()]));
    assert_eq!(bench().set("late-orders", "false").plan().unwrap().events, [""; 0]);

    let personal = bench().choose("timing", Timing::Personal).set("late-orders", "false").plan().unwrap();
    assert_eq!(personal.events, ["order"], "a purchase can shorten the median");
    let ids = |plan: &stratagem_sdk::Plan| plan.actions.iter().map(|a| a.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&personal), ids(&bench().plan().unwrap()), "touches outlive a change of parameters");
}

#[test]
fn parameters_that_contradict_each_other_are_refused_with_what_would_do() {
    let refused = |bench: Bench<RecallWaves>| {
        let errors = bench.plan().unwrap_err();
        errors.into_iter().map(|error| format!("{}: {}", error.parameter, error.message)).collect::<Vec<_>>()
    };
    assert_eq!(
        refused(bench().set("gift-value", "3000")),
        [
            "cost-ceiling: three contacts, coupon and gift pack can cost 3515, more than the ceiling of 3000; raise it \
          to at least 3515, or lower `gift-value` or `coupon-value`"
        ],
    );
    assert_eq!(
        refused(bench().set("silence-days", "90")),
        ["enter-max-days: the first wave can be due on day 90; to begin at all, this must be at least 91"],
    );
    assert!(bench().set("silence-days", "89").plan().is_ok());
    let personal = bench().choose("timing", Timing::Personal);
    assert_eq!(
        refused(personal.clone().set("personal-min-days", "61")),
        ["personal-min-days: 61 is more than `personal-max-days`, which is 60"],
    );
    assert!(personal.set("cost-ceiling", "2515").plan().is_ok(), "exactly the worst case");
}

/// A small generator, so that the histories are the same everywhere.
fn random(state: &mut u64) -> i64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as i64
}

/// Orders at intervals of hours up to half a year, each with the time at which it became known.
fn history(seed: u64, delay_max: i64) -> Vec<(i64, i64)> {
    let mut state = seed;
    let mut at = 0;
    let mut order = || {
        let longest = [2, 30, 60, 180][(random(&mut state) % 4) as usize];
        at += random(&mut state) % days(longest);
        (at, at + random(&mut state) % delay_max)
    };
    (0..20).map(|_| order()).collect()
}

fn as_known(orders: &[(i64, i64)], now: i64) -> Customer {
    let known: Vec<i64> = orders.iter().filter(|(_, known)| *known < now).map(|(time, _)| *time).collect();
    let mut intervals: Vec<_> = known.windows(2).map(|pair| pair[1] - pair[0]).collect();
    intervals.sort_unstable();
    known
        .iter()
        .fold(Customer::new(), |customer, time| customer.order(*time, 100))
        .with(column::ORDER_INTERVAL_MEDIAN, intervals.get(intervals.len() / 2).copied())
        .with(column::ORDER_INTERVAL_COUNT, intervals.len() as i64)
}

#[test]
fn asking_only_when_due_misses_nothing() {
    let at_once = 1;
    let cases = [
        ("fixed", bench(), days(5)),
        ("personal", bench().choose("timing", Timing::Personal), days(5)),
        ("fixed, no trigger", bench().set("late-orders", "false"), at_once),
    ];
    for (name, bench, delay_max) in &cases {
        let is_triggered = !bench.plan().unwrap().events.is_empty();
        for seed in 1..30 {
            let orders = history(seed, *delay_max);
            let mut events: Vec<i64> =
                orders.iter().filter(|_| is_triggered).map(|(_, known)| *known).collect();
            events.sort_unstable();
            let walk = Walk {
                steps: (0..700).map(|day| days(day) + 10 * HOUR_MS).collect(),
                events,
                customer: |now| as_known(&orders, now),
            };
            let touches = walk.by_wakes(bench);
            assert_eq!(touches, walk.every_step(bench), "{name}, seed {seed}");
            assert!(!touches.is_empty(), "{name}, seed {seed}: nothing was tested");
        }
    }
}
