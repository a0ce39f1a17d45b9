"""Opening the next generation of a holdout; the old one's rows become training data."""

from dataclasses import dataclass, replace
from pathlib import Path

from vouch.core.errors import VouchError
from vouch.holdout.ledger import HoldoutKey, Ledger
from vouch.project.inputs import INPUTS, Choice, load_inputs, save_choice
from vouch.project.paths import STATE
from vouch.project.stages import find
from vouch.results.extract import Extracted


@dataclass(frozen=True)
class Rotation:
    """The result of a rotation.

    Attributes:
        usecase: Whose holdout.
        generation: The one that the next run of the pipeline cuts.
        reserved: Rows kept for the new holdout so far; None without times, or where it was recorded
            before.
        positives: How many positives to expect among them, at the training rows' share; likewise.
    """

    usecase: str
    generation: int
    reserved: int | None
    positives: float | None


def rotate(root: Path, usecase: str, few: int, force: bool = False) -> Rotation:
    """Open the next generation: recorded, written to ``data/inputs.yaml``, cut by the next run.

    A fresh holdout needs rows nobody has asked about or learned from. By time these are the rows
    newer than the old holdout that were kept for it; without times, those of parties that were kept
    from the first training on. A rotation is for good once it is recorded: one that was killed
    before it was written, or was undone there, is only written.

    Args:
        root: The project's folder.
        usecase: Whose holdout.
        few: Below so many expected positives the new holdout could tell nothing.
        force: Rotate although the new holdout will be too small.

    Raises:
        VouchError: The pipeline has not run on the present generation, or nothing newer was
            kept, or, unless forced, too little.
        TamperedError: The ledger was changed; nothing is opened.
    """
    choice, ledger = load_inputs(root / INPUTS).choice(usecase), Ledger(root / STATE)
    present = HoldoutKey(usecase, choice.source, choice.set, choice.generation)
    newest = ledger.newest(present)
    if newest > choice.generation:
        rotation = Rotation(usecase, newest, None, None)
    else:
        rotation = _checked(root, usecase, choice, few, force)
        ledger.rotate(replace(present, generation=rotation.generation))
    save_choice(root, usecase, choice.model_copy(update={"generation": rotation.generation}))
    return rotation


def _checked(root: Path, usecase: str, choice: Choice, few: int, force: bool) -> Rotation:
    """Return a rotation to a holdout that can tell something."""
    path = root / find("extract").outputs["summary"].format(usecase=usecase)
    extracted = Extracted.read(path)
    if (extracted.set, extracted.generation) != (choice.set, choice.generation):
        message = f"{path}: not of generation {choice.generation} of set {choice.set}"
        raise VouchError(message, f"vouch run {usecase}, then rotate")
    rotation = _plan(usecase, choice, extracted)
    if rotation.positives is not None and rotation.positives < few and not force:
        raise VouchError(
            f"{path}: {rotation.reserved} newer rows are kept for the next holdout, about "
            f"{rotation.positives:.0f} positives: too few to tell (fewer than {few})",
            f"add newer rows (vouch run {usecase} --add FILE), or rotate with --force",
        )
    return rotation


def _plan(usecase: str, choice: Choice, extracted: Extracted) -> Rotation:
    if choice.held_out:
        raise VouchError(
            f"{INPUTS}: the holdout of set {choice.set} was given as a file",
            f"bring other rows to be asked about: vouch run {usecase} --holdout FILE",
        )
    if extracted.until is None:
        if not extracted.rows["reserved"]:
            raise VouchError(
                f"{INPUTS}: no rows of set {choice.set} are kept for another holdout: all others "
                "were asked about or learned from",
                f"bring rows that no model learned from: vouch run {usecase} --holdout FILE",
            )
        return Rotation(usecase, choice.generation + 1, None, None)
    reserved = extracted.rows["reserved"]
    if not reserved:
        raise VouchError(
            f"no rows newer than {extracted.until}, where the holdout ends, are kept for the next "
            "one: it would be rows that were asked about or learned from already",
            f"vouch run {usecase} --add FILE with newer rows",
        )
    positives = reserved * extracted.share()
    return Rotation(usecase, choice.generation + 1, reserved, positives)
