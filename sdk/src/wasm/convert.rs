//! Between the SDK's types and those generated from the contract. Columns are borrowed, lists are moved; nothing that
//! grows with the rows is copied.

use super::bindings::exports::stratagem::strategy::guest as wit;
use super::bindings::stratagem::strategy::{log, types};
use crate::batch::ColumnView;
use crate::description::{Answers, Description, OperationClass, Text};
use crate::log::Level;
use crate::output::Output;
use crate::parameters::{Parameter, ParameterError, ParameterType, Value};
use crate::plan::{ActionKind, ActionPlan, ColumnRequest, Goal, Plan, ReferenceRequest, Window};
use crate::reference::Schedule;

pub(super) fn description(description: &Description, parameters: Vec<Parameter>) -> wit::Description {
    wit::Description {
        name: description.package.name.into(),
        version: description.package.version.into(),
        title: text(description.title),
        summary: text(description.summary),
        class: match description.class {
            OperationClass::Lifecycle => types::OperationClass::Lifecycle,
            OperationClass::Seasonal => types::OperationClass::Seasonal,
            OperationClass::PersonalDay => types::OperationClass::PersonalDay,
            OperationClass::KeyAction => types::OperationClass::KeyAction,
        },
        answers: answers(&description.answers),
        parameters: parameters.into_iter().map(parameter).collect(),
    }
}

fn text(text: Text) -> types::Text {
    types::Text { english: text.english.into(), chinese: text.chinese.map(Into::into) }
}

fn answers(answers: &Answers) -> types::Answers {
    types::Answers {
        to_whom: answers.to_whom.into(),
        why: answers.why.into(),
        what: answers.what.into(),
        when: answers.when.into(),
        where_: answers.r#where.into(),
        how: answers.how.into(),
        how_much: answers.how_much.into(),
    }
}

fn parameter(parameter: Parameter) -> types::Parameter {
    types::Parameter {
        name: parameter.name.into(),
        type_: match parameter.kind {
            ParameterType::Integer { min, max } => types::ParameterType::Integer((min, max)),
            ParameterType::Boolean => types::ParameterType::Boolean,
            ParameterType::Choice(words) => {
                types::ParameterType::Choice(words.iter().map(|word| (*word).into()).collect())
            }
            ParameterType::Text { max_bytes } => types::ParameterType::Text(max_bytes),
        },
        unit: parameter.unit.into(),
        default: match parameter.default {
            Value::Integer(value) => types::Value::Integer(value),
            Value::Boolean(value) => types::Value::Boolean(value),
            Value::Text(value) => types::Value::Text(value),
        },
        help: parameter.help.into(),
    }
}

pub(super) fn value(value: types::Value) -> Value {
    match value {
        types::Value::Integer(value) => Value::Integer(value),
        types::Value::Boolean(value) => Value::Boolean(value),
        types::Value::Text(value) => Value::Text(value),
    }
}

pub(super) fn parameter_error(error: ParameterError) -> types::ParameterError {
    types::ParameterError { parameter: error.parameter, message: error.message }
}

pub(super) fn plan(plan: Plan) -> wit::Plan {
    wit::Plan {
        columns: plan.columns.into_iter().map(column_request).collect(),
        references: plan.references.into_iter().map(reference_request).collect(),
        actions: plan.actions.into_iter().map(action).collect(),
        triggers: types::Triggers { events: plan.events, daily_at: plan.daily_at },
        fallback: plan.fallback,
        goal: match plan.goal {
            Goal::Order => types::Goal::Order,
            Goal::ItemOrder => types::Goal::ItemOrder,
        },
    }
}

fn column_request(request: ColumnRequest) -> types::ColumnRequest {
    let window = match request.window {
        Window::All => types::Window::All,
        Window::LastN(count) => types::Window::LastN(count),
        Window::LastDays(days) => types::Window::LastDays(days),
    };
    types::ColumnRequest { name: request.name, window }
}

fn reference_request(request: ReferenceRequest) -> types::ReferenceRequest {
    let schedule = match request.schedule {
        Schedule::Daily => types::Schedule::Daily,
        Schedule::Weekly => types::Schedule::Weekly,
    };
    types::ReferenceRequest { name: request.name, options: request.options, schedule }
}

fn action(action: ActionPlan) -> types::Action {
    types::Action {
        id: action.id,
        kind: match action.kind {
            ActionKind::Message => types::ActionKind::Message,
            ActionKind::Coupon => types::ActionKind::Coupon,
            ActionKind::Points => types::ActionKind::Points,
            ActionKind::Task => types::ActionKind::Task,
            ActionKind::Tag => types::ActionKind::Tag,
            ActionKind::HumanTask => types::ActionKind::HumanTask,
            ActionKind::MarkSilent => types::ActionKind::MarkSilent,
            ActionKind::Exit => types::ActionKind::Exit,
        },
        channel: action.channel,
        content: action.content,
        offer: action.offer.map(|offer| types::Offer {
            face_value: offer.face_value,
            minimum_spend: offer.minimum_spend,
            valid_days: offer.valid_days,
        }),
        contact_cost: action.contact_cost,
    }
}

pub(super) fn column(column: &types::Column) -> ColumnView<'_> {
    let view = match &column.values {
        types::Values::S64s(values) => ColumnView::s64s(values),
        types::Values::U32s(values) => ColumnView::u32s(values),
        types::Values::Bytes(values) => ColumnView::bytes(values),
    };
    view.with_offsets(&column.offsets).with_missing(&column.missing)
}

pub(super) fn output(output: Output) -> wit::Output {
    let Output { rows, actions, items, scores, times, wakes } = output;
    wit::Output { rows, actions, items, scores, times, wakes }
}

pub(super) fn level(level: Level) -> log::Level {
    match level {
        Level::Debug => log::Level::Debug,
        Level::Info => log::Level::Info,
        Level::Warn => log::Level::Warn,
        Level::Error => log::Level::Error,
    }
}
