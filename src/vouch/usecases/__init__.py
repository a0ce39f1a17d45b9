"""The use cases: one folder each, or packages of their own; the rest follows from roles.

A folder here, or an installed package's entry point in the group ``vouch.usecases``, exposes
``USECASE``; see :mod:`vouch.usecases.contract`.
"""

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules

from vouch.core.code import package_digest
from vouch.core.errors import VouchError, suggest
from vouch.usecases.contract import UseCase

# every command imports this module to know its commands: nothing heavy may come along
GROUP = "vouch.usecases"


@cache
def names() -> tuple[str, ...]:
    """Return the names of all use cases: this package's folders, then installed ones."""
    return tuple(dict.fromkeys([*_folders(), *sorted(installed())]))


def _folders() -> list[str]:
    return [module.name for module in iter_modules(__path__) if module.ispkg]


@cache
def installed() -> dict[str, EntryPoint]:
    """Return the entry points of use cases that other packages bring, by name."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


@cache
def find(name: str) -> UseCase:
    """Return a use case by its name.

    Raises:
        VouchError: No use case has that name, suggests the near one; or an installed one cannot
            be loaded, or bears the name of another.
    """
    if name not in names():
        raise VouchError(f"no use case {name!r}", suggest(name, names()))
    if name in installed():
        if name in _folders():
            raise _broken(name, "has the name of one that vouch brings")
        return _load(name)
    usecase: UseCase = import_module(f"{__name__}.{name}").USECASE
    return usecase


def own_code(name: str) -> str:
    """Return a digest of the code of a use case that another package brings; else nothing."""
    return package_digest(installed()[name].module) if name in installed() else ""


def _load(name: str) -> UseCase:
    try:
        usecase = installed()[name].load()
    except Exception as error:
        raise _broken(name, f"cannot be loaded: {error}") from None
    if not isinstance(usecase, UseCase) or usecase.name != name:
        raise _broken(name, f"is no UseCase called {name!r}")
    return usecase


def _broken(name: str, reason: str) -> VouchError:
    entry = installed()[name]
    package = entry.dist.name if entry.dist else entry.value
    return VouchError(f"use case {name!r} of package {package} {reason}", "mend or uninstall it")


__all__ = ["UseCase", "find", "installed", "names", "own_code"]
