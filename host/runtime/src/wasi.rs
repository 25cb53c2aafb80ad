//! WASI for components whose language links it in, answered from constants and the batch.
//!
//! The clock shows `now` of the batch, random numbers are one fixed sequence for each instance, there are no
//! variables, arguments, directories, addresses or input, output goes nowhere, and waiting is a trap: a sleeping
//! guest would hold a worker where neither fuel nor the epoch reaches it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

use crate::state::HostState;

pub(crate) struct Wasi {
    ctx: WasiCtx,
    table: ResourceTable,
    now: Now,
}

impl Wasi {
    pub(crate) fn new() -> Self {
        let now = Now(Arc::new(AtomicI64::new(0)));
        // Enough to seed a hash map. A decision that depends on it fails the batch-independence check.
        let random =
            || Deterministic::new((0..64).map(|i: u8| i.wrapping_mul(167).wrapping_add(13)).collect());
        let ctx = WasiCtx::builder()
            .wall_clock(now.clone())
            .monotonic_clock(now.clone())
            .secure_random(random())
            .insecure_random(random())
            .insecure_random_seed(0x5354_5241_5441_4745_4d00_0000_0000_0001)
            .max_random_size(4096)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        Self { ctx, table: ResourceTable::new(), now }
    }

    pub(crate) fn set_now(&self, now_ms: i64) {
        self.now.0.store(now_ms, Ordering::Relaxed);
    }
}

#[derive(Clone)]
struct Now(Arc<AtomicI64>);

impl Now {
    fn since_epoch(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(0))
    }
}

impl HostWallClock for Now {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        self.since_epoch()
    }
}

impl HostMonotonicClock for Now {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since_epoch().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl WasiView for HostState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self.wasi.as_mut().expect("only components without WASI imports run without it");
        WasiCtxView { ctx: &mut wasi.ctx, table: &mut wasi.table }
    }
}

pub(crate) fn add_to_linker(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<HostState, NoWaiting>(linker, |state| {
        let wasi = state.wasi.as_ref().expect("only components without WASI imports run without it");
        StillClock(wasi.now.clone())
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

struct NoWaiting;

impl HasData for NoWaiting {
    type Data<'a> = StillClock;
}

struct StillClock(Now);

impl monotonic_clock::Host for StillClock {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(HostMonotonicClock::now(&self.0))
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(HostMonotonicClock::resolution(&self.0))
    }

    fn subscribe_instant(&mut self, _: u64) -> wasmtime::Result<Resource<DynPollable>> {
        wasmtime::bail!("a strategy cannot wait")
    }

    fn subscribe_duration(&mut self, _: u64) -> wasmtime::Result<Resource<DynPollable>> {
        wasmtime::bail!("a strategy cannot wait")
    }
}
