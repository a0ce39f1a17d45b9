"""Where a use case's own code is, as DVC depends on it."""

from pathlib import Path

from vouch import usecases
from vouch.core.code import package_digest
from vouch.core.files import replacing


def code_of(root: Path, usecase: str) -> str:
    """Return what the stages of a use case depend on beside the shared code.

    Args:
        root: The project's folder.
        usecase: Which use case.

    Returns:
        Its folder in this repository; of an installed package a file that holds the digest of
        its code, written here, as a path relative to the root.

    Raises:
        VouchError: The installed package is not there.
    """
    if usecase not in usecases.installed():
        return f"src/vouch/usecases/{usecase}"
    place = f"data/usecases/{usecase}.txt"
    digest = f"{package_digest(usecases.installed()[usecase].module)}\n"
    if not (root / place).exists() or (root / place).read_text() != digest:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        with replacing(root / place) as draft:
            draft.write_text(digest)
    return place
