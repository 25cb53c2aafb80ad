#!/usr/bin/env python3
"""The peer that Stratagem's simulation of new customers is measured against: BG/NBD histories drawn
by vectorised numpy.

All rates and leaving probabilities are drawn at once; then all customers who are still there take
their next order together, until none is left: those whose next order would come after the end, or
who leave after an order, drop out of the arrays. Prints one JSON line: the seconds of each run, and
the mean number of repeat orders, which is E[X(weeks)] up to chance.

Needs: pip install numpy
"""

import argparse
import json
import sys
import time

try:
    import numpy
except ImportError as error:
    sys.exit(f"error: {error}\n\nhint: pip install numpy")


def simulate(generator, customers, weeks, r, alpha, a, b):
    """Repeat orders and time of the last one (0 without), by customer."""
    rate = generator.gamma(r, 1.0 / alpha, customers)
    leaving = generator.beta(a, b, customers)
    orders = numpy.zeros(customers, dtype=numpy.int64)
    last = numpy.zeros(customers)
    there = numpy.arange(customers)
    now = numpy.zeros(customers)
    while len(there):
        # Rates of very small shapes underflow to 0: such a customer never orders.
        with numpy.errstate(divide="ignore"):
            now = now + generator.standard_exponential(len(there)) / rate
        ordered = now <= weeks
        there, now, rate, leaving = there[ordered], now[ordered], rate[ordered], leaving[ordered]
        orders[there] += 1
        last[there] = now
        stays = generator.random(len(there)) >= leaving
        there, now, rate, leaving = there[stays], now[stays], rate[stays], leaving[stays]
    return orders, last


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--weeks", type=float, default=39.0)
    parser.add_argument(
        "--parameters",
        nargs=4,
        type=float,
        default=[0.243, 4.414, 0.793, 2.426],
        metavar=("R", "ALPHA", "A", "B"),
        help="of the BG/NBD (default: CDNOW's)",
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    seconds = []
    for run in range(arguments.runs):
        generator = numpy.random.default_rng(arguments.seed + run)
        start = time.perf_counter()
        orders, _ = simulate(generator, arguments.customers, arguments.weeks, *arguments.parameters)
        seconds.append(time.perf_counter() - start)
    print(
        json.dumps(
            {
                "what": "numpy bg-nbd",
                "customers": arguments.customers,
                "seconds": seconds,
                "mean-repeat-orders": float(orders.mean()),
            }
        )
    )


if __name__ == "__main__":
    main()
