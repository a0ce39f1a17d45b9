"""Random search and TPE under the same budget, over a few seeds, on the same folds.

    python benchmarks/tuning.py data/gold/fraud --trials 12 --seeds 3
    python benchmarks/tuning.py data/gold/fraud --seconds 60 --seeds 3

Prints, for each seed, what each sampler reached with its budget, and the ratio of TPE's average
precision to random search's: above 1 means TPE found the better candidate. Both begin with the
same default of each algorithm; ``default`` is what these alone reach.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import geometric_mean

from vouch.core.files import write_json
from vouch.models.params import Budget
from vouch.models.search import Search
from vouch.results.extract import Extracted
from vouch.usecases.fraud.candidate import ALGORITHMS
from vouch.usecases.fraud.params import TuneParams
from vouch.usecases.fraud.space import Offer
from vouch.usecases.fraud.tune import lay_out


def main():
    options = parse()
    budget = Budget(trials=options.trials, seconds=options.seconds)
    rows = [measure(options.gold, budget, seed, options.rows) for seed in range(options.seeds)]
    ratio = geometric_mean(row["ratio"] for row in rows)
    result = {"budget": budget.model_dump(exclude_none=True), "seeds": rows, "ratio": ratio}
    print(json.dumps(result, indent=2))
    if options.json:
        write_json(options.json, result)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gold", type=Path, help="folder with train.parquet and extract.json")
    parser.add_argument("--trials", type=int, help="budget of each sampler")
    parser.add_argument("--seconds", type=float, help="budget of each sampler, instead of trials")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=40_000, help="rows a candidate is fitted on")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    if options.trials is None and options.seconds is None:
        options.trials = 12
    return options


def measure(gold, budget, seed, rows):
    params = TuneParams(budget=budget, seed=seed, search_rows=rows)
    offer = Offer.of(Extracted.read(gold / "extract.json").features)
    ground = lay_out(gold / "train.parquet", offer, params)
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "search.journal"
        records = Search(journal, params, offer, ground.objective).run()
    reached = {name: told(records, name) for name in params.samplers}
    reached["default"] = told([r for r in records if r.position < len(ALGORITHMS)], "random")
    ratio = reached["tpe"]["average_precision"] / reached["random"]["average_precision"]
    return {"seed": seed, **reached, "ratio": ratio}


def told(records, sampler):
    own = [r for r in records if r.sampler == sampler]
    return {
        "average_precision": max(r.value or 0.0 for r in own),
        "trials": len(own),
        "seconds": round(sum(r.seconds for r in own), 1),
    }


if __name__ == "__main__":
    main()
