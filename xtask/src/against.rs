//! Another revision of this repository, built beside this tree.
//!
//! All revisions share one work tree, `target/against/tree`, which is moved from one to the next, and one target
//! directory, `target/against/target`: what does not change between two revisions, all registry dependencies above all,
//! is compiled once. A tree for each revision would not do: to cargo, the same package in two work trees is one package,
//! so with a shared target directory it takes the binary of one for that of the other. In one tree it sees which
//! files are new. This tree's own target directory is left alone for the same reason.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::guests;
use crate::shell::{cargo, output, program, root, run};

/// What is compared of another revision.
const STRATEGIES: [&str; 2] = ["recall-waves", "cross-sell"];

/// A commit of this repository.
#[derive(Debug)]
pub(crate) struct Revision {
    commit: String,
    /// As it is shown: short hash and subject.
    pub(crate) name: String,
}

/// What another revision was built to.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) stratagem: PathBuf,
    pub(crate) components: PathBuf,
}

impl Revision {
    pub(crate) fn find(text: &str) -> Result<Self> {
        let commit = format!("{text}^{{commit}}");
        let found =
            git(root()).args(["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).output();
        let found = found.context("cannot run `git`")?;
        if !found.status.success() {
            bail!(
                "`{text}` is no revision of this repository: name a commit, a tag or a branch, such as `HEAD~1`"
            );
        }
        let commit = String::from_utf8(found.stdout)?.trim().to_owned();
        let name = output(git(root()).args(["log", "-1", "--format=%h %s", &commit]))?.trim().to_owned();
        Ok(Self { commit, name })
    }

    /// Builds its release binary and its components, with its own manifests and its own `stratagem strategy build`.
    pub(crate) fn build(&self) -> Result<Built> {
        let dir = guests::target()?.join("against");
        fs::create_dir_all(&dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
        // Absolute, whatever directory a command runs in.
        let dir = dir.canonicalize().with_context(|| format!("cannot find `{}`", dir.display()))?;
        let (tree, target) = (dir.join("tree"), dir.join("target"));
        check_out(&tree, &self.commit)?;
        self.compile(&tree, &target).with_context(|| format!("cannot build `{}`", self.name))
    }

    fn compile(&self, tree: &Path, target: &Path) -> Result<Built> {
        guests::add_targets()?;
        let mut build = inside(cargo(), tree, target);
        build.args(["build", "--release", "-p", "stratagem-cli"]);
        // The same packages as of this tree, or dependencies could have other features here than there.
        if tree.join("tests/bench/Cargo.toml").is_file() {
            build.args(["-p", "stratagem-bench"]);
        }
        run(&mut build)?;
        let stratagem = target.join("release/stratagem");
        let components = target.join("components");
        // What an earlier revision left there is not this one's.
        if components.exists() {
            fs::remove_dir_all(&components)
                .with_context(|| format!("cannot remove `{}`", components.display()))?;
        }
        for name in STRATEGIES {
            let source = format!("strategies/{name}");
            if !tree.join(&source).is_dir() {
                eprintln!("there is no `{source}` in it: left out");
                continue;
            }
            let out = components.join(name).with_extension("wasm");
            let mut build = inside(program(&stratagem.to_string_lossy()), tree, target);
            run(build.args(["strategy", "build", &source, "--out"]).arg(out))?;
        }
        Ok(Built { stratagem, components })
    }
}

/// What this tree is: its commit, and whether it holds more than that.
pub(crate) fn this_tree() -> Result<String> {
    let head = Revision::find("HEAD")?.name;
    let changes = output(git(root()).args(["status", "--porcelain"]))?;
    Ok(if changes.trim().is_empty() { head } else { format!("{head}, with changes that are not committed") })
}

/// Moves the work tree to a commit, and makes it where there is none of this repository.
fn check_out(tree: &Path, commit: &str) -> Result<()> {
    if is_our_tree(tree)? {
        // Only files that differ are written, so only what they make is compiled again.
        return run(git(tree).args(["checkout", "--quiet", "--force", "--detach", commit]));
    }
    if tree.exists() {
        fs::remove_dir_all(tree).with_context(|| format!("cannot remove `{}`", tree.display()))?;
    }
    // Forced: git may still know it from before the target directory was deleted.
    run(git(root()).args(["worktree", "add", "--quiet", "--force", "--detach"]).arg(tree).arg(commit))
}

/// Whether git knows the directory as a work tree of this repository. Without this, git would take a directory inside
/// this tree for a part of it, and a forced checkout would throw away what is not committed.
fn is_our_tree(tree: &Path) -> Result<bool> {
    if !tree.join(".git").is_file() {
        return Ok(false);
    }
    let list = output(git(root()).args(["worktree", "list", "--porcelain"]))?;
    Ok(list.lines().filter_map(|line| line.strip_prefix("worktree ")).any(|known| Path::new(known) == tree))
}

/// Git in a directory, whatever repository the environment names, as it does in a hook.
fn git(dir: &Path) -> Command {
    let mut command = program("git");
    command.current_dir(dir).env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env_remove("GIT_INDEX_FILE");
    command
}

/// A command in a work tree that compiles into a target directory of its own.
fn inside(mut command: Command, tree: &Path, target: &Path) -> Command {
    command.current_dir(tree).env("CARGO_TARGET_DIR", target);
    command
}
