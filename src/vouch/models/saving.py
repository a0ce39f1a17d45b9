"""Estimators as files, without pickle: skops for scikit-learn, .ubj for XGBoost."""

import re
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

from vouch.core.errors import VouchError
from vouch.core.files import sha256

TRUSTED = ("numpy.dtype", "sklearn.tree._tree.Tree")  # beyond what skops itself trusts


def dump_estimator(estimator: Any) -> bytes:
    """Write as skops does, without what differs from run to run: memory addresses and the clock."""
    from skops import io

    numbers: dict[str, str] = {}
    packed, result = ZipFile(BytesIO(io.dumps(estimator))), BytesIO()
    schema = re.sub(
        r'("__id__": |"file": ")(\d+)',
        lambda found: found[1] + numbers.setdefault(found[2], str(len(numbers))),
        packed.read("schema.json").decode(),
    )
    with ZipFile(result, "w") as file:
        for name in sorted(packed.namelist(), key=lambda n: int(numbers.get(Path(n).stem, -1))):
            content = schema.encode() if name == "schema.json" else packed.read(name)
            stem, suffix = Path(name).stem, Path(name).suffix
            file.writestr(ZipInfo(numbers.get(stem, stem) + suffix), content)
    return result.getvalue()


def read_estimator(path: Path, digest: str) -> Any:
    """Read a scikit-learn estimator (.skops) or an XGBoost booster (.ubj).

    Raises:
        VouchError: The file is missing, is not the one of the digest, or holds a strange type.
    """
    if not path.exists():
        raise VouchError(f"{path}: no such file", "run tune again")
    # checked first: XGBoost ends the process on a damaged file
    if sha256(path) != digest:
        raise VouchError(f"{path}: damaged, or another model's", "run tune again")
    if path.suffix == ".ubj":
        import xgboost

        return xgboost.Booster(model_file=path)
    from skops import io

    if strange := set(io.get_untrusted_types(file=path)) - set(TRUSTED):
        raise VouchError(f"{path}: holds the type {min(strange)}", "load only models of tune")
    return io.load(path, trusted=list(TRUSTED))
