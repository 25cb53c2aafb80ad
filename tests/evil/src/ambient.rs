//! Reaching for what a strategy must not have. What is denied is fine; what is granted is returned as an error, with
//! what was got.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, thread};

use crate::Misbehave;

/// Tries what the misbehaviour names; others try nothing.
pub(crate) fn reach(misbehave: Misbehave, now: i64) -> Result<(), String> {
    match misbehave {
        Misbehave::Files => files(),
        Misbehave::Environment => environment(),
        Misbehave::Network => network(),
        Misbehave::Clock => clock(now),
        Misbehave::Sleep => sleep(),
        Misbehave::Thread => match thread::Builder::new().spawn(|| {}) {
            Ok(_) => Err("started a thread".into()),
            Err(_) => Ok(()),
        },
        Misbehave::Print => print(),
        Misbehave::Exit => std::process::exit(0),
        _ => Ok(()),
    }
}

fn files() -> Result<(), String> {
    for path in ["/etc/passwd", "/proc/self/environ", "Cargo.toml", "../Cargo.toml"] {
        if let Ok(text) = fs::read(path) {
            return Err(format!("read {} bytes of {path}", text.len()));
        }
    }
    for path in ["/", ".", "/tmp"] {
        if fs::read_dir(path).is_ok() {
            return Err(format!("listed {path}"));
        }
    }
    for path in ["/tmp/evil", "evil"] {
        if fs::write(path, "evil").is_ok() {
            return Err(format!("wrote {path}"));
        }
    }
    Ok(())
}

fn environment() -> Result<(), String> {
    if let Some((name, _)) = env::vars_os().next() {
        return Err(format!("saw the variable {}", name.display()));
    }
    if let Some(argument) = env::args_os().next() {
        return Err(format!("saw the argument {}", argument.display()));
    }
    Ok(())
}

fn network() -> Result<(), String> {
    let local = SocketAddr::from(([127, 0, 0, 1], 80));
    if TcpStream::connect_timeout(&local, Duration::from_secs(1)).is_ok() || TcpStream::connect(local).is_ok()
    {
        return Err("connected".into());
    }
    if "localhost:80".to_socket_addrs().is_ok_and(|mut addresses| addresses.next().is_some()) {
        return Err("looked up a name".into());
    }
    Ok(())
}

/// The clocks may be read, but must show nothing that is not in the batch.
#[expect(clippy::disallowed_methods, reason = "reading the clock is the misbehaviour")]
fn clock(now: i64) -> Result<(), String> {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(-1, |since| since.as_millis() as i128);
    if wall != i128::from(now) {
        return Err(format!("the wall clock shows {wall}"));
    }
    let start = Instant::now();
    let mut turns = 0_u64;
    while turns < 1_000_000 {
        turns = std::hint::black_box(turns + 1);
    }
    let passed = start.elapsed();
    if passed > Duration::ZERO { Err(format!("{passed:?} passed")) } else { Ok(()) }
}

/// A number that is the same for ever if the host's random numbers are.
pub(crate) fn random() -> i64 {
    (RandomState::new().hash_one(1) >> 33) as i64 + 1
}

fn sleep() -> Result<(), String> {
    thread::sleep(Duration::from_secs(3_600));
    Ok(())
}

fn print() -> Result<(), String> {
    // Writing may seem to work: it must go nowhere that the host's own output goes.
    let _ = std::io::stdout().write_all(b"evil was here\n");
    let _ = std::io::stderr().write_all(b"evil was here\n");
    let mut input = vec![];
    match std::io::stdin().read_to_end(&mut input) {
        Ok(bytes) if bytes > 0 => Err(format!("read {bytes} bytes of standard input")),
        _ => Ok(()),
    }
}
