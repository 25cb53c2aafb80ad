//! Instances, compiling and the cache.

use anyhow::Result;
use stratagem_model::column::{Batch, Column, ColumnKind};
use stratagem_model::time::Time;
use stratagem_runtime::{Cache, Engine, EngineOptions, Evaluator, Instances};

use crate::Paths;
use crate::table::{Table, median, show};

pub(crate) fn run(paths: &Paths, table: &mut Table) -> Result<()> {
    let bytes = std::fs::read(paths.components.join("recall-waves.wasm"))?;
    let engine = Engine::new(EngineOptions::default())?;
    let strategy = engine.load(&bytes)?;
    let instance = median(2_001, || strategy.instantiate().expect("it was loaded"));
    let reached = instance.as_micros() <= 15;
    table.add("fresh pooled instance, instantiate + drop", show(instance), "<= 15 us", reached);

    let configured = strategy.configure(&[])?;
    let mut columns = [ColumnKind::S64, ColumnKind::S64, ColumnKind::U32].map(Column::flat);
    columns[0].s64s = vec![0];
    for column in &mut columns[1..] {
        column.offsets = vec![0, 0];
    }
    let one = Batch {
        now: Time(0),
        utc_offset_ms: 0,
        parameters: configured.values(),
        rows: 1,
        columns: &columns,
        references: &[],
    };
    let mut evaluator = Evaluator::new(&configured, Instances::Fresh);
    let call = median(2_001, || drop(evaluator.evaluate(&one)));
    table.note("a batch of one row on a fresh instance", show(call));

    let compile = median(7, || drop(engine.load(&bytes)));
    table.add("load + compile a strategy", show(compile), "<= 250 ms", compile.as_millis() <= 250);
    let dir = tempfile::tempdir()?;
    let options = EngineOptions { cache: Some(Cache::open(dir.path())?), ..EngineOptions::default() };
    let cached = Engine::new(options)?;
    cached.load(&bytes)?;
    let load = median(101, || drop(cached.load(&bytes)));
    anyhow::ensure!(cached.load(&bytes)?.was_cached(), "the cache was not used");
    table.add("load from the cache", show(load), "<= 5 ms", load.as_micros() <= 5_000);
    Ok(())
}
