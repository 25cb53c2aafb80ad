//! `stratagem generate`.

use std::fs::File;
use std::io::BufWriter;

use anyhow::Context;
use serde_json::json;
use stratagem_model::money::group;
use stratagem_model::time::parse_day;
use stratagem_store::Settings;
use stratagem_store::generate::{GenerateError, Spec, generate, write_csv};

use crate::args::{FormatArg, GenerateArgs};
use crate::exit::Usage;
use crate::{ingest, output, progress};

pub(crate) fn run(args: &GenerateArgs) -> anyhow::Result<()> {
    let not_a_day = || Usage::new(format!("`{}` is not a date", args.start), "write it as `2024-01-31`");
    let spec = Spec {
        customers: args.customers,
        orders_per_customer: args.orders,
        start: parse_day(&args.start).ok_or_else(not_a_day)?,
        days: args.days,
        seed: args.seed,
        categories: args.categories,
        products: args.products,
        has_lines: !args.no_lines,
        has_events: args.events,
    };
    let stop = progress::stop_flag()?;
    if let Some(path) = &args.csv {
        let settings = Settings {
            zone: args.new.time_zone.clone().unwrap_or("UTC".into()),
            currency: stratagem_model::Currency::new(args.new.currency.as_deref().unwrap_or("USD"))
                .ok_or_else(|| Usage::new("unknown currency", "use an ISO 4217 code such as `CNY`"))?,
        };
        let file = File::create(path).with_context(|| format!("cannot write `{}`", path.display()))?;
        let rows = write_csv(&spec, &settings, &mut BufWriter::new(file), &stop).map_err(refused)?;
        let text = format!(
            "{} rows of {} customers in {}",
            group(rows),
            group(spec.customers.into()),
            path.display()
        );
        return print(args.format, &text, &json!({ "rows": rows, "customers": spec.customers }));
    }
    let path = args.store.as_deref().expect("clap requires a store or a file");
    let store = ingest::open_or_create(path, &args.new)?;
    let bar =
        progress::bar(u64::from(spec.customers), "generating {wide_bar} {human_pos} of {human_len} {eta}");
    let appended = generate(&store, &spec, &mut |p| bar.set_position(p.done), &stop).map_err(refused);
    bar.finish_and_clear();
    let appended = appended?;
    let text = format!(
        "{} orders of {} customers in {}; {} were there already",
        group(appended.added),
        group(spec.customers.into()),
        path.display(),
        group(appended.unchanged)
    );
    print(args.format, &text, &json!({ "customers": spec.customers, "appended": appended }))
}

fn print(format: FormatArg, text: &str, json: &serde_json::Value) -> anyhow::Result<()> {
    match format {
        FormatArg::Text => output::print(text),
        FormatArg::Json => output::print(&serde_json::to_string_pretty(json)?),
        FormatArg::Csv => {
            Err(Usage::new("`generate` prints no CSV", "use `--format json`, or `--csv FILE` for orders")
                .into())
        }
    }
}

fn refused(error: GenerateError) -> anyhow::Error {
    match error {
        GenerateError::Store(error) => error.into(),
        GenerateError::Spec { .. } => Usage { message: error.to_string(), hint: None }.into(),
        GenerateError::Interrupted => {
            anyhow::Error::new(stratagem_store::StoreError::Interrupted).context(error.to_string())
        }
        other => other.into(),
    }
}
