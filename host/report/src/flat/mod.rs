//! CSV: flat tables for spreadsheets and data frames.
//!
//! Amounts are exact decimals of the currency beside them, rates have all their digits, and what there is no value
//! for is empty.

mod runs;

use std::fmt::Display;

use ::csv::Writer;
use stratagem_measure::effects::{Effect, Outcome};
use stratagem_measure::off_policy::{Estimated, Evaluation};
use stratagem_model::parameter::Parameter;
use stratagem_store::ingest::RowError;
use stratagem_store::{Compacted, Problem, Source, Undone};

use crate::catalogue::ColumnRow;
use crate::inspect::accepts;
use crate::statistics::{Power, PowerAnswer};

pub(crate) use runs::{list, runs};

fn write(header: &[impl AsRef<str>], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = Writer::from_writer(vec![]);
    let mut put = |row: Vec<String>| out.write_record(row).expect("memory takes rows of one length");
    put(header.iter().map(|name| name.as_ref().to_owned()).collect());
    rows.into_iter().for_each(put);
    String::from_utf8(out.into_inner().expect("memory does not fail")).expect("only text was written")
}

fn optional(value: Option<impl Display>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

const ESTIMATE: [&str; 7] =
    ["estimator", "value", "standard_error", "low", "high", "bootstrap_low", "bootstrap_high"];

/// What an estimator says, in units of so many.
fn estimate(one: &Estimated, unit: f64) -> [String; 7] {
    let show = |value: f64| (value / unit).to_string();
    let (normal, bootstrap) = (&one.normal, one.bootstrap.as_ref());
    [
        one.estimator.label().to_owned(),
        show(normal.value),
        show(normal.standard_error),
        show(normal.low),
        show(normal.high),
        optional(bootstrap.map(|drawn| show(drawn.low))),
        optional(bootstrap.map(|drawn| show(drawn.high))),
    ]
}

/// One row an estimator.
pub(crate) fn evaluation(found: &Evaluation) -> String {
    write(&ESTIMATE, found.estimates.iter().map(|one| estimate(one, 1.0).into()))
}

/// One row an outcome and arm.
pub(crate) fn effects(found: &crate::Effects) -> String {
    let rows = found.outcomes.iter().flat_map(|outcome| {
        outcome.effects.iter().map(move |effect| {
            let d = &effect.difference;
            let relative = effect.relative;
            vec![
                outcome.outcome.clone(),
                effect.arm.clone(),
                outcome.control_mean.to_string(),
                effect.mean.to_string(),
                d.value.to_string(),
                effect.standard_error.to_string(),
                d.low.to_string(),
                d.high.to_string(),
                effect.p_value.to_string(),
                optional(effect.adjusted_p_value),
                optional(relative.map(|e| e.value)),
                optional(relative.map(|e| e.standard_error)),
            ]
        })
    });
    let header = [
        "outcome",
        "arm",
        "control_mean",
        "mean",
        "difference",
        "standard_error",
        "low",
        "high",
        "p_value",
        "adjusted_p_value",
        "relative_lift",
        "relative_standard_error",
    ];
    write(&header, rows)
}

/// One row a parameter of a model.
pub(crate) fn estimates(parameters: &[stratagem_measure::repurchase::Parameter]) -> String {
    let row = |p: &stratagem_measure::repurchase::Parameter| {
        let e = &p.estimate;
        vec![
            p.name.clone(),
            e.value.to_string(),
            e.standard_error.to_string(),
            e.low.to_string(),
            e.high.to_string(),
        ]
    };
    write(&["parameter", "estimate", "standard_error", "low", "high"], parameters.iter().map(row))
}

/// What was asked of a sample, and the answer, in one row.
pub(crate) fn power(found: &Power) -> String {
    let (rate, mean, deviation) = match found.outcome {
        Outcome::Proportion { rate } => (Some(rate), None, None),
        Outcome::Mean { mean, standard_deviation } => (None, Some(mean), Some(standard_deviation)),
    };
    let (mut absolute, mut relative, mut power) = match found.effect {
        Some(Effect::Absolute(effect)) => (Some(effect), None, found.power),
        Some(Effect::Relative(effect)) => (None, Some(effect), found.power),
        None => (None, None, found.power),
    };
    let (answer, sizes) = match &found.answer {
        PowerAnswer::Required(sizes) => ("customers", sizes),
        PowerAnswer::Detectable(least, sizes) => {
            (absolute, relative) = (Some(least.absolute), least.relative);
            ("effect", sizes)
        }
        PowerAnswer::Power(answer, sizes) => {
            power = *answer;
            ("power", sizes)
        }
    };
    let row = vec![
        answer.to_owned(),
        optional(rate),
        optional(mean),
        optional(deviation),
        optional(absolute),
        optional(relative),
        found.confidence.to_string(),
        power.to_string(),
        sizes.treated.to_string(),
        sizes.control.to_string(),
    ];
    #[rustfmt::skip]
    let header = [
        "answer", "rate", "mean", "standard_deviation", "effect", "lift", "confidence", "power", "treated",
        "control",
    ];
    write(&header, [row])
}

pub(crate) fn parameters(parameters: &[Parameter]) -> String {
    let row = |parameter: &Parameter| {
        vec![
            parameter.name.clone(),
            accepts(parameter).replace('\n', " "),
            parameter.unit.clone(),
            parameter.default.to_string(),
            parameter.help.clone(),
        ]
    };
    write(&["parameter", "accepts", "unit", "default", "help"], parameters.iter().map(row))
}

pub(crate) fn columns(columns: &[ColumnRow]) -> String {
    let row = |column: &ColumnRow| {
        vec![
            column.name.into(),
            column.r#type.into(),
            column.is_ragged.to_string(),
            column.is_windowed.to_string(),
            column.meaning.into(),
        ]
    };
    write(&["column", "type", "is_ragged", "is_windowed", "meaning"], columns.iter().map(row))
}

pub(crate) fn sources(sources: &[Source]) -> String {
    let row = |source: &Source| {
        vec![
            source.name.clone(),
            source.kind.clone(),
            source.rows.to_string(),
            source.fingerprint.clone(),
            source.is_complete.to_string(),
        ]
    };
    write(&["source", "kind", "rows", "fingerprint", "is_complete"], sources.iter().map(row))
}

pub(crate) fn problems(problems: &[Problem]) -> String {
    let row = |problem: &Problem| vec![problem.key.clone(), problem.problem.clone()];
    write(&["key", "problem"], problems.iter().map(row))
}

pub(crate) fn compacted(compacted: &Compacted) -> String {
    let row = vec![compacted.bytes_before.to_string(), compacted.bytes_after.to_string()];
    write(&["bytes_before", "bytes_after"], [row])
}

pub(crate) fn undone(undone: &Undone) -> String {
    let row = vec![undone.customers_gone.to_string(), undone.changed.to_string()];
    write(&["customers_gone", "changed"], [row])
}

pub(crate) fn rejects(rejects: &[RowError]) -> String {
    let row = |reject: &RowError| {
        vec![
            reject.file.clone(),
            reject.line.to_string(),
            reject.column.clone(),
            reject.value.clone(),
            reject.problem.clone(),
            reject.remedy.clone(),
        ]
    };
    write(&["file", "line", "column", "value", "problem", "remedy"], rejects.iter().map(row))
}
