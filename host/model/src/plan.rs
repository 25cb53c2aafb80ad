//! What a strategy says of itself, and what it needs and can do once configured.

use serde::{Deserialize, Serialize};

use crate::event::EventKind;
use crate::money::Money;
use crate::parameter::Parameter;

/// English, and Chinese where the author gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    pub english: String,
    pub chinese: Option<String>,
}

/// What kind of marketing operation a strategy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationClass {
    Lifecycle,
    Seasonal,
    PersonalDay,
    KeyAction,
}

/// 5W2H: the seven questions every strategy answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answers {
    pub to_whom: String,
    pub why: String,
    pub what: String,
    pub when: String,
    pub r#where: String,
    pub how: String,
    pub how_much: String,
}

/// What a strategy is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    pub name: String,
    pub version: String,
    pub title: Text,
    pub summary: Text,
    pub class: OperationClass,
    pub answers: Answers,
    pub parameters: Vec<Parameter>,
}

/// How much of a ragged column is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    All,
    LastN(u32),
    LastDays(u32),
}

/// A column by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnRequest {
    pub name: String,
    pub window: Window,
}

/// How often a reference is recomputed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    Daily,
    Weekly,
}

/// A reference table by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceRequest {
    pub name: String,
    pub options: Vec<(String, i64)>,
    pub schedule: Schedule,
}

/// The kinds of things a strategy can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    Message,
    Coupon,
    Points,
    Task,
    Tag,
    HumanTask,
    MarkSilent,
    Exit,
}

impl ActionKind {
    /// Whether the customer notices: then it needs consent, counts against caps and costs a contact.
    pub fn is_contact(self) -> bool {
        matches!(self, Self::Message | Self::Coupon | Self::Points | Self::Task)
    }
}

/// What an action gives away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Offer {
    pub face_value: Money,
    pub minimum_spend: Money,
    pub valid_days: u32,
}

/// One of the finitely many things a strategy can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Action {
    pub id: String,
    pub kind: ActionKind,
    pub channel: String,
    pub content: String,
    pub offer: Option<Offer>,
    pub contact_cost: Money,
}

impl Action {
    /// The most that carrying it out once can cost: the contact and the offer's whole face value.
    pub fn worst_case_cost(&self) -> Money {
        self.contact_cost.saturating_add(self.offer.map_or(0, |offer| offer.face_value))
    }
}

/// When a strategy is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Triggers {
    pub events: Vec<EventKind>,
    /// Minutes after local midnight, ascending.
    pub daily_at: Vec<u32>,
}

/// What counts as success in the attribution window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    Order,
    ItemOrder,
}

/// What a strategy needs and can do, given its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    pub columns: Vec<ColumnRequest>,
    pub references: Vec<ReferenceRequest>,
    pub actions: Vec<Action>,
    pub triggers: Triggers,
    pub fallback: Option<u32>,
    pub goal: Goal,
}
