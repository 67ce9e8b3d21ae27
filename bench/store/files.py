"""Write files and folders whole or not at all, also after a crash or on a full disk."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp, mkstemp

from bench.store.errors import StoreError

TEMPORARY = ".partial-"
"""Prefix of unfinished files and folders; readers skip them."""


def write_file(path: Path, content: bytes) -> None:
    """Write ``path`` whole or not at all; it is synced to the disk on return.

    Raises ``StoreError`` naming the file when the disk is full or refuses.
    """
    with _store_errors(path):
        handle, partial = mkstemp(prefix=TEMPORARY, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            Path(partial).chmod(0o644)
            Path(partial).replace(path)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


def copy_file(source: Path, path: Path) -> None:
    """Copy ``source`` to ``path``, also across file systems; it is synced to the disk on return."""
    with _store_errors(path):
        shutil.copyfile(source, path)
        with path.open("rb") as stream:
            os.fsync(stream.fileno())


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a temporary folder beside ``path``; rename it to ``path`` when the block succeeds.

    When the block raises, nothing is left behind. Raises ``StoreError`` when
    ``path`` exists: results are never overwritten.
    """
    if path.exists():
        raise StoreError(f"{path} exists already, and results are never overwritten")
    with _store_errors(path), _partial_folder(path) as partial:
        yield partial
        _sync_folder(partial)
        partial.rename(path)
        _sync_folder(path.parent)


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """Give a copy of ``path`` to change; replace ``path`` by it when the block succeeds.

    When the block raises, ``path`` stays as it was, or stays absent. Raises
    ``StoreError`` naming it when the disk is full or refuses.
    """
    with _store_errors(path), _partial_folder(path) as partial:
        old = partial.with_name(f"{partial.name}-old")
        try:
            if path.exists():
                shutil.copytree(path, partial, dirs_exist_ok=True)
                partial.chmod(0o755)
            yield partial
            if path.exists():
                path.rename(old)
            partial.rename(path)
        except BaseException:
            if old.exists() and not path.exists():
                old.rename(path)
            raise
        finally:
            shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _partial_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; remove it after the block unless it was renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(mkdtemp(prefix=TEMPORARY, dir=path.parent))
    try:
        partial.chmod(0o755)
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def move_folder(path: Path, target: Path) -> Path:
    """Rename ``path`` to ``target``, which must not exist; return ``target``.

    Raises ``StoreError`` naming the target when that fails.
    """
    if target.exists():
        raise StoreError(f"{target} exists already, and results are never overwritten")
    with _store_errors(target):
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
        _sync_folder(target.parent)
        _sync_folder(path.parent)
    return target


@contextmanager
def _store_errors(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` into a ``StoreError`` that names ``path`` and the way out."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            message = (
                f"disk full while writing {path}. Files written before are whole and safe; "
                "make room and run again"
            )
        elif error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            message = f"{path} exists already, and results are never overwritten"
        else:
            message = f"cannot write {path}: {error.strerror or error}"
        raise StoreError(message) from error


def _sync_folder(folder: Path) -> None:
    """Sync the names in ``folder``: a rename is durable only once its folder is synced."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
