//! The engine: one constructor, because a different setting is a different result.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::bindings;
use crate::cache::Cache;
use crate::error::LoadError;
use crate::state::HostState;
use crate::wasi;

/// How a guest that does not end is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interruption {
    /// Fuel decides, the same on every machine; the epoch is a net far behind it.
    #[default]
    FuelAndEpoch,
    /// Fuel alone.
    Fuel,
    /// Wall clock alone: results can differ between machines when it strikes.
    Epoch,
}

impl Interruption {
    pub(crate) fn has_fuel(self) -> bool {
        self != Self::Epoch
    }

    pub(crate) fn has_epoch(self) -> bool {
        self != Self::Fuel
    }
}

/// What a guest may use. Fuel is about one unit an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Fuel of any call.
    pub fuel_base: u64,
    /// Further fuel for each row of a batch.
    pub fuel_per_row: u64,
    /// Wall-clock net of a call, in ticks of [`TICK`].
    pub deadline_ticks: u64,
    /// Linear memory, bytes.
    pub memory_bytes: usize,
    /// Elements of each table.
    pub table_elements: usize,
    /// Bytes that may cross from the guest to the host at once; and bytes of all log lines during a call.
    pub hostcall_bytes: usize,
    /// Size of a component, bytes.
    pub component_bytes: usize,
}

/// How often the epoch advances while a call is running.
pub(crate) const TICK: Duration = Duration::from_millis(50);

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel_base: 50_000_000,
            fuel_per_row: 100_000,
            deadline_ticks: 20 * 60,
            memory_bytes: 256 << 20,
            table_elements: 20_000,
            hostcall_bytes: 128 << 20,
            component_bytes: 16 << 20,
        }
    }
}

/// How to make an [`Engine`].
#[derive(Debug, Clone, Default)]
pub struct EngineOptions {
    pub interruption: Interruption,
    pub limits: Limits,
    /// Where compiled code is kept; `None` compiles each time.
    pub cache: Option<Cache>,
}

/// Compiles and runs strategies. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<EngineInner>,
}

pub(crate) struct EngineInner {
    pub(crate) wasm: wasmtime::Engine,
    pub(crate) linker: Linker<HostState>,
    pub(crate) wasi_linker: Linker<HostState>,
    pub(crate) options: EngineOptions,
    stop_ticking: Arc<AtomicBool>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine with these options.
    ///
    /// # Errors
    /// The machine cannot reserve the address space for pooled instances, or cannot start a thread.
    pub fn new(options: EngineOptions) -> Result<Self, LoadError> {
        let engine_error = |source| LoadError::Engine { source };
        let wasm = wasmtime::Engine::new(&config(&options)).map_err(engine_error)?;
        let linker = || -> wasmtime::Result<Linker<HostState>> {
            let mut linker = Linker::new(&wasm);
            bindings::Strategy::add_to_linker::<_, wasmtime::component::HasSelf<_>>(&mut linker, |s| s)?;
            Ok(linker)
        };
        let plain = linker().map_err(engine_error)?;
        let mut with_wasi = linker().map_err(engine_error)?;
        wasi::add_to_linker(&mut with_wasi).map_err(engine_error)?;
        let stop_ticking = Arc::new(AtomicBool::new(false));
        if options.interruption.has_epoch() {
            start_ticking(wasm.weak(), Arc::clone(&stop_ticking))
                .map_err(|source| LoadError::Engine { source: source.into() })?;
        }
        let inner = EngineInner { wasm, linker: plain, wasi_linker: with_wasi, options, stop_ticking };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What a receipt names: the engine, its version and the settings that can change a result.
    pub fn name(&self) -> String {
        let limits = &self.inner.options.limits;
        format!(
            "wasmtime 48, {:?}, fuel {} + {} a row, {} MiB",
            self.inner.options.interruption,
            limits.fuel_base,
            limits.fuel_per_row,
            limits.memory_bytes >> 20
        )
    }
}

impl Drop for EngineInner {
    fn drop(&mut self) {
        self.stop_ticking.store(true, Ordering::Relaxed);
    }
}

fn start_ticking(engine: wasmtime::EngineWeak, stop: Arc<AtomicBool>) -> std::io::Result<()> {
    let tick = move || {
        while !stop.load(Ordering::Relaxed) {
            std::thread::sleep(TICK);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    };
    std::thread::Builder::new().name("stratagem-epoch".into()).spawn(tick).map(drop)
}

fn config(options: &EngineOptions) -> Config {
    let limits = &options.limits;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(64)
        .total_core_instances(256)
        .total_memories(64)
        .total_tables(256)
        // Stacks are for asynchronous calls; the pool would map and guard a thousand of them.
        .total_stacks(0)
        .max_core_instances_per_component(8)
        .max_memories_per_component(1)
        .max_tables_per_component(8)
        .max_memory_size(limits.memory_bytes)
        .table_elements(limits.table_elements)
        // Resetting what a batch touched is cheaper than unmapping it, if the kernel tells which pages were.
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    // Threads need a feature of the engine that is not even compiled in.
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .concurrency_support(false)
        .consume_fuel(options.interruption.has_fuel())
        .epoch_interruption(options.interruption.has_epoch())
        .max_wasm_stack(512 << 10)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // Recorded messages must be the same in every build.
        .wasm_backtrace_max_frames(None);
    config
}
