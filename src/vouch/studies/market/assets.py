"""Which asset a handle, ticker, hashtag or word stands for."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vouch.core.errors import VouchError
from vouch.core.files import read_yaml

DEFAULT = Path(__file__).parent / "assets.yaml"
MARKS = "@#$"
QUOTES = re.compile(r"[-_/]?(usdt|usdc|busd|usd|eur)$")
"""What a price is in, at the end of a pair's name."""
EXAMPLE = "such as BTC: {bare: [btc, bitcoin], marked: [xbt]}, or a CSV file: asset,name,bare"


@dataclass(frozen=True)
class Assets:
    """The table.

    Attributes:
        names: Lower-case name without a mark to the asset's ticker.
        bare: Those that also count as a word without a mark.
    """

    names: Mapping[str, str]
    bare: frozenset[str]

    def find(self, name: str) -> str | None:
        """Return the asset a handle, ticker or pair stands for, or None.

        Args:
            name: Such as ``@btc``, ``Bitcoin`` or ``BTCUSDT``.
        """
        plain = name.strip().lstrip(MARKS).lower()
        return self.names.get(plain) or self.names.get(QUOTES.sub("", plain))

    def tokens(self) -> dict[str, str]:
        """Return the asset of every word that a text may name it by, in lower case."""
        marked = {mark + name: asset for name, asset in self.names.items() for mark in MARKS}
        return marked | {name: self.names[name] for name in self.bare}


def load_assets(path: Path = DEFAULT) -> Assets:
    """Read a table of assets.

    Args:
        path: YAML (ticker to ``{bare: [...], marked: [...]}``) or CSV (columns asset, name and,
            optionally, bare: 1 or 0).

    Raises:
        VouchError: No such file, not this form, or a name that two assets bear; names the field.
    """
    rows = _from_csv(path) if path.suffix.lower() == ".csv" else _from_yaml(path)
    names: dict[str, str] = {}
    for asset, name, _ in rows:
        if names.setdefault(name, asset) != asset:
            raise VouchError(
                f"{path}: {name!r} stands for both {names[name]} and {asset}", "keep one of them"
            )
    if not names:
        raise VouchError(f"{path}: names no asset", EXAMPLE)
    return Assets(names, frozenset(name for _, name, bare in rows if bare))


def _from_yaml(path: Path) -> list[tuple[str, str, bool]]:
    rows: list[tuple[str, str, bool]] = []
    for asset, called in read_yaml(path).items():
        if not isinstance(called, dict) or not called.keys() <= {"bare", "marked"}:
            raise VouchError(f"{path}: {asset}: must have bare and marked, got {called!r}", EXAMPLE)
        for kind, listed in called.items():
            rows += [(str(asset).upper(), _name(path, asset, n), kind == "bare") for n in listed]
        rows.append((str(asset).upper(), str(asset).lower(), False))
    return rows


def _name(path: Path, asset: Any, name: Any) -> str:
    if not isinstance(name, str) or not name.strip(MARKS + " "):
        raise VouchError(f"{path}: {asset}: {name!r} is no name", EXAMPLE)
    return name.strip().lstrip(MARKS).lower()


def _from_csv(path: Path) -> list[tuple[str, str, bool]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            fields = set(reader.fieldnames or ())
            rows = list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise VouchError(f"{path}: cannot be read ({error})", "check the path") from None
    if missing := {"asset", "name"} - fields:
        raise VouchError(f"{path}: no column {', '.join(sorted(missing))}", EXAMPLE)
    return [
        (
            str(row["asset"]).strip().upper(),
            _name(path, row["asset"], row["name"]),
            (row.get("bare") or "0").strip().lower() in {"1", "yes", "true"},
        )
        for row in rows
    ]
