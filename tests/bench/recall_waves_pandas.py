#!/usr/bin/env python3
"""The peer that Stratagem's backtest is measured against: the recall-waves rule over one year, as
a skilled user of pandas and numpy would make it fast, on data that is already in memory.

It owes its speed to being written for this one rule. Between two orders of a customer nothing
happens, so the gap after each order says which waves were reached, and no day is stepped through.

The rule. Every day at 10:00 in the zone of the store there is a step, which knows the orders made
before it. Wave 1 comes at the first step at least 21 days after the last order, wave 2 at the
first step at least 7 days after wave 1, wave 3 at the first step at least 7 days after wave 2, and
the customer falls silent at the first step at least 14 days after wave 3. Any order starts anew.

What is an order. One basket: its time is the earliest of its lines, its GMV the sum over its lines
of sales_value + retail_disc + coupon_match_disc, which is the value before the retailer's
discounts. Baskets worth nothing are orders too. Money is whole cents.

What is counted. One tenth of the households, by a hash, is held out. For each wave: households
reached (once per gap, so perhaps several times a year), contacted, and held out; then, where the
14 days from the step on lie within the data, how many ordered and for how much. Nobody was
contacted in truth, so the two groups differ by chance only.

Needs: pip install pandas pyarrow
Data:  python data/fetch.py complete-journey --out target/data/complete-journey
"""

import argparse
import json
import os
import statistics
import sys
import time
from bisect import bisect_left
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

try:
    import numpy
    import pandas
    import pyarrow  # noqa: F401, pandas reads Parquet with it
except ImportError as error:
    sys.exit(f"error: {error}\n\nhint: pip install pandas pyarrow")

DAY_MS = 86_400_000
IDLE_BEFORE_FIRST_WAVE_MS = 21 * DAY_MS
BETWEEN_WAVES_MS = 7 * DAY_MS
SILENT_AFTER_LAST_WAVE_MS = 14 * DAY_MS
WINDOW_MS = 14 * DAY_MS
WAVES = 3
STEP_HOUR = 10

FIRST_DAY = datetime(2017, 1, 1)
END_DAY = datetime(2018, 1, 1)

MILLION = 1_000_000
HOLDOUT_SALT = 0x5354524154414745
NEVER_MS = 1 << 62

# Copy r of the data has r times these added to its ids.
HOUSEHOLD_ID_SHIFT = 10_000
BASKET_ID_SHIFT = 100_000_000_000

LINE_COLUMNS = [
    "household_id", "basket_id", "sales_value", "retail_disc", "coupon_match_disc",
    "transaction_timestamp",
]


# Before the clock starts


def load_lines(path, repeat):
    lines = pandas.read_parquet(path, columns=LINE_COLUMNS)
    if lines["household_id"].max() >= HOUSEHOLD_ID_SHIFT or lines["basket_id"].max() >= BASKET_ID_SHIFT:
        sys.exit("error: the ids are larger than the shift between copies\n\nhint: enlarge *_ID_SHIFT")
    if (lines.groupby("basket_id")["household_id"].nunique() > 1).any():
        sys.exit("error: a basket belongs to two households\n\nhint: group by both ids")
    copies = [
        lines.assign(
            household_id=lines["household_id"] + copy * HOUSEHOLD_ID_SHIFT,
            basket_id=lines["basket_id"] + copy * BASKET_ID_SHIFT,
        )
        for copy in range(repeat)
    ]
    return pandas.concat(copies, ignore_index=True) if repeat > 1 else lines


class Clock:
    """The steps of the year and its end, in milliseconds of one axis.

    `elapsed` measures days as 24 hours, on UTC. `calendar` measures them on the wall clock of the
    store, where a day is as long as the summer-time change makes it.
    """

    def __init__(self, zone, days):
        self.zone = ZoneInfo(zone)
        self.is_calendar = days == "calendar"
        day_count = (END_DAY - FIRST_DAY).days
        at_hour = [FIRST_DAY + timedelta(days=day, hours=STEP_HOUR) for day in range(day_count)]
        self.steps = numpy.array([self.from_wall(wall) for wall in at_hour])
        self.end = self.from_wall(END_DAY)

    def from_wall(self, wall):
        zone = timezone.utc if self.is_calendar else self.zone
        return round(wall.replace(tzinfo=zone).timestamp()) * 1000

    def from_utc(self, utc_ms):
        """The timestamps of the source are instants in UTC, though they do not say so."""
        if not self.is_calendar:
            return utc_ms
        utc = pandas.DatetimeIndex(utc_ms.astype("datetime64[ms]"), tz="UTC")
        wall = utc.tz_convert(self.zone).tz_localize(None)
        return wall.as_unit("ms").asi8


# What is timed


class Orders:
    """One entry per basket, sorted by household and time; `row` is an index into `households`."""

    def __init__(self, households, row, at, gmv_cents):
        order = numpy.argsort(sort_key(row, at))
        self.households = households
        self.row = row[order]
        self.at = at[order]
        self.gmv_cents = gmv_cents[order]


def sort_key(row, at):
    """One number that sorts like (household, time)."""
    return (row << 44) + at


def orders_from_lines(lines, clock):
    basket, baskets = pandas.factorize(lines["basket_id"])
    gross = lines["sales_value"].to_numpy() + lines["retail_disc"].to_numpy()
    gross += lines["coupon_match_disc"].to_numpy()
    gross *= 100
    numpy.rint(gross, out=gross)
    # Whole cents below 2^53 add up exactly in f64.
    gmv_cents = numpy.bincount(basket, weights=gross).astype(numpy.int64)

    at_ms = lines["transaction_timestamp"].to_numpy().astype("datetime64[ms]").view(numpy.int64)
    at = numpy.full(len(baskets), NEVER_MS)
    numpy.minimum.at(at, basket, at_ms)
    household = numpy.empty(len(baskets), numpy.int64)
    household[basket] = lines["household_id"].to_numpy()

    row, households = pandas.factorize(household)
    return Orders(households, row, clock.from_utc(at), gmv_cents)


def replay(orders, clock, holdout_per_million):
    """The touches of each wave, and how many fell silent."""
    steps, at, row = clock.steps, orders.at, orders.row
    next_at = numpy.append(at[1:], NEVER_MS)
    next_at[:-1][row[1:] != row[:-1]] = NEVER_MS
    is_held_out = holdout(orders.households, holdout_per_million)
    earned_before = numpy.concatenate(([0], numpy.cumsum(orders.gmv_cents)))
    key = sort_key(row, at)

    index = numpy.arange(len(at))
    due = at + IDLE_BEFORE_FIRST_WAVE_MS
    waves = []
    for wave in range(WAVES + 1):
        step = numpy.searchsorted(steps, due)
        is_reached = step < len(steps)
        # An order at the very instant of the step comes after it.
        is_reached[is_reached] = next_at[index[is_reached]] >= steps[step[is_reached]]
        index, now = index[is_reached], steps[step[is_reached]]
        if wave == WAVES:
            return waves, len(index)
        window_end = now + WINDOW_MS
        after_window = numpy.searchsorted(key, sort_key(row[index], window_end))
        waves.append({
            "row": row[index],
            "now": now,
            "is_held_out": is_held_out[row[index]],
            "is_measured": window_end <= clock.end,
            "is_converted": next_at[index] < window_end,
            "gmv_cents": earned_before[after_window] - earned_before[index + 1],
        })
        due = now + (BETWEEN_WAVES_MS if wave + 1 < WAVES else SILENT_AFTER_LAST_WAVE_MS)


def holdout(households, per_million):
    """splitmix64 of (id xor salt), modulo a million: the lowest `per_million` are held out."""
    x = households.astype(numpy.uint64) ^ numpy.uint64(HOLDOUT_SALT)
    x += numpy.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    x ^= x >> numpy.uint64(31)
    return x % numpy.uint64(MILLION) < numpy.uint64(per_million)


def summary(waves):
    lines = []
    for number, wave in enumerate(waves, start=1):
        line = {"wave": number, "reached": len(wave["row"])}
        for group, is_member in (("contacted", ~wave["is_held_out"]), ("holdout", wave["is_held_out"])):
            is_measured = is_member & wave["is_measured"]
            measured = int(is_measured.sum())
            converted = int((is_measured & wave["is_converted"]).sum())
            gmv_cents = int(wave["gmv_cents"][is_measured].sum())
            line[group] = {
                "count": int(is_member.sum()),
                "households": int(len(pandas.unique(wave["row"][is_member]))),
                "measured": measured,
                "converted": converted,
                "conversion": converted / measured if measured else None,
                "gmv_cents": gmv_cents,
                "arpu_cents": gmv_cents / measured if measured else None,
            }
        lines.append(line)
    return lines


# The check: the rule told again, one household and one day at a time


def plain_touches(lines, clock):
    """(wave, now, converted, GMV in cents) of one household, the silence as a fourth wave."""
    baskets = {}
    for line in lines.itertuples():
        utc_ms = round(line.transaction_timestamp.tz_localize("UTC").timestamp()) * 1000
        at = int(clock.from_utc(numpy.array([utc_ms]))[0])
        cents = sum(round(value * 100) for value in (line.sales_value, line.retail_disc, line.coupon_match_disc))
        known_at, known_cents = baskets.get(line.basket_id, (at, 0))
        baskets[line.basket_id] = (min(at, known_at), known_cents + cents)
    orders = sorted(baskets.values())
    times = [at for at, _ in orders]

    touches = []
    for now in clock.steps.tolist():
        known = bisect_left(times, now)
        if known == 0:
            continue
        last = times[known - 1]
        since = [touch_at for _, touch_at, _, _ in touches if touch_at > last]
        if len(since) == 0:
            is_due = now - last >= IDLE_BEFORE_FIRST_WAVE_MS
        elif len(since) < WAVES:
            is_due = now - since[-1] >= BETWEEN_WAVES_MS
        else:
            is_due = len(since) == WAVES and now - since[-1] >= SILENT_AFTER_LAST_WAVE_MS
        if is_due:
            window = [cents for at, cents in orders if now <= at < now + WINDOW_MS]
            touches.append((len(since) + 1, now, len(window) > 0, sum(window)))
    return touches


def check(lines, clock, orders, waves, silent, household_count):
    """Compares every touch of some households; with all of them, the silent ones as well."""
    everyone = numpy.sort(orders.households)
    chosen = everyone[numpy.linspace(0, len(everyone) - 1, min(household_count, len(everyone))).astype(int)]
    fast = {household: [] for household in chosen.tolist()}
    for number, wave in enumerate(waves, start=1):
        households = orders.households[wave["row"]]
        is_chosen = numpy.isin(households, chosen)
        columns = (wave[name][is_chosen].tolist() for name in ("now", "is_converted", "gmv_cents"))
        for household, now, is_converted, gmv_cents in zip(households[is_chosen].tolist(), *columns):
            fast[household].append((number, now, is_converted, gmv_cents))

    silent_plain = touches = 0
    by_household = lines[lines["household_id"].isin(chosen)].groupby("household_id")
    for household, of_household in by_household:
        plain = plain_touches(of_household, clock)
        silent_plain += sum(touch[0] > WAVES for touch in plain)
        plain = sorted(touch for touch in plain if touch[0] <= WAVES)
        touches += len(plain)
        if plain != sorted(fast[household]):
            difference = set(plain) ^ set(fast[household])
            sys.exit(f"error: household {household} differs in {sorted(difference)}")
    if len(chosen) == len(everyone) and silent_plain != silent:
        sys.exit(f"error: {silent_plain} fell silent in the plain loop, but {silent} in the fast one")
    print(f"check: {len(chosen)} households, {touches} touches, all equal")


# The command line


def timed(runs, work):
    """The last result, and the seconds of each run."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return result, seconds


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""examples:
  python tests/bench/recall_waves_pandas.py target/data/complete-journey/transactions.parquet
  python tests/bench/recall_waves_pandas.py target/data/complete-journey/transactions.parquet --repeat 10
  python tests/bench/recall_waves_pandas.py data/complete-journey/transactions.parquet --check

The last line of the output is one JSON object.""",
    )
    parser.add_argument("parquet", help="transactions.parquet of Complete Journey, or of its extract")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="use N copies of the data")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="time N runs, report the median (default: 5)")
    parser.add_argument(
        "--zone", default="America/New_York", help="time zone of the store (default: America/New_York)"
    )
    parser.add_argument(
        "--days", choices=["elapsed", "calendar"], default="elapsed",
        help="count days as 24 hours, or on the store's wall clock (default: elapsed)",
    )
    parser.add_argument(
        "--holdout", type=int, default=100_000, metavar="PPM", help="held out, per million (default: 100000)"
    )
    parser.add_argument(
        "--check", type=int, nargs="?", const=50, default=0, metavar="N",
        help="compare with a plain Python loop over N households (50 if N is not given)",
    )
    options = parser.parse_args()
    if options.repeat < 1 or options.runs < 1 or not 0 <= options.holdout <= MILLION:
        parser.error("--repeat and --runs are at least 1, and --holdout lies between 0 and 1000000")
    return options


def main():
    options = arguments()
    clock = Clock(options.zone, options.days)
    try:
        lines = load_lines(options.parquet, options.repeat)
    except FileNotFoundError:
        sys.exit(
            f"error: there is no file `{options.parquet}`\n\n"
            "hint: python data/fetch.py complete-journey --out target/data/complete-journey"
        )

    orders, orders_seconds = timed(options.runs, lambda: orders_from_lines(lines, clock))

    def replay_and_sum_up():
        waves, silent = replay(orders, clock, options.holdout)
        return waves, silent, summary(waves)

    (waves, silent, lines_of_waves), replay_seconds = timed(options.runs, replay_and_sum_up)
    if options.check:
        check(lines, clock, orders, waves, silent, options.check)

    print(f"{'wave':>4} {'group':<9} {'count':>7} {'measured':>8} {'converted':>9} {'rate':>6} {'ARPU':>7}")
    for wave in lines_of_waves:
        for group in ("contacted", "holdout"):
            of = wave[group]
            rate = f"{of['conversion']:.1%}" if of["measured"] else "-"
            arpu = f"{of['arpu_cents'] / 100:.2f}" if of["measured"] else "-"
            print(
                f"{wave['wave']:>4} {group:<9} {of['count']:>7} {of['measured']:>8} {of['converted']:>9}"
                f" {rate:>6} {arpu:>7}"
            )
    print(json.dumps({
        "bench": "recall_waves_pandas",
        "zone": options.zone,
        "days": options.days,
        "holdout_per_million": options.holdout,
        "repeat": options.repeat,
        "lines": len(lines),
        "households": len(orders.households),
        "households_held_out": int(holdout(orders.households, options.holdout).sum()),
        "orders": len(orders.at),
        "gmv_cents": int(orders.gmv_cents.sum()),
        "steps": len(clock.steps),
        "waves": lines_of_waves,
        "silent": silent,
        "orders_from_lines_s": statistics.median(orders_seconds),
        "orders_from_lines_s_range": [min(orders_seconds), max(orders_seconds)],
        "replay_s": statistics.median(replay_seconds),
        "replay_s_range": [min(replay_seconds), max(replay_seconds)],
        "runs": options.runs,
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
        "pandas": pandas.__version__,
        "numpy": numpy.__version__,
    }))


if __name__ == "__main__":
    main()
