//! The decision log as a file: every decision with its reason and propensity.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use arrow_array::builder::{Int64Builder, StringBuilder, TimestampMillisecondBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use stratagem_model::{CustomerId, Decision, Goal, NO_ITEM, Plan};
use stratagem_replay::Sink;
use stratagem_store::Store;

use crate::exit::Usage;
use crate::output::WholeFile;

const COLUMNS: [&str; 9] =
    ["time", "customer", "action", "item", "score", "when", "reason", "propensity_ppm", "mode"];

/// The mode of decisions that were not carried out: what followed them says nothing of the actions.
pub(crate) const REPLAY: &str = "replay";

/// A decision log being written.
pub(crate) struct DecisionFile<'a> {
    file: WholeFile,
    store: &'a dyn Store,
    actions: Vec<String>,
    /// What items are codes of: categories, where orders with the item are the goal.
    items: Vec<String>,
    writer: Writer,
    /// External ids of the customers of the last shard.
    names: HashMap<CustomerId, String>,
}

enum Writer {
    Csv(Box<csv::Writer<BufWriter<File>>>),
    Parquet(Box<ArrowWriter<File>>, Arc<Schema>),
}

impl<'a> DecisionFile<'a> {
    pub(crate) fn create(path: &Path, store: &'a dyn Store, plan: &Plan) -> anyhow::Result<Self> {
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
        let actions = plan.actions.iter().map(|action| action.id.clone()).collect();
        let items = match plan.goal {
            Goal::ItemOrder => store.dictionary("category")?,
            Goal::Order => vec![],
        };
        Ok(Self { file: whole, store, actions, items, writer, names: HashMap::new() })
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

    fn look_up_names(&mut self, decisions: &[Decision]) -> io::Result<()> {
        self.names.clear();
        for decision in decisions {
            if !self.names.contains_key(&decision.customer) {
                let name = self.store.external_id(decision.customer).map_err(io::Error::other)?;
                self.names.insert(decision.customer, name.unwrap_or_default());
            }
        }
        Ok(())
    }
}

impl Sink for DecisionFile<'_> {
    fn write(&mut self, decisions: &[Decision]) -> io::Result<()> {
        self.look_up_names(decisions)?;
        let action = |d: &Decision| self.actions.get(d.action as usize).map_or("", String::as_str);
        let item = |d: &Decision| {
            let name = || self.items.get(d.item as usize).cloned().unwrap_or_else(|| d.item.to_string());
            (d.item != NO_ITEM).then(name)
        };
        match &mut self.writer {
            Writer::Csv(writer) => {
                for d in decisions {
                    writer.write_record([
                        d.time.to_string().as_str(),
                        &self.names[&d.customer],
                        action(d),
                        &item(d).unwrap_or_default(),
                        &d.score.to_string(),
                        &d.when.to_string(),
                        d.reason.name(),
                        &d.propensity_ppm.to_string(),
                        REPLAY,
                    ])?;
                }
                Ok(())
            }
            Writer::Parquet(writer, schema) => {
                let mut times = TimestampMillisecondBuilder::new().with_timezone("UTC");
                let mut whens = TimestampMillisecondBuilder::new().with_timezone("UTC");
                let (mut scores, mut propensities) = (Int64Builder::new(), Int64Builder::new());
                let (mut customers, mut actions, mut items) =
                    (StringBuilder::new(), StringBuilder::new(), StringBuilder::new());
                let (mut reasons, mut modes) = (StringBuilder::new(), StringBuilder::new());
                for d in decisions {
                    times.append_value(d.time.0);
                    customers.append_value(&self.names[&d.customer]);
                    actions.append_value(action(d));
                    items.append_option(item(d));
                    scores.append_value(d.score);
                    whens.append_value(d.when.0);
                    reasons.append_value(d.reason.name());
                    propensities.append_value(d.propensity_ppm.into());
                    modes.append_value(REPLAY);
                }
                let columns: Vec<ArrayRef> = vec![
                    Arc::new(times.finish()),
                    Arc::new(customers.finish()),
                    Arc::new(actions.finish()),
                    Arc::new(items.finish()),
                    Arc::new(scores.finish()),
                    Arc::new(whens.finish()),
                    Arc::new(reasons.finish()),
                    Arc::new(propensities.finish()),
                    Arc::new(modes.finish()),
                ];
                let batch = RecordBatch::try_new(Arc::clone(schema), columns).map_err(io::Error::other)?;
                writer.write(&batch).map_err(io::Error::other)
            }
        }
    }
}

/// No unsigned and no dictionary types, which other engines lack.
fn schema() -> Schema {
    let time = || DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let types = [
        time(),
        DataType::Utf8,
        DataType::Utf8,
        DataType::Utf8,
        DataType::Int64,
        time(),
        DataType::Utf8,
        DataType::Int64,
        DataType::Utf8,
    ];
    let fields = COLUMNS.iter().zip(types).map(|(name, r#type)| Field::new(*name, r#type, *name == "item"));
    Schema::new(fields.collect::<Vec<_>>())
}
