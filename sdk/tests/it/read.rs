//! Reading customers through handles, and batches that are not what the plan asked for.

use stratagem_sdk::log::Level;
use stratagem_sdk::native::{Asked, Bench, Customer};
use stratagem_sdk::prelude::*;
use stratagem_sdk::{BatchView, ColumnView, TableView};

use super::Everything;

fn bench() -> Bench<Everything> {
    Bench::new().with_names("attribute.tier", &["silver", "gold"])
}

fn logged() -> Vec<String> {
    let lines = native::take_log();
    assert!(lines.iter().all(|(level, _)| *level == Level::Debug));
    lines.into_iter().map(|(_, line)| line).collect()
}

#[test]
fn each_row_reads_its_own_values_and_gaps() {
    let now = days(30);
    let rich = Customer::new()
        .order(days(1), 700)
        .order(days(9), 300)
        .order(days(20), 500)
        .with(column::RFM_CLASS, Some(7))
        .with(column::ORDER_WEEKDAYS, &[1, 2])
        .named("attribute.tier", 1_u32);
    let poor = Customer::new().named("attribute.tier", None::<u32>);
    let answers = bench().at(now).ask_all(&[poor.clone(), rich, poor]);

    let nothing = "None 0 [] None [] None";
    let all = format!("Some({}) 3 [300, 500] Some(7) [1, 2] Some(\"gold\")", days(20));
    assert_eq!(logged(), [nothing, all.as_str(), nothing], "the window cuts the first order off");
    let proposal = Asked { action: "say".into(), index: 0, item: 3, score: 7, at: now + 1 };
    assert_eq!(answers[1].proposals, [proposal]);
    assert_eq!(answers.iter().map(|answer| answer.wake).collect::<Vec<_>>(), [NEVER, now + 5, NEVER]);
}

#[test]
fn a_strategy_that_cannot_answer_says_so() {
    let asked = std::panic::catch_unwind(|| Bench::<Everything>::new().at(0).ask(&Customer::new()));
    let message = asked.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(*message, "the strategy cannot answer: nobody has ever been gold");
}

#[test]
fn the_strategy_refuses_combinations_by_name() {
    let refused = bench().set("quiet", "true").set("timing", "top-ten").plan().unwrap_err();
    assert_eq!(refused, [ParameterError::new("quiet", "the top ten are never quiet")]);
}

#[test]
fn a_batch_that_is_not_the_plans_is_a_failure_and_not_a_panic() {
    let (s64s, u32s, offsets) = ([1_i64, 2], [1_u32, 2], [0_u32, 1, 2]);
    let good = [
        ColumnView::s64s(&s64s),
        ColumnView::s64s(&s64s),
        ColumnView::s64s(&s64s).with_offsets(&offsets),
        ColumnView::u32s(&u32s),
        ColumnView::u32s(&u32s).with_offsets(&offsets),
        ColumnView::u32s(&u32s),
    ];
    let names = [ColumnView::bytes(b"gold").with_offsets(&[0, 4])];
    let tables = [TableView { rows: 1, columns: &names }];
    let ask = |rows: u32, columns: &[ColumnView<'_>], references: &[TableView<'_>]| {
        let batch = BatchView { now: 0, utc_offset_ms: 0, rows, columns, references };
        native::evaluate::<Everything>(bench().values(), &batch).map_err(|failure| failure.message)
    };
    assert!(ask(2, &good, &tables).is_ok());

    let changed = |index: usize, column: ColumnView<'static>| {
        let mut columns = good;
        columns[index] = column;
        ask(2, &columns, &tables).unwrap_err()
    };
    let wrong = |index: usize| format!("column {index} has not the type or the length that the plan expects");
    assert_eq!(changed(0, ColumnView::u32s(&[1, 2])), wrong(0), "type");
    assert_eq!(changed(1, ColumnView::s64s(&[1])), wrong(1), "length");
    assert_eq!(changed(2, ColumnView::s64s(&[1, 2])), wrong(2), "offsets are missing");
    assert_eq!(changed(2, ColumnView::s64s(&[1]).with_offsets(&[0, 1, 2])), wrong(2), "offsets past the end");
    assert_eq!(changed(3, ColumnView::u32s(&[1, 2]).with_offsets(&[0, 1, 2])), wrong(3), "offsets too many");
    assert_eq!(changed(5, ColumnView::u32s(&[1, 2]).with_missing(&[0, 0])), wrong(5), "bitmap");
    assert_eq!(
        ask(2, &good[..5], &tables).unwrap_err(),
        "the host passed 5 columns and 1 references, but the plan has 6 and 1"
    );
    let empty = [TableView { rows: 2, columns: &names }];
    let reference = "reference 0 has not the columns that its name promises";
    assert_eq!(ask(2, &good, &empty).unwrap_err(), reference);
}
