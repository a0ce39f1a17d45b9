"""Parts of every packaged model: its files and the packages it needs."""

from importlib.metadata import version

MODEL = "vouch"  # our own model folder inside MLflow's
EVIDENCE = "evidence"  # the model's inputs and results, kept beside it
COMMON = ("mlflow", "numpy", "pandas", "pydantic", "pyyaml")
LEARNERS = {"xgboost": ("xgboost-cpu",)}
SKLEARN = ("scikit-learn", "skops")


def requirements(algorithm: str, more: tuple[str, ...] = ()) -> list[str]:
    """Return the packages the model needs, pinned to the versions it was made with.

    The package itself is not listed: it is installed from its repository, and a name that is not
    ours on a public index must not be fetched in its place.

    Args:
        algorithm: The candidate's learner.
        more: Packages beside those of every model.

    Returns:
        ``name==version`` each, sorted.
    """
    names = sorted({*COMMON, *LEARNERS.get(algorithm, SKLEARN), *more})
    return [f"{name}=={version(name)}" for name in names]
