#!/usr/bin/env python3
"""The peer that Stratagem's repurchase models are measured against: `lifetimes`, fitted on the same
rows.

Reads a CSV file with the columns frequency, recency and T (orders after the first, time of the last
of them, time observed; one row a customer), fits each model several times, and prints one JSON line
a model: the seconds of each fit, the parameters, and the log-likelihood.

The log-likelihood is that of the rows as they stand. `lifetimes` rescales time before it fits and
reports the mean of the rescaled one, which no other program's can be compared with; so it is
computed again here, by its own functions, at its parameters in the original time.

Needs, on Python 3.11 (`lifetimes` is no longer maintained, and newer pandas and numpy break it):
  pip install lifetimes==0.11.3 autograd==1.6.2 numpy==1.26.4 pandas==1.5.3 scipy==1.11.4
"""

import argparse
import json
import sys
import time
import warnings

try:
    import numpy
    import pandas
    from lifetimes import BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter
except ImportError as error:
    sys.exit(f"error: {error}\n\nhint: see the head of this file for the versions that go together")

FITTERS = {
    "bg-nbd": BetaGeoFitter,
    "mbg-nbd": ModifiedBetaGeoFitter,
    "pareto-nbd": ParetoNBDFitter,
}


def log_likelihood(fitter, rows):
    """Of the rows in their own time unit, at the fitted parameters."""
    parameters = fitter.params_.to_numpy()
    frequency, recency, age = (rows[name].to_numpy() for name in ("frequency", "recency", "T"))
    if isinstance(fitter, ParetoNBDFitter):
        return float(fitter._conditional_log_likelihood(parameters, frequency, recency, age).sum())
    # The others give the negative mean, for logarithms of the parameters.
    weights = numpy.ones(len(rows))
    arguments = (numpy.log(parameters), frequency, recency, age, weights, 0.0)
    return -float(type(fitter)._negative_log_likelihood(*arguments)) * len(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("csv", help="file with the columns frequency, recency, T")
    parser.add_argument("--models", nargs="+", choices=FITTERS, default=["bg-nbd", "pareto-nbd"])
    parser.add_argument("--runs", type=int, default=3, help="fits of each model (default: 3)")
    arguments = parser.parse_args()

    warnings.simplefilter("ignore")
    rows = pandas.read_csv(arguments.csv, usecols=["frequency", "recency", "T"])
    for model in arguments.models:
        seconds = []
        for _ in range(arguments.runs):
            # It starts the Pareto/NBD at random.
            numpy.random.seed(1)
            fitter = FITTERS[model]()
            start = time.perf_counter()
            fitter.fit(rows["frequency"], rows["recency"], rows["T"])
            seconds.append(time.perf_counter() - start)
        print(
            json.dumps(
                {
                    "what": f"lifetimes {model}",
                    "customers": len(rows),
                    "seconds": seconds,
                    "parameters": {name: float(value) for name, value in fitter.params_.items()},
                    "log-likelihood": log_likelihood(fitter, rows),
                }
            )
        )


if __name__ == "__main__":
    main()
