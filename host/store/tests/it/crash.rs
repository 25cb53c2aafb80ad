//! The sled store when its process is killed, its disk fills up, or another process has it.
//!
//! A test starts this binary again to run [`child`], which writes and says on its standard output what was
//! acknowledged.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use stratagem_model::{BUCKETS, CustomerId, EventKind, FlatEvent};
use stratagem_store::{CustomerEvents, SledStore, Store, StoreError};

use crate::data::{Backend, EVERYTHING, Memory, Sled, event, order, said, scan, source, with_orders};

/// What a child is to do, and where.
const TASK: &str = "STRATAGEM_STORE_TEST_TASK";
const DIRECTORY: &str = "STRATAGEM_STORE_TEST_DIRECTORY";

/// An order, its lines and an event, all with one number: written whole or not at all.
fn numbered(number: u64) -> CustomerEvents {
    let mut events = with_orders(&format!("c{}", number % 37), [order(number, number as i64, 3)]);
    events.timeline.events.push(event(EventKind::Visit, number, number as i64));
    said(number as u32 % 3, events)
}

/// The same as another source says it.
fn again(number: u64) -> CustomerEvents {
    said(7, numbered(number))
}

fn filing(number: u64) -> FlatEvent {
    FlatEvent { subject: number as u32 % 3, ..event(EventKind::Filing, number, number as i64) }
}

/// Orders of two sources. The oldest and the youngest are the second's, of the customer that an undo comes to first.
fn of_two_sources(store: &dyn Store) {
    store.intern("product", &["a", "b", "c"]).unwrap();
    let [a, b] = ["a", "b"].map(|letter| store.put_source(&source(letter)).unwrap());
    let customer = |n: u64| {
        let both = with_orders(&format!("customer {n}"), (100..110).map(|id| order(id, id as i64, 3)));
        let own = with_orders(&format!("customer {}", n + 1_000), (0..200).map(|id| order(id, id as i64, 3)));
        [said(a, both.clone()), said(b, both), said(b, own)]
    };
    store.append((0..1_500).flat_map(customer).collect()).unwrap();
    let name = |n: &u64| format!("customer {}", n + 10_000);
    let first = (0..20_000).min_by_key(|n| {
        let id = CustomerId::from_external(&name(n));
        (id.bucket(), id)
    });
    let extremes = with_orders(&name(&first.unwrap()), [order(1, -7, 1), order(2, 100_000, 1)]);
    store.append(vec![said(b, extremes)]).unwrap();
}

/// Many customers in one batch, each of several values.
fn large_batch() -> Vec<CustomerEvents> {
    let customer = |n| with_orders(&format!("customer {n}"), (0..20).map(|id| order(id, id as i64, 25)));
    (0..2_500).map(customer).collect()
}

/// Not a test of its own: what the tests below run in another process.
#[test]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let directory = std::env::var(DIRECTORY).unwrap();
    match task.split_once(' ').unwrap_or((&task, "")) {
        ("append", from) => append_for_ever(&SledStore::open(directory).unwrap(), from.parse().unwrap()),
        ("append-large", _) => {
            let store = SledStore::open(directory).unwrap();
            let go = AtomicBool::new(false);
            store.append_with_progress(large_batch(), &mut |done| say(&format!("done {done}")), &go).unwrap();
            say("all done");
        }
        ("append-until-refused", _) => append_until_refused(&SledStore::open(directory).unwrap()),
        ("undo", _) => undo_aloud(&SledStore::open(directory).unwrap()),
        ("open", _) => say(&format!("{:?}", SledStore::open(directory).map(drop))),
        other => panic!("unknown task {other:?}"),
    }
}

/// Undoes a source, and says so as soon as something of it is gone.
fn undo_aloud(store: &SledStore) {
    let is_done = AtomicBool::new(false);
    let customers = store.totals().unwrap().customers;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while store.totals().unwrap().customers == customers && !is_done.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            say("done something");
        });
        store.undo(&source("b"), &AtomicBool::new(false)).unwrap();
        is_done.store(true, Ordering::Relaxed);
    });
}

fn word(number: u64) -> String {
    format!("word {number}")
}

/// Four threads, so that commits are shared.
fn append_for_ever(store: &SledStore, from: u64) {
    let next = Mutex::new(from);
    store.intern("product", &["a", "b", "c"]).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = {
                        let mut next = next.lock().unwrap();
                        *next += 1;
                        *next - 1
                    };
                    store.intern("tag", &[&word(number)]).unwrap();
                    store.append(vec![numbered(number), again(number)]).unwrap();
                    store.file_products(1, vec![filing(number)]).unwrap();
                    // This commits what was applied.
                    store.put_document("runs", &word(number), b"x").unwrap();
                    say(&format!("ack {number}"));
                }
            });
        }
    });
}

fn append_until_refused(store: &SledStore) {
    for number in 0.. {
        // Much at once, to come to the end soon.
        let batch = (0..200).map(|n| numbered(number * 200 + n)).collect();
        match store.append(batch) {
            Ok(_) => (0..200).for_each(|n| say(&format!("ack {}", number * 200 + n))),
            Err(error) => {
                say(&format!("refused {error:?}"));
                break;
            }
        }
    }
    let refusals = [
        store.append(vec![numbered(u64::MAX)]).map(drop),
        store.scan(0..BUCKETS, EVERYTHING, &mut |_, _| {}),
        store.put_document("runs", "a", b"x"),
        store.intern("product", &["x"]).map(drop),
        store.totals().map(drop),
    ];
    assert!(refusals.iter().all(|refusal| matches!(refusal, Err(StoreError::Failed(_)))), "{refusals:?}");
    say("refuses everything");
}

fn say(line: &str) {
    // One write, so that a line is there whole or not at all.
    std::io::stdout().lock().write_all(format!("\n{line}\n").as_bytes()).unwrap();
}

/// Runs `child` with a task; `limit` is a shell command that limits what it may do.
fn start(task: &str, directory: &Path, limit: &str) -> Child {
    Command::new("sh")
        .args(["-c", &format!("{limit} exec \"$0\" crash::child --exact --nocapture")])
        .arg(std::env::current_exe().unwrap())
        .env(TASK, task)
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The lines that a child says, until `enough` of them; then it is killed, and what it had said is read to the end.
fn kill_after(enough: usize, mut child: Child) -> Vec<String> {
    let said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut said =
        said.filter(|line| ["ack ", "done ", "all done"].iter().any(|word| line.starts_with(word)));
    let mut lines: Vec<_> = said.by_ref().take(enough).collect();
    child.kill().unwrap();
    lines.extend(said);
    child.wait().unwrap();
    lines
}

fn acknowledged(lines: &[String]) -> impl Iterator<Item = u64> + '_ {
    lines.iter().filter_map(|line| line.strip_prefix("ack ")).map(|number| number.parse().unwrap())
}

/// Numbers whose order and event are both there; panics on half of one.
fn numbers_in(store: &dyn Store) -> BTreeSet<u64> {
    let mut numbers = BTreeSet::new();
    for (_, timeline) in scan(store, EVERYTHING) {
        let ids: Vec<_> = timeline.orders.iter().map(|order| order.id.0).collect();
        assert_eq!(ids, timeline.events.iter().map(|event| event.id.0).collect::<Vec<_>>());
        assert_eq!(timeline.lines.len(), 3 * ids.len());
        numbers.extend(ids);
    }
    numbers
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let mut sled = Sled::new();
    let mut sent = BTreeSet::new();
    let mut from = 0;
    for enough in [1, 60, 7, 333, 2, 150, 41] {
        sled.close();
        let lines = kill_after(enough, start(&format!("append {from}"), sled.path(), ""));
        sent.extend(acknowledged(&lines));
        assert!(lines.len() >= enough);
        sled.open();
        let there = numbers_in(sled.store());
        let lost: Vec<_> = sent.difference(&there).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        let words: BTreeSet<_> = sled.store().dictionary("tag").unwrap().into_iter().collect();
        let documents = sled.store().documents("runs").unwrap();
        let documents: BTreeSet<_> = documents.into_iter().map(|(key, _)| key).collect();
        let filings: BTreeSet<_> = sled.store().filings().unwrap().iter().map(|filing| filing.id.0).collect();
        assert!(sent.is_subset(&filings), "a filing is lost");
        for number in &sent {
            assert!(words.contains(&word(*number)), "the word of {number} is lost");
            assert!(documents.contains(&word(*number)), "the document of {number} is lost");
        }
        assert_eq!(sled.sled().verify().unwrap().problems, []);
        from = there.last().map_or(0, |last| last + 1);
    }

    let everything: Vec<_> = (0..from).flat_map(|number| [numbered(number), again(number)]).collect();
    let memory = Memory::new();
    memory.store().intern("product", &["a", "b", "c"]).unwrap();
    for store in [memory.store(), sled.store()] {
        store.append(everything.clone()).unwrap();
        store.file_products(1, (0..from).map(filing).collect()).unwrap();
    }
    assert_eq!(sled.store().fingerprint().unwrap(), memory.store().fingerprint().unwrap());
    let first_known = |store: &dyn Store| store.first_known("product").unwrap();
    assert_eq!(first_known(sled.store()), first_known(memory.store()));
    assert_eq!(scan(sled.store(), EVERYTHING), scan(memory.store(), EVERYTHING));
    assert_eq!(sled.store().totals().unwrap(), memory.store().totals().unwrap());
}

#[test]
fn a_killed_large_append_leaves_whole_customers_and_can_be_run_again() {
    let mut sled = Sled::new();
    for enough in [1, 3, 6] {
        sled.close();
        kill_after(enough, start("append-large", sled.path(), ""));
        sled.open();
        let verified = sled.sled().verify().unwrap();
        assert_eq!(verified.problems, []);
        for (_, timeline) in scan(sled.store(), EVERYTHING) {
            assert_eq!((timeline.orders.len(), timeline.lines.len()), (20, 500));
        }
    }
    sled.store().append(large_batch()).unwrap();
    assert_eq!(sled.store().totals().unwrap().orders, 50_000);
    assert_eq!(sled.sled().verify().unwrap().problems, []);
}

#[test]
fn a_killed_undo_is_completed_by_undoing_again() {
    let mut sled = Sled::new();
    of_two_sources(sled.store());
    let before = sled.store().totals().unwrap().customers;
    sled.close();
    kill_after(1, start("undo", sled.path(), ""));
    sled.open();
    assert_eq!(sled.sled().verify().unwrap().problems, [], "customers are whole, and counted");
    let sources = sled.store().sources().unwrap();
    let is_complete = sources.iter().find(|one| one.fingerprint == "b").map(|one| one.is_complete);
    assert_ne!(is_complete, Some(true), "an undo that was begun is on record");
    sled.store().undo(&source("b"), &AtomicBool::new(false)).unwrap();
    never_had_b(&sled, before);
}

#[test]
fn a_stopped_undo_is_completed_by_undoing_again() {
    let sled = Sled::new();
    of_two_sources(sled.store());
    let before = sled.store().totals().unwrap().customers;
    let stop = AtomicBool::new(true);
    let refused = sled.store().undo(&source("b"), &stop);
    assert!(matches!(refused, Err(StoreError::Interrupted)), "{refused:?}");
    assert_eq!(sled.store().totals().unwrap().customers, before);
    stop.store(false, Ordering::Relaxed);
    std::thread::scope(|scope| {
        let store = sled.store();
        let undoing = scope.spawn(|| store.undo(&source("b"), &stop));
        while store.totals().unwrap().customers == before && !undoing.is_finished() {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
        let stopped = undoing.join().unwrap();
        assert!(matches!(stopped, Ok(_) | Err(StoreError::Interrupted)), "{stopped:?}");
    });
    assert_eq!(sled.sled().verify().unwrap().problems, [], "customers are whole, and counted");
    sled.store().undo(&source("b"), &AtomicBool::new(false)).unwrap();
    never_had_b(&sled, before);
}

/// That a store is one of [`of_two_sources`] without the second.
fn never_had_b(sled: &Sled, before: u64) {
    let memory = Memory::new();
    of_two_sources(memory.store());
    assert_eq!(memory.store().totals().unwrap().customers, before);
    memory.store().undo(&source("b"), &AtomicBool::new(false)).unwrap();
    assert_eq!(memory.store().totals().unwrap().customers, 1_500);
    assert_eq!(sled.store().totals().unwrap(), memory.store().totals().unwrap());
    assert_eq!(sled.store().fingerprint().unwrap(), memory.store().fingerprint().unwrap());
    let first_known = |store: &dyn Store| store.first_known("product").unwrap();
    assert_eq!(first_known(sled.store()), first_known(memory.store()));
    assert_eq!(sled.store().sources().unwrap().len(), 1);
    assert_eq!(sled.sled().verify().unwrap().problems, []);
}

#[test]
fn an_append_can_be_stopped_between_customers() {
    let sled = Sled::new();
    let stop = AtomicBool::new(false);
    let mut seen = 0;
    let stopped = sled.store().append_with_progress(
        large_batch(),
        &mut |done| {
            seen = done;
            stop.store(true, Ordering::Relaxed);
        },
        &stop,
    );
    assert!(matches!(stopped, Err(StoreError::Interrupted)));
    assert!((1..2_500).contains(&seen));
    assert_eq!(sled.store().totals().unwrap().customers, seen);
    assert_eq!(sled.sled().verify().unwrap().problems, []);
    assert_eq!(sled.store().append(large_batch()).unwrap().unchanged, 20 * seen);
    assert_eq!(sled.store().totals().unwrap().customers, 2_500);
}

#[test]
fn a_full_disk_stops_the_store_and_loses_nothing_acknowledged() {
    let mut sled = Sled::new();
    sled.close();
    // No file may grow beyond 3 MB; a write that would is refused, as on a full disk.
    let child = start("append-until-refused", sled.path(), "trap '' XFSZ; ulimit -f 6144;");
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = said.lines().map(str::to_owned).collect();
    assert!(lines.iter().any(|line| line.starts_with("refused Sled")), "{said}");
    assert!(lines.iter().any(|line| line == "refuses everything"), "{said}");
    let sent: BTreeSet<_> = acknowledged(&lines).collect();
    assert!(sent.len() >= 1_000, "{said}");

    sled.open();
    assert!(sent.is_subset(&numbers_in(sled.store())));
    assert_eq!(sled.sled().verify().unwrap().problems, []);
    let all = sent.last().unwrap() + 200;
    sled.store().append((0..all).map(numbered).collect()).unwrap();
    assert_eq!(numbers_in(sled.store()).len() as u64, all);
}

#[test]
fn a_second_process_is_told_that_the_store_is_in_use() {
    let mut sled = Sled::new();
    let open = |sled: &Sled| {
        let output = start("open", sled.path(), "").wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(open(&sled).contains("Err(InUse("));
    assert!(matches!(SledStore::open(sled.path()), Err(StoreError::InUse(_))));
    sled.close();
    assert!(open(&sled).contains("Ok(())"));
}
