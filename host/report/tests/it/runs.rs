//! Backtests, comparisons and the library.

use insta::assert_snapshot;
use stratagem_model::Currency;
use stratagem_record::Run;
use stratagem_report::{Format, Lang, Style, backtest, compare, library_list, markdown, markdown_comparison};

use crate::fixture::{broken, empty, lane, of_replay, other, patient, run};
use crate::{NARROW, PIPE, body, width};

#[test]
fn a_run_says_first_what_it_may_claim() {
    let text = backtest(&run(), Format::Text, NARROW, Lang::English);
    assert_eq!(
        text.lines().next(),
        Some(
            "recall-waves 1.0.0: would have contacted 1,843 of 2,469 customers 12,010 times; what they bought is \
             attributed, not caused (observational replay)"
        )
    );
    assert_snapshot!("backtest", text);
}

#[test]
fn what_makes_a_run_worthless_comes_first() {
    assert_snapshot!("backtest-broken", backtest(&broken(), Format::Text, NARROW, Lang::English));
}

#[test]
fn a_run_without_contacts_and_controls_says_so() {
    assert_snapshot!("backtest-empty", backtest(&empty(), Format::Text, NARROW, Lang::English));
}

#[test]
fn a_markdown_report_has_the_full_digests() {
    let text = markdown(&run(), Lang::English);
    let digest = of_replay(&mut run()).receipt.decisions_digest.clone();
    assert!(text.contains(&digest) && text.contains(&run().sole_strategy().digest));
    assert_snapshot!("backtest-markdown", text);
    assert_snapshot!("backtest-markdown-broken", markdown(&broken(), Lang::English));
}

#[test]
fn json_is_the_run_itself() {
    let text = backtest(&run(), Format::Json, NARROW, Lang::English);
    assert_eq!(text, serde_json::to_string_pretty(&run()).unwrap() + "\n");
    assert_eq!(serde_json::from_str::<stratagem_record::Run>(&text).unwrap(), run());
    assert_snapshot!("keys", keys(&serde_json::from_str(&text).unwrap(), ""));
}

/// Every path in a JSON value, a line each; of lists the first item's.
fn keys(value: &serde_json::Value, path: &str) -> String {
    match value {
        serde_json::Value::Object(map) => {
            map.iter().map(|(key, value)| keys(value, &format!("{path}.{key}"))).collect()
        }
        serde_json::Value::Array(list) => {
            list.first().map_or(format!("{path}[]\n"), |first| keys(first, &format!("{path}[]")))
        }
        _ => format!("{path}\n"),
    }
}

#[test]
fn csv_has_a_row_an_action_with_exact_amounts() {
    assert_snapshot!("backtest-csv", backtest(&run(), Format::Csv, NARROW, Lang::English));
    let both = compare(&[run(), other()], Format::Csv, NARROW);
    assert_eq!(both.lines().count(), 1 + 4 + 1);
    assert_snapshot!("list-csv", library_list(&[run(), broken()], Format::Csv, NARROW));
}

#[test]
fn comparable_runs_stand_side_by_side() {
    assert_snapshot!("compare", compare(&[run(), patient(), other()], Format::Text, NARROW));
    assert_snapshot!("compare-markdown", markdown_comparison(&[run(), patient()]));
}

#[test]
fn runs_under_other_conditions_are_not_comparable() {
    let mut elsewhere = patient();
    elsewhere.data.fingerprint = "ee".repeat(32);
    elsewhere.data.currency = Currency::new("JPY").unwrap();
    elsewhere.period.from = "2017-06-01".into();
    elsewhere.period.window_days = 30;
    elsewhere.seed = 8;
    lane(&mut elsewhere).outcome.gates.cap = None;
    of_replay(&mut elsewhere).margin_ppm = 200_000;
    let text = compare(&[run(), elsewhere, broken()], Format::Text, NARROW);
    assert!(text.starts_with("r0001, r0004, r0002 are NOT comparable: they differ in data"));
    assert_snapshot!("compare-unlike", text);
}

#[test]
fn digests_of_different_encodings_say_nothing_of_each_other() {
    let mut later = Run { id: "r0009".into(), ..run() };
    let same = "made exactly the same decisions";
    assert!(compare(&[run(), later.clone()], Format::Text, PIPE).contains(same));
    of_replay(&mut later).receipt.encoding += 1;
    let text = compare(&[run(), later], Format::Text, PIPE);
    assert!(text.contains("are of different encodings") && !text.contains(same), "{text}");
}

#[test]
fn many_runs_are_compared_in_blocks() {
    let runs: Vec<_> = (1..=9).map(|i| Run { id: format!("r{i:04}"), ..run() }).collect();
    let text = compare(&runs, Format::Text, NARROW);
    assert!(text.contains("r0009") && width(body(&text)) <= 100);
    assert!(compare(&runs[..1], Format::Text, NARROW).starts_with("1 run to compare: name two or more"));
}

#[test]
fn the_library_has_one_row_a_run() {
    let runs = [run(), broken(), empty(), patient(), other()];
    assert_snapshot!("list", library_list(&runs, Format::Text, PIPE));
    assert_snapshot!("list-narrow", library_list(&runs[3..], Format::Text, NARROW));
    assert_snapshot!(library_list(&[], Format::Text, PIPE), @"no runs yet; `stratagem backtest` appends one");
}

#[test]
fn nothing_is_wider_than_the_terminal() {
    let runs = [run(), broken(), empty(), patient(), other()];
    for columns in [80, 100, 160] {
        let style = Style { color: false, width: Some(columns) };
        let texts = [Lang::English, Lang::Chinese]
            .into_iter()
            .flat_map(|lang| runs.iter().map(move |run| backtest(run, Format::Text, style, lang)));
        for text in
            texts.chain([compare(&runs, Format::Text, style), library_list(&runs, Format::Text, style)])
        {
            assert!(width(body(&text)) <= usize::from(columns), "{columns}:\n{text}");
        }
    }
}

#[test]
fn colour_adds_nothing_but_escapes() {
    for run in [run(), broken(), empty()] {
        let plain = backtest(&run, Format::Text, NARROW, Lang::English);
        assert!(!plain.contains('\x1b'));
        let mut coloured = backtest(&run, Format::Text, Style { color: true, ..NARROW }, Lang::English);
        assert!(coloured.contains("\x1b[1m"));
        for code in ["\x1b[0m", "\x1b[1m", "\x1b[1;31m", "\x1b[1;32m", "\x1b[1;33m"] {
            coloured = coloured.replace(code, "");
        }
        assert_eq!(coloured, plain);
    }
}
