//! Parameters: what an operator may set without recompiling a strategy.
//!
//! A strategy declares them as the fields of a struct with [`#[derive(Parameters)]`](macro@crate::Parameters) and
//! gets them back as that struct. The schema that the host shows and checks against comes from the same fields, so
//! the two cannot drift apart.

/// A parameter's value as the host passes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A whole number, in the unit of the parameter.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
    /// Free text, or the word of a choice.
    Text(String),
}

/// A parameter's type with its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterType {
    /// A whole number within inclusive bounds.
    Integer {
        /// The smallest accepted.
        min: i64,
        /// The largest accepted.
        max: i64,
    },
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Free text.
    Text {
        /// The longest accepted, in bytes of UTF-8.
        max_bytes: u32,
    },
}

/// One thing an operator may set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Lower-case words joined by `-`, unique in the strategy.
    pub name: &'static str,
    /// What is accepted.
    pub kind: ParameterType,
    /// `days`, `hours`, `minor`, `ppm`, `count`, or empty.
    pub unit: &'static str,
    /// What holds until an operator sets something else.
    pub default: Value,
    /// One sentence for the operator.
    pub help: &'static str,
}

/// A parameter, or a combination, that makes no sense. Shown to the operator as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterError {
    /// Name of the parameter to change.
    pub parameter: String,
    /// What is wrong and what would be accepted.
    pub message: String,
}

impl ParameterError {
    /// Says what is wrong with a parameter and what would be accepted.
    pub fn new(parameter: impl Into<String>, message: impl Into<String>) -> Self {
        Self { parameter: parameter.into(), message: message.into() }
    }
}

/// A strategy's parameters as a struct. Derived, never written by hand.
///
/// ```
/// use stratagem_sdk::prelude::*;
///
/// #[derive(Choice)]
/// enum Timing {
///     Fixed,
///     Personal,
/// }
///
/// #[derive(Parameters)]
/// struct Settings {
///     /// Days of silence before the first wave.
///     #[parameter(default = 21, min = 1, max = 365, unit = "days")]
///     silence_days: i64,
///     /// When the first wave is due.
///     #[parameter(default = Timing::Fixed)]
///     timing: Timing,
///     /// Channel of the waves.
///     #[parameter(default = "app-push", max_bytes = 40)]
///     channel: String,
/// }
/// ```
///
/// A default that is outside its bounds does not compile:
///
/// ```compile_fail,E0080
/// #[derive(stratagem_sdk::Parameters)]
/// struct Settings {
///     /// Days of silence before the first wave.
///     #[parameter(default = 0, min = 1, max = 365, unit = "days")]
///     silence_days: i64,
/// }
/// ```
///
/// Neither does a parameter without documentation, which is the help that operators read:
///
/// ```compile_fail
/// #[derive(stratagem_sdk::Parameters)]
/// struct Settings {
///     #[parameter(default = false)]
///     quiet: bool,
/// }
/// ```
pub trait Parameters: Sized {
    /// Every parameter, in the order in which [`from_values`](Self::from_values) takes their values. At most 64.
    fn schema() -> Vec<Parameter>;

    /// The struct with these values.
    ///
    /// # Errors
    /// There are fewer or more values than parameters, or one has another type. Bounds are not checked: the host
    /// has done so, and so does the [test bench](crate::native::Bench).
    fn from_values(values: &[Value]) -> Result<Self, ParameterError>;
}

/// No parameters.
impl Parameters for () {
    fn schema() -> Vec<Parameter> {
        Vec::new()
    }

    fn from_values(values: &[Value]) -> Result<Self, ParameterError> {
        check_count(values, 0)
    }
}

/// An enum whose variants are the words an operator may choose from. Derived with
/// [`#[derive(Choice)]`](macro@crate::Choice): the word is the variant's name in kebab case,
/// such as `top-10` for `Top10`.
pub trait Choice: Sized {
    /// The words, in the order of the variants.
    const WORDS: &'static [&'static str];

    /// The variant with this word.
    fn from_word(word: &str) -> Option<Self>;

    /// The word of this variant.
    fn word(&self) -> &'static str;
}

/// A type that a field may have. Used by the code that the derives generate.
#[doc(hidden)]
pub trait FromValue: Sized {
    fn from_value(value: &Value) -> Option<Self>;
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(value) => Some(*value),
            _ => None,
        }
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Boolean(value) => Some(*value),
            _ => None,
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(value) => Some(value.clone()),
            _ => None,
        }
    }
}

/// Reads the value of one field. Used by the code that the derive generates.
#[doc(hidden)]
pub fn read<T: FromValue>(values: &[Value], index: usize, name: &str) -> Result<T, ParameterError> {
    let value = values.get(index).and_then(T::from_value);
    value.ok_or_else(|| ParameterError::new(name, "the host passed no value of this parameter's type"))
}

/// Whether there are as many values as parameters. Used by the code that the derive generates.
#[doc(hidden)]
pub fn check_count(values: &[Value], parameters: usize) -> Result<(), ParameterError> {
    if values.len() == parameters {
        return Ok(());
    }
    let message = format!("the host passed {} values for {parameters} parameters", values.len());
    Err(ParameterError::new("", message))
}

impl ParameterType {
    /// Whether a value has this type and lies within the bounds.
    pub fn accepts(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Integer { min, max }, Value::Integer(value)) => (min..=max).contains(&value),
            (Self::Boolean, Value::Boolean(_)) => true,
            (Self::Choice(words), Value::Text(value)) => words.contains(&value.as_str()),
            (Self::Text { max_bytes }, Value::Text(value)) => value.len() <= *max_bytes as usize,
            _ => false,
        }
    }
}
