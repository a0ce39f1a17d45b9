"""Shapley values of tree models, exact: what each feature adds to a model's margin in one case.

Lundberg, Erion, Lee: Consistent individualized feature attribution for tree ensembles, 2018; as
they call it path-dependent: the expectation over the features that are not known follows the
training rows' way through each tree.

XGBoost computes them in its own library. Scikit-learn's trees are handed to it as boosted trees
that add up to the same: the package ``shap`` reads them too, but takes seconds to import and 200 MB
(numba, llvmlite); the tests compare.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ROOT = 2**31 - 1
"""What XGBoost's files give as the parent of a tree's root."""


@dataclass(frozen=True)
class Contributions:
    """What features add to a model's margin.

    Attributes:
        values: Each feature's part, shape (rows, features).
        base: The margin where nothing is known.
    """

    values: Floats
    base: float

    @property
    def margins(self) -> Floats:
        """The model's margin of each row, which base and parts add up to, shape (rows,)."""
        return np.asarray(self.base + self.values.sum(axis=1))

    @property
    def whole(self) -> tuple[float, float]:
        """The base and the first row's margin."""
        return self.base, float(self.margins[0])


@dataclass(frozen=True)
class TreeShap:
    """Explains a tree model; see the module.

    Attributes:
        booster: XGBoost's booster.
        group: The class whose margin is explained; None: the booster has one margin.
        shift: What is added to its margin to be the model's.
    """

    booster: Any
    group: int | None = None
    shift: float = 0.0

    def explain(self, rows: Any) -> Contributions:
        """Compute the contributions.

        Args:
            rows: Dense or sparse, shape (rows, features), at least one; NaN is undefined.
        """
        import xgboost

        computed = self.booster.predict(xgboost.DMatrix(rows, nthread=1), pred_contribs=True)
        parts = computed if self.group is None else computed[:, self.group]
        return Contributions(parts[:, :-1].astype(np.float64), float(parts[0, -1]) + self.shift)


def of_trees(estimator: Any, column: int) -> TreeShap:
    """Return what explains a scikit-learn tree or forest by the probability of a class.

    Args:
        estimator: A fitted classifier with ``tree_`` or ``estimators_``.
        column: The class's place among the estimator's own.
    """
    import xgboost

    trees = [each.tree_ for each in getattr(estimator, "estimators_", [estimator])]
    features = int(estimator.n_features_in_)
    numbered = [_tree(i, tree, column, len(trees), features) for i, tree in enumerate(trees)]
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(json.dumps(_model(numbered, features)).encode()))
    return TreeShap(booster)


def _tree(number: int, tree: Any, column: int, trees: int, features: int) -> dict[str, Any]:
    """Return a tree in XGBoost's terms: a leaf's value stands for its threshold."""
    nodes = tree.__getstate__()["nodes"]
    inner = np.flatnonzero(nodes["left_child"] >= 0)
    # XGBoost takes a right child to stand next to the left one
    numbers = np.zeros(len(nodes), int)
    numbers[nodes["left_child"][inner]] = 1 + 2 * np.arange(len(inner))
    numbers[nodes["right_child"][inner]] = 2 + 2 * np.arange(len(inner))
    left, parents = np.full(len(nodes), -1), np.full(len(nodes), ROOT)
    left[numbers[inner]] = 1 + 2 * np.arange(len(inner))
    parents[1:] = np.repeat(numbers[inner], 2)
    order = np.argsort(numbers)
    nodes, values = nodes[order], tree.value[order, 0, column] / trees
    leaf = left < 0
    right = np.where(leaf, -1, left + 1)
    return {
        "id": number,
        "base_weights": values.tolist(),
        "left_children": left.tolist(),
        "right_children": right.tolist(),
        "parents": parents.tolist(),
        "split_indices": np.where(leaf, 0, nodes["feature"]).tolist(),
        "split_conditions": np.where(leaf, values, _below(nodes["threshold"])).tolist(),
        "split_type": [0] * len(nodes),
        "default_left": np.where(leaf, 0, nodes["missing_go_to_left"]).tolist(),
        "sum_hessian": nodes["weighted_n_node_samples"].tolist(),
        "loss_changes": nodes["impurity"].tolist(),
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
        "tree_param": {
            "num_deleted": "0",
            "num_feature": str(features),
            "num_nodes": str(len(nodes)),
            "size_leaf_vector": "1",
        },
    }


def _below(thresholds: Floats) -> Floats:
    """Return float32 thresholds: a float32 is below one just if it is at most the double given.

    Scikit-learn goes left up to a threshold, XGBoost below it. An infinite one lets all pass that
    are defined; XGBoost's file has no infinity, the largest float32 stops none but itself.
    """
    largest = np.finfo(np.float32).max
    narrow = np.clip(thresholds, -largest, largest).astype(np.float32)
    lower = np.where(narrow > thresholds, np.nextafter(narrow, np.float32(-np.inf)), narrow)
    above = np.nextafter(np.minimum(lower, np.nextafter(largest, np.float32(0))), largest)
    return above.astype(np.float64)


def _model(trees: list[dict[str, Any]], features: int) -> dict[str, Any]:
    count = len(trees)
    return {
        "version": [3, 0, 0],
        "learner": {
            "attributes": {},
            "feature_names": [],
            "feature_types": [],
            "gradient_booster": {
                "name": "gbtree",
                "model": {
                    "gbtree_model_param": {"num_trees": str(count), "num_parallel_tree": "1"},
                    "iteration_indptr": list(range(count + 1)),
                    "tree_info": [0] * count,
                    "trees": trees,
                },
            },
            "learner_model_param": {
                "base_score": "0",
                "boost_from_average": "1",
                "num_class": "0",
                "num_feature": str(features),
                "num_target": "1",
            },
            "objective": {
                "name": "reg:squarederror",
                "reg_loss_param": {"scale_pos_weight": "1"},
            },
        },
    }
