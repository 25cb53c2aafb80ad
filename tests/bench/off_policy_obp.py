"""The peer of `stratagem evaluate`: obp's self-normalised estimate with its bootstrap interval, timed.

Reads a campaign of the Open Bandit sample, evaluates the uniform policy over its items, and prints one line of JSON:
the seconds of each run, the value, and the interval. Reading the file is not timed.

obp divides by the mean weight of the whole log once and then resamples rows: the weights are not normalised anew in
each draw, so that its interval is that of IPW over a constant. The time is what is compared.

obp 0.5.7 asks for an older Python and imports torch, of which this estimator uses nothing. It is installed without its
dependencies, its estimators are loaded without the rest of the package, and torch is an empty module.

Needs: pip install numpy scipy scikit-learn pandas && pip install --no-deps --ignore-requires-python obp==0.5.7
Data:  python data/fetch.py open-bandit --out target/data/open-bandit
Usage: python tests/bench/off_policy_obp.py target/data/open-bandit/bts/men/men.csv
"""

import argparse
import importlib.util
import json
import sys
import time
import types
from pathlib import Path

import pandas as pd


def estimators() -> types.ModuleType:
    """obp/ope/estimators.py with the two modules it imports, and nothing else of the package."""
    root = Path(importlib.util.find_spec("obp").submodule_search_locations[0])
    sys.modules["torch"] = types.ModuleType("torch")
    # obp names the first in an annotation, scipy asks for the second once torch is there.
    sys.modules["torch"].tensor = sys.modules["torch"].Tensor = type("Tensor", (), {})
    for name, path in [("obp", root), ("obp.ope", root / "ope")]:
        package = types.ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules[name] = package
    return importlib.import_module("obp.ope.estimators")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", type=Path, help="a campaign's CSV file: item_id, position, click, propensity_score")
    parser.add_argument("--draws", type=int, default=10_000, help="bootstrap draws")
    parser.add_argument("--runs", type=int, default=3, help="runs")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    log = pd.read_csv(arguments.log)
    items, positions = log["item_id"].nunique(), log["position"].nunique()
    columns = {
        "reward": log["click"].to_numpy(dtype=float),
        "action": log["item_id"].to_numpy(),
        "position": log["position"].to_numpy() - 1,
        "pscore": log["propensity_score"].to_numpy(),
    }
    uniform = pd.DataFrame(1 / items, index=range(len(log)), columns=range(items)).to_numpy()
    columns["action_dist"] = uniform[:, :, None].repeat(positions, axis=2)
    estimator = estimators().SelfNormalizedInverseProbabilityWeighting()

    seconds = []
    for _ in range(arguments.runs):
        start = time.perf_counter()
        value = estimator.estimate_policy_value(**columns)
        interval = estimator.estimate_interval(
            **columns, n_bootstrap_samples=arguments.draws, random_state=arguments.seed
        )
        seconds.append(time.perf_counter() - start)
    low, high = interval["95.0% CI (lower)"], interval["95.0% CI (upper)"]
    print(json.dumps({"seconds": seconds, "value": float(value), "low": float(low), "high": float(high)}))


if __name__ == "__main__":
    main()
