//! The decision log as a file: every decision with its reason and propensity.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use stratagem_model::{CustomerId, Decision, DecisionNames, NO_ITEM};
use stratagem_replay::{Sink, decision_names};
use stratagem_runtime::Configured;
use stratagem_store::Store;

use crate::exit::Usage;
use crate::output::WholeFile;

/// The columns of a decision log.
pub(crate) const COLUMNS: [&str; 15] = [
    "time",
    "customer",
    "portfolio",
    "lane",
    "arm",
    "version",
    "action",
    "group",
    "item",
    "amount",
    "score",
    "when",
    "reason",
    "propensity_ppm",
    "mode",
];

/// The mode of decisions that were not carried out: what followed them says nothing of the actions.
pub(crate) const REPLAY: &str = "replay";

/// A decision log being written.
pub(crate) struct DecisionFile<'a> {
    file: WholeFile,
    store: &'a dyn Store,
    names: DecisionNames,
    writer: Writer,
    /// External ids of the customers of the last shard.
    customers: HashMap<CustomerId, String>,
}

enum Writer {
    Csv(Box<csv::Writer<BufWriter<File>>>),
    Parquet(Box<ArrowWriter<File>>, Arc<Schema>),
}

impl<'a> DecisionFile<'a> {
    pub(crate) fn create(path: &Path, store: &'a dyn Store, configured: &Configured) -> anyhow::Result<Self> {
        let failed = || format!("cannot write `{}`", path.display());
        let extension = path.extension().and_then(|ext| ext.to_str());
        let is_csv = extension == Some("csv");
        if !is_csv && extension != Some("parquet") {
            let message = format!("`{}` is neither a .parquet nor a .csv file", path.display());
            return Err(
                Usage::new(message, "name the decision log `decisions.parquet` or `decisions.csv`").into()
            );
        }
        let whole = WholeFile::create(path)?;
        let file = whole.file()?;
        let writer = if is_csv {
            let mut writer = csv::Writer::from_writer(BufWriter::new(file));
            writer.write_record(COLUMNS).with_context(failed)?;
            Writer::Csv(Box::new(writer))
        } else {
            let schema = Arc::new(schema());
            let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
            let writer =
                ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).with_context(failed)?;
            Writer::Parquet(Box::new(writer), schema)
        };
        let names = decision_names(store, configured)?;
        Ok(Self { file: whole, store, names, writer, customers: HashMap::new() })
    }

    /// Ends the file and gives it its name.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let failed = self.file.failed();
        match self.writer {
            Writer::Csv(mut writer) => writer.flush().context(failed)?,
            Writer::Parquet(writer, _) => writer.close().map(drop).context(failed)?,
        }
        self.file.finish()
    }

    fn look_up_customers(&mut self, decisions: &[Decision]) -> io::Result<()> {
        self.customers.clear();
        for decision in decisions {
            if !self.customers.contains_key(&decision.customer) {
                let name = self.store.external_id(decision.customer).map_err(io::Error::other)?;
                self.customers.insert(decision.customer, name.unwrap_or_default());
            }
        }
        Ok(())
    }
}

impl Sink for DecisionFile<'_> {
    fn write(&mut self, decisions: &[Decision]) -> io::Result<()> {
        self.look_up_customers(decisions)?;
        let Self { names, customers, writer, .. } = self;
        match writer {
            Writer::Csv(writer) => write_csv(decisions, names, customers, writer),
            Writer::Parquet(writer, schema) => {
                let columns = columns(decisions, names, customers);
                let batch = RecordBatch::try_new(Arc::clone(schema), columns).map_err(io::Error::other)?;
                writer.write(&batch).map_err(io::Error::other)
            }
        }
    }
}

fn write_csv(
    decisions: &[Decision],
    names: &DecisionNames,
    customers: &HashMap<CustomerId, String>,
    writer: &mut csv::Writer<BufWriter<File>>,
) -> io::Result<()> {
    let by = names.by();
    for d in decisions {
        writer.write_record([
            d.time.to_string().as_str(),
            &customers[&d.customer],
            &by.portfolio,
            &by.lane,
            &by.arm,
            &by.version,
            names.action(d.action),
            &d.group.to_string(),
            &names.item(d.item),
            &d.amount.to_string(),
            &d.score.to_string(),
            &d.when.to_string(),
            d.reason.name(),
            &d.propensity_ppm.to_string(),
            REPLAY,
        ])?;
    }
    Ok(())
}

/// The columns in their order.
fn columns(
    decisions: &[Decision],
    names: &DecisionNames,
    customers: &HashMap<CustomerId, String>,
) -> Vec<ArrayRef> {
    let by = names.by();
    let times = |of: fn(&Decision) -> i64| -> ArrayRef {
        Arc::new(TimestampMillisecondArray::from_iter_values(decisions.iter().map(of)).with_timezone("UTC"))
    };
    let numbers = |of: fn(&Decision) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(decisions.iter().map(of)))
    };
    let same =
        |text: &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(decisions.iter().map(|_| text))) };
    let customers = decisions.iter().map(|d| &customers[&d.customer]);
    let actions = decisions.iter().map(|d| names.action(d.action));
    let items = decisions.iter().map(|d| (d.item != NO_ITEM).then(|| names.item(d.item)));
    let reasons = decisions.iter().map(|d| d.reason.name());
    vec![
        times(|d| d.time.0),
        Arc::new(StringArray::from_iter_values(customers)),
        same(&by.portfolio),
        same(&by.lane),
        same(&by.arm),
        same(&by.version),
        Arc::new(StringArray::from_iter_values(actions)),
        numbers(|d| d.group.into()),
        Arc::new(items.collect::<StringArray>()),
        numbers(|d| d.amount),
        numbers(|d| d.score),
        times(|d| d.when.0),
        Arc::new(StringArray::from_iter_values(reasons)),
        numbers(|d| d.propensity_ppm.into()),
        same(REPLAY),
    ]
}

/// No unsigned and no dictionary types, which other engines lack.
fn schema() -> Schema {
    let of = |name: &str| match name {
        "time" | "when" => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        "group" | "amount" | "score" | "propensity_ppm" => DataType::Int64,
        _ => DataType::Utf8,
    };
    let fields = COLUMNS.iter().map(|name| Field::new(*name, of(name), *name == "item"));
    Schema::new(fields.collect::<Vec<_>>())
}
