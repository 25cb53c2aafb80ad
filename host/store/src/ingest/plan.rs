//! Which column of a file each field comes from: what was mapped, and what is guessed for the rest.

use super::error::{IngestError, nearest};
use super::fields::{Field, Kind};
use super::mapping::{Expression, Mapping, NamedTerm};
use super::value::{Origin, Term};

/// What is read of a file.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The columns that are read, by their place in the file; origins count in this list.
    pub(super) columns: Vec<usize>,
    pub(super) fields: Vec<(&'static str, Origin)>,
    /// Of a file of customers: the other columns, by the attribute's name.
    pub(super) attributes: Vec<(String, Origin)>,
    /// Fields that were not mapped and the columns they were found in.
    pub(super) guessed: Vec<(String, String)>,
    /// Columns that are not read.
    pub(super) ignored: Vec<String>,
}

/// Columns that a file of rejects has in addition; they are no attributes when it is ingested again.
pub(super) const REJECT_COLUMNS: [&str; 2] = ["rejected_line", "rejected_problem"];

impl Plan {
    /// Finds the fields of a kind among the columns of a file.
    pub(super) fn new(
        kind: Kind,
        mapping: &Mapping,
        file: &str,
        names: &[String],
    ) -> Result<Self, IngestError> {
        let mut planner = Planner { kind, file, names, plan: Self::default() };
        for (name, expression) in &mapping.entries {
            planner.map(name, expression)?;
        }
        for field in kind.fields() {
            if planner.plan.field(field.name).is_none() {
                planner.guess(field)?;
            }
        }
        planner.check_required()?;
        planner.take_the_rest()?;
        Ok(planner.plan)
    }

    /// Where a field comes from.
    pub(super) fn field(&self, name: &str) -> Option<&Origin> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, origin)| origin)
    }

    /// Where a field comes from that every file of the kind has.
    pub(super) fn required(&self, name: &str) -> Origin {
        self.field(name).cloned().expect("a plan has the fields that its kind requires")
    }

    /// The place among the columns that are read.
    fn place(&mut self, column: usize) -> usize {
        self.columns.iter().position(|known| *known == column).unwrap_or_else(|| {
            self.columns.push(column);
            self.columns.len() - 1
        })
    }
}

struct Planner<'a> {
    kind: Kind,
    file: &'a str,
    names: &'a [String],
    plan: Plan,
}

impl Planner<'_> {
    fn map(&mut self, name: &str, expression: &Expression) -> Result<(), IngestError> {
        let fields = self.kind.fields();
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            if self.kind == Kind::Customers {
                let origin = self.origin(name, false, expression)?;
                self.plan.attributes.push((name.into(), origin));
                return Ok(());
            }
            return Err(IngestError::UnknownField {
                kind: self.kind,
                field: name.into(),
                fields: fields.iter().map(|field| field.name.into()).collect(),
                nearest: nearest(name, fields.iter().map(|field| field.name)),
            });
        };
        let origin = self.origin(name, field.is_money, expression)?;
        self.plan.fields.push((field.name, origin));
        Ok(())
    }

    fn origin(
        &mut self,
        field: &str,
        is_money: bool,
        expression: &Expression,
    ) -> Result<Origin, IngestError> {
        let (text, terms) = match expression {
            Expression::Constant(text) => return Ok(Origin::Constant(text.clone())),
            Expression::Sum { text, terms } => (text, terms),
        };
        // A column may be called `a+b`.
        if self.names.contains(text) {
            return Ok(Origin::Column(self.column(field, text)?));
        }
        if let [NamedTerm { is_negative: false, column, times: None }] = &terms[..] {
            // `kind=visit` means the kind of that name, unless there is such a column.
            let is_event_kind = stratagem_model::EventKind::from_name(column).is_some();
            if field == "kind" && is_event_kind && !self.names.contains(column) {
                return Ok(Origin::Constant(column.clone()));
            }
            return Ok(Origin::Column(self.column(field, column)?));
        }
        if !is_money {
            let problem = "only amounts of money are added up, multiplied or negated".into();
            return Err(IngestError::Mapping { part: format!("{field}={text}"), problem });
        }
        let mut sum = vec![];
        for NamedTerm { is_negative, column, times } in terms {
            let column = self.column(field, column)?;
            let times = times.as_ref().map(|name| self.column(field, name)).transpose()?;
            sum.push(Term { is_negative: *is_negative, column, times });
        }
        Ok(Origin::Sum(sum))
    }

    /// The place of a column that must exist, once.
    fn column(&mut self, field: &str, column: &str) -> Result<usize, IngestError> {
        let mut places = (0..self.names.len()).filter(|i| self.names[*i] == column);
        let (first, second) = (places.next(), places.next());
        if second.is_some() {
            return Err(IngestError::AmbiguousColumn { file: self.file.into(), column: column.into() });
        }
        let Some(found) = first else {
            return Err(IngestError::MissingColumn {
                file: self.file.into(),
                field: field.into(),
                column: column.into(),
                columns: self.names.to_vec(),
                nearest: nearest(column, self.names.iter().map(String::as_str)),
            });
        };
        Ok(self.plan.place(found))
    }

    /// Takes a column called like the field, or else like its likeliest alias, that is not read yet.
    fn guess(&mut self, field: &Field) -> Result<(), IngestError> {
        for alias in std::iter::once(&field.name).chain(field.aliases) {
            let is_free = |i: &usize| !self.plan.columns.contains(i);
            let found = (0..self.names.len()).filter(is_free).find(|i| is_called(&self.names[*i], alias));
            if let Some(found) = found {
                let name = &self.names[found];
                let place = self.column(field.name, name)?;
                self.plan.fields.push((field.name, Origin::Column(place)));
                self.plan.guessed.push((field.name.into(), name.clone()));
                return Ok(());
            }
        }
        Ok(())
    }

    fn check_required(&self) -> Result<(), IngestError> {
        let has_lines = self.plan.field("lines").is_some();
        for field in self.kind.fields() {
            let is_required =
                field.is_required || self.kind == Kind::Orders && field.name == "gross" && !has_lines;
            if is_required && self.plan.field(field.name).is_none() {
                return Err(IngestError::MissingField {
                    file: self.file.into(),
                    kind: self.kind,
                    field: field.name.into(),
                    columns: self.names.to_vec(),
                });
            }
        }
        Ok(())
    }

    /// The columns nobody asked for: attributes of customers, ignored otherwise.
    fn take_the_rest(&mut self) -> Result<(), IngestError> {
        for (i, name) in self.names.iter().enumerate() {
            if self.plan.columns.contains(&i) || REJECT_COLUMNS.contains(&name.as_str()) {
                continue;
            }
            if self.kind != Kind::Customers || name.trim().is_empty() {
                self.plan.ignored.push(name.clone());
                continue;
            }
            if self.plan.attributes.iter().any(|(known, _)| known == name) {
                return Err(IngestError::AmbiguousAttribute {
                    file: self.file.into(),
                    attribute: name.clone(),
                });
            }
            let place = self.plan.place(i);
            self.plan.attributes.push((name.clone(), Origin::Column(place)));
        }
        Ok(())
    }
}

/// Whether a column has this name but for case, spaces and punctuation: `InvoiceDate` is `invoice_date`.
pub(super) fn is_called(column: &str, name: &str) -> bool {
    let letters = |text: &str| {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
    };
    letters(column) == letters(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(kind: Kind, mapping: &str, names: &[&str]) -> Result<Plan, IngestError> {
        let names: Vec<_> = names.iter().map(|name| name.to_string()).collect();
        Plan::new(kind, &Mapping::parse(mapping)?, "f.csv", &names)
    }

    #[test]
    fn what_is_not_mapped_is_guessed_from_free_columns() {
        let names = ["InvoiceNo", "date", "Customer ID", "amount", "x"];
        let guessed = plan(Kind::Orders, "", &names).unwrap();
        let want =
            [("customer", "Customer ID"), ("order", "InvoiceNo"), ("time", "date"), ("gross", "amount")];
        assert_eq!(guessed.guessed, want.map(|(field, column)| (field.to_string(), column.to_string())));
        assert_eq!(guessed.ignored, ["x"]);
        // `amount` is taken, so it is not guessed for `gross` too.
        let error = plan(Kind::Orders, "discount=amount", &names).unwrap_err();
        insta::assert_snapshot!(error, @"`f.csv` has no column that could be `gross`, which orders must have; it has `InvoiceNo`, `date`, `Customer ID`, `amount`, `x`");
        insta::assert_snapshot!(error.hint().unwrap(), @"name its column with --map gross=COLUMN");
    }

    #[test]
    fn mistakes_in_a_mapping_are_named_with_what_there_is() {
        let names = ["household_id", "day", "sales_value", "a+b", "twice", "twice"];
        let full = |error: IngestError| format!("{error}\n{}", error.hint().unwrap_or_default());
        let refuse = |kind, mapping: &str| full(plan(kind, mapping, &names).unwrap_err());
        insta::assert_snapshot!(refuse(Kind::Orders, "custmer=household_id"), @r"
        orders have no field `custmer`; they have `customer`, `order`, `time`, `known`, `product`, `category`, `quantity`, `gross`, `discount`, `channel`, `store`, `coupon`, `staff`, `lines`, `date_only`, `correction`
        did you mean `customer`?
        ");
        insta::assert_snapshot!(refuse(Kind::Orders, "customer=houshold_id"), @r"
        `f.csv` has no column `houshold_id` for `customer`; it has `household_id`, `day`, `sales_value`, `a+b`, `twice`, `twice`
        did you mean `household_id`?
        ");
        insta::assert_snapshot!(refuse(Kind::Orders, "customer=twice"), @r"
        `f.csv` has two columns `twice`
        rename one of them in the file's first line
        ");
        insta::assert_snapshot!(refuse(Kind::Orders, "customer=household_id+day"), @r"
        cannot use `customer=household_id+day` in the mapping: only amounts of money are added up, multiplied or negated
        write FIELD=COLUMN, FIELD=COLUMN+COLUMN or FIELD='constant', separated by commas
        ");
        insta::assert_snapshot!(full(plan(Kind::Orders, "", &["customer;time;gross"]).unwrap_err()), @r"
        `f.csv` has no column that could be `customer`, which orders must have; it has `customer;time;gross`
        its columns seem to be separated by `;`: add --delimiter ';'
        ");
        assert!(plan(Kind::Orders, "time=day,gross=a+b", &names).is_ok(), "a column may be called `a+b`");
    }

    #[test]
    fn other_columns_of_customers_are_attributes() {
        let names = ["household_id", "age", "income", "rejected_line"];
        let planned = plan(Kind::Customers, "band=income", &names).unwrap();
        let attributes: Vec<_> = planned.attributes.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(attributes, ["band", "age"]);
        let twice = plan(Kind::Customers, "age=income", &names).unwrap_err();
        insta::assert_snapshot!(twice, @"two columns of `f.csv` would be the attribute `age`");
    }
}
