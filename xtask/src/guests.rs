//! Guests: adding the WebAssembly targets and building components.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell::{cargo, output, program, root, run};

/// What the shipped strategies are built for, and what other toolchains build for.
pub(crate) const TARGETS: [&str; 2] = ["wasm32-unknown-unknown", "wasm32-wasip2"];

/// Adds the WebAssembly targets that are missing.
pub(crate) fn add_targets() -> Result<()> {
    let missing: Vec<_> = TARGETS.into_iter().filter(|target| !is_installed(target)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    run(program("rustup").args(["target", "add"]).args(&missing)).with_context(|| {
        format!("the Rust targets {} are missing and could not be added", missing.join(" and "))
    })
}

fn is_installed(target: &str) -> bool {
    let libdir = output(program("rustc").args(["--print", "target-libdir", "--target", target]));
    libdir.is_ok_and(|dir| Path::new(dir.trim()).is_dir())
}

/// The packages under `strategies/`, by name.
pub(crate) fn strategies() -> Result<Vec<String>> {
    let dir = root().join("strategies");
    let entries = fs::read_dir(&dir).with_context(|| format!("cannot read `{}`", dir.display()))?;
    let mut names = vec![];
    for entry in entries {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Every package that is compiled for WebAssembly.
pub(crate) fn packages() -> Result<Vec<String>> {
    let mut names = strategies()?;
    names.extend(["stratagem-sdk", "stratagem-evil", "stratagem-bench-control"].map(str::to_owned));
    Ok(names)
}

/// Builds the shipped strategies with the `stratagem` binary of a profile, as its users do, and further packages
/// with it: built on their own they could need its dependencies with other features.
pub(crate) fn build_strategies(profile: &str, with: &[&str]) -> Result<()> {
    add_targets()?;
    if profile == "dev" {
        // What the tests need anyway: with the same selection of packages nothing is compiled twice.
        run(cargo().args(["test", "--workspace", "--no-run"]))?;
    } else {
        let packages = ["stratagem-cli"].iter().chain(with).flat_map(|package| ["-p", *package]);
        run(cargo().args(["build", "--profile", profile]).args(packages))?;
    }
    for name in strategies()? {
        run(&mut stratagem(profile, &["strategy", "build", &format!("strategies/{name}")])?)?;
    }
    Ok(())
}

/// Builds everything the tests load: the shipped strategies, the hostile guest, and guests as plain cargo makes
/// them for WASI.
pub(crate) fn build() -> Result<()> {
    build_strategies("dev", &[])?;
    let out = components()?;
    let evil = out.join("evil.wasm");
    run(&mut stratagem("dev", &["strategy", "build", "tests/evil", "--out", &evil.to_string_lossy()])?)?;
    build_for_wasi("stratagem-evil", &[], &out.join("evil-wasi.wasm"))?;
    build_for_wasi("stratagem-evil", &["trap-in-describe"], &out.join("evil-describe.wasm"))?;
    build_for_wasi("stratagem-evil", &["huge-description"], &out.join("evil-huge.wasm"))?;
    build_for_wasi("recall-waves", &[], &out.join("recall-waves-wasi.wasm"))
}

fn build_for_wasi(package: &str, features: &[&str], out: &Path) -> Result<()> {
    let mut command = cargo();
    command.args(["build", "--profile", "guest", "--target", "wasm32-wasip2", "-p", package]);
    if !features.is_empty() {
        command.args(["--features", &features.join(",")]);
    }
    run(&mut command)?;
    let name = format!("{}.wasm", package.replace('-', "_"));
    let built = target()?.join("wasm32-wasip2/guest").join(name);
    fs::copy(&built, out).with_context(|| format!("cannot copy `{}`", built.display()))?;
    Ok(())
}

/// The `stratagem` binary of a profile.
pub(crate) fn stratagem(profile: &str, arguments: &[&str]) -> Result<std::process::Command> {
    let folder = if profile == "dev" { "debug" } else { profile };
    let binary = target()?.join(folder).join("stratagem");
    if !binary.is_file() {
        bail!("there is no `{}`", binary.display());
    }
    let mut command = program(&binary.to_string_lossy());
    command.args(arguments);
    Ok(command)
}

/// Where components are kept.
pub(crate) fn components() -> Result<PathBuf> {
    let dir = target()?.join("components");
    fs::create_dir_all(&dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
    Ok(dir)
}

/// Cargo's target directory.
pub(crate) fn target() -> Result<PathBuf> {
    let dir = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    Ok(root().join(dir))
}
