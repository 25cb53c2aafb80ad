//! Strategies and the columns they may ask for.

use insta::assert_snapshot;
use stratagem_model::event::EventKind;
use stratagem_model::parameter::{Parameter, ParameterType, Value};
use stratagem_model::plan::{
    ActionKind, Answers, ColumnRequest, Description, Goal, OperationClass, Plan, ReferenceRequest, Schedule,
    Text, Triggers, Window,
};
use stratagem_model::{Action, Offer};
use stratagem_report::{Format, InspectInfo, column_catalogue, strategy_inspect};

use crate::{NARROW, PIPE, width};

fn info() -> InspectInfo {
    let parameter = |name: &str, r#type, unit: &str, default, help: &str| Parameter {
        name: name.into(),
        r#type,
        unit: unit.into(),
        default,
        help: help.into(),
    };
    let days = ParameterType::Integer { min: 1, max: 365 };
    let timing = ParameterType::Choice(vec!["fixed".into(), "personal".into()]);
    InspectInfo {
        path: "recall-waves.wasm".into(),
        bytes: 71_204,
        digest: "7f3a91c2d45e".repeat(5) + "0b1c",
        description: Description {
            name: "recall-waves".into(),
            version: "1.0.0".into(),
            title: Text { english: "Recall waves".into(), chinese: Some("多波次召回".into()) },
            summary: Text {
                english: "Customers who stop ordering hear from the shop three times, a week apart: brand content \
                          without a coupon, then a coupon with personal copy, then a gift pack."
                    .into(),
                chinese: Some(
                    "对停止购买的客户分三波触达，每波间隔一周：先推品牌内容不发券，再发券并配个性化文案，最后在成本上限内以满额赠礼包加码。"
                        .into(),
                ),
            },
            class: OperationClass::Lifecycle,
            answers: Answers {
                to_whom: "Customers who have ordered, but not for three weeks.".into(),
                why: "The longer the silence, the rarer the return.".into(),
                what: "Brand content, then a coupon, then a gift pack.".into(),
                when: "At a fixed local hour: days 21, 28 and 35 of the silence unless set otherwise.".into(),
                r#where: "One channel, app push unless set otherwise.".into(),
                how: "Each wave once per silence and only while no order comes; the holdout shows what would have \
                      come anyway."
                    .into(),
                how_much: "Three contacts, a coupon and a gift pack at most.".into(),
            },
            parameters: vec![
                parameter("silence-days", days, "days", Value::Integer(21), "Days without an order before the first wave."),
                parameter(
                    "timing",
                    timing,
                    "",
                    Value::Text("fixed".into()),
                    "`fixed`: the first wave comes after `silence-days`; `personal`: after a multiple of the \
                     customer's own purchase interval, and after `silence-days` for those with too few intervals.",
                ),
                parameter("late-orders", ParameterType::Boolean, "", Value::Boolean(true), "Ask again after every order."),
                parameter("channel", ParameterType::Text { max_bytes: 40 }, "", Value::Text("app-push".into()), "Channel of the waves."),
            ],
        },
        imports: vec!["stratagem:strategy/log@1.0.0".into()],
        values: vec![],
        plan: None,
        load_ms: Some(31),
        was_cached: false,
    }
}

fn plan() -> Plan {
    let action = |id: &str, kind, offer| Action {
        id: id.into(),
        kind,
        channel: "app-push".into(),
        content: format!("recall-{id}"),
        offer,
        contact_cost: 5,
    };
    let offer = |face_value, minimum_spend| Some(Offer { face_value, minimum_spend, valid_days: 7 });
    Plan {
        columns: vec![
            ColumnRequest { name: "order.last-time".into(), window: Window::All },
            ColumnRequest { name: "touch.times".into(), window: Window::LastN(1) },
            ColumnRequest { name: "order.times".into(), window: Window::LastDays(90) },
        ],
        references: vec![ReferenceRequest {
            name: "category.pairs".into(),
            options: vec![("support-min".into(), 20)],
            schedule: Schedule::Weekly,
        }],
        actions: vec![
            action("brand-content", ActionKind::Message, None),
            action("gift-pack", ActionKind::Coupon, offer(2_000, 5_000)),
        ],
        triggers: Triggers { events: vec![EventKind::Order], daily_at: vec![600] },
        fallback: None,
        goal: Goal::Order,
    }
}

#[test]
fn a_strategy_introduces_itself() {
    assert_snapshot!("inspect", strategy_inspect(&info(), Format::Text, NARROW));
}

#[test]
fn with_a_plan_it_says_what_it_needs_and_can_do() {
    let values = vec![
        Value::Integer(30),
        Value::Text("fixed".into()),
        Value::Boolean(true),
        Value::Text("app-push".into()),
    ];
    let info = InspectInfo { plan: Some(plan()), values, was_cached: true, ..info() };
    let text = strategy_inspect(&info, Format::Text, NARROW);
    assert!(width(&text) <= 100);
    assert_snapshot!("inspect-planned", text);
    assert_snapshot!("inspect-json", strategy_inspect(&info, Format::Json, NARROW));
    assert_snapshot!("inspect-csv", strategy_inspect(&info, Format::Csv, NARROW));
}

#[test]
fn the_catalogue_of_columns_fits_a_terminal() {
    let text = column_catalogue(Format::Text, NARROW);
    assert!(width(&text) <= 100);
    assert_snapshot!("columns", text);
    assert_eq!(column_catalogue(Format::Csv, PIPE).lines().count(), stratagem_insight::CATALOGUE.len() + 4);
    let json: serde_json::Value = serde_json::from_str(&column_catalogue(Format::Json, PIPE)).unwrap();
    assert_eq!(json[0]["name"], "customer.since");
}
