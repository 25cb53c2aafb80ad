//! What the end-to-end tests share: components, stores, runs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use stratagem_gates::Policy;
use stratagem_model::gate::Holdout;
use stratagem_model::{Currency, Decision};
use stratagem_replay::{Backtest, Progress, RunResult, run};
use stratagem_runtime::{Configured, Engine, EngineOptions};
use stratagem_store::generate::{Spec, generate};
use stratagem_store::ingest::{Kind, Mapping, Options, ingest_file};
use stratagem_store::{MemoryStore, Settings, Store};

/// The shipped strategies.
pub const STRATEGIES: [&str; 3] = ["cross-sell", "magic-number", "recall-waves"];

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate lies in tests/")
}

/// The folder of the build that is running, such as `target/debug`.
fn build_dir() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    test.ancestors().nth(2).expect("cargo builds tests in TARGET/PROFILE/deps").to_owned()
}

/// A component built by `cargo xtask build`.
pub fn component(name: &str) -> PathBuf {
    let path = build_dir()
        .parent()
        .expect("a profile lies in the target directory")
        .join("components")
        .join(name)
        .with_extension("wasm");
    assert!(path.is_file(), "there is no `{}`: run `cargo xtask build`", path.display());
    path
}

/// The `stratagem` binary, alone in a directory: no variable and no path of this machine reaches it.
pub fn stratagem(dir: &Path) -> Command {
    let binary = build_dir().join("stratagem");
    assert!(binary.is_file(), "there is no `{}`: run `cargo build`", binary.display());
    let mut command = Command::new(binary);
    command.current_dir(dir).env_clear().env("XDG_CACHE_HOME", dir.join(".cache"));
    command
}

/// An engine that compiles each time.
pub fn engine(options: EngineOptions) -> Engine {
    Engine::new(options).expect("this machine can run components")
}

/// A component with these settings, on the default engine.
pub fn configured(name: &str, settings: &[(&str, &str)]) -> Configured {
    configured_on(&engine(EngineOptions::default()), name, settings)
}

/// A component with these settings.
pub fn configured_on(engine: &Engine, name: &str, settings: &[(&str, &str)]) -> Configured {
    let settings: Vec<_> = settings.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let strategy = engine.load_file(&component(name)).expect("the component loads");
    strategy.configure(&settings).expect("the settings are allowed")
}

/// An empty store in New York and dollars.
pub fn empty_store() -> MemoryStore {
    MemoryStore::new(Settings {
        zone: "America/New_York".into(),
        currency: Currency { code: "USD".into(), digits: 2 },
    })
}

/// Made-up customers.
pub fn generated(spec: &Spec) -> MemoryStore {
    let store = empty_store();
    generate(&store, spec, &mut |_| {}, &AtomicBool::new(false)).expect("the spec is within its bounds");
    store
}

/// The bundled data.
pub fn bundled() -> &'static MemoryStore {
    static STORE: OnceLock<MemoryStore> = OnceLock::new();
    STORE.get_or_init(|| {
        let store = empty_store();
        ingest_bundled(&store, &[Kind::Products, Kind::Orders]);
        store
    })
}

/// Ingests files of the bundled data in this order.
pub fn ingest_bundled(store: &dyn Store, kinds: &[Kind]) {
    for kind in kinds {
        let (file, map) = match kind {
            Kind::Products => ("products.csv", "product=product_id,category=product_category"),
            Kind::Orders => (
                "transactions.parquet",
                "customer=household_id,order=basket_id,time=transaction_timestamp,product=product_id,\
                 quantity=quantity,gross=sales_value+retail_disc+coupon_match_disc,\
                 discount=retail_disc+coupon_match_disc",
            ),
            other => panic!("{other} are not bundled"),
        };
        let options = Options {
            mapping: Mapping::parse(map).expect("the mapping is well formed"),
            source_zone: Some(stratagem_model::Zone::utc()),
            ..Options::new(*kind)
        };
        let path = root().join("data/complete-journey").join(file);
        ingest_file(store, &path, &options, &mut |_| {}, &AtomicBool::new(false))
            .expect("the bundled data is whole");
    }
}

/// Gates with a holdout of 10 %.
pub fn policy() -> Policy {
    Policy { holdout: Holdout { ppm: 100_000, salt: "test".into() }, ..Policy::open() }
}

/// Runs a backtest and returns its decisions with everything else.
pub fn decisions(
    store: &dyn Store,
    configured: &Configured,
    backtest: &Backtest,
) -> (Vec<Decision>, RunResult) {
    let mut decisions = vec![];
    let result =
        run(store, configured, backtest, &Progress::default(), &mut decisions).expect("the data can answer");
    decisions.sort_unstable_by_key(|d| (d.time, d.customer.bucket(), d.customer, d.action, d.item));
    (decisions, result)
}
