"""Digests of code: what was made by other code may be another thing."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from vouch.core.errors import VouchError
from vouch.core.files import sha256

SUFFIXES = (".py", ".html", ".css", ".json", ".yaml")


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
