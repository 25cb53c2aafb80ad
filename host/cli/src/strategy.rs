//! `stratagem strategy`: inspect and columns; build and check have files of their own.

use std::path::{Path, PathBuf};

use anyhow::Context;
use stratagem_report::InspectInfo;
use stratagem_runtime::{Cache, Configured, Engine, EngineOptions, LoadError, Strategy};

use crate::args::StrategyCommand;
use crate::exit::Usage;
use crate::ingest::format;
use crate::output::{self, style};
use crate::{build, check};

pub(crate) fn run(command: &StrategyCommand) -> anyhow::Result<()> {
    match command {
        StrategyCommand::Build { dir, out } => build::run(dir, out.as_deref()),
        StrategyCommand::Check { strategy, set, customers, seed } => {
            check::run(strategy, &settings(set)?, *customers, *seed)
        }
        StrategyCommand::Inspect { strategy, set, format: f } => {
            let info = inspect(strategy, set)?;
            output::print(&stratagem_report::strategy_inspect(&info, format(*f), style()))
        }
        StrategyCommand::Columns { format: f } => {
            output::print(&stratagem_report::column_catalogue(format(*f), style()))
        }
    }
}

fn inspect(path: &Path, set: &[String]) -> anyhow::Result<InspectInfo> {
    #[expect(clippy::disallowed_methods, reason = "shows how long loading takes")]
    let start = std::time::Instant::now();
    let configured = load(path, set)?;
    let load_ms = u64::try_from(start.elapsed().as_millis()).ok();
    let strategy = configured.strategy();
    let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    Ok(InspectInfo {
        path: path.display().to_string(),
        bytes,
        digest: strategy.digest().to_string(),
        description: strategy.description().clone(),
        imports: strategy.shape().imports.clone(),
        values: configured.values().to_vec(),
        plan: Some(configured.plan().clone()),
        load_ms,
        was_cached: strategy.was_cached(),
    })
}

/// Loads a strategy through the user's cache of compiled code.
pub(crate) fn load_strategy(path: &Path) -> anyhow::Result<Strategy> {
    let cache = match cache_dir() {
        // A cache that cannot be opened costs time and nothing else.
        Some(dir) => Cache::open(&dir)
            .inspect_err(|error| output::say(&format!("note: no cache in {}: {error}", dir.display())))
            .ok(),
        None => None,
    };
    let engine = Engine::new(EngineOptions { cache, ..EngineOptions::default() })?;
    engine.load_file(path).map_err(|error| match error {
        // It names the file itself.
        LoadError::Read { .. } => error.into(),
        other => anyhow::Error::from(other).context(format!("cannot load strategy `{}`", path.display())),
    })
}

/// Loads and configures a strategy.
pub(crate) fn load(path: &Path, set: &[String]) -> anyhow::Result<Configured> {
    let strategy = load_strategy(path)?;
    let configured = strategy.configure(&settings(set)?);
    configured.with_context(|| format!("cannot configure strategy `{}`", strategy.description().name))
}

/// `NAME=VALUE` arguments as pairs.
pub(crate) fn settings(set: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => {
            let hint = "write `--set NAME=VALUE`, such as `--set silence-days=28`";
            Err(Usage::new(format!("`--set {text}` has no `=`"), hint).into())
        }
    };
    set.iter().map(pair).collect()
}

fn cache_dir() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    Some(cache.or_else(home)?.join("stratagem"))
}
