//! The `--map` text: which columns make up a field.
//!
//! ```text
//! customer=household_id,kind='visit',gross=sales_value+retail_disc,discount=-rebate,gross=unit_price*quantity
//! ```
//!
//! A value is a column, a text in single quotes that every row gets, or for amounts of money a sum: its terms may
//! be negated and multiplied with a column of whole numbers. A column whose name has one of `,=+*'"` in it goes in
//! double quotes.
//!
//! # Not here
//!
//! Whether fields and columns exist is checked against the file, in `plan`.

use super::error::IngestError;

/// Fields and the expressions they are mapped to, in the order given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    pub(super) entries: Vec<(String, Expression)>,
}

/// What a field is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// The same text in every row.
    Constant(String),
    /// Columns added up. `text` is as it was written: it may be the name of one column after all.
    Sum { text: String, terms: Vec<NamedTerm> },
}

/// One term of a sum, by the names of its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedTerm {
    pub(super) is_negative: bool,
    pub(super) column: String,
    /// A column of whole numbers that the amount is multiplied with.
    pub(super) times: Option<String>,
}

impl Mapping {
    /// Parses `field=expression,field=expression`. An empty text maps nothing.
    ///
    /// # Errors
    /// [`IngestError::Mapping`] names the part that is not understood.
    pub fn parse(text: &str) -> Result<Self, IngestError> {
        let mut entries: Vec<(String, Expression)> = vec![];
        let parts = split(text, ',');
        for part in parts.into_iter().map(str::trim).filter(|part| !part.is_empty()) {
            let refuse = |problem: &str| IngestError::Mapping { part: part.into(), problem: problem.into() };
            let (field, value) = part.split_once('=').ok_or_else(|| refuse("it has no `=`"))?;
            let field = field.trim();
            if field.is_empty() {
                return Err(refuse("it names no field"));
            }
            if entries.iter().any(|(earlier, _)| earlier == field) {
                return Err(refuse("the field is mapped twice"));
            }
            entries
                .push((field.into(), Expression::parse(value.trim()).map_err(|problem| refuse(&problem))?));
        }
        Ok(Self { entries })
    }
}

impl Expression {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(constant) = quoted(text, '\'')? {
            return Ok(Self::Constant(constant.into()));
        }
        let terms = split(text, '+').into_iter().map(NamedTerm::parse).collect::<Result<_, _>>()?;
        Ok(Self::Sum { text: text.into(), terms })
    }
}

impl NamedTerm {
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut factors = split(text, '*').into_iter().map(column);
        let first = factors.next().expect("splitting gives at least one part")?;
        let times = factors.next().transpose()?;
        if factors.next().is_some() {
            return Err("at most two columns can be multiplied".into());
        }
        Ok(Self { is_negative, column: first, times })
    }
}

/// A column's name without its double quotes.
fn column(text: &str) -> Result<String, String> {
    let text = text.trim();
    let name = quoted(text, '"')?.unwrap_or(text);
    if name.is_empty() {
        return Err("a column's name is missing".into());
    }
    if name.starts_with('\'') {
        return Err("a constant in single quotes stands alone".into());
    }
    Ok(name.into())
}

/// The inside of a text in quotes; `None` if it does not begin with one.
fn quoted(text: &str, quote: char) -> Result<Option<&str>, String> {
    let Some(rest) = text.strip_prefix(quote) else { return Ok(None) };
    match rest.find(quote) {
        Some(end) if end + 1 == rest.len() => Ok(Some(&rest[..end])),
        Some(_) => Err(format!("there is text after the closing {quote}")),
        None => Err(format!("the closing {quote} is missing")),
    }
}

/// Splits at a separator outside of quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut inside = None;
    text.split(|c: char| match inside {
        Some(quote) => {
            if c == quote {
                inside = None;
            }
            false
        }
        None if c == '\'' || c == '"' => {
            inside = Some(c);
            false
        }
        None => c == separator,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_parses_or_names_the_part_that_does_not() {
        let sum = |text: &str, terms: &[(bool, &str, Option<&str>)]| Expression::Sum {
            text: text.into(),
            terms: terms
                .iter()
                .map(|(is_negative, column, times)| NamedTerm {
                    is_negative: *is_negative,
                    column: (*column).into(),
                    times: times.map(Into::into),
                })
                .collect(),
        };
        let text = r#"customer = Customer ID,kind='visit',"#.to_owned()
            + r#"gross=sales_value+-"a+b,c"+unit-price*n,id="x=y""#;
        let parsed = Mapping::parse(&text).unwrap();
        let want = [
            ("customer", sum("Customer ID", &[(false, "Customer ID", None)])),
            ("kind", Expression::Constant("visit".into())),
            (
                "gross",
                sum(
                    "sales_value+-\"a+b,c\"+unit-price*n",
                    &[(false, "sales_value", None), (true, "a+b,c", None), (false, "unit-price", Some("n"))],
                ),
            ),
            ("id", sum("\"x=y\"", &[(false, "x=y", None)])),
        ];
        assert_eq!(parsed.entries, want.map(|(field, value)| (field.to_owned(), value)));
        assert_eq!(Mapping::parse("").unwrap(), Mapping::default());

        #[rustfmt::skip]
        let refused = [
            ("customer", "cannot use `customer` in the mapping: it has no `=`"),
            ("=a", "cannot use `=a` in the mapping: it names no field"),
            ("time=a,time=b", "cannot use `time=b` in the mapping: the field is mapped twice"),
            ("time=", "cannot use `time=` in the mapping: a column's name is missing"),
            ("gross=a+", "cannot use `gross=a+` in the mapping: a column's name is missing"),
            ("gross=a*b*c", "cannot use `gross=a*b*c` in the mapping: at most two columns can be multiplied"),
            ("gross=a+'1'", "cannot use `gross=a+'1'` in the mapping: a constant in single quotes stands alone"),
            ("kind='visit", "cannot use `kind='visit` in the mapping: the closing ' is missing"),
            ("kind='a'b", "cannot use `kind='a'b` in the mapping: there is text after the closing '"),
        ];
        for (text, want) in refused {
            assert_eq!(Mapping::parse(text).unwrap_err().to_string(), want);
        }
    }
}
