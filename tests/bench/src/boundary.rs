//! What crossing the boundary costs: the shipped recall-waves against the same rule natively, and against a
//! contract of records with one call a customer.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Result, ensure};
use recall_waves::RecallWaves;
use stratagem_model::column::{Batch, Column, ColumnKind};
use stratagem_model::parameter::Value;
use stratagem_model::time::{DAY_MS, Time};
use stratagem_runtime::{Configured, Engine, EngineOptions, Evaluator, Instances};
use stratagem_sdk::{BatchView, ColumnView};
use wasmtime::component::{Component, Linker};

use crate::Paths;
use crate::table::{Table, interleaved};

const ROWS: usize = 8_192;
/// Different batches, as in a run: a processor learns the branches of one batch by heart if it sees nothing else. Few
/// enough to stay in its cache, where a host has just filled them.
const BATCHES: usize = 8;
const NOW: i64 = 20_000 * DAY_MS + 36_000_000;
const RUNS: usize = 31;

mod control {
    wasmtime::component::bindgen!({ path: "control/wit", world: "control" });
}

/// The columns of recall-waves for a batch of customers in all states.
fn columns(batch: usize) -> Vec<Column> {
    let mut last_order = Column::flat(ColumnKind::S64);
    let mut times = Column::ragged(ColumnKind::S64);
    let mut actions = Column::ragged(ColumnKind::U32);
    for row in (batch * ROWS) as i64..((batch + 1) * ROWS) as i64 {
        // A multiplicative hash spreads the states without a random number generator.
        let hash = (row.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64) as u64 >> 33) as i64;
        let silence = hash % (60 * DAY_MS);
        last_order.push_s64((hash % 50 != 0).then_some(NOW - silence));
        if hash % 3 == 0 {
            times.s64s.push(NOW - hash / 7 % (40 * DAY_MS));
            actions.u32s.push((hash / 11 % 4) as u32);
        }
        times.end_row();
        actions.end_row();
    }
    last_order.finish(ROWS);
    vec![last_order, times, actions]
}

pub(crate) fn run(paths: &Paths, table: &mut Table) -> Result<()> {
    let engine = Engine::new(EngineOptions::default())?;
    let configured = engine.load_file(&paths.components.join("recall-waves.wasm"))?.configure(&[])?;
    let names: Vec<_> = configured.plan().columns.iter().map(|column| column.name.as_str()).collect();
    ensure!(names == ["order.last-time", "touch.times", "touch.actions"], "recall-waves asks for {names:?}");
    let batches: Vec<_> = (0..BATCHES).map(columns).collect();
    let views: Vec<_> = batches.iter().map(|columns| column_views(columns)).collect();
    let values = sdk_values(configured.values());
    let native = |views: &[ColumnView<'_>]| {
        let view =
            BatchView { now: NOW, utc_offset_ms: 0, rows: ROWS as u32, columns: views, references: &[] };
        stratagem_sdk::native::evaluate::<RecallWaves>(&values, black_box(&view))
            .expect("recall-waves answers")
    };
    let mut fresh = Evaluator::new(&configured, Instances::Fresh);
    let mut warm = Evaluator::new(&configured, Instances::Warm);
    for (columns, views) in batches.iter().zip(&views) {
        let (native, wasm) = (native(views), fresh.evaluate(&batch(&configured, columns))?);
        let rows: Vec<_> = wasm.proposals.iter().map(|proposal| proposal.row).collect();
        ensure!(native.rows == rows && native.wakes == wasm.wakes, "native and Wasm answer differently");
    }

    let through = |evaluator: &mut Evaluator<'_>| {
        for columns in &batches {
            black_box(evaluator.evaluate(black_box(&batch(&configured, columns))))
                .expect("it answered before");
        }
    };
    let mut records = Records::new(paths, &batches)?;
    let [native, fresh, warm, records] = interleaved(
        RUNS,
        [
            &mut || views.iter().for_each(|views| drop(black_box(native(views)))),
            &mut || through(&mut fresh),
            &mut || through(&mut warm),
            &mut || records.ask_all(),
        ],
    );
    let per_row = |time: Duration| format!("{:.1} ns", time.as_secs_f64() * 1e9 / (BATCHES * ROWS) as f64);
    let over = |time: Duration, base: Duration| time.as_secs_f64() / base.as_secs_f64();
    let ratio = over(fresh, native);
    let measured = format!("{ratio:.2}x ({} a row, native {})", per_row(fresh), per_row(native));
    table.add("recall-waves in Wasm, 8,192 rows, fresh instance", measured, "<= 1.5x native", ratio <= 1.5);
    let measured = format!("{:.2}x ({} a row)", over(warm, native), per_row(warm));
    table.note("the same on a warm instance", measured);
    let ratio = over(records, fresh);
    let measured = format!("{ratio:.1}x faster (records {} a row)", per_row(records));
    table.add("against records, one call a customer", measured, ">= 5x faster", ratio >= 5.0);
    Ok(())
}

fn batch<'a>(configured: &'a Configured, columns: &'a [Column]) -> Batch<'a> {
    let parameters = configured.values();
    Batch { now: Time(NOW), utc_offset_ms: 0, parameters, rows: ROWS as u32, columns, references: &[] }
}

fn sdk_values(values: &[Value]) -> Vec<stratagem_sdk::Value> {
    let convert = |value: &Value| match value {
        Value::Integer(value) => stratagem_sdk::Value::Integer(*value),
        Value::Boolean(value) => stratagem_sdk::Value::Boolean(*value),
        Value::Text(value) => stratagem_sdk::Value::Text(value.clone()),
    };
    values.iter().map(convert).collect()
}

fn column_views(columns: &[Column]) -> Vec<ColumnView<'_>> {
    columns
        .iter()
        .map(|column| {
            let view = match column.kind {
                ColumnKind::U32 => ColumnView::u32s(&column.u32s),
                _ => ColumnView::s64s(&column.s64s),
            };
            view.with_offsets(&column.offsets).with_missing(&column.missing)
        })
        .collect()
}

fn failed(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("the control failed: {error:#}")
}

/// The control: one call a customer, through records, on a warm instance.
struct Records {
    store: wasmtime::Store<()>,
    control: control::Control,
    customers: Vec<control::Customer>,
}

impl Records {
    fn new(paths: &Paths, batches: &[Vec<Column>]) -> Result<Self> {
        let mut config = wasmtime::Config::new();
        config.concurrency_support(false).consume_fuel(true).epoch_interruption(true);
        let engine = wasmtime::Engine::new(&config).map_err(failed)?;
        let component =
            Component::from_file(&engine, paths.components.join("control.wasm")).map_err(failed)?;
        let mut store = wasmtime::Store::new(&engine, ());
        store.set_fuel(u64::MAX).map_err(failed)?;
        store.set_epoch_deadline(u64::MAX / 2);
        let linker = Linker::new(&engine);
        let control = control::Control::instantiate(&mut store, &component, &linker).map_err(failed)?;
        let customers = batches.iter().flat_map(|columns| customers(columns)).collect();
        Ok(Self { store, control, customers })
    }

    fn ask_all(&mut self) {
        for customer in &self.customers {
            let asked = std::slice::from_ref(customer);
            let answer = self.control.call_ask(&mut self.store, NOW, asked).expect("the control answers");
            assert_eq!(black_box(answer).len(), 1, "an answer for each customer");
        }
    }
}

/// The rows of a batch as records.
fn customers(columns: &[Column]) -> impl Iterator<Item = control::Customer> + '_ {
    (0..ROWS).map(|row| {
        let is_missing = columns[0].missing.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1);
        let touches = columns[1].offsets[row] as usize..columns[1].offsets[row + 1] as usize;
        let touch = |i: usize| control::Touch { time: columns[1].s64s[i], action: columns[2].u32s[i] };
        control::Customer {
            last_order: (!is_missing).then_some(columns[0].s64s[row]),
            touches: touches.map(touch).collect(),
        }
    })
}
