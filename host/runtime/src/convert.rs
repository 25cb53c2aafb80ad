//! Between the generated types of the boundary and the model's, with the checks that types cannot express.

use stratagem_model::column::{Column, ColumnKind};
use stratagem_model::event::EventKind;
use stratagem_model::parameter::{Parameter, ParameterError, ParameterType, Value};
use stratagem_model::plan::{
    Action, ActionKind, Answers, ColumnRequest, Description, Goal, Offer, OperationClass, Plan,
    ReferenceRequest, Schedule, Text, Triggers, Window,
};

use crate::bindings::stratagem::strategy::types;

const TEXT_BYTES: usize = 2_000;
const NAME_BYTES: usize = 64;

pub(crate) fn column(column: &Column) -> types::Column<'_> {
    let values = match column.kind {
        ColumnKind::S64 => types::Values::S64s(&column.s64s),
        ColumnKind::U32 => types::Values::U32s(&column.u32s),
        ColumnKind::Bytes => types::Values::Bytes(&column.bytes),
    };
    types::Column { values, offsets: &column.offsets, missing: &column.missing }
}

pub(crate) fn values(values: &[Value]) -> Vec<types::ValueParam<'_>> {
    let convert = |value| match value {
        &Value::Integer(value) => types::ValueParam::Integer(value),
        &Value::Boolean(value) => types::ValueParam::Boolean(value),
        Value::Text(value) => types::ValueParam::Text(value),
    };
    values.iter().map(convert).collect()
}

fn value(raw: types::ValueResult) -> Value {
    match raw {
        types::ValueResult::Integer(value) => Value::Integer(value),
        types::ValueResult::Boolean(value) => Value::Boolean(value),
        types::ValueResult::Text(value) => Value::Text(value),
    }
}

pub(crate) fn parameter_errors(raw: Vec<types::ParameterError>) -> Vec<ParameterError> {
    raw.into_iter().map(|e| ParameterError { parameter: e.parameter, message: e.message }).collect()
}

/// A description, or what is wrong with it.
pub(crate) fn description(raw: types::Description) -> Result<Description, String> {
    check_name("name", &raw.name)?;
    let is_semver = raw.version.len() <= NAME_BYTES
        && raw.version.split(['-', '+']).next().is_some_and(|core| {
            core.split('.').count() == 3 && core.split('.').all(|n| n.parse::<u32>().is_ok())
        });
    if !is_semver {
        return Err(format!("version `{}` is not like `1.2.0`", raw.version));
    }
    if raw.parameters.len() > 64 {
        return Err(format!("{} parameters, at most 64 are allowed", raw.parameters.len()));
    }
    let parameters: Vec<_> = raw.parameters.into_iter().map(parameter).collect::<Result<_, _>>()?;
    for (i, parameter) in parameters.iter().enumerate() {
        if parameters[..i].iter().any(|earlier| earlier.name == parameter.name) {
            return Err(format!("parameter `{}` is declared twice", parameter.name));
        }
    }
    let answers = raw.answers;
    Ok(Description {
        name: raw.name,
        version: raw.version,
        title: text("title", raw.title)?,
        summary: text("summary", raw.summary)?,
        class: match raw.class {
            types::OperationClass::Lifecycle => OperationClass::Lifecycle,
            types::OperationClass::Seasonal => OperationClass::Seasonal,
            types::OperationClass::PersonalDay => OperationClass::PersonalDay,
            types::OperationClass::KeyAction => OperationClass::KeyAction,
        },
        answers: Answers {
            to_whom: short("to-whom", answers.to_whom)?,
            why: short("why", answers.why)?,
            what: short("what", answers.what)?,
            when: short("when", answers.when)?,
            r#where: short("where", answers.where_)?,
            how: short("how", answers.how)?,
            how_much: short("how-much", answers.how_much)?,
        },
        parameters,
    })
}

fn check_name(what: &str, name: &str) -> Result<(), String> {
    let is_kebab = !name.is_empty()
        && name.len() <= NAME_BYTES
        && name.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        });
    if is_kebab { Ok(()) } else { Err(format!("{what} {name:?} is not lower-case words joined by `-`")) }
}

fn short(what: &str, text: String) -> Result<String, String> {
    if text.len() > TEXT_BYTES {
        return Err(format!("`{what}` has {} bytes, at most {TEXT_BYTES} are allowed", text.len()));
    }
    Ok(text)
}

fn text(what: &str, raw: types::Text) -> Result<Text, String> {
    let chinese = raw.chinese.map(|chinese| short(what, chinese)).transpose()?;
    Ok(Text { english: short(what, raw.english)?, chinese })
}

fn parameter(raw: types::Parameter) -> Result<Parameter, String> {
    check_name("parameter", &raw.name)?;
    let r#type = match raw.type_ {
        types::ParameterType::Integer((min, max)) => ParameterType::Integer { min, max },
        types::ParameterType::Boolean => ParameterType::Boolean,
        types::ParameterType::Choice(choices) => ParameterType::Choice(choices),
        types::ParameterType::Text(max_bytes) => ParameterType::Text { max_bytes },
    };
    let parameter = Parameter {
        r#type,
        unit: short("unit", raw.unit)?,
        default: value(raw.default),
        help: short("help", raw.help)?,
        name: raw.name,
    };
    if !parameter.accepts(&parameter.default) {
        let accepted = parameter.accepted();
        return Err(format!("the default of parameter `{}` is not {accepted}", parameter.name));
    }
    Ok(parameter)
}

/// A plan, or what is wrong with it. Whether the host knows its columns and references is not checked here.
pub(crate) fn plan(raw: types::Plan) -> Result<Plan, String> {
    let count = |what, len: usize, range: std::ops::RangeInclusive<usize>| {
        if range.contains(&len) {
            Ok(())
        } else {
            Err(format!("{len} {what}, {} to {} are allowed", range.start(), range.end()))
        }
    };
    count("columns", raw.columns.len(), 0..=64)?;
    count("references", raw.references.len(), 0..=16)?;
    count("actions", raw.actions.len(), 1..=1024)?;
    count("steps a day", raw.triggers.daily_at.len(), 1..=24)?;
    let actions: Vec<_> = raw.actions.into_iter().map(action).collect::<Result<_, _>>()?;
    for (i, action) in actions.iter().enumerate() {
        if actions[..i].iter().any(|earlier| earlier.id == action.id) {
            return Err(format!("action `{}` is declared twice", action.id));
        }
    }
    if let Some(fallback) = raw.fallback.filter(|fallback| *fallback as usize >= actions.len()) {
        return Err(format!("fallback {fallback} of {} actions", actions.len()));
    }
    Ok(Plan {
        columns: raw.columns.into_iter().map(column_request).collect(),
        references: raw.references.into_iter().map(reference_request).collect(),
        actions,
        triggers: triggers(raw.triggers)?,
        fallback: raw.fallback,
        goal: match raw.goal {
            types::Goal::Order => Goal::Order,
            types::Goal::ItemOrder => Goal::ItemOrder,
        },
    })
}

fn column_request(raw: types::ColumnRequest) -> ColumnRequest {
    let window = match raw.window {
        types::Window::All => Window::All,
        types::Window::LastN(n) => Window::LastN(n),
        types::Window::LastDays(days) => Window::LastDays(days),
    };
    ColumnRequest { name: raw.name, window }
}

fn reference_request(raw: types::ReferenceRequest) -> ReferenceRequest {
    let schedule = match raw.schedule {
        types::Schedule::Daily => Schedule::Daily,
        types::Schedule::Weekly => Schedule::Weekly,
    };
    ReferenceRequest { name: raw.name, options: raw.options, schedule }
}

fn triggers(raw: types::Triggers) -> Result<Triggers, String> {
    let kind = |name: String| {
        EventKind::from_name(&name).ok_or_else(|| format!("trigger on unknown event kind {name:?}"))
    };
    let daily_at = raw.daily_at;
    if !daily_at.is_sorted_by(|a, b| a < b) || daily_at.iter().any(|minutes| *minutes >= 24 * 60) {
        return Err(format!("steps at {daily_at:?}: must be ascending minutes below 1440"));
    }
    Ok(Triggers { events: raw.events.into_iter().map(kind).collect::<Result<_, _>>()?, daily_at })
}

fn action(raw: types::Action) -> Result<Action, String> {
    check_name("action", &raw.id)?;
    let offer = raw.offer.map(|offer| Offer {
        face_value: offer.face_value,
        minimum_spend: offer.minimum_spend,
        valid_days: offer.valid_days,
    });
    let is_negative = raw.contact_cost < 0 || offer.is_some_and(|o| o.face_value < 0 || o.minimum_spend < 0);
    if is_negative {
        return Err(format!("action `{}` has a negative amount", raw.id));
    }
    let kind = match raw.kind {
        types::ActionKind::Message => ActionKind::Message,
        types::ActionKind::Coupon => ActionKind::Coupon,
        types::ActionKind::Points => ActionKind::Points,
        types::ActionKind::Task => ActionKind::Task,
        types::ActionKind::Tag => ActionKind::Tag,
        types::ActionKind::HumanTask => ActionKind::HumanTask,
        types::ActionKind::MarkSilent => ActionKind::MarkSilent,
        types::ActionKind::Exit => ActionKind::Exit,
    };
    Ok(Action {
        kind,
        channel: short("channel", raw.channel)?,
        content: short("content", raw.content)?,
        offer,
        contact_cost: raw.contact_cost,
        id: raw.id,
    })
}
