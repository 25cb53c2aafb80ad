//! What is written above a field: its documentation and its `#[parameter(..)]`.

use syn::{Attribute, Error, Expr, ExprLit, Lit, LitStr, Meta, Result, spanned::Spanned};

/// The arguments of `#[parameter(..)]`, unchecked against the field's type.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) default: Option<Expr>,
    pub(crate) min: Option<Expr>,
    pub(crate) max: Option<Expr>,
    pub(crate) max_bytes: Option<Expr>,
    pub(crate) unit: Option<LitStr>,
}

const UNITS: &[&str] = &["days", "hours", "minor", "ppm", "count"];

/// Reads all `#[parameter(..)]` attributes of a field.
pub(crate) fn arguments(attributes: &[Attribute]) -> Result<Arguments> {
    let mut arguments = Arguments::default();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("parameter")) {
        attribute.parse_nested_meta(|meta| {
            let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            let slot = match name.as_str() {
                "default" => &mut arguments.default,
                "min" => &mut arguments.min,
                "max" => &mut arguments.max,
                "max_bytes" => &mut arguments.max_bytes,
                "unit" => {
                    arguments.unit = Some(unit(meta.value()?.parse()?)?);
                    return Ok(());
                }
                _ => {
                    let known = "expected `default`, `min`, `max`, `unit` or `max_bytes`";
                    return Err(meta.error(known));
                }
            };
            if slot.replace(meta.value()?.parse()?).is_some() {
                return Err(meta.error("given twice"));
            }
            Ok(())
        })?;
    }
    Ok(arguments)
}

fn unit(unit: LitStr) -> Result<LitStr> {
    if UNITS.contains(&unit.value().as_str()) {
        return Ok(unit);
    }
    Err(Error::new(unit.span(), "a unit is `days`, `hours`, `minor`, `ppm` or `count`"))
}

/// The documentation as one line.
pub(crate) fn documentation(attributes: &[Attribute], what: &impl Spanned) -> Result<String> {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    let text = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return Err(Error::new(
            what.span(),
            "a parameter needs a doc comment: it is the help operators read",
        ));
    }
    Ok(text)
}

/// `SilenceDays` or `silence_days` as `silence-days`, and `Top10` as `top-10`.
pub(crate) fn kebab(identifier: &str) -> String {
    let mut out = String::new();
    let mut before = '_';
    for letter in identifier.trim_start_matches("r#").chars() {
        let begins_number = letter.is_ascii_digit() && !before.is_ascii_digit();
        if before != '_' && (letter == '_' || letter.is_uppercase() || begins_number) {
            out.push('-');
        }
        if letter != '_' {
            out.extend(letter.to_lowercase());
        }
        before = letter;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::kebab;

    #[test]
    fn names_become_lower_case_words_joined_by_a_dash() {
        let cases = [
            ("silence_days", "silence-days"),
            ("Fixed", "fixed"),
            ("GrowTo4Gib", "grow-to-4-gib"),
            ("Habit5", "habit-5"),
            ("wave_10_days", "wave-10-days"),
            ("r#where", "where"),
        ];
        for (identifier, want) in cases {
            assert_eq!(kebab(identifier), want);
        }
    }
}
