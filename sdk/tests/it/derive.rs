//! What the derives make of fields, documentation and bounds.

use stratagem_sdk::prelude::*;
use stratagem_sdk::{ParameterType, Value};

const LONGEST: i64 = 365;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub(crate) enum Timing {
    Fixed,
    TopTen,
}

#[derive(Debug, PartialEq, Eq, Parameters)]
pub(crate) struct Settings {
    /// Days of silence
    /// before the first wave.
    #[parameter(default = 7 * 3, min = 1, max = LONGEST, unit = "days")]
    pub(crate) silence_days: i64,
    /// Whether to be quiet.
    #[parameter(default = false)]
    pub(crate) quiet: bool,
    /// When.
    #[parameter(default = Timing::Fixed)]
    pub(crate) timing: Timing,
    /// Where.
    #[parameter(default = "app-push", max_bytes = 8)]
    pub(crate) channel: String,
}

#[test]
fn the_schema_says_what_the_fields_say() {
    let schema = Settings::schema();
    let names: Vec<_> = schema.iter().map(|parameter| parameter.name).collect();
    assert_eq!(names, ["silence-days", "quiet", "timing", "channel"]);
    assert_eq!(schema[0].kind, ParameterType::Integer { min: 1, max: 365 });
    assert_eq!((schema[0].unit, schema[0].help), ("days", "Days of silence before the first wave."));
    assert_eq!(schema[0].default, Value::Integer(21));
    assert_eq!(schema[1].kind, ParameterType::Boolean);
    assert_eq!(schema[2].kind, ParameterType::Choice(&["fixed", "top-ten"]));
    assert_eq!(schema[2].default, Value::Text("fixed".into()));
    assert_eq!(schema[3].kind, ParameterType::Text { max_bytes: 8 });
}

#[test]
fn values_become_fields_and_others_are_refused_by_name() {
    let text = |text: &str| Value::Text(text.into());
    let values = [Value::Integer(30), Value::Boolean(true), text("top-ten"), text("sms")];
    let want = Settings { silence_days: 30, quiet: true, timing: Timing::TopTen, channel: "sms".into() };
    assert_eq!(Settings::from_values(&values), Ok(want));

    let mut wrong = values.clone();
    wrong[2] = text("soon");
    assert_eq!(Settings::from_values(&wrong).unwrap_err().parameter, "timing");
    let count = Settings::from_values(&values[..3]).unwrap_err();
    assert_eq!(count.message, "the host passed 3 values for 4 parameters");
}
