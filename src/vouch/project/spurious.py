"""Features and words that are right for the wrong reasons: no model is given them.

They stand in ``params.yaml`` under ``tune``, so git keeps who marked what and DVC trains again.
"""

from pathlib import Path
from typing import Any

from vouch import usecases
from vouch.core.errors import VouchError, suggest
from vouch.core.files import replacing
from vouch.core.settings import load_params, no_section
from vouch.project.stages import GOLD
from vouch.results.extract import Extracted

FIELD = "spurious"


def listed(root: Path, usecase: str) -> tuple[str, ...]:
    """Return what is marked, in order.

    Raises:
        VouchError: The parameter file is broken.
    """
    kind = usecases.find(usecase).tune_params()
    return load_params(root / "params.yaml", kind, "tune", usecase).spurious


def mark(root: Path, usecase: str, name: str) -> tuple[str, ...]:
    """Mark a feature or a word; one that is marked already changes nothing.

    Args:
        root: The project's folder.
        usecase: Whose models shall go without it.
        name: A feature's name, or what a report says of it; of texts a word.

    Returns:
        What is marked now.

    Raises:
        VouchError: There is no such feature, or the parameter file is broken.
    """
    present, feature = listed(root, usecase), _known(root, usecase, name)
    return present if feature in present else _write(root, usecase, (*present, feature))


def undo(root: Path, usecase: str, name: str) -> tuple[str, ...]:
    """Take a mark back.

    Raises:
        VouchError: It is not marked, or the parameter file is broken.
    """
    present, feature = listed(root, usecase), name.strip()
    if usecases.find(usecase).raw_features:
        feature = feature.lower()
    if feature not in present:
        raise VouchError(f"{feature!r} is not marked as spurious", suggest(feature, present))
    return _write(root, usecase, tuple(each for each in present if each != feature))


def _known(root: Path, usecase: str, name: str) -> str:
    """Return the name models know it by."""
    if not name.strip():
        raise VouchError(f"{name!r}: names nothing", "give a feature's name, or a word")
    if usecases.find(usecase).raw_features:  # any word may stand in a text
        return name.strip().lower()
    path = root / GOLD.format(usecase=usecase) / "extract.json"
    if not path.exists():
        raise VouchError(f"{path}: no features are known yet", f"vouch run {usecase}")
    features = Extracted.read(path).features
    names = {feature["name"]: feature["name"] for feature in features}
    names |= {f["description"]: f["name"] for f in features if f.get("description")}
    if name.strip() not in names:
        raise VouchError(f"no feature {name!r}", suggest(name, [f["name"] for f in features]))
    return names[name.strip()]


def _write(root: Path, usecase: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Write the list into the parameter file; comments and all else stay."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedSeq
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    path, yaml = root / "params.yaml", YAML()
    yaml.preserve_quotes, yaml.width = True, 4096
    content: Any = yaml.load(path.read_text("utf-8"))
    if not isinstance(content.get("tune", {}).get(usecase), dict):
        raise no_section(path, "tune", usecase)
    # in quotes: the word "no" is a word
    section, marked = content["tune"][usecase], CommentedSeq(map(DoubleQuotedScalarString, names))
    marked.fa.set_flow_style()
    section.pop(FIELD, None)
    if names:
        section.insert(0, FIELD, marked)
    with replacing(path) as draft, draft.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)
    return names
