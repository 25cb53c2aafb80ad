"""Writes transactions-10x.parquet: Complete Journey's transactions N times over, with shifted ids.

The shifts are those of the peer's `--repeat`: households by 10,000, baskets by 10^11 a copy.

Needs: pip install pyarrow
Usage: python tests/bench/replicate.py DIR N
"""

import sys
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq


def main() -> None:
    directory, copies = Path(sys.argv[1]), int(sys.argv[2])
    table = pq.read_table(directory / "transactions.parquet")
    out = directory / f"transactions-{copies}x.parquet"
    partial = out.with_suffix(".partial")
    shifts = {"household_id": 10_000, "basket_id": 10**11}
    with pq.ParquetWriter(partial, table.schema, compression="snappy", use_deprecated_int96_timestamps=True) as writer:
        for copy in range(copies):
            shifted = table
            for name, shift in shifts.items():
                column = pc.add(table[name], copy * shift)
                shifted = shifted.set_column(table.schema.get_field_index(name), name, column)
            writer.write_table(shifted)
    partial.rename(out)


if __name__ == "__main__":
    main()
