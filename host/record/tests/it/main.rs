//! The kept files of the format: one run of each mode, as this version wrote it once and reads for ever.

use proptest::prelude::*;
use serde_json::{Value, json};
use stratagem_measure::{Estimate, wilson};
use stratagem_record::{FORMAT, Mode, Run};

const REPLAY: &str = include_str!("../data/replay.json");
const SIMULATION: &str = include_str!("../data/simulation.json");
const OFF_POLICY: &str = include_str!("../data/off-policy.json");

fn value(text: &str) -> Value {
    serde_json::from_str(text).expect("a kept file is JSON")
}

fn run(text: &str) -> Run {
    serde_json::from_str(text).expect("a kept file is a record")
}

/// Why a record is refused.
fn refused(value: Value) -> String {
    serde_json::from_value::<Run>(value).expect_err("it should be refused").to_string()
}

#[test]
fn kept_records_are_read_and_written_as_they_were() {
    for (name, text) in [("replay", REPLAY), ("simulation", SIMULATION), ("off-policy", OFF_POLICY)] {
        let kept = value(text);
        assert_eq!((&kept["format"], &kept["mode"]), (&json!(FORMAT), &json!(name)));
        assert_eq!(serde_json::to_value(run(text)).unwrap(), kept, "{name}");
    }
}

#[test]
fn a_kept_record_says_what_it_said() {
    let replay = run(REPLAY);
    let Mode::Replay(of) = &replay.mode else { panic!("{:?}", replay.mode) };
    let lane = of.lanes.sole();
    assert_eq!((replay.id.as_str(), replay.seed, replay.period.window_days), ("r0001", 7, 14));
    assert_eq!(
        (lane.name.as_str(), lane.arm.as_str(), lane.strategy.version.as_str()),
        ("recall-waves", "", "0.1.0")
    );
    let summary = &lane.outcome.summary;
    assert_eq!((summary.contacts(), summary.worst_case_cost()), (100, 50_000));
    assert_eq!((of.gates.budget, lane.outcome.gates.holdout.ppm), (Some(50_000), 200_000));
    assert_eq!((of.receipt.decisions_digest.len(), of.receipt.encoding), (64, 2));
    assert_eq!(of.treatments.as_ref().map(Vec::len), Some(1));
    let simulation = run(SIMULATION);
    let Mode::Simulation(of) = &simulation.mode else { panic!("{:?}", simulation.mode) };
    assert_eq!((of.over_worlds.worlds.len(), of.lanes.sole().outcome.effects.len()), (3, 3));
    let on_log = run(OFF_POLICY);
    let Mode::OffPolicy(of) = &on_log.mode else { panic!("{:?}", on_log.mode) };
    assert_eq!((of.log.name.as_str(), of.lanes.sole().outcome.rows), ("live.csv", 964));
    for run in [&replay, &simulation, &on_log] {
        assert_eq!(run.table_lag_minutes, 60);
        assert_eq!(run.mode.strategies(), [run.sole_strategy()]);
        assert!(run.engine().starts_with("wasmtime"));
    }
}

#[test]
fn other_formats_and_modes_are_refused() {
    let with = |key: &str, of: Value| {
        let mut record = value(REPLAY);
        record[key] = of;
        record
    };
    assert_eq!(refused(with("format", json!(1))), "format 1, where 2 is read");
    assert_eq!(refused(with("format", json!(3))), "format 3, where 2 is read");
    assert!(
        refused(with("mode", json!("observational-replay")))
            .starts_with("unknown variant `observational-replay`")
    );
    // What another mode found is no substitute for what this one must have.
    assert!(refused(with("mode", json!("off-policy"))).starts_with("missing field"));
    let mut old = value(REPLAY);
    old.as_object_mut().unwrap().remove("format");
    assert_eq!(refused(old), "missing field `format`");
}

#[test]
fn a_record_has_one_lane() {
    for count in [0, 2] {
        let mut record = value(REPLAY);
        let lane = record["lanes"][0].clone();
        record["lanes"] = vec![lane; count].into();
        assert_eq!(refused(record), format!("{count} lanes, where one is read"));
    }
}

#[test]
fn each_mode_has_only_its_own_fields() {
    let keys = |text: &str| value(text).as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let shared = [
        "data",
        "format",
        "id",
        "lanes",
        "mode",
        "period",
        "portfolio",
        "recorded-at",
        "seed",
        "table-lag-minutes",
        "variants-tried",
    ];
    let own = |text: &str| -> Vec<String> {
        keys(text).into_iter().filter(|key| !shared.contains(&key.as_str())).collect()
    };
    assert_eq!(own(REPLAY), ["audits", "cohorts", "gates", "margin-ppm", "receipt", "treatments"]);
    assert_eq!(own(SIMULATION), ["gates", "margin-ppm", "over-worlds", "receipt"]);
    assert_eq!(own(OFF_POLICY), ["engine", "log", "reward"]);
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_again(
        ids in (".*", ".*", ".*"),
        numbers in (any::<u64>(), any::<u32>(), any::<i64>()),
        floats in prop::array::uniform4(proptest::num::f64::NORMAL | proptest::num::f64::ZERO),
        (hits, of) in (0_u64..500, 500_u64..1_000),
        which in 0_usize..3,
    ) {
        let mut run = run([REPLAY, SIMULATION, OFF_POLICY][which]);
        (run.id, run.recorded_at, run.portfolio) = ids;
        (run.seed, run.variants_tried) = (numbers.0, numbers.1);
        let [value, standard_error, low, high] = floats;
        let estimate = Estimate { value, standard_error, low, high };
        match &mut run.mode {
            Mode::Replay(replay) => {
                let summary = &mut replay.lanes[0].outcome.summary;
                summary.arms_difference = Some(estimate);
                summary.treated.conversion = wilson(hits, of, 0.95);
                summary.contact_cost = numbers.2;
                summary.break_even_share = Some(value);
                replay.treatments = None;
            }
            Mode::Simulation(found) => {
                found.over_worlds.worlds[0].measured = Some(estimate);
                found.over_worlds.profit.mean = value;
                found.lanes[0].outcome.effects[0].break_even = Some(low);
            }
            Mode::OffPolicy(found) => {
                found.lanes[0].outcome.estimates[0].normal = estimate;
                found.log.unknown_customers = numbers.0;
            }
        }
        let text = serde_json::to_string(&run).unwrap();
        prop_assert_eq!(serde_json::from_str::<Run>(&text).unwrap(), run);
    }
}
