//! Rules about the repository itself: sizes, headers, dependencies, and documents that name what exists.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use stratagem_e2e::root;

const CODE: [&str; 5] = ["host", "sdk", "strategies", "tests", "xtask"];

/// Lines of a file before its tests.
const FILE_LINES_MAX: usize = 800;
const ARCHITECTURE_LINES_MAX: usize = 230;

/// Which crates of ours each crate on the host's side may use, below them `wit/` alone.
const HOST: [(&str, &[&str]); 11] = [
    ("model", &[]),
    ("measure", &[]),
    ("record", &["measure", "model"]),
    ("store", &["model"]),
    ("runtime", &["model"]),
    ("gates", &["model"]),
    ("insight", &["measure", "model", "store"]),
    ("replay", &["gates", "insight", "measure", "model", "record", "runtime", "store"]),
    ("library", &["record", "store"]),
    ("report", &["insight", "measure", "model", "record", "store"]),
    (
        "cli",
        &[
            "gates", "insight", "library", "measure", "model", "record", "replay", "report", "runtime",
            "store",
        ],
    ),
];

/// All files below a folder with this extension, without what builds leave behind.
fn files(dir: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                files(&path, extension, found);
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

/// Every Rust file with its path from the root, in the order of paths.
fn sources() -> BTreeMap<String, String> {
    let mut paths = vec![];
    for dir in CODE {
        files(&root().join(dir), "rs", &mut paths);
    }
    assert!(paths.len() > 100, "only {} files were found", paths.len());
    paths.iter().map(|path| (from_root(path), fs::read_to_string(path).unwrap())).collect()
}

fn from_root(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("cannot read `{name}`: {error}"))
}

#[track_caller]
fn assert_none(problems: impl IntoIterator<Item = String>) {
    let problems: Vec<_> = problems.into_iter().collect();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    let has_header =
        |text: &str| text.lines().find(|line| !line.is_empty()).is_some_and(|line| line.starts_with("//! "));
    let bare = sources().into_iter().filter(|(_, text)| !has_header(text));
    assert_none(bare.map(|(path, _)| format!("{path}: does not open with `//!`")));
}

/// Lines before the module of unit tests, where a file has one of its own.
fn production_lines(text: &str) -> usize {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count()
}

#[test]
fn no_file_is_long() {
    let long = sources().into_iter().map(|(path, text)| (path, production_lines(&text)));
    let long = long.filter(|(_, lines)| *lines > FILE_LINES_MAX);
    let say =
        |(path, lines)| format!("{path}: {lines} lines, at most {FILE_LINES_MAX}; split it by what it does");
    assert_none(long.map(say));
}

#[test]
fn no_test_is_left_out() {
    // In two parts, so that this file does not hold it.
    let attribute = concat!("#[", "ignore");
    let ignored = sources().into_iter().filter(|(_, text)| text.contains(attribute));
    assert_none(ignored.map(|(path, _)| format!("{path}: a test that does not run tests nothing")));
}

#[test]
fn every_crate_has_one_integration_binary() {
    let mut problems = vec![];
    for path in sources().into_keys() {
        let parts: Vec<_> = path.split('/').collect();
        // `tests/` at the root holds crates.
        let Some(at) = parts.iter().skip(1).position(|part| *part == "tests").map(|at| at + 1) else {
            continue;
        };
        if parts[at + 1] != "it" {
            problems.push(format!("{path}: integration tests of a crate are one binary, `tests/it/main.rs`"));
        }
    }
    assert_none(problems);
}

/// The names of our own crates in the `[dependencies]` of a manifest, and in those of single targets.
fn own_dependencies(manifest: &str) -> Vec<String> {
    let mut is_inside = false;
    let mut names = vec![];
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            is_inside = section.trim_end_matches(']').ends_with("dependencies")
                && !section.contains("dev-dependencies")
                && !section.contains("workspace");
        } else if is_inside && line.starts_with("stratagem-") {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            names.push(name.trim_start_matches("stratagem-").to_owned());
        }
    }
    names.sort();
    names
}

fn dependencies_of(dir: &str) -> Vec<String> {
    own_dependencies(&document(&format!("{dir}/Cargo.toml")))
}

fn folders(dir: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(dir)).unwrap().map(Result::unwrap);
    let crates = entries.filter(|entry| entry.path().join("Cargo.toml").is_file());
    let mut names: Vec<_> = crates.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn dependencies_point_one_way() {
    let mut problems = vec![];
    let mut listed: Vec<_> = HOST.iter().map(|(name, _)| (*name).to_owned()).collect();
    listed.sort();
    assert_eq!(folders("host"), listed, "list every crate of `host/` in `HOST`");
    for (name, allowed) in HOST {
        for dependency in dependencies_of(&format!("host/{name}")) {
            if !allowed.contains(&dependency.as_str()) {
                problems.push(format!("host/{name}: may not depend on `stratagem-{dependency}`"));
            }
        }
    }
    assert_none(problems);
}

#[test]
fn guests_know_only_the_sdk() {
    assert_eq!(dependencies_of("sdk"), ["sdk-macros"]);
    assert_eq!(dependencies_of("sdk/macros"), [""; 0]);
    let guests = folders("strategies").into_iter().map(|name| format!("strategies/{name}"));
    for dir in guests.chain(["tests/evil".to_owned()]) {
        assert_eq!(dependencies_of(&dir), ["sdk"], "{dir}");
    }
}

#[test]
fn manifests_are_read_as_cargo_reads_them() {
    let manifest = "[package]\nname = \"stratagem-x\"\n[dependencies]\nserde = \"1\"\nstratagem-model.workspace = true\n\
                    stratagem-gates = { path = \"../gates\" }\n[dev-dependencies]\nstratagem-store.workspace = true\n\
                    [target.'cfg(unix)'.dependencies]\nstratagem-runtime.workspace = true\n";
    assert_eq!(own_dependencies(manifest), ["gates", "model", "runtime"]);
}

/// What the text names after each `*Kept by*`, wherever its lines break.
fn keepers(text: &str) -> Vec<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let name =
        |rest: &str| rest.strip_prefix(" `").and_then(|rest| rest.split('`').next()).map(str::to_owned);
    text.split("*Kept by*").skip(1).map(|rest| name(rest).unwrap_or_default()).collect()
}

#[test]
fn every_invariant_names_a_test_that_exists() {
    let invariants = document("INVARIANTS.md");
    let names = keepers(&invariants);
    assert!(names.len() >= 20, "only {} tests are named", names.len());
    let sources = sources();
    let exists = |name: &str| {
        let forms = [format!("fn {name}("), format!("fn {name}<")];
        sources.values().any(|text| forms.iter().any(|form| text.contains(form)))
    };
    let missing = names.into_iter().filter(|name| name.is_empty() || !exists(name.as_str()));
    assert_none(missing.map(|name| format!("INVARIANTS.md: no test is called `{name}`")));
}

#[test]
fn the_architecture_fits_a_page_and_knows_every_crate() {
    let architecture = document("ARCHITECTURE.md");
    let lines = architecture.lines().count();
    assert!(
        lines < ARCHITECTURE_LINES_MAX,
        "ARCHITECTURE.md has {lines} lines, and must have fewer than 200"
    );
    let crates = folders("host").into_iter().map(|name| format!("`host/{name}`"));
    let missing = crates.filter(|name| !architecture.contains(name));
    assert_none(missing.map(|name| format!("ARCHITECTURE.md: {name} is not on the map")));
}

#[test]
fn documents_link_to_what_exists() {
    let mut problems = vec![];
    let names = [
        "README.md",
        "ARCHITECTURE.md",
        "INVARIANTS.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "data/README.md",
    ];
    for name in names {
        let text = document(name);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let dir = root().join(name);
        let local = links.filter(|link| !link.starts_with("https://") && !link.starts_with('#'));
        let broken = local.filter(|link| !dir.parent().unwrap().join(link).exists());
        problems.extend(broken.map(|link| format!("{name}: there is no `{link}`")));
    }
    assert_none(problems);
}

/// The lines of a WIT file that begin an item without a line of documentation above.
fn undocumented(wit: &str) -> Vec<(usize, String)> {
    const KEYWORDS: [&str; 9] =
        ["package ", "interface ", "world ", "record ", "enum ", "variant ", "flags ", "resource ", "type "];
    let lines: Vec<_> = wit.lines().map(str::trim).collect();
    let is_item = |line: &str| KEYWORDS.iter().any(|word| line.starts_with(word)) || line.contains(": func(");
    let bare = lines.iter().enumerate().filter(|(at, line)| {
        is_item(line) && !at.checked_sub(1).is_some_and(|above| lines[above].starts_with("///"))
    });
    bare.map(|(at, line)| (at + 1, (*line).to_owned())).collect()
}

#[test]
fn the_contract_documents_every_item() {
    let mut paths = vec![];
    files(&root().join("wit"), "wit", &mut paths);
    assert!(!paths.is_empty());
    let mut problems = vec![];
    for path in paths {
        let bare = undocumented(&fs::read_to_string(&path).unwrap());
        problems
            .extend(bare.into_iter().map(|(line, text)| format!("{}:{line}: `{text}`", from_root(&path))));
    }
    assert_none(problems);
    assert_eq!(undocumented("/// It.\nrecord a {\n  record: u8,\n}\nrecord b {}").len(), 1);
}
