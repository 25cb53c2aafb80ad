//! The way from registration to the magic number as tables, and random histories against the wake times.

use stratagem_sdk::native::{Answer, Bench, Customer, Walk};
use stratagem_sdk::prelude::*;

use super::settings::Preset;
use super::*;

/// The customer registered, or came back, at the begin of this day.
const START: i64 = days(1_000);

/// Days after the start, and the action.
type Touch = (i64, &'static str);

/// Name, days of orders, what else matters, day, and an action or the day of the wake.
type Case<'a, T> = (&'a str, &'a [i64], T, i64, Result<&'a str, i64>);

fn bench(preset: Preset) -> Bench<MagicNumber> {
    Bench::new().choose("preset", preset)
}

/// Someone with orders and touches that many days after the start, in milliseconds and days.
fn customer(bench: &Bench<MagicNumber>, orders: &[i64], touches: &[Touch]) -> Customer {
    let customer =
        orders.iter().fold(Customer::new(), |customer, day| customer.order(START + days(*day), 300));
    touches.iter().fold(customer, |customer, (day, action)| {
        customer.touch(START + days(*day) + HOUR_MS, bench.action(action))
    })
}

fn check(name: &str, answer: &Answer, want: Result<&str, i64>) {
    match want {
        Ok(action) => assert_eq!(answer.actions(), [action], "{name}"),
        Err(NEVER) => assert_eq!((answer.actions().len(), answer.wake), (0, NEVER), "{name}"),
        Err(day) => assert_eq!((answer.actions().len(), answer.wake), (0, START + days(day)), "{name}"),
    }
}

#[test]
fn nudges_depend_on_the_day_and_on_the_purchases_by_then() {
    let bench = bench(Preset::Month4);
    #[rustfmt::skip]
    let cases: [Case<'_, &[Touch]>; 17] = [
        // name                              orders on      touches so far         day  action, or day of the wake
        ("just registered",                  &[],           &[],                   0,   Err(2)),
        ("one day before the first",         &[],           &[],                   1,   Err(2)),
        ("no order by day 2",                &[],           &[],                   2,   Ok("first-nudge")),
        ("told on day 2",                    &[],           &[(2, "first-nudge")], 2,   Err(3)),
        ("no order by day 3",                &[],           &[(2, "first-nudge")], 3,   Ok("second-nudge")),
        ("still the turn of day 3",          &[],           &[],                   6,   Ok("second-nudge")),
        ("what was missed stays missed",     &[],           &[],                   7,   Ok("third-nudge")),
        ("ordered at once",                  &[0],          &[],                   2,   Err(7)),
        ("one order by day 7",               &[0],          &[],                   7,   Ok("third-nudge")),
        ("told on day 7",                    &[0],          &[(7, "third-nudge")], 8,   Err(30)),
        ("two orders by day 7",              &[0, 5],       &[],                   7,   Err(30)),
        ("three orders on the last day",     &[0, 5, 9],    &[],                   30,  Ok("fourth-nudge")),
        ("told on the last day",             &[0],          &[(30, "fourth-nudge")], 30, Err(NEVER)),
        ("the days are over",                &[0],          &[],                   31,  Err(NEVER)),
        ("the number is reached",            &[0, 5, 9, 12], &[],                  13,  Err(NEVER)),
        ("reached on the last day",          &[0, 5, 9, 29], &[],                  30,  Err(NEVER)),
        ("a touch of an earlier way",        &[],           &[(-40, "first-nudge")], 2, Ok("first-nudge")),
    ];
    for (name, orders, touches, day, want) in cases {
        let customer = customer(&bench, orders, touches).with(column::CUSTOMER_SINCE, Some(START));
        check(name, &bench.at(START + days(day) + 2 * HOUR_MS).ask(&customer), want);
    }
}

#[test]
fn only_the_preset_with_coupons_gives_a_starter_pack() {
    let habit = bench(Preset::Habit5);
    let new = Customer::new().with(column::CUSTOMER_SINCE, Some(START));
    check("on the first day", &habit.at(START + 1).ask(&new), Ok("starter-pack"));
    check("on the last day for it", &habit.at(START + days(2) - 1).ask(&new), Ok("starter-pack"));
    check("too late for it", &habit.at(START + days(2)).ask(&new), Ok("first-nudge"));
    let given = new.clone().touch(START + 1, habit.action("starter-pack"));
    check("once", &habit.at(START + days(1)).ask(&given), Err(2));
    check("not in retail", &bench(Preset::Month4).at(START + 1).ask(&new), Err(2));

    let pack = &habit.plan().unwrap().actions[0];
    assert_eq!(pack.offer.map(|offer| offer.face_value), Some(1_000), "five coupons of 2.00");
    assert_eq!(pack.content, "magic-number-starter-pack: 5 coupons of 200");
}

#[test]
fn who_returns_after_a_dormancy_is_new_again() {
    let bench = bench(Preset::Month4);
    let registered_long_ago = START - days(400);
    #[rustfmt::skip]
    let cases: [Case<'_, Option<i64>>; 9] = [
        // name                                orders on        registered                 day  action, or day of the wake
        ("back after 90 days",                 &[-90, 0],       Some(registered_long_ago), 1,   Err(7)),
        ("one order by day 7",                 &[-90, 0],       Some(registered_long_ago), 7,   Ok("third-nudge")),
        ("back after 89 days",                 &[-89, 0],       Some(registered_long_ago), 7,   Err(NEVER)),
        ("back after many years",              &[-900, 0],      None,                      7,   Ok("third-nudge")),
        ("the last day",                       &[-900, 0],      None,                      30,  Ok("fourth-nudge")),
        ("after the last day",                 &[-900, 0],      None,                      31,  Err(NEVER)),
        ("a first order is no return",         &[0],            Some(registered_long_ago), 7,   Err(NEVER)),
        ("older orders do not count",          &[-95, -94, 0, 1], Some(registered_long_ago), 7, Err(30)),
        ("four since the return",              &[-95, 0, 1, 2, 3], Some(registered_long_ago), 7, Err(NEVER)),
    ];
    for (name, orders, since, day, want) in cases {
        let customer = customer(&bench, orders, &[]).with(column::CUSTOMER_SINCE, since);
        check(name, &bench.at(START + days(day)).ask(&customer), want);
    }
    let never = bench.clone().set("dormancy-days", "0");
    check("switched off", &never.at(START + days(7)).ask(&customer(&bench, &[-900, 0], &[])), Err(NEVER));
}

#[test]
fn nobody_is_new_twice_for_the_same_begin() {
    // Registered, ordered after a gap that counts as a dormancy: the first way covers it.
    let bench = bench(Preset::Month4).set("dormancy-days", "10");
    let begin =
        |since: i64| customer(&bench, &[-12, 0], &[]).with(column::CUSTOMER_SINCE, Some(START + days(since)));
    check("new at that time", &bench.at(START + days(20)).ask(&begin(-15)), Err(NEVER));
    check("new on the last day then", &bench.at(START + days(7)).ask(&begin(-30)), Err(NEVER));
    check("new one day longer ago", &bench.at(START + days(7)).ask(&begin(-31)), Ok("third-nudge"));
}

#[test]
fn parameters_that_contradict_each_other_are_refused_with_what_would_do() {
    let refused = |bench: Bench<MagicNumber>| {
        let errors = bench.plan().unwrap_err();
        errors.into_iter().map(|error| format!("{}: {}", error.parameter, error.message)).collect::<Vec<_>>()
    };
    let custom = bench(Preset::Custom);
    assert_eq!(
        refused(custom.clone().set("third-nudge-day", "3")),
        ["third-nudge-day: 3 is not after `second-nudge-day`, which is 3"],
    );
    assert_eq!(
        refused(custom.clone().set("within-days", "29")),
        [
            "fourth-nudge-day: day 30 is past the last day that counts, 29; choose an earlier day, or 0 for the bound of \
          this nudge"
        ],
    );
    assert!(custom.set("within-days", "7").set("fourth-nudge-below", "0").plan().is_ok());
}

/// A small generator, so that the histories are the same everywhere.
fn random(state: &mut u64) -> i64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as i64
}

#[test]
fn asking_only_when_due_misses_nothing() {
    let benches = [
        bench(Preset::Month4),
        bench(Preset::Habit5).set("dormancy-days", "20"),
        bench(Preset::Custom).set("within-days", "45").set("coupon-count", "2").set("dormancy-days", "40"),
    ];
    let mut touched = 0;
    for seed in 1..40 {
        let mut state = seed;
        let registered = random(&mut state) % days(100);
        let mut at = 0;
        let orders: Vec<i64> = (0..15)
            .map(|_| {
                let longest = [2, 15, 60, 200][(random(&mut state) % 4) as usize];
                at += random(&mut state) % days(longest);
                at
            })
            .collect();
        let mut events = orders.clone();
        events.push(registered);
        events.sort_unstable();
        let walk = Walk {
            steps: (0..600).map(|day| days(day) + 10 * HOUR_MS).collect(),
            events,
            customer: |now: i64| {
                let known = orders.iter().filter(|time| **time < now);
                known
                    .fold(Customer::new(), |customer, time| customer.order(*time, 100))
                    .with(column::CUSTOMER_SINCE, Some(registered).filter(|time| *time < now))
            },
        };
        for bench in &benches {
            let touches = walk.by_wakes(bench);
            assert_eq!(touches, walk.every_step(bench), "seed {seed}");
            touched += touches.len();
        }
    }
    assert!(touched > 200, "{touched} touches test little");
}
