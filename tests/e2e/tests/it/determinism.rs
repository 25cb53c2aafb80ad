//! Invariant 2: threads, batches, instances, engines, shards and the order of ingest leave no trace.

use std::collections::BTreeMap;

use stratagem_e2e::{
    STRATEGIES, bundled, configured, configured_on, decisions, empty_store, engine, generated,
    ingest_bundled, policy,
};
use stratagem_gates::Policy;
use stratagem_model::gate::Cap;
use stratagem_model::{CustomerId, Decision, Reason};
use stratagem_replay::Backtest;
use stratagem_runtime::{EngineOptions, Instances, Interruption};
use stratagem_store::generate::Spec;
use stratagem_store::ingest::Kind;

fn capped() -> Policy {
    Policy { cap: Some(Cap { touches: 2, days: 30 }), ..policy() }
}

fn threads_batches_and_instances_leave_no_trace(name: &str) {
    let configured = configured(name, &[]);
    let base = Backtest { threads: 1, batch_rows: 8_192, ..Backtest::new(capped()) };
    let (first, result) = decisions(bundled(), &configured, &base);
    assert!(first.len() > 40, "{name} decides {} times: too few to compare", first.len());
    for threads in [1, 2] {
        for batch_rows in [1, 64, 8_192] {
            for instances in [Instances::Fresh, Instances::Warm] {
                let variant = Backtest { threads, batch_rows, instances, ..base.clone() };
                let (again, other) = decisions(bundled(), &configured, &variant);
                let what = format!("{name}: {threads} threads, {batch_rows} rows, {instances:?}");
                assert!(again == first, "{what}");
                assert_eq!(other.receipt.decisions_digest, result.receipt.decisions_digest, "{what}");
                assert_eq!(other.totals, result.totals, "{what}");
            }
        }
    }
}

#[test]
fn threads_batches_and_instances_leave_no_trace_in_recall_waves() {
    threads_batches_and_instances_leave_no_trace("recall-waves");
}

#[test]
fn threads_batches_and_instances_leave_no_trace_in_magic_number() {
    threads_batches_and_instances_leave_no_trace("magic-number");
}

#[test]
fn threads_batches_and_instances_leave_no_trace_in_cross_sell() {
    threads_batches_and_instances_leave_no_trace("cross-sell");
}

#[test]
fn a_budget_is_spent_the_same_whatever_the_threads() {
    let configured = configured("recall-waves", &[]);
    let policy = Policy { budget: Some(50_000), ..policy() };
    let base = Backtest { threads: 1, ..Backtest::new(policy) };
    let (first, result) = decisions(bundled(), &configured, &base);
    let actions = &configured.plan().actions;
    let sent = first.iter().filter(|d| d.is_carried_out());
    let spent: i64 = sent.map(|d| actions[d.action as usize].worst_case_cost()).sum();
    let dearest = actions.iter().map(stratagem_model::Action::worst_case_cost).max().unwrap();
    assert!(spent <= 50_000 && spent > 50_000 - dearest, "spent {spent} of 50,000");
    for (threads, batch_rows) in [(2, 8_192), (1, 3), (2, 64)] {
        let (again, other) =
            decisions(bundled(), &configured, &Backtest { threads, batch_rows, ..base.clone() });
        assert!(again == first, "{threads} threads, {batch_rows} rows");
        assert_eq!(other.receipt.decisions_digest, result.receipt.decisions_digest);
    }
}

#[test]
fn a_budget_leaves_no_trace_of_shards() {
    let store = generated(&Spec { customers: 3_000, days: 400, has_lines: false, ..Spec::default() });
    let configured = configured("recall-waves", &[]);
    let all = Backtest::new(policy());
    let cost = |decisions: &[Decision]| {
        let sent = decisions.iter().filter(|d| d.is_carried_out());
        sent.map(|d| configured.plan().actions[d.action as usize].worst_case_cost()).sum::<i64>()
    };
    let half = cost(&decisions(&store, &configured, &all).0) / 2;
    let runs = [(1, 8_192), (2, 64), (7, 8_192), (64, 3)].map(|(threads, batch_rows)| {
        let policy = Policy { budget: Some(half), ..policy() };
        decisions(&store, &configured, &Backtest { threads, batch_rows, ..Backtest::new(policy) })
    });
    let refused = runs[0].0.iter().filter(|d| d.reason == Reason::Budget).count();
    assert!(refused > 100, "the budget refuses only {refused}");
    for (decisions, result) in &runs {
        assert!(*decisions == runs[0].0);
        assert_eq!(result.receipt, runs[0].1.receipt);
    }
}

/// On each of 20 days there is money for half of those who would be touched.
#[test]
fn who_gets_of_a_budget_does_not_depend_on_the_bucket() {
    let store = generated(&Spec { customers: 1_500, days: 200, has_lines: false, ..Spec::default() });
    let configured = configured("recall-waves", &[]);
    let first = 19_723 + 120;
    // By half of the buckets: who was served and who was refused.
    let mut counts = [[0_u32; 2]; 2];
    let mut refused_of: BTreeMap<CustomerId, Vec<bool>> = BTreeMap::new();
    for day in first..first + 20 {
        let on = |budget| {
            let day = Backtest { from: Some(day), until: Some(day), ..Backtest::new(Policy::open()) };
            let policy = Policy { budget, ..Policy::open() };
            decisions(&store, &configured, &Backtest { policy, ..day }).0
        };
        let all = on(None);
        let cost = all.iter().map(|d| configured.plan().actions[d.action as usize].worst_case_cost());
        for decision in on(Some(cost.sum::<i64>() / 2)) {
            let is_refused = decision.reason == Reason::Budget;
            counts[usize::from(decision.customer.bucket() / 512)][usize::from(is_refused)] += 1;
            refused_of.entry(decision.customer).or_default().push(is_refused);
        }
    }
    let share = counts.map(|[served, refused]| f64::from(refused) / f64::from(served + refused));
    assert!(counts.iter().flatten().sum::<u32>() > 2_000, "{counts:?}");
    assert!((share[0] - share[1]).abs() < 0.06, "refused by half of the buckets: {share:?}");
    // Nor is it the same ones every day.
    let often: Vec<_> = refused_of.values().filter(|days| days.len() >= 10).collect();
    let one_sided = often.iter().filter(|days| days.iter().all(|refused| *refused == days[0])).count();
    assert!(
        often.len() > 100 && one_sided * 20 < often.len(),
        "{one_sided} of {} are always served alike",
        often.len()
    );
}

#[test]
fn lockstep_and_one_shard_after_the_other_decide_the_same() {
    let configured = configured("recall-waves", &[]);
    let alone = decisions(bundled(), &configured, &Backtest::new(policy()));
    let boundless = Policy { budget: Some(i64::MAX), ..policy() };
    let lockstep = decisions(bundled(), &configured, &Backtest::new(boundless));
    assert!(alone.0 == lockstep.0);
}

#[test]
fn fuel_and_epoch_builds_decide_the_same() {
    for name in STRATEGIES {
        let digests =
            [Interruption::FuelAndEpoch, Interruption::Fuel, Interruption::Epoch].map(|interruption| {
                let engine = engine(EngineOptions { interruption, ..EngineOptions::default() });
                let configured = configured_on(&engine, name, &[]);
                decisions(bundled(), &configured, &Backtest::new(policy())).1.receipt.decisions_digest
            });
        assert!(digests.iter().all(|digest| *digest == digests[0]), "{name}: {digests:?}");
    }
}

#[test]
fn a_component_built_for_wasi_decides_the_same() {
    let plain = decisions(bundled(), &configured("recall-waves", &[]), &Backtest::new(policy()));
    let wasi = configured("recall-waves-wasi", &[]);
    assert!(wasi.strategy().shape().needs_wasi, "plain cargo links WASI in");
    let wasi = decisions(bundled(), &wasi, &Backtest::new(policy()));
    assert!(plain.0 == wasi.0);
}

#[test]
fn the_order_of_ingest_leaves_no_trace() {
    let other = empty_store();
    ingest_bundled(&other, &[Kind::Orders, Kind::Products, Kind::Orders]);
    for name in ["recall-waves", "magic-number"] {
        let configured = configured(name, &[]);
        let first = decisions(bundled(), &configured, &Backtest::new(policy()));
        let again = decisions(&other, &configured, &Backtest::new(policy()));
        assert!(first.0 == again.0, "{name}");
    }
}

#[test]
fn a_store_of_many_shards_decides_the_same() {
    // Two shards with one thread; eight when more shards are kept for more threads.
    let store = generated(&Spec { customers: 3_000, days: 400, has_lines: false, ..Spec::default() });
    let configured = configured("recall-waves", &[("timing", "personal")]);
    let digests = [1, 2, 7, 64].map(|threads| {
        let backtest = Backtest { threads, ..Backtest::new(policy()) };
        decisions(&store, &configured, &backtest).1.receipt.decisions_digest
    });
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
}
