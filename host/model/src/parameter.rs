//! Parameters: their schema, and checking what an operator typed against it.

use serde::{Deserialize, Serialize};

/// A parameter's type with its bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterType {
    /// Inclusive bounds.
    Integer {
        min: i64,
        max: i64,
    },
    Boolean,
    Choice(Vec<String>),
    /// At most this many bytes.
    Text {
        max_bytes: u32,
    },
}

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Integer(i64),
    Boolean(bool),
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
        }
    }
}

/// One thing an operator may set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Parameter {
    pub name: String,
    pub r#type: ParameterType,
    pub unit: String,
    pub default: Value,
    pub help: String,
}

/// Why a setting was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parameter `{parameter}`: {message}")]
pub struct ParameterError {
    pub parameter: String,
    pub message: String,
}

impl Parameter {
    /// The value an operator typed, checked against type and bounds.
    ///
    /// # Errors
    /// Names the parameter, the text and what is accepted.
    pub fn parse(&self, text: &str) -> Result<Value, ParameterError> {
        let value = match &self.r#type {
            ParameterType::Integer { .. } => text.parse().ok().map(Value::Integer),
            ParameterType::Boolean => text.parse().ok().map(Value::Boolean),
            ParameterType::Choice(_) | ParameterType::Text { .. } => Some(Value::Text(text.into())),
        };
        value.filter(|value| self.accepts(value)).ok_or_else(|| ParameterError {
            parameter: self.name.clone(),
            message: format!("`{text}` is not {}", self.accepted()),
        })
    }

    /// Whether a value has the type and lies within the bounds.
    pub fn accepts(&self, value: &Value) -> bool {
        match (&self.r#type, value) {
            (ParameterType::Integer { min, max }, Value::Integer(value)) => (min..=max).contains(&value),
            (ParameterType::Boolean, Value::Boolean(_)) => true,
            (ParameterType::Choice(choices), Value::Text(value)) => choices.contains(value),
            (ParameterType::Text { max_bytes }, Value::Text(value)) => value.len() <= *max_bytes as usize,
            _ => false,
        }
    }

    /// What is accepted, as a phrase: "a whole number from 1 to 365 (days)".
    pub fn accepted(&self) -> String {
        match &self.r#type {
            ParameterType::Integer { min, max } if self.unit.is_empty() => {
                format!("a whole number from {min} to {max}")
            }
            ParameterType::Integer { min, max } => {
                format!("a whole number from {min} to {max} ({})", self.unit)
            }
            ParameterType::Boolean => "`true` or `false`".into(),
            ParameterType::Choice(choices) => {
                format!("one of {}", choices.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", "))
            }
            ParameterType::Text { max_bytes } => format!("text of at most {max_bytes} bytes"),
        }
    }
}

/// A full list of values in schema order: what was set by name, and the default for the rest.
///
/// # Errors
/// A name that the schema does not have, one given twice, or a value it does not accept.
pub fn resolve(schema: &[Parameter], settings: &[(String, String)]) -> Result<Vec<Value>, ParameterError> {
    for (i, (name, _)) in settings.iter().enumerate() {
        let problem = if !schema.iter().any(|p| p.name == *name) {
            let names: Vec<_> = schema.iter().map(|p| format!("`{}`", p.name)).collect();
            format!("there is no such parameter; the strategy has {}", names.join(", "))
        } else if settings[..i].iter().any(|(earlier, _)| earlier == name) {
            "set twice".into()
        } else {
            continue;
        };
        return Err(ParameterError { parameter: name.clone(), message: problem });
    }
    let value_of = |parameter: &Parameter| match settings.iter().find(|(name, _)| *name == parameter.name) {
        Some((_, text)) => parameter.parse(text),
        None => Ok(parameter.default.clone()),
    };
    schema.iter().map(value_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Vec<Parameter> {
        let parameter = |name: &str, r#type, unit: &str, default| Parameter {
            name: name.into(),
            r#type,
            unit: unit.into(),
            default,
            help: String::new(),
        };
        let choices = ParameterType::Choice(vec!["fixed".into(), "personal".into()]);
        vec![
            parameter(
                "silence-days",
                ParameterType::Integer { min: 1, max: 365 },
                "days",
                Value::Integer(21),
            ),
            parameter("timing", choices, "", Value::Text("fixed".into())),
            parameter("quiet", ParameterType::Boolean, "", Value::Boolean(false)),
        ]
    }

    #[test]
    fn settings_fill_up_with_defaults_or_say_what_is_accepted() {
        let resolve = |settings: &[(&str, &str)]| {
            let settings: Vec<_> = settings.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
            super::resolve(&schema(), &settings).map_err(|error| error.to_string())
        };
        let want = [Value::Integer(30), Value::Text("fixed".into()), Value::Boolean(true)];
        assert_eq!(resolve(&[("quiet", "true"), ("silence-days", "30")]), Ok(want.into()));
        #[rustfmt::skip]
        let refused = [
            (&[("silence-days", "0")][..], "parameter `silence-days`: `0` is not a whole number from 1 to 365 (days)"),
            (&[("silence-days", "x")], "parameter `silence-days`: `x` is not a whole number from 1 to 365 (days)"),
            (&[("timing", "soon")], "parameter `timing`: `soon` is not one of `fixed`, `personal`"),
            (&[("quiet", "yes")], "parameter `quiet`: `yes` is not `true` or `false`"),
            (&[("loud", "1")], "parameter `loud`: there is no such parameter; the strategy has `silence-days`, `timing`, `quiet`"),
            (&[("quiet", "true"), ("quiet", "true")], "parameter `quiet`: set twice"),
        ];
        for (settings, want) in refused {
            assert_eq!(resolve(settings), Err(want.to_string()));
        }
    }
}
