//! Invariant 1: cut the history anywhere, every decision before the cut is the same; and wake times are right.

use proptest::prelude::*;
use stratagem_e2e::{STRATEGIES, bundled, configured, decisions, generated, policy};
use stratagem_model::Time;
use stratagem_replay::audit::{Audit, audit};
use stratagem_replay::{Backtest, Progress};
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn decisions_before_any_cut_stand(seed in 0_u64..1_000, share in 0.05..0.95_f64, personal: bool) {
        let store = generated(&Spec { customers: 60, days: 300, seed, ..Spec::default() });
        let timing = if personal { "personal" } else { "fixed" };
        let configured = configured("recall-waves", &[("timing", timing)]);
        let (whole, _) = decisions(&store, &configured, &Backtest::new(policy()));
        let start = 19_723 * 86_400_000_i64;
        let cut = Time(start + (300.0 * share * 86_400_000.0) as i64);
        let (truncated, _) = decisions(&store, &configured, &Backtest { cut: Some(cut), ..Backtest::new(policy()) });
        let before = |all: &[stratagem_model::Decision]| {
            all.iter().filter(|d| d.time <= cut).map(stratagem_model::Decision::encode).collect::<Vec<_>>()
        };
        prop_assert_eq!(before(&whole), before(&truncated));
    }
}
