//! `cargo xtask bench`: what a row, a batch, a load and a year cost, against native code and the peers.
//!
//! Everything that is compared is measured in this run, on this machine, and printed as a ratio beside what it should
//! reach. What was not reached, or not run, is printed as such; nothing here fails because of a time.
//!
//! Given another revision, only that is compared: `against`.

#![expect(clippy::print_stdout, reason = "it prints a table")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

mod against;
mod boundary;
mod load;
mod process;
mod reads;
mod statistics;
mod table;
mod year;

use std::path::PathBuf;

use against::Against;
use anyhow::{Context, Result};
use table::Table;

/// Where everything lies that is measured; made by `cargo xtask bench`.
#[derive(Debug)]
pub(crate) struct Paths {
    /// The release `stratagem` binary.
    pub(crate) stratagem: PathBuf,
    /// Built components, with the control.
    pub(crate) components: PathBuf,
    /// Complete Journey, whole, as Parquet and CSV; nothing to leave it and the other data out.
    pub(crate) data: Option<PathBuf>,
    /// A Python with pandas and numpy.
    pub(crate) python: Option<PathBuf>,
    /// A Python with lifetimes and obp, and the older numpy that they take.
    pub(crate) peers: Option<PathBuf>,
    /// Where the peers' scripts lie.
    pub(crate) scripts: PathBuf,
    /// Room for stores.
    pub(crate) work: PathBuf,
    /// Customers of the large generated store; 0 to leave it out.
    pub(crate) customers: u32,
}

impl Paths {
    pub(crate) fn script(&self, name: &str) -> String {
        self.scripts.join(name).to_string_lossy().into_owned()
    }
}

fn main() -> Result<()> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let needed = |name: &str| {
        variable(name).with_context(|| format!("run this with `cargo xtask bench` ({name} is not set)"))
    };
    let customers = std::env::var("BENCH_CUSTOMERS").ok().and_then(|text| text.parse().ok());
    let paths = Paths {
        stratagem: needed("BENCH_STRATAGEM")?,
        components: needed("BENCH_COMPONENTS")?,
        data: variable("STRATAGEM_DATA").map(|data| data.join("complete-journey")),
        python: variable("BENCH_PYTHON"),
        peers: variable("BENCH_PEERS"),
        scripts: needed("BENCH_SCRIPTS")?,
        work: needed("BENCH_WORK")?,
        customers: customers.unwrap_or(1_000_000),
    };
    if let Some(stratagem) = variable("BENCH_AGAINST_STRATAGEM") {
        let name = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
        let against = Against {
            stratagem,
            components: needed("BENCH_AGAINST_COMPONENTS")?,
            names: [name("BENCH_AGAINST_NAME")?, name("BENCH_NAME")?],
        };
        let table = against::run(&paths, &against)?;
        let [before, now] = &against.names;
        println!("\nbefore: {before}\nnow:    {now}\n\n{table}");
        return Ok(());
    }
    let mut table = Table::default();
    statistics::run(&paths, &mut table)?;
    boundary::run(&paths, &mut table)?;
    load::run(&paths, &mut table)?;
    year::run(&paths, &mut table)?;
    reads::run(&paths, &mut table)?;
    println!("\n{table}");
    Ok(())
}
