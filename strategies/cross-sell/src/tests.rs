//! Who is offered what, and when again, as tables; random histories against the wake times.

use stratagem_sdk::native::{Bench, Customer, Walk};
use stratagem_sdk::prelude::*;

use super::*;

/// The customer bought category 1 on this day, a Monday.
const BOUGHT: i64 = days(998);

/// Category, and when it was bought last.
type Purchase = (u32, i64);

/// Category 1 goes with 2 and 3, category 4 with 3 (more so) and 5.
const PAIRS: &[(u32, u32, i64)] =
    &[(1, 2, 3_000_000), (1, 3, 2_000_000), (4, 3, 5_000_000), (4, 5, 3_000_000), (7, 2, 9_000_000)];

/// Name, purchases, offers, day, and what is offered or the day of the wake.
type Case<'a> = (&'a str, &'a [Purchase], &'a [Purchase], i64, Result<&'a [u32], i64>);

fn bench() -> Bench<CrossSell> {
    Bench::new().with_pairs(PAIRS)
}

/// Someone with purchases and offers that many days after the purchase of category 1.
fn customer(purchases: &[Purchase], offers: &[Purchase]) -> Customer {
    let mut purchases = purchases.to_vec();
    purchases.sort_unstable();
    let codes: Vec<_> = purchases.iter().map(|(code, _)| *code).collect();
    let times: Vec<_> = purchases.iter().map(|(_, day)| BOUGHT + days(*day)).collect();
    let offer = bench().action("cross-sell");
    let customer =
        Customer::new().with(column::CATEGORY_CODES, &codes).with(column::CATEGORY_LAST_TIMES, &times);
    offers
        .iter()
        .fold(customer, |customer, (item, day)| customer.touch_about(BOUGHT + days(*day), offer, *item))
}

#[test]
fn the_highest_lift_that_is_not_bought_yet_is_offered() {
    #[rustfmt::skip]
    let cases: [(&str, &[Purchase], i64, &[u32]); 8] = [
        // name                               bought on                      day   offered
        ("the highest lift",                  &[(1, 0)],                     1,    &[2]),
        ("the next when that is bought",      &[(1, 0), (2, -300)],          1,    &[3]),
        ("over all that was just bought",     &[(1, 0), (4, 0)],             1,    &[3]),
        ("equal lift: the smaller code",      &[(1, 0), (4, 0), (3, -300)],  1,    &[2]),
        ("the last day",                      &[(1, 0)],                     29,   &[2]),
        ("no longer just bought",             &[(1, 0)],                     30,   &[]),
        ("all bought",                        &[(1, 0), (2, -9), (3, -9)],   1,    &[]),
        ("nothing goes with it",              &[(6, 0), (900, 0)],           1,    &[]),
    ];
    for (name, bought, day, want) in cases {
        assert_eq!(bench().at(BOUGHT + days(day)).ask(&customer(bought, &[])).items(), want, "{name}");
    }
}

#[test]
fn exploring_offers_the_best_few_with_their_lift_as_weight() {
    let ask = |count: &str| {
        let answer = bench().set("explore", count).at(BOUGHT + 1).ask(&customer(&[(1, 0), (4, 0)], &[]));
        answer.proposals.iter().map(|proposal| (proposal.item, proposal.score)).collect::<Vec<_>>()
    };
    assert_eq!(ask("1"), [(3, 5_000_000)]);
    assert_eq!(ask("2"), [(3, 5_000_000), (2, 3_000_000)]);
    assert_eq!(ask("8"), [(3, 5_000_000), (2, 3_000_000), (5, 3_000_000)], "each once");
}

#[test]
fn patience_is_kept() {
    let refused_and_paused = 14 + 7;
    let cooled_down = 14 + 90;
    #[rustfmt::skip]
    let cases: [Case<'_>; 11] = [
        // name                            bought on            offered on            day  offered, or day of the wake
        ("an open offer",                  &[(1, 1)],           &[(2, 1)],            2,   Err(1 + refused_and_paused)),
        ("refused",                        &[(1, 1)],           &[(2, 1)],            15,  Err(1 + refused_and_paused)),
        ("the pause is over",              &[(1, 1)],           &[(2, 1)],            22,  Ok(&[3])),
        ("taken: the next one at once",    &[(1, 1), (2, 5)],   &[(2, 1)],            6,   Ok(&[3])),
        ("taken in the same instant",      &[(1, 1), (2, 1)],   &[(2, 1)],            6,   Ok(&[3])),
        ("bought before is not taken",     &[(1, 1), (2, 0)],   &[(2, 1)],            6,   Err(1 + refused_and_paused)),
        ("taken late lifts the refusal",   &[(1, 1), (2, 18)],  &[(2, 1)],            19,  Ok(&[3])),
        ("capped, though both were taken", &[(1, 9), (2, 5), (3, 9)], &[(2, 1), (3, 6)], 10, Err(1 + 30)),
        ("the cap has ended",              &[(1, 9), (2, 5), (3, 9), (4, 30)], &[(2, 1), (3, 6)], 31, Ok(&[5])),
        ("cooling down",                   &[(1, 103)],         &[(2, 0)],            103, Ok(&[3])),
        ("cooled down",                    &[(1, 103)],         &[(2, 0)],            cooled_down, Ok(&[2])),
    ];
    for (name, bought, offered, day, want) in cases {
        let answer = bench().at(BOUGHT + days(day)).ask(&customer(bought, offered));
        match want {
            Ok(items) => assert_eq!(answer.items(), items, "{name}"),
            Err(wake) => assert_eq!((answer.items().len(), answer.wake), (0, BOUGHT + days(wake)), "{name}"),
        }
    }
}

#[test]
fn where_nothing_fits_the_strategy_asks_again_when_something_may() {
    let bench = bench();
    // Everything that goes with category 1 is bought, and pairs change on Monday.
    let all_bought = customer(&[(1, 0), (2, -9), (3, -9)], &[]);
    let monday = BOUGHT + days(7);
    let wake = bench.at(BOUGHT + days(1)).ask(&all_bought).wake;
    assert!((monday - 2 * HOUR_MS..=monday).contains(&wake), "{wake}");

    // On the last day the category is not just bought on Monday any more.
    assert_eq!(bench.at(BOUGHT + days(29)).ask(&all_bought).wake, NEVER);
    assert_eq!(bench.at(BOUGHT).ask(&Customer::new()).wake, NEVER);

    // Category 3 may be offered again 10 days after day -9.
    let again = bench.set("again-after-days", "10");
    let soon = customer(&[(1, 0), (2, -8), (3, -9)], &[]);
    assert_eq!(again.at(BOUGHT + HOUR_MS).ask(&soon).wake, BOUGHT + days(1));
    assert_eq!(again.at(BOUGHT + days(1)).ask(&soon).items(), [3]);
    assert_eq!(again.at(BOUGHT + days(2)).ask(&soon).items(), [2]);
}

#[test]
fn the_plan_carries_the_parameters() {
    let plan = bench().set("min-lift-ppm", "1500000").set("cool-down-days", "200").plan().unwrap();
    let option = plan.references[0].options.iter().find(|(name, _)| name == "min-lift-ppm");
    assert_eq!(option.map(|(_, value)| *value), Some(1_500_000));
    let touches = plan.columns.iter().find(|column| column.name == "touch.items").unwrap();
    assert_eq!(touches.window, Window::LastDays(215), "as long as a refusal matters");
    assert_eq!(plan.goal, Goal::ItemOrder);
    assert_eq!(plan.actions[0].offer.map(|offer| offer.valid_days), Some(14));

    let message = bench().set("coupon-value", "0");
    assert_eq!(message.plan().unwrap().actions[0].kind, ActionKind::Message);
    let errors = message.set("coupon-minimum-spend", "5").plan().unwrap_err();
    assert_eq!(errors[0].message, "there is no coupon to spend 5 for; set `coupon-value`, or this to 0");
}

/// A small generator, so that the histories are the same everywhere.
fn random(state: &mut u64) -> i64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as i64
}

/// What is known of purchases before a moment: each category with its last time.
fn as_known(orders: &[(i64, u32)], now: i64) -> Customer {
    let mut last_times = std::collections::BTreeMap::new();
    for (time, category) in orders.iter().filter(|(time, _)| *time < now) {
        last_times.insert(*category, *time);
    }
    let (codes, times): (Vec<_>, Vec<_>) = last_times.into_iter().unzip();
    Customer::new().with(column::CATEGORY_CODES, &codes).with(column::CATEGORY_LAST_TIMES, &times)
}

#[test]
fn asking_only_when_due_misses_nothing() {
    // As dense as a small shop: each category goes with three others.
    let pairs: Vec<_> = (0..8_u32)
        .flat_map(|a| {
            (1..4_u32).map(move |b| (a, (a + b) % 8, i64::from((a * 5 + b * 3) % 7 + 2) * 1_000_000))
        })
        .collect();
    let bench = Bench::<CrossSell>::new().with_pairs(&pairs);
    let benches = [
        bench.clone(),
        bench.clone().set("again-after-days", "40").set("cool-down-days", "20"),
        bench
            .set("answer-days", "3")
            .set("pause-days", "0")
            .set("offers-max", "1")
            .set("again-after-days", "5"),
    ];
    let mut touched = 0;
    for seed in 1..40 {
        let mut state = seed;
        let mut at = 0;
        let orders: Vec<(i64, u32)> = (0..25)
            .map(|_| {
                at += random(&mut state) % days([2, 10, 60][(random(&mut state) % 3) as usize]);
                (at, (random(&mut state) % 8) as u32)
            })
            .collect();
        let walk = Walk {
            steps: (0..500).map(|day| days(day) + 10 * HOUR_MS).collect(),
            events: orders.iter().map(|(time, _)| *time).collect(),
            customer: |now| as_known(&orders, now),
        };
        for bench in &benches {
            let touches = walk.by_wakes(bench);
            assert_eq!(touches, walk.every_step(bench), "seed {seed}");
            touched += touches.len();
        }
    }
    assert!(touched > 300, "{touched} touches test little");
}
