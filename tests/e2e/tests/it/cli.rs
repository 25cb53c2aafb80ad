//! The binary as people and scripts meet it: what it prints, how it ends, and that a failure leaves nothing behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use stratagem_e2e::{component, stratagem};
use stratagem_store::{SledStore, Store};
use tempfile::TempDir;

const ORDERS: &str = "\
customer,order,time,product,quantity,gross
ann,1,2024-01-05 10:00:00,tea,1,4.50
ann,1,2024-01-05 10:00:00,milk,2,3.00
bob,2,2024-01-07 18:30:00,tea,3,13.50
ann,3,2024-02-10 09:15:00,bread,1,2.25
cyd,4,2024-02-11 12:00:00,milk,1,1.50
";

fn scratch() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("orders.csv"), ORDERS).unwrap();
    for name in ["evil", "recall-waves"] {
        fs::copy(component(name), dir.path().join(name).with_extension("wasm")).unwrap();
    }
    dir
}

fn output(dir: &TempDir, arguments: &str) -> Output {
    stratagem(dir.path()).args(arguments.split_whitespace()).stdin(Stdio::null()).output().unwrap()
}

/// Everything a person sees.
fn seen(dir: &TempDir, arguments: &str) -> String {
    let out = output(dir, arguments);
    let code = out.status.code().map_or("by signal".to_owned(), |code| code.to_string());
    let (stdout, stderr) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap());
    let stderr = if stderr.is_empty() { stderr } else { format!("--- stderr\n{stderr}") };
    format!("{stdout}{stderr}--- exit {code}\n")
}

/// What a command prints, which must succeed.
fn printed(dir: &TempDir, arguments: &str) -> String {
    let out = output(dir, arguments);
    assert!(out.status.success(), "{arguments}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// Made-up customers in a store called `shop`.
fn generated() -> TempDir {
    let dir = scratch();
    let text = printed(&dir, "generate --store shop --customers 40 --days 120 --orders 4 --seed 7");
    assert!(text.contains(" orders of 40 customers in shop"), "{text}");
    dir
}

/// Digests and the hour of the day are not what these tests are about.
fn settled() -> insta::internals::SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\b[0-9a-f]{64}\b", "[digest]");
    settings.add_filter(r"(compiled|loaded) in \d+\s+ms", "$1 in [time]");
    settings.add_filter(r"\(\d+\.\d kB\)", "([size])");
    settings.add_filter(r"(component|digest) [0-9a-f]{12}\b", "$1 [digest]");
    settings.add_filter(r"recorded \d{4}-\d\d-\d\dT[0-9:.]+Z", "recorded [instant]");
    settings.add_filter(r"\d+ms|loaded in\s+\d+\s+ms", "[duration]");
    settings.bind_to_scope()
}

#[test]
fn help_says_what_there_is() {
    let dir = scratch();
    insta::assert_snapshot!("help", seen(&dir, "--help"));
    insta::assert_snapshot!("backtest-help", seen(&dir, "backtest --help"));
}

#[test]
fn a_file_is_ingested_once() {
    let dir = scratch();
    let _settled = settled();
    insta::assert_snapshot!(
        "ingested",
        seen(&dir, "ingest orders.csv --store shop --time-zone Asia/Shanghai --currency CNY")
    );
    insta::assert_snapshot!("ingested-again", seen(&dir, "ingest orders.csv --store shop"));
    insta::assert_snapshot!("store-info", seen(&dir, "store info --store shop"));
    insta::assert_snapshot!("store-verify", seen(&dir, "store verify --store shop"));
}

#[test]
fn a_bad_row_is_named_with_what_to_do_and_leaves_nothing() {
    let dir = scratch();
    let bad = ORDERS.replace("13.50", "a lot").replace("2024-02-11", "2024-02-31");
    fs::write(dir.path().join("bad.csv"), bad).unwrap();
    insta::assert_snapshot!("bad-row", seen(&dir, "ingest bad.csv --store shop"));
    assert!(!dir.path().join("shop").exists(), "a store without a row would only fix zone and currency");

    insta::assert_snapshot!(
        "bad-row-skipped",
        seen(&dir, "ingest bad.csv --store shop --on-error skip --rejects rejects.csv")
    );
    insta::assert_snapshot!("rejects", fs::read_to_string(dir.path().join("rejects.csv")).unwrap());
}

#[test]
fn a_backtest_prints_what_may_be_claimed() {
    let dir = generated();
    let _settled = settled();
    let command = "backtest recall-waves.wasm --store shop --seed 3 --holdout 20% --cap 2/7d --threads 1";
    insta::assert_snapshot!("backtest", seen(&dir, command));
    insta::assert_snapshot!(
        "failed-backtest",
        headline(&seen(&dir, "backtest evil.wasm --store shop --set misbehave=unknown-action"))
    );
}

/// The first paragraphs of a report.
fn headline(report: &str) -> String {
    report.split_inclusive("\n\n").take(3).collect()
}

#[test]
fn every_class_of_failure_has_its_exit_code() {
    let dir = generated();
    fs::write(dir.path().join("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    #[rustfmt::skip]
    let cases = [
        (0, "backtest recall-waves.wasm --store shop",                                          ""),
        (0, "store verify --store shop",                                                        ""),
        (1, "backtest recall-waves.wasm --store shop --report orders.csv/report.md",               "cannot write `orders.csv/report.md`"),
        (2, "ingest missing.csv --store shop",                                                  "cannot read `missing.csv`"),
        (2, "ingest orders.csv --store shop --currency CNY",                                    "the store's currency is `USD`, not `CNY`"),
        (2, "ingest orders.csv --store other --time-zone Shanghai",                             "unknown time zone `Shanghai`"),
        (2, "backtest recall-waves.wasm --store missing",                                       "there is no store at `missing`"),
        (2, "backtest recall-waves.wasm --store shop --holdout 200%",                           "write it as `10%`"),
        (2, "backtest recall-waves.wasm --store shop --set silence-days",                       "has no `=`"),
        (2, "backtest recall-waves.wasm --store shop --decisions log.txt",                      "neither a .parquet nor a .csv"),
        (2, "backtest recall-waves.wasm --store shop --decisions log.csv --report log.csv",     "neither a .html nor a .md"),
        (2, "backtest recall-waves.wasm",                                                       "--store <DIR>"),
        (2, "library show r9999 --store shop",                                                  "there is no run `r9999`"),
        (3, "backtest recall-waves.wasm --store shop --until 2030-01-01",                       "hint: use `--until 2024-"),
        (3, "backtest recall-waves.wasm --store shop --from 2024-03-01 --until 2024-02-01",     "has no days"),
        (3, "backtest recall-waves.wasm --store shop --window 3650d",                           "hint: use a shorter `--window`"),
        (4, "backtest missing.wasm --store shop",                                               "cannot read strategy `missing.wasm`"),
        (4, "backtest core.wasm --store shop",                                                  "this is a core module"),
        (4, "backtest orders.csv --store shop",                                                 "not a WebAssembly component"),
        (4, "backtest recall-waves.wasm --store shop --set nope=1",                             "there is no such parameter"),
        (4, "backtest recall-waves.wasm --store shop --set silence-days=0",                     "from 1 to 365"),
        (4, "backtest evil.wasm --store shop --set misbehave=refuse-in-configure",              "refused, as you wished"),
        (4, "backtest evil.wasm --store shop --set misbehave=trap-in-configure",                "`configure` failed"),
        (4, "strategy check evil.wasm --customers 20 --set misbehave=remember",                 "other decisions with warm instances"),
        (4, "strategy check evil.wasm --customers 20 --set misbehave=depend-on-batch",          "other decisions with batches of one row"),
        (5, "backtest evil.wasm --store shop --warm --set misbehave=remember --audit wake",     "the first difference is"),
    ];
    for (code, command, text) in cases {
        let out = output(&dir, command);
        let stderr = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(code), "{command}: {stderr}");
        assert!(stderr.contains(text) && (code == 0 || stderr.starts_with("error: ")), "{command}: {stderr}");
    }
    assert!(!dir.path().join("other").exists(), "nothing is made for a command line that is wrong");
    let runs = printed(&dir, "library list --store shop");
    assert!(runs.starts_with("2 runs"), "a run that cannot be reported is not made: {runs}");
}

#[test]
fn the_library_keeps_runs_and_sets_them_side_by_side() {
    let dir = generated();
    let first = printed(&dir, "backtest recall-waves.wasm --store shop");
    printed(&dir, "backtest recall-waves.wasm --store shop --set silence-days=10");
    for run in ["r0001", "latest"] {
        let shown = printed(&dir, &format!("library show {run} --store shop"));
        assert_eq!(shown == first, run == "r0001", "the report of {run} is the one that was printed");
    }
    let list = printed(&dir, "library list --store shop");
    assert!(list.starts_with("2 runs") && list.contains("r0001") && list.contains("r0002"), "{list}");
    let compared = printed(&dir, "library compare r0001 r0002 --store shop");
    assert!(compared.contains("silence-days"), "{compared}");
}

#[test]
fn a_run_of_another_format_is_named_and_left_out_of_the_list() {
    let dir = generated();
    let backtest = "backtest recall-waves.wasm --store shop --format json";
    let mut old: Value = serde_json::from_str(&printed(&dir, backtest)).unwrap();
    old.as_object_mut().unwrap().remove("format");
    {
        let store = SledStore::open(dir.path().join("shop")).unwrap();
        store.put_document("runs", "r0001", old.to_string().as_bytes()).unwrap();
        store.put_document("runs", "r0002", b"{}}").unwrap();
    }
    let new: Value = serde_json::from_str(&printed(&dir, backtest)).unwrap();
    assert_eq!((&new["id"], &new["variants-tried"]), (&"r0003".into(), &1.into()));
    let listed = output(&dir, "library list --store shop");
    let (list, notes) =
        (String::from_utf8(listed.stdout).unwrap(), String::from_utf8(listed.stderr).unwrap());
    assert!(listed.status.success() && list.starts_with("1 run;") && list.contains("r0003"), "{list}");
    assert_eq!(
        notes,
        "left out: run `r0001` was recorded in format 1, and this version reads 2; run the backtest again: it becomes a \
         new run\n\
         left out: run `r0002` in the library is damaged; `stratagem store verify` finds out whether more is; run the \
         backtest again\n"
    );
    for command in ["show r0001", "rerun r0001 recall-waves.wasm", "compare r0001 r0003"] {
        let (code, text) = refused(&dir, &format!("library {command} --store shop"));
        assert_eq!(code, 2, "{command}: {text}");
        assert_eq!(
            text,
            "error: run `r0001` was recorded in format 1, and this version reads 2\n\
             hint: run the backtest again: it becomes a new run\n"
        );
    }
    let (code, text) = refused(&dir, "library show r0002 --store shop");
    assert!(
        code == 2 && text.starts_with("error: run `r0002` in the library is damaged\n  because: "),
        "{text}"
    );
}

#[test]
fn every_decision_is_in_the_log_with_its_reason_and_propensity() {
    let dir = tempfile::tempdir().unwrap();
    printed(&dir, "generate --store shop --customers 300 --days 200 --orders 8 --seed 7");
    fs::copy(component("cross-sell"), dir.path().join("cross-sell.wasm")).unwrap();
    let command =
        "backtest cross-sell.wasm --store shop --cap 1/30d --format json --report log.md --decisions log";
    let run: Value = serde_json::from_str(&printed(&dir, &format!("{command}.csv"))).unwrap();
    printed(&dir, &format!("{command}.parquet"));
    let log = fs::read_to_string(dir.path().join("log.csv")).unwrap();
    let (header, rows) = log.split_once('\n').unwrap();
    assert_eq!(
        header,
        "time,customer,portfolio,lane,arm,version,action,group,item,amount,score,when,reason,propensity_ppm,mode"
    );
    let rows: Vec<Vec<_>> = rows.lines().map(|row| row.split(',').collect()).collect();
    assert!(rows.len() as u64 == run["receipt"]["decisions"] && rows.len() > 100, "{} rows", rows.len());
    let reasons = |of: &str| rows.iter().filter(|row| row[12] == of).count();
    assert!(reasons("sent") > 0 && reasons("frequency-cap") > 0 && reasons("held-out") > 0, "{header}");
    for row in &rows {
        let propensity: u32 = row[13].parse().unwrap();
        assert!(propensity <= 1_000_000 && (propensity > 0 || row[12] != "sent"), "{row:?}");
        assert!(row[8].parse::<u32>().is_err(), "an item is named, not a code: {row:?}");
        assert_eq!([row[2], row[3], row[4], row[7], row[9]], ["", "cross-sell", "", "0", "0"], "{row:?}");
    }
    assert!(fs::read(dir.path().join("log.parquet")).unwrap().starts_with(b"PAR1"));
    assert!(fs::read_to_string(dir.path().join("log.md")).unwrap().contains("cross-sell"));
}

#[test]
fn a_run_can_be_executed_again_from_its_record() {
    let dir = generated();
    let again = "library rerun r0001 recall-waves.wasm --store shop";
    printed(
        &dir,
        "backtest recall-waves.wasm --store shop --set silence-days=10 --holdout 30% --cap 1/20d --seed 9",
    );
    let same = printed(&dir, again);
    assert!(same.starts_with("r0001: the same ") && same.ends_with(", and the same metrics\n"), "{same}");

    let (code, text) = refused(&dir, "library rerun r0001 evil.wasm --store shop");
    assert!(
        code == 2 && text.contains("run `r0001` ran component ") && text.contains("`evil.wasm` is "),
        "{text}"
    );
    printed(&dir, "backtest evil.wasm --store shop --warm --set misbehave=remember");
    let (code, text) = refused(&dir, "library rerun r0002 evil.wasm --store shop");
    assert!(code == 5 && text.contains("run `r0002` has other decisions and metrics now"), "{code}: {text}");
    recode(&dir.path().join("shop"), "r0001");
    let (code, text) = refused(&dir, again);
    assert!(code == 3 && text.contains("in encoding 1, and this version does in 2"), "{code}: {text}");
    printed(&dir, "ingest orders.csv --store shop");
    let (code, text) = refused(&dir, "library rerun r0002 evil.wasm --store shop");
    assert!(
        code == 3 && text.contains("the store has other data than when run `r0002` was made"),
        "{code}: {text}"
    );
}

/// Makes a run of the library one whose decisions were digested in another encoding.
fn recode(store: &Path, id: &str) {
    let store = SledStore::open(store).unwrap();
    let documents = store.documents("runs").unwrap();
    let (_, bytes) = documents.into_iter().find(|(key, _)| key == id).unwrap();
    let mut run: Value = serde_json::from_slice(&bytes).unwrap();
    run["receipt"]["encoding"] = 1.into();
    store.put_document("runs", id, &serde_json::to_vec(&run).unwrap()).unwrap();
}

/// The exit code of a command that must fail, and what it says.
fn refused(dir: &TempDir, arguments: &str) -> (i32, String) {
    let out = output(dir, arguments);
    (out.status.code().unwrap(), String::from_utf8(out.stderr).unwrap())
}

#[test]
fn a_strategy_introduces_itself() {
    let dir = scratch();
    let _settled = settled();
    let text = printed(&dir, "strategy inspect evil.wasm");
    let (_, rest) = text.split_once("\nActions\n").unwrap();
    insta::assert_snapshot!("inspected-actions", rest);
    let columns = printed(&dir, "strategy columns");
    assert!(columns.contains("order.recency-days") && columns.contains("touch.times"), "{columns}");
}

#[test]
fn scripts_can_rely_on_the_keys() {
    let dir = generated();
    printed(&dir, "backtest recall-waves.wasm --store shop");
    printed(&dir, "backtest recall-waves.wasm --store shop --set silence-days=10");
    let run = "audits cohorts data format gates id lanes margin-ppm mode period portfolio receipt recorded-at seed \
               table-lag-minutes variants-tried";
    let ingested = "appended attributes fingerprint format file guessed ignored kind rejects rows-accepted rows-read \
                    rows-rejected warnings";
    #[rustfmt::skip]
    let cases = [
        ("ingest orders.csv --store other",               ingested),
        ("backtest recall-waves.wasm --store shop",       run),
        ("library list --store shop",                     run),
        ("library show latest --store shop",              run),
        ("library compare r0001 r0002 --store shop",      run),
        ("strategy inspect recall-waves.wasm",            "bytes description digest imports load-ms path plan values was-cached"),
        ("strategy columns",                              "is-ragged is-windowed meaning name type"),
        ("store verify --store shop",                     "problems totals"),
        ("store info --store shop",                       "collections database-bytes dictionaries format other-bytes path settings sources totals"),
    ];
    for (command, keys) in cases {
        let text = printed(&dir, &format!("{command} --format json"));
        let value: Value = serde_json::from_str(&text).unwrap();
        let object = value.as_array().map_or(&value, |list| &list[0]).as_object().unwrap();
        let mut want: Vec<_> = keys.split_whitespace().collect();
        want.sort_unstable();
        let mut got: Vec<_> = object.keys().map(String::as_str).collect();
        got.sort_unstable();
        assert_eq!(got, want, "{command}");
    }
}

#[test]
fn shells_and_manuals_are_served() {
    let dir = scratch();
    for shell in ["bash", "zsh", "fish"] {
        assert!(printed(&dir, &format!("completions {shell}")).contains("backtest"), "{shell}");
    }
    printed(&dir, "man pages");
    let page = fs::read_to_string(dir.path().join("pages/stratagem-backtest.1")).unwrap();
    assert!(page.contains("\\-\\-holdout"), "{page}");
}

/// Waits until a file exists: a fact of the run, not a length of time.
fn wait_for(path: &Path, child: &mut std::process::Child) {
    while !path.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before `{}` was there", path.display());
        std::thread::yield_now();
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_run_and_leaves_no_trace() {
    let dir = generated();
    let before = printed(&dir, "library list --store shop");
    // A guest that never returns, once for each row of each step: minutes of work.
    let command =
        "backtest evil.wasm --store shop --set misbehave=spin --batch-size 1 --retry 1d --decisions log.csv";
    let mut child = stratagem(dir.path())
        .args(command.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The log is begun when Ctrl-C is already listened for.
    wait_for(&dir.path().join("log.csv.partial"), &mut child);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let out = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(130), "{stderr}");
    assert_eq!(
        stderr,
        "error: interrupted\nhint: this run was not added to the library; those before it are\n"
    );
    assert_eq!(printed(&dir, "library list --store shop"), before);
    assert!(!dir.path().join("log.csv").exists(), "half a decision log has no name");
    assert!(!dir.path().join("log.csv.partial").exists(), "and leaves nothing to clean up");
}
