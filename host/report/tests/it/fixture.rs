//! Runs as backtests leave them, with numbers that belong together.

use stratagem_measure::{Estimate, Rate, wilson};
use stratagem_model::gate::{Cap, ConsentRule, Holdout};
use stratagem_model::parameter::Value;
use stratagem_model::plan::Text;
use stratagem_model::time::date_of;
use stratagem_model::{ActionKind, Currency, Reason};
use stratagem_record::{
    ActionSummary, Arm, Audit, Cohort, CurvePoint, DataRecord, DecisionCount, FailureCount, Finding, Format,
    Gates, Lane, Lanes, LoggedLine, Mode, OwnGates, Period, Receipt, Replay, Replayed, Run, SegmentSummary,
    StrategyRecord, Summary,
};

fn rate(hits: u64, of: u64) -> Option<Rate> {
    wilson(hits, of, 0.95)
}

/// A run of recall waves that passed everything.
pub(crate) fn run() -> Run {
    Run {
        format: Format,
        id: "r0001".into(),
        recorded_at: "2026-03-02T09:41:07Z".into(),
        portfolio: String::new(),
        data: DataRecord {
            fingerprint: "3b8f2a6c91de".repeat(5) + "77aa",
            customers: 2_469,
            orders: 151_203,
            zone: "America/New_York".into(),
            currency: Currency::new("USD").expect("a code"),
        },
        period: Period {
            from: "2017-01-01".into(),
            until: "2017-12-17".into(),
            data_end: "2017-12-31".into(),
            window_days: 14,
        },
        table_lag_minutes: 60,
        seed: 7,
        variants_tried: 1,
        mode: Mode::Replay(Box::new(replay())),
    }
}

pub(crate) fn strategy() -> StrategyRecord {
    StrategyRecord {
        name: "recall-waves".into(),
        version: "1.0.0".into(),
        digest: "7f3a91c2d45e".repeat(5) + "0b1c",
        title: Text { english: "Recall waves".into(), chinese: Some("多波次召回".into()) },
        parameters: vec![
            ("silence-days".into(), Value::Integer(21)),
            ("second-wave-days".into(), Value::Integer(7)),
            ("timing".into(), Value::Text("fixed".into())),
            ("channel".into(), Value::Text("app-push".into())),
            ("late-orders".into(), Value::Boolean(true)),
        ],
    }
}

fn replay() -> Replay {
    let lane = Replayed {
        gates: OwnGates {
            holdout: Holdout { ppm: 100_000, salt: "recall-waves".into() },
            cap: Some(Cap { touches: 2, days: 7 }),
            retry_days: 7,
        },
        summary: summary(),
        evidence: None,
        failures: vec![],
        log: vec![LoggedLine { level: "info".into(), message: "configured".into() }],
    };
    Replay {
        gates: Gates {
            global_holdout: Holdout { ppm: 50_000, salt: "global".into() },
            consent: ConsentRule::OptOut,
            budget: None,
        },
        margin_ppm: 300_000,
        lanes: Lanes::of(strategy(), lane),
        receipt: Receipt {
            decisions: 15_874,
            encoding: 2,
            decisions_digest: "c0ffee12a9b8".repeat(5) + "3344",
            engine: "wasmtime 48.0.8, fuel 100000 + 20000 a row".into(),
        },
        audits: vec![
            Finding { audit: Audit::LookAhead { cuts: 8 }, compared: 63_496, difference: None },
            Finding { audit: Audit::Wake, compared: 15_874, difference: None },
        ],
        cohorts: cohorts(),
        treatments: None,
    }
}

/// What only a replay has.
pub(crate) fn of_replay(run: &mut Run) -> &mut Replay {
    match &mut run.mode {
        Mode::Replay(replay) => replay,
        other => panic!("this is no replay: {other:?}"),
    }
}

/// Its only lane.
pub(crate) fn lane(run: &mut Run) -> &mut Lane<Replayed> {
    &mut of_replay(run).lanes[0]
}

/// The metrics of its only lane.
pub(crate) fn metrics(run: &mut Run) -> &mut Summary {
    &mut lane(run).outcome.summary
}

fn summary() -> Summary {
    Summary {
        treated: Arm {
            eligible: 2_110,
            participants: 1_843,
            contacted: 1_843,
            conversion: rate(1_571, 1_843),
            attributed_gmv: 28_643_190,
            attributed_orders: 6_918,
            gmv: 384_120_455,
            net_revenue: 361_009_112,
            buyers: 2_104,
            orders: 129_140,
            arpu: Some(182_047.6),
            arppu: Some(182_566.8),
            aov: Some(2_974.5),
        },
        control: Arm {
            eligible: 359,
            participants: 311,
            contacted: 311,
            conversion: rate(268, 311),
            attributed_gmv: 4_797_220,
            attributed_orders: 1_160,
            gmv: 66_310_871,
            net_revenue: 62_480_009,
            buyers: 358,
            orders: 22_063,
            arpu: Some(184_709.9),
            arppu: Some(185_225.9),
            aov: Some(3_005.5),
        },
        actions: actions(),
        classes: classes(),
        decisions: decisions(),
        contact_cost: 60_050,
        offer_exposure: 6_684_500,
        roi_if_all_caused: Some(0.274_06),
        break_even_share: Some(0.784_89),
        arms_difference: Some(Estimate {
            value: -2_662.3,
            standard_error: 9_840.1,
            low: -22_003.0,
            high: 16_678.4,
        }),
        stages: stages(),
        curve: curve(),
    }
}

fn actions() -> Vec<ActionSummary> {
    let action = |id: &str, kind, sent, converted, gmv, held, look_alike| ActionSummary {
        id: id.into(),
        kind,
        sent,
        conversion: rate(converted, sent),
        gmv,
        natural_return_holdout: held,
        natural_return_look_alike: look_alike,
        contact_cost: 5 * sent as i64,
        offer_exposure: 0,
    };
    let coupon = ActionKind::Coupon;
    vec![
        action(
            "brand-content",
            ActionKind::Message,
            6_021,
            2_480,
            15_200_410,
            rate(431, 1_033),
            Some(0.5532),
        ),
        ActionSummary {
            offer_exposure: 1_764_500,
            ..action("personal-coupon", coupon, 3_529, 1_188, 8_144_020, rate(201, 590), Some(0.4417))
        },
        ActionSummary {
            offer_exposure: 4_920_000,
            ..action("gift-pack", coupon, 2_460, 702, 5_298_760, rate(120, 401), Some(0.2810))
        },
        ActionSummary {
            conversion: None,
            contact_cost: 0,
            ..action("mark-silent", ActionKind::MarkSilent, 1_702, 0, 0, None, None)
        },
    ]
}

fn classes() -> Vec<SegmentSummary> {
    let class = |segment, participants, converted, held, gmv| SegmentSummary {
        segment,
        participants,
        conversion: rate(converted, participants),
        natural_return_holdout: held,
        gmv,
    };
    vec![
        class(Some(7), 402, 371, rate(60, 66), 12_004_110),
        class(Some(4), 611, 520, rate(91, 104), 7_901_224),
        class(Some(3), 33, 21, None, 900_400),
        class(Some(0), 790, 655, rate(113, 137), 7_830_456),
        class(None, 7, 4, None, 7_000),
    ]
}

fn stages() -> Vec<SegmentSummary> {
    let stage = |segment, participants, converted, held, gmv| SegmentSummary {
        segment,
        participants,
        conversion: rate(converted, participants),
        natural_return_holdout: held,
        gmv,
    };
    vec![
        stage(Some(2), 1_204, 1_090, rate(180, 199), 21_400_310),
        stage(Some(3), 530, 431, rate(71, 91), 6_310_880),
        stage(Some(4), 102, 46, rate(8, 15), 925_000),
        stage(None, 7, 4, None, 7_000),
    ]
}

/// Weeks in which the arms drift apart by chance, to the difference of the whole run.
fn curve() -> Vec<CurvePoint> {
    let point = |week: i32| {
        let run = f64::from(week) / 51.0;
        let (value, standard_error) =
            (-2_662.3 * run + 4_000.0 * (9.0 * run).sin() * (1.0 - run), 9_840.1 * run.sqrt());
        CurvePoint {
            until: date_of(17_174 + 7 * (week - 1)),
            difference: (week > 1).then_some(Estimate {
                value,
                standard_error,
                low: value - 1.96 * standard_error,
                high: value + 1.96 * standard_error,
            }),
            contact_cost: i64::from(1_200 * week),
            offer_exposure: i64::from(133_000 * week),
        }
    };
    (1..=51).map(point).collect()
}

fn cohorts() -> Vec<Cohort> {
    let cohort = |month: u64| {
        let customers = 190 + 37 * (month % 5);
        let active: Vec<u64> = (0..13 - month)
            .map(|since| if since == 0 { customers } else { customers * 3 / (4 + since) })
            .collect();
        Cohort {
            month: format!("2017-{month:02}"),
            customers,
            gmv: active.iter().map(|active| *active as i64 * 2_974).collect(),
            active,
        }
    };
    (1..=12).map(cohort).collect()
}

fn decisions() -> Vec<DecisionCount> {
    let rows = [
        ("brand-content", Reason::Sent, 6_021),
        ("brand-content", Reason::HeldOutGlobally, 334),
        ("brand-content", Reason::HeldOut, 699),
        ("personal-coupon", Reason::Sent, 3_529),
        ("personal-coupon", Reason::HeldOut, 590),
        ("personal-coupon", Reason::FrequencyCap, 17),
        ("gift-pack", Reason::Sent, 2_460),
        ("gift-pack", Reason::HeldOut, 401),
        ("gift-pack", Reason::NoConsent, 12),
        ("mark-silent", Reason::Sent, 1_702),
        ("mark-silent", Reason::HeldOut, 109),
    ];
    let count = |(action, reason, count): (&str, Reason, u64)| DecisionCount {
        action: Some(action.into()),
        reason,
        count,
    };
    rows.into_iter().map(count).collect()
}

/// A run in which everything that can be wrong is.
pub(crate) fn broken() -> Run {
    let mut run = Run { id: "r0002".into(), ..run() };
    let failure = |reason, message: &str, batches, rows| FailureCount {
        reason,
        message: message.into(),
        batches,
        rows,
    };
    let lane = &mut lane(&mut run).outcome;
    lane.failures = vec![
        failure(Reason::Trapped, "wasm trap: integer divide by zero in `evaluate`", 3, 1_204),
        failure(Reason::OutOfFuel, "all fuel consumed", 1, 88),
    ];
    lane.log = vec![LoggedLine { level: "warn".into(), message: "interval of 0 days".into() }];
    let summary = &mut lane.summary;
    summary.decisions.push(DecisionCount { action: None, reason: Reason::Trapped, count: 1_204 });
    summary.decisions.push(DecisionCount { action: None, reason: Reason::OutOfFuel, count: 88 });
    summary.arms_difference =
        Some(Estimate { value: 21_662.3, standard_error: 9_840.1, low: 2_321.0, high: 41_003.6 });
    summary.actions[0].natural_return_holdout = rate(300, 1_033);
    summary.break_even_share = Some(1.25);
    summary.roi_if_all_caused = Some(-0.2);
    of_replay(&mut run).audits[0].difference = Some(
        "history cut at 2017-06-01T14:00:00Z: 4021 of 7900 decisions agree; the first difference is [2017-05-30, \
         customer 00ab34cd56ef7890, action 1, sent, when 2017-05-30] against [no decision]"
            .into(),
    );
    run
}

/// A run without holdouts, audits, cost or contacts.
pub(crate) fn empty() -> Run {
    let mut run = Run { id: "r0003".into(), seed: 0, ..run() };
    let nobody = Holdout { ppm: 0, salt: String::new() };
    let replay = of_replay(&mut run);
    replay.gates =
        Gates { global_holdout: nobody.clone(), consent: ConsentRule::OptIn, budget: Some(500_000) };
    replay.audits = vec![];
    replay.cohorts = vec![];
    replay.receipt.decisions = 0;
    let lane = &mut replay.lanes[0].outcome;
    lane.gates = OwnGates { holdout: nobody, cap: None, retry_days: 7 };
    let arm = Arm {
        eligible: 0,
        participants: 0,
        contacted: 0,
        conversion: None,
        attributed_gmv: 0,
        attributed_orders: 0,
        gmv: 0,
        net_revenue: 0,
        buyers: 0,
        orders: 0,
        arpu: None,
        arppu: None,
        aov: None,
    };
    let mut actions = actions();
    for action in &mut actions {
        (action.sent, action.gmv, action.contact_cost, action.offer_exposure) = (0, 0, 0, 0);
        (action.conversion, action.natural_return_holdout) = (None, None);
        action.natural_return_look_alike = None;
    }
    lane.summary = Summary {
        treated: Arm { eligible: 2_469, gmv: 450_431_326, arpu: Some(182_434.7), ..arm.clone() },
        control: arm,
        actions,
        classes: vec![],
        stages: vec![],
        decisions: vec![],
        contact_cost: 0,
        offer_exposure: 0,
        roi_if_all_caused: None,
        break_even_share: None,
        arms_difference: None,
        curve: vec![],
    };
    run
}

/// A run of the same strategy that waits longer.
pub(crate) fn patient() -> Run {
    let mut run = Run { id: "r0004".into(), ..run() };
    let replay = of_replay(&mut run);
    replay.audits = vec![];
    replay.receipt.decisions_digest = "deadbeef0042".repeat(5) + "5566";
    let lane = &mut replay.lanes[0];
    lane.strategy.parameters[0].1 = Value::Integer(35);
    lane.outcome.summary.treated.conversion = rate(1_001, 1_303);
    lane.outcome.summary.actions[0].sent = 4_100;
    lane.outcome.summary.contact_cost = 50_445;
    run
}

/// A run of another strategy.
pub(crate) fn other() -> Run {
    let mut run = Run { id: "r0005".into(), ..run() };
    let replay = of_replay(&mut run);
    replay.receipt.decisions_digest = "0123456789ab".repeat(5) + "cdef";
    let lane = &mut replay.lanes[0];
    lane.name = "cross-sell".into();
    lane.strategy.name = "cross-sell".into();
    lane.strategy.version = "0.3.1".into();
    lane.strategy.digest = "aa11bb22cc33".repeat(5) + "9988";
    lane.strategy.parameters = vec![("lift-min-ppm".into(), Value::Integer(1_200_000))];
    lane.outcome.gates.holdout.salt = "cross-sell".into();
    lane.outcome.summary.actions.truncate(1);
    run
}
