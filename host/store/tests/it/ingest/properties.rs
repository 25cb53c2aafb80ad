//! Over files nobody would think of: order, threads and repetition leave no trace, and every row is accounted for.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use stratagem_store::Store;
use stratagem_store::ingest::{Kind, Options};

use super::files::{Scratch, options};
use super::refusals::skip;

/// A row of orders, good or bad, with a note that needs quotes.
#[derive(Debug, Clone)]
struct Row {
    customer: u8,
    order: u8,
    time: &'static str,
    product: u8,
    quantity: &'static str,
    gross: &'static str,
    note: &'static str,
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let times = prop_oneof![9 => Just("2017-01-01 10:00"), 9 => Just("2017-01-02"), 1 => Just("soon")];
    let quantities = prop_oneof![9 => Just("1"), 9 => Just("2"), 1 => Just("x")];
    let amounts = prop_oneof![9 => Just("1.50"), 9 => Just("0"), 1 => Just("-9"), 1 => Just("0.005")];
    let notes = prop::sample::select(vec!["", "a,b", "two\nlines", "\"quoted\"", "\r\n", "6\" nail"]);
    let row = (0..3_u8, 0..4_u8, times, 0..3_u8, quantities, amounts, notes);
    let row = row.prop_map(|(customer, order, time, product, quantity, gross, note)| Row {
        customer,
        order,
        time,
        product,
        quantity,
        gross,
        note,
    });
    prop::collection::vec(row, 0..24)
}

/// Quoted values hold delimiters and line ends, so that records cannot be found at line ends.
fn csv(rows: &[Row], has_order: bool) -> String {
    let mut writer = csv::Writer::from_writer(vec![]);
    // Without a column that could be an order's id, each row is an order.
    let order_name = if has_order { "order" } else { "x" };
    writer.write_record(["note", "customer", order_name, "time", "product", "quantity", "gross"]).unwrap();
    for Row { customer, order, time, product, quantity, gross, note } in rows {
        let order = format!("{customer}-{order}");
        let (customer, product) = (format!("c{customer}"), format!("p{product}"));
        writer.write_record([note, customer.as_str(), &order, time, &product, quantity, gross]).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

fn skipping(rows_per_batch: usize) -> Options {
    Options { on_error: skip(None), rows_per_batch, ..options(Kind::Orders, "") }
}

/// The store that a file gives, with the codes of its products, and how many rows were read and rejected.
fn outcome(csv: &str, options: &Options) -> (String, Vec<String>, u64, u64) {
    let scratch = Scratch::new();
    scratch.write("t.csv", csv);
    let report = scratch.ingest("t.csv", options).unwrap();
    let products = scratch.store.dictionary("product").unwrap();
    (scratch.store.fingerprint().unwrap(), products, report.rows_read, report.rows_rejected)
}

proptest! {
    #[test]
    fn neither_the_order_of_rows_nor_the_size_of_batches_leaves_a_trace(
        (rows, shuffled) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        rows_per_batch in 1..7_usize,
        has_order: bool,
    ) {
        let (rows, shuffled) = (csv(&rows, has_order), csv(&shuffled, has_order));
        let want = outcome(&rows, &skipping(10_000));
        prop_assert_eq!(&outcome(&rows, &skipping(rows_per_batch)), &want);
        prop_assert_eq!(&outcome(&shuffled, &skipping(rows_per_batch)), &want);
    }

    #[test]
    fn the_same_rows_again_in_any_order_change_nothing(
        (rows, shuffled) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        has_order: bool,
    ) {
        let scratch = Scratch::new();
        scratch.write("t.csv", csv(&rows, has_order));
        let first = scratch.ingest("t.csv", &skipping(3)).unwrap();
        let before = scratch.store.fingerprint().unwrap();
        for again in [rows, shuffled] {
            scratch.write("t.csv", csv(&again, has_order));
            let second = scratch.ingest("t.csv", &skipping(3)).unwrap();
            prop_assert_eq!(second.appended.added, 0);
            prop_assert_eq!(second.appended.unchanged, first.appended.added);
            prop_assert_eq!(scratch.store.fingerprint().unwrap(), before.clone());
        }
    }

    #[test]
    fn every_row_is_accepted_or_in_the_rejects(rows in rows(), rows_per_batch in 1..7_usize) {
        let scratch = Scratch::new();
        scratch.write("t.csv", csv(&rows, true));
        let rejects = scratch.path("rejects.csv");
        let options = Options { on_error: skip(Some(rejects.clone())), ..skipping(rows_per_batch) };
        let report = scratch.ingest("t.csv", &options).unwrap();
        prop_assert_eq!(report.rows_read, rows.len() as u64);
        prop_assert_eq!(report.rows_read, report.rows_accepted + report.rows_rejected);
        let rejected = csv::Reader::from_path(rejects).unwrap().into_records().count();
        prop_assert_eq!(rejected as u64, report.rows_rejected);

        // An order is in the store if and only if all its rows are good and it is worth something.
        let (mut bad, mut orders) = (BTreeSet::new(), BTreeMap::new());
        for row in &rows {
            let cents = match row.gross { "1.50" => Some(150), "0" => Some(0), "-9" => Some(-900), _ => None };
            let key = (row.customer, row.order);
            match cents {
                Some(cents) if row.time != "soon" && row.quantity != "x" => *orders.entry(key).or_insert(0) += cents,
                _ => drop(bad.insert(key)),
            }
        }
        orders.retain(|key, cents| !bad.contains(key) && *cents >= 0);
        let totals = scratch.store.totals().unwrap();
        prop_assert_eq!(totals.orders, orders.len() as u64);
        prop_assert_eq!(totals.gross, orders.values().sum::<i64>());
        let is_kept = |row: &&Row| orders.contains_key(&(row.customer, row.order));
        prop_assert_eq!(totals.lines, report.rows_accepted);
        prop_assert_eq!(totals.lines, rows.iter().filter(is_kept).count() as u64);
    }
}
