//! `stratagem strategy build`: a Rust crate into a component.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;
use stratagem_model::money::group;
use stratagem_runtime::componentize::componentize;

use crate::exit::Usage;
use crate::output;

const TARGET: &str = "wasm32-unknown-unknown";

/// The profile guests are built with, defined here so that a crate outside this workspace has it too.
const PROFILE: [&str; 6] = [
    "profile.guest.inherits='release'",
    "profile.guest.opt-level=3",
    "profile.guest.lto='fat'",
    "profile.guest.codegen-units=1",
    "profile.guest.panic='abort'",
    "profile.guest.strip=true",
];

/// Room for a batch and its answer, so that no call has to grow the memory. With a stack of 1 MiB it is within what
/// the pool keeps mapped.
const INITIAL_HEAP: &str = "link-arg=--initial-heap=917504";

/// Builds the crate in `dir` and prints where its component is.
pub(crate) fn run(dir: &Path, out: Option<&Path>) -> anyhow::Result<()> {
    let (path, bytes) = build(dir, out)?;
    output::say(&format!("{} bytes", group(bytes as u64)));
    output::print(&path.display().to_string())
}

fn build(dir: &Path, out: Option<&Path>) -> anyhow::Result<(PathBuf, usize)> {
    let manifest = dir.join("Cargo.toml");
    if !manifest.is_file() {
        let hint = "pass the directory of a strategy's crate, such as `strategies/recall-waves`";
        return Err(Usage::new(format!("there is no crate in `{}`", dir.display()), hint).into());
    }
    require_target()?;
    let module_path = compile(&manifest)?;
    let module =
        std::fs::read(&module_path).with_context(|| format!("cannot read `{}`", module_path.display()))?;
    let component = componentize(&module)?;
    let path = out.map_or_else(|| default_out(&module_path), Path::to_path_buf);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make `{}`", parent.display()))?;
    }
    std::fs::write(&path, &component).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok((path, component.len()))
}

/// `TARGET/components/NAME.wasm` for `TARGET/wasm32-unknown-unknown/guest/NAME.wasm`.
fn default_out(module: &Path) -> PathBuf {
    let target = module.ancestors().nth(3).unwrap_or(Path::new("."));
    let name = module.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-");
    target.join("components").join(name).with_extension("wasm")
}

fn require_target() -> anyhow::Result<()> {
    let out = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    let out = out.map_err(|_| Usage::new("cannot run `rustc`", "install Rust: https://rustup.rs"))?;
    let libdir = PathBuf::from(String::from_utf8_lossy(&out.stdout).trim());
    if out.status.success() && libdir.is_dir() {
        return Ok(());
    }
    let hint = format!("run `rustup target add {TARGET}`");
    Err(Usage::new(format!("the Rust target `{TARGET}` is not installed"), hint).into())
}

/// Compiles a crate and returns its module.
fn compile(manifest: &Path) -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args([
        "rustc",
        "--lib",
        "--profile",
        "guest",
        "--target",
        TARGET,
        "--message-format",
        "json-render-diagnostics",
    ]);
    cargo.arg("--manifest-path").arg(manifest);
    for setting in PROFILE {
        cargo.args(["--config", setting]);
    }
    cargo.args(["--", "-C", INITIAL_HEAP]);
    let out = cargo.stderr(Stdio::inherit()).output().context("cannot run `cargo`")?;
    if !out.status.success() {
        bail!("the strategy does not compile");
    }
    let manifest = manifest.canonicalize().context("the manifest was just there")?;
    let is_ours = |message: &Value| {
        message["reason"] == "compiler-artifact"
            && message["manifest_path"].as_str().map(Path::new) == Some(&manifest)
    };
    let messages = String::from_utf8_lossy(&out.stdout);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut modules = messages.filter(is_ours).filter_map(|message| {
        let files = message["filenames"].as_array()?.iter().filter_map(Value::as_str);
        files.map(PathBuf::from).find(|path| path.extension().is_some_and(|ext| ext == "wasm"))
    });
    let module = modules.next_back();
    module.ok_or_else(|| {
        let hint = "add `[lib]` with `crate-type = [\"cdylib\", \"rlib\"]` to its Cargo.toml";
        Usage::new("the crate makes no WebAssembly module", hint).into()
    })
}
