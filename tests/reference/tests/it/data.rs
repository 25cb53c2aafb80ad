//! The data sets themselves: sizes, what customers do with no one doing anything, and what is bought together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use stratagem_reference::{assert_digits, columns, data};

#[test]
fn the_data_sets_have_the_published_sizes() {
    let transactions = |file: &str| {
        let text = std::fs::read_to_string(data(file)).expect("text");
        text.lines().filter(|line| line.trim().starts_with(|c: char| c.is_ascii_digit())).count()
    };
    assert_eq!(transactions("cdnow/CDNOW_sample.txt"), 6_919);
    assert_eq!(transactions("cdnow/CDNOW_master.txt"), 69_659);
    let customers = |file: &str| columns(file, ["customer"]).into_iter().collect::<HashSet<_>>().len();
    assert_eq!(customers("cdnow/cdnow_orders.csv"), 23_570);
    assert_eq!(customers("cdnow/cdnow_sample_orders.csv"), 2_357);
    assert_eq!(columns("hillstrom/hillstrom.csv", ["segment"]).len(), 64_000);
}

/// What a recall of lapsed customers must not claim.
#[test]
fn three_in_ten_lapsed_customers_return_by_themselves() {
    const BEFORE_MONTH: [i32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let day = |date: &str| {
        let part =
            |range: std::ops::Range<usize>| date[range].parse::<i32>().expect("a date such as 1997-09-30");
        (part(0..4) - 1_997) * 365 + BEFORE_MONTH[part(5..7) as usize - 1] + part(8..10)
    };
    let mut customers = BTreeMap::<String, Vec<i32>>::new();
    for [customer, date] in columns("cdnow/cdnow_orders.csv", ["customer", "date"]) {
        customers.entry(customer).or_default().push(day(&date));
    }
    let today = day("1997-09-30");
    let (mut silent, mut returned) = (0_u32, 0_u32);
    for days in customers.values() {
        let Some(last) = days.iter().filter(|day| **day <= today).max() else { continue };
        if (90..=119).contains(&(today - last)) {
            silent += 1;
            returned += u32::from(days.iter().any(|day| (1..=90).contains(&(day - today))));
        }
    }
    assert_eq!((silent, returned), (1_107, 338));
    assert_digits(f64::from(returned) / f64::from(silent), 0.3053, 4, "natural return");
}

#[test]
fn noodles_are_bought_with_sauce() {
    let products = columns("complete-journey/products.csv", ["product_id", "product_category"]);
    let category: HashMap<_, _> =
        products.into_iter().map(|[product, category]| (product, category)).collect();
    let mut baskets = HashMap::<String, BTreeSet<&str>>::new();
    for [basket, product] in columns("complete-journey/transactions.csv", ["basket_id", "product_id"]) {
        let known =
            category.get(&product).map(String::as_str).filter(|name| !name.is_empty() && *name != "NA");
        if let Some(name) = known {
            baskets.entry(basket).or_default().insert(name);
        }
    }
    let with = |names: &[&str]| {
        baskets.values().filter(|basket| names.iter().all(|name| basket.contains(name))).count() as f64
    };
    let (noodles, sauce) = ("DRY NOODLES/PASTA", "PASTA SAUCE");
    let all = baskets.len() as f64;
    let (together, one, other) = (with(&[noodles, sauce]), with(&[noodles]), with(&[sauce]));
    assert_eq!([all, together, one, other], [155_659.0, 3_528.0, 7_825.0, 6_455.0]);
    assert_digits(together * all / (one * other), 10.872319835, 11, "lift");
}
