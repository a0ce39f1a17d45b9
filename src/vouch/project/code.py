"""Where a use case's own code is, as DVC depends on it."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from vouch import usecases
from vouch.core.errors import VouchError
from vouch.core.files import replacing, sha256

SUFFIXES = (".py", ".html", ".css", ".json", ".yaml")


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


def package_digest(module: str) -> str:
    """Return the SHA-256 of a module's file, or of all code and templates of a package.

    Raises:
        VouchError: There is no such module.
    """
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise VouchError(f"{module}: no such module", "install the package of the use case again")
    origin = Path(spec.origin)
    folder = origin.parent if spec.submodule_search_locations else origin
    files = sorted(folder.rglob("*")) if folder.is_dir() else [origin]
    digest = hashlib.sha256()
    for file in files:
        if file.suffix in SUFFIXES and file.is_file():
            digest.update(f"{file.relative_to(origin.parent)} {sha256(file)}\n".encode())
    return digest.hexdigest()
