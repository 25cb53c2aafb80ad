//! Invariant 1: cut the history anywhere, every decision before the cut is the same; and wake times are right.

use proptest::prelude::*;
use stratagem_e2e::{STRATEGIES, bundled, configured, decisions, generated, policy};
use stratagem_gates::Policy;
use stratagem_model::gate::Holdout;
use stratagem_model::{Time, Zone};
use stratagem_record::Audit;
use stratagem_replay::audit::audit;
use stratagem_replay::{Backtest, Progress, decision_names};
use stratagem_store::generate::Spec;

#[test]
fn no_decision_depends_on_what_was_not_yet_known() {
    for name in STRATEGIES {
        let configured = configured(name, &[]);
        let backtest = Backtest::new(policy());
        let kind = Audit::LookAhead { cuts: 4 };
        let finding = audit(bundled(), &configured, &backtest, kind, &Progress::default()).unwrap();
        assert!(finding.compared > 40, "{name}: only {} decisions compared", finding.compared);
        assert_eq!(finding.difference, None, "{name}");
    }
}

#[test]
fn asking_about_everyone_at_every_step_changes_nothing() {
    let cases = [
        ("recall-waves", &[][..]),
        ("recall-waves", &[("timing", "personal")]),
        ("magic-number", &[]),
        ("cross-sell", &[]),
    ];
    for (name, settings) in cases {
        let configured = configured(name, settings);
        let backtest = Backtest::new(policy());
        let finding = audit(bundled(), &configured, &backtest, Audit::Wake, &Progress::default()).unwrap();
        assert!(finding.compared > 40, "{name}: only {} decisions compared", finding.compared);
        assert_eq!(finding.difference, None, "{name} {settings:?}");
    }
}

/// A guest that reads a class of all customers and never wakes: the host asks it again when there is a new table.
#[test]
fn rows_are_asked_again_when_a_table_that_the_plan_reads_is_new() {
    let store = generated(&Spec { customers: 400, days: 200, has_lines: false, ..Spec::default() });
    let frequent = configured("evil", &[("greet-frequent", "true")]);
    for table_lag_minutes in [0, 60, 1_440] {
        let backtest = Backtest { table_lag_minutes, ..Backtest::new(policy()) };
        for kind in [Audit::Wake, Audit::LookAhead { cuts: 4 }] {
            let finding = audit(&store, &frequent, &backtest, kind, &Progress::default()).unwrap();
            assert!(finding.compared > 1_000, "only {} decisions compared", finding.compared);
            assert_eq!(finding.difference, None, "lag {table_lag_minutes}");
        }
    }
}

/// At ten on a Monday the table of that midnight is used after a lag of an hour, and not after one of a day.
#[test]
fn a_table_is_used_after_its_lag_whatever_the_first_day() {
    let store = generated(&Spec { customers: 400, days: 200, has_lines: false, ..Spec::default() });
    let frequent = configured("evil", &[("greet-frequent", "true")]);
    let greeted = |table_lag_minutes, from, day| {
        let policy = Policy { holdout: Holdout { ppm: 0, salt: String::new() }, ..policy() };
        let backtest =
            Backtest { from: Some(from), until: Some(day), table_lag_minutes, ..Backtest::new(policy) };
        let zone = Zone::new("America/New_York").unwrap();
        let (all, _) = decisions(&store, &frequent, &backtest);
        all.iter().filter(|d| zone.day(d.time) == day).map(|d| d.customer).collect::<Vec<_>>()
    };
    let on = |monday: i32| (monday, greeted(60, monday, monday), greeted(1_440, monday, monday));
    // From 2024-02-12, a Monday, on: the first on which someone's class changes.
    let mondays = (19_765..19_900).step_by(7).map(on);
    let (monday, quick, slow) = mondays.into_iter().find(|(_, quick, slow)| quick != slow).unwrap();
    for from in [monday - 30, monday - 7, monday - 1] {
        assert!(greeted(60, from, monday) == quick, "whatever `--from` says");
        assert!(greeted(1_440, from, monday) == slow, "whatever `--from` says");
    }
    assert!(greeted(1_440, monday + 1, monday + 1) == greeted(60, monday + 1, monday + 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn decisions_before_any_cut_stand(seed in 0_u64..1_000, share in 0.05..0.95_f64, personal: bool) {
        let store = generated(&Spec { customers: 60, days: 300, seed, ..Spec::default() });
        let timing = if personal { "personal" } else { "fixed" };
        let configured = configured("recall-waves", &[("timing", timing)]);
        let names = decision_names(&store, &configured).unwrap();
        let (whole, _) = decisions(&store, &configured, &Backtest::new(policy()));
        let start = 19_723 * 86_400_000_i64;
        let cut = Time(start + (300.0 * share * 86_400_000.0) as i64);
        let (truncated, _) = decisions(&store, &configured, &Backtest { cut: Some(cut), ..Backtest::new(policy()) });
        let before = |all: &[stratagem_model::Decision]| {
            all.iter().filter(|d| d.time <= cut).map(|d| names.encoded(d)).collect::<Vec<_>>()
        };
        prop_assert_eq!(before(&whole), before(&truncated));
    }
}
