#!/usr/bin/env python3
"""The peer that Stratagem's bootstrap is measured against: a difference of two arms' means, resampled
by vectorised numpy.

Each draw takes as many rows of an arm as it has, at random with replacement, and their mean. Prints
one JSON line: the seconds of each run, and the 95 % percentile interval.

Needs: pip install numpy
Usage: python tests/bench/bootstrap_numpy.py arms.csv   (columns treated and value, one row a customer)
"""

import argparse
import json
import sys
import time

try:
    import numpy
except ImportError as error:
    sys.exit(f"error: {error}\n\nhint: pip install numpy")


def draw_means(generator, values, draws):
    """The mean of each of `draws` samples. Indices are made a draw at a time: all at once do not fit a cache."""
    means = numpy.empty(draws)
    for draw in range(draws):
        means[draw] = values[generator.integers(0, len(values), len(values), dtype=numpy.int32)].mean()
    return means


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("csv", help="file with the columns treated (0 or 1) and value")
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    treated, value = numpy.loadtxt(arguments.csv, delimiter=",", skiprows=1, unpack=True)
    arms = value[treated == 1], value[treated == 0]
    seconds = []
    for run in range(arguments.runs):
        generator = numpy.random.default_rng(arguments.seed + run)
        start = time.perf_counter()
        means, control_means = (draw_means(generator, arm, arguments.draws) for arm in arms)
        interval = numpy.percentile(means - control_means, [2.5, 97.5])
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"what": "numpy bootstrap", "customers": len(value), "seconds": seconds, "interval": interval.tolist()}))


if __name__ == "__main__":
    main()
