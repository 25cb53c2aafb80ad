//! A strategy as it describes itself, and with a plan, what it needs and can do.

use serde::Serialize;
use stratagem_model::Action;
use stratagem_model::parameter::{Parameter, ParameterType, Value};
use stratagem_model::plan::{
    ActionKind, ColumnRequest, Description, Goal, OperationClass, Plan, ReferenceRequest, Schedule, Window,
};

use crate::document::Document;
use crate::numbers::{NONE, bytes, plural};
use crate::table::{Table, numbers, prose, words};

/// What there is to say about a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InspectInfo {
    /// As it was given.
    pub path: String,
    /// Size of the component.
    pub bytes: u64,
    /// SHA-256 of the component, hex.
    pub digest: String,
    pub description: Description,
    /// What the component imports, with versions.
    pub imports: Vec<String>,
    /// The values it was configured with, in schema order; empty without a plan.
    pub values: Vec<Value>,
    /// What it needs and can do with these values.
    pub plan: Option<Plan>,
    /// How long loading took, if measured.
    pub load_ms: Option<u64>,
    /// Whether the compiled code came from the cache.
    pub was_cached: bool,
}

pub(crate) fn document(info: &InspectInfo) -> Document {
    let about = &info.description;
    let title = both(&about.title.english, about.title.chinese.as_deref());
    let mut out = Document::new(format!(
        "{} {}: {title}, a {} strategy with {}",
        about.name,
        about.version,
        class(about.class),
        plural(about.parameters.len() as u64, "parameter")
    ));
    out.note(&about.summary.english);
    if let Some(chinese) = &about.summary.chinese {
        out.note(chinese);
    }
    let answers = &about.answers;
    out.heading("5W2H");
    out.facts([
        ("to whom", answers.to_whom.clone()),
        ("why", answers.why.clone()),
        ("what", answers.what.clone()),
        ("when", answers.when.clone()),
        ("where", answers.r#where.clone()),
        ("how", answers.how.clone()),
        ("how much", answers.how_much.clone()),
    ]);
    parameters(info, &mut out);
    if let Some(plan) = &info.plan {
        actions(plan, &mut out);
        needs(plan, &mut out);
    }
    out.heading("Component");
    let loaded = match (info.was_cached, info.load_ms) {
        (true, Some(ms)) => format!("compiled code from the cache, loaded in {ms} ms"),
        (false, Some(ms)) => format!("compiled in {ms} ms"),
        (true, None) => "compiled code from the cache".into(),
        (false, None) => "compiled".into(),
    };
    let imports = if info.imports.is_empty() { "nothing".into() } else { info.imports.join("\n") };
    out.facts([
        ("file", format!("{} ({}), {loaded}", info.path, bytes(info.bytes))),
        ("digest", info.digest.clone()),
        ("imports", imports),
    ]);
    out
}

pub(crate) fn both(english: &str, chinese: Option<&str>) -> String {
    chinese.map_or(english.into(), |chinese| format!("{english} ({chinese})"))
}

fn class(class: OperationClass) -> &'static str {
    match class {
        OperationClass::Lifecycle => "lifecycle",
        OperationClass::Seasonal => "seasonal",
        OperationClass::PersonalDay => "personal-day",
        OperationClass::KeyAction => "key-action",
    }
}

fn parameters(info: &InspectInfo, out: &mut Document) {
    let has_changes = info.description.parameters.iter().zip(&info.values).any(|(p, v)| p.default != *v);
    let mut columns = vec![words("parameter"), words("accepts"), words("unit"), numbers("default")];
    if has_changes {
        columns.push(numbers("set to"));
    }
    columns.push(prose("help"));
    let mut table = Table::new(columns);
    for (i, parameter) in info.description.parameters.iter().enumerate() {
        let mut row = vec![
            parameter.name.clone(),
            accepts(parameter),
            dash(&parameter.unit),
            dash(&parameter.default.to_string()),
        ];
        if has_changes {
            let changed = info.values.get(i).filter(|value| **value != parameter.default);
            row.push(changed.map_or(String::new(), ToString::to_string));
        }
        row.push(parameter.help.clone());
        table.row(row);
    }
    out.heading("Parameters");
    if table.rows.is_empty() {
        out.note("None.");
    }
    out.table(table);
}

/// What a parameter accepts, in the few words of a table.
pub(crate) fn accepts(parameter: &Parameter) -> String {
    match &parameter.r#type {
        ParameterType::Integer { min, max } => format!("{min} to {max}"),
        ParameterType::Boolean => "true, false".into(),
        // A line each, because a column of words does not wrap.
        ParameterType::Choice(choices) if choices.join(", ").len() > 20 => choices.join(",\n"),
        ParameterType::Choice(choices) => choices.join(", "),
        ParameterType::Text { max_bytes } => format!("text, {max_bytes} bytes"),
    }
}

fn actions(plan: &Plan, out: &mut Document) {
    let mut table = Table::new(vec![
        words("action"),
        words("kind"),
        words("channel"),
        words("content"),
        numbers("contact\ncost"),
        numbers("offer"),
        numbers("minimum\nspend"),
        numbers("valid\ndays"),
    ]);
    for action in &plan.actions {
        let offer = |of: fn(stratagem_model::Offer) -> i64| {
            action.offer.map_or(NONE.into(), |offer| minor(of(offer)))
        };
        table.row([
            action.id.clone(),
            kind(action).into(),
            dash(&action.channel),
            dash(&action.content),
            minor(action.contact_cost),
            offer(|offer| offer.face_value),
            offer(|offer| offer.minimum_spend),
            offer(|offer| offer.valid_days.into()),
        ]);
    }
    out.heading("Actions");
    out.table(table);
    let fallback = plan.fallback.and_then(|at| plan.actions.get(at as usize));
    out.note(format!(
        "Amounts are in minor units of the store's currency. When the strategy fails, customers get {}. Success is \
         {} in the window.",
        fallback.map_or("nothing".into(), |action| format!("`{}`", action.id)),
        match plan.goal {
            Goal::Order => "any order",
            Goal::ItemOrder => "an order with the item that the contact was about",
        }
    ));
}

fn minor(amount: i64) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{}", stratagem_model::money::group(amount.unsigned_abs()))
}

fn kind(action: &Action) -> &'static str {
    match action.kind {
        ActionKind::Message => "message",
        ActionKind::Coupon => "coupon",
        ActionKind::Points => "points",
        ActionKind::Task => "task",
        ActionKind::Tag => "tag",
        ActionKind::HumanTask => "human task",
        ActionKind::MarkSilent => "mark silent",
        ActionKind::Exit => "exit",
    }
}

fn needs(plan: &Plan, out: &mut Document) {
    let column = |request: &ColumnRequest| match request.window {
        Window::All => request.name.clone(),
        Window::LastN(count) => format!("{} (last {count})", request.name),
        Window::LastDays(days) => format!("{} (last {})", request.name, plural(days.into(), "day")),
    };
    let reference = |request: &ReferenceRequest| {
        let options = request.options.iter().map(|(name, value)| format!(" {name}={value}"));
        let schedule = match request.schedule {
            Schedule::Daily => "daily",
            Schedule::Weekly => "weekly",
        };
        format!("{}{} ({schedule})", request.name, options.collect::<String>())
    };
    let times = plan.triggers.daily_at.iter().map(|at| format!("daily at {:02}:{:02}", at / 60, at % 60));
    let events = plan.triggers.events.iter().map(|kind| format!("on {}", kind.name()));
    let list = |items: Vec<String>| if items.is_empty() { "none".into() } else { items.join(", ") };
    out.heading("Needs");
    out.facts([
        ("asked", list(times.chain(events).collect())),
        ("columns", list(plan.columns.iter().map(column).collect())),
        ("references", list(plan.references.iter().map(reference).collect())),
    ]);
}

fn dash(text: &str) -> String {
    if text.is_empty() { NONE.into() } else { text.into() }
}
