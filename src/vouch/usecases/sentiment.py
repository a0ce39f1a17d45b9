"""Sentiment: what a source of texts must declare to be of use."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vouch.core.errors import VouchError

if TYPE_CHECKING:
    from vouch.sources.declaration import Declaration

CLASSES: tuple[str, ...] = ("negative", "neutral", "positive")
TRUTH = "given"
"""Labels come with the texts, or are given later, by whoever collected them."""
PARTS: Mapping[str, str] = {
    "validate.suite": "vouch.text.suite:texts",
    "label.rule": "vouch.text.vader:apply",
    "extract.params": "vouch.extract.params:SplitParams",
    "extract.features": "vouch.text.extract:labelled",
    "tune": "vouch.text.tune:tune",
    "tune.params": "vouch.text.params:TextTuneParams",
    "tune.load": "vouch.text.models:load",
    "evaluate.candidate": "vouch.text.evaluate:TextCandidate",
    "explain": "vouch.text.explain:explain",
    "explain.reasons": "vouch.text.explain:reasons",
    "explain.params": "vouch.text.params:TextExplainParams",
    "register.package": "vouch.text.packaging:package",
    "report.content": "vouch.text.report:content",
    "report.slices": "vouch.text.slices:of_rows",
}
"""What reads words rather than numbers."""
COMMANDS: Mapping[str, str] = {
    "market": "vouch.studies.market.command:market",
    "simulate tweets": "vouch.review.simulate:tweets",
}


def check(declaration: "Declaration", path: Path) -> None:
    """Check that a declaration has what the sentiment pipeline cannot do without.

    Args:
        declaration: The source.
        path: Its file, for the message.

    Raises:
        VouchError: No text, two columns would bear one name, label values that are not three
            classes, or nothing would ever label a row.
    """
    from vouch.usecases.needs import check_classes, check_names, check_roles

    check_names(declaration, path)
    check_roles(declaration, path, ("text",))
    if not declaration.has("label") and declaration.rule is None:
        raise VouchError(
            f"{path}: neither a column with the role 'label' nor a rule: nothing labels the texts",
            "declare the label column, or rule: {name: vader, lexicon: vader}",
        )
    if declaration.rule and not declaration.rule.lexicon:
        raise VouchError(
            f"{path}: rule: a condition (where) tells two classes apart, but there are three",
            "give the rule a lexicon: {name: vader, lexicon: vader, threshold: 0.05}",
        )
    check_classes(declaration, path, CLASSES)
