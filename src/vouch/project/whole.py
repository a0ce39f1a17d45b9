"""DVC's own small files, written whole or not at all.

DVC 3.67.1 opens ``dvc.lock``, a ``.dvc`` file or its list of files in use and then writes: killed
in between it leaves them empty, and refuses them ever after. It has no hook for that. So
``vouch-dvc.pth``, installed beside vouch, calls :func:`install` in every Python of the
environment, a bare ``dvc repro`` included; it costs nothing until DVC is imported.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, TextIO


def install() -> None:
    """Make DVC write whole files in this process, whether it is imported already or not."""
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _Finder())
    for name, change in CHANGES.items():
        if name in sys.modules:
            change(sys.modules[name])
    # those modules hold the function by name
    if dump := getattr(sys.modules.get("dvc.utils.serialize._common"), "_dump_data", None):
        for part in ("yaml", "json", "toml", "py"):
            if module := sys.modules.get(f"dvc.utils.serialize._{part}"):
                vars(module)["_dump_data"] = dump


@contextmanager
def _writing(path: str | os.PathLike[str]) -> Iterator[TextIO]:
    """Open a draft beside the file, which takes its place in one step."""
    from vouch.core.files import replacing

    place = Path(path).resolve()  # a link stays a link
    with replacing(place) as draft, draft.open("w+", encoding="utf-8") as file:
        if place.exists():
            shutil.copymode(place, draft)
        yield file


def _dump(path: Any, data: Any, dumper: Callable[..., Any], fs: Any = None, **words: Any) -> None:
    with _writing(path) as file:
        dumper(data, file, **words)


class _Whole:
    """DVC's file system for its list of files in use; one that is damaged counts as none."""

    def __init__(self, fs: Any) -> None:
        self._fs = fs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def open(self, path: str, mode: str = "r", **words: Any) -> Any:
        if "w" in mode:
            return _writing(path)
        try:
            json.loads(Path(path).read_text(encoding="utf-8"))
        except ValueError:
            raise FileNotFoundError(path) from None
        return self._fs.open(path, mode, **words)


def _change_dumps(module: ModuleType) -> None:
    vars(module)["_dump_data"] = _dump


def _change_list(module: ModuleType) -> None:
    edit = module._edit_rwlock

    def whole(lock_dir: str, fs: Any, hardlink: bool) -> Any:
        return edit(lock_dir, _Whole(fs), hardlink)

    vars(module)["_edit_rwlock"] = whole
    # it asks psutil for nothing but this
    vars(module)["psutil"] = SimpleNamespace(pid_exists=alive)


def alive(pid: int) -> bool:
    """Return whether a process is at work: a killed one that nobody waited for is listed too."""
    import psutil

    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


CHANGES = {"dvc.utils.serialize._common": _change_dumps, "dvc.rwlock": _change_list}


class _Changing(Loader):
    """Runs a module as ever, then changes it."""

    def __init__(self, loader: Loader, change: Callable[[ModuleType], None]) -> None:
        self._loader, self._change = loader, change

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._change(module)


class _Finder(MetaPathFinder):
    """Finds the modules of DVC that write."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in CHANGES:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.loader:
            spec.loader = _Changing(spec.loader, CHANGES[fullname])
        return spec
