"""The note of an unfinished ``enqueue``, so that the same command after a kill completes it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from vouch.core.files import read_json, write_json
from vouch.review.queue import Case, Queue


class Pending:
    """The cases that are about to be put out, and the file they are for.

    Noted before the cases are kept, and forgotten when their file is written.

    Args:
        state: The project's state folder.
        usecase: The use case.
    """

    def __init__(self, state: Path, usecase: str) -> None:
        self._path = state / f"enqueue-{usecase}.json"

    def note(self, queue: Queue, out: Path, cases: Sequence[Case]) -> None:
        """Write which cases are for which file, and how many reviewers each goes before by then."""
        asked = queue.asked()
        counted = {case.case: asked.get(case.case, 0) + 1 for case in cases}
        write_json(self._path, {"out": str(out.resolve()), "cases": counted})

    def forget(self) -> None:
        """Remove the note: the file is written."""
        self._path.unlink(missing_ok=True)

    def is_for(self, out: Path) -> bool:
        """Return whether a killed run was about to write this file."""
        return self._out() == out.resolve()

    def cases(
        self, queue: Queue, out: Path, decided: Callable[[], Mapping[str, int]]
    ) -> list[Case]:
        """Return the cases that a killed run kept and that are in no other file than this one.

        Of a file that is not there, which people may have filled in and handed in by now, only the
        cases that still wait for a decision.

        Args:
            queue: The review store.
            out: The file.
            decided: Counts the people who decided each case.
        """
        other = self._out()
        if other is None or (other != out.resolve() and other.exists()):
            return []
        noted = read_json(self._path)["cases"]
        # an earlier release noted names alone
        chosen = noted if isinstance(noted, dict) else dict.fromkeys(noted, 1)
        asked = queue.asked()
        if any(asked.get(case, 0) < count for case, count in chosen.items()):
            return []  # killed before they were kept
        cases = [case for case in queue.all() if case.case in chosen]
        if out.exists():
            return cases
        done = decided()
        return [case for case in cases if done.get(case.case, 0) < asked[case.case]]

    def _out(self) -> Path | None:
        return Path(read_json(self._path)["out"]) if self._path.exists() else None
