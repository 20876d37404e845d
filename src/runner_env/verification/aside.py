"""Moving away what earlier runs left, so that what is there afterwards was made by this one."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.errors import TargetError
from runner_env.targets.inside import InsideWalk, open_inside, shown
from runner_env.verification.model import ARTIFACTS_PATH, ROLLOUT_PATH, RUNTIME_ENV_PATH
from runner_env.verification.started import enter_making
from runner_env.verification.strict_json import JsonTrouble, parse_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

KEPT_BYTES = 256 << 20
_ROLLOUT_BYTES = 16 << 20
_BLOCK_BYTES = 1 << 20
_ASIDE = f"{ARTIFACTS_PATH}/aside"
_SAMPLES_SUFFIXES = (".jsonl", ".ndjson")
_CONTRACT = frozenset({"pipeline.yml", ".aider_fsm/bootstrap.yml", ".aider_fsm/actions.yml"})
_NO_CLOBBER = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Aside:
    """Something that an earlier run left and that was moved away.

    Attributes:
        relative: where it was, POSIX, relative to the repository, free of links.
        stored_at: where it is: for a copy what `keep` returned, for something renamed one relative to the repo.
        tracked: whether the caller said that git tracks it.
        mode: its permissions.
        renamed: it was no regular file of moderate size, and was renamed within the repository instead of copied.
    """

    relative: str
    stored_at: str
    tracked: bool
    mode: int
    renamed: bool = False


def set_aside(
    repo: Path,
    stage: str,
    metrics_paths: Sequence[str],
    keep: Callable[[str, int], str],
    tracked: Callable[[str], bool] = lambda _: False,
    announce: Callable[[Aside], None] = lambda _: None,
) -> tuple[Aside, ...]:
    """Move away what `stage` is about to write; call it right before `Started.now`.

    That is `.aider_fsm/runtime_env.json` before `deploy_setup`, `.aider_fsm/rollout.json` and the samples file that it
    names before `rollout`, the metrics files before `evaluation` and `benchmark`. A link that stays inside the
    repository is left and what it leads to is moved; nothing outside is ever touched. A FIFO, device, socket, a link
    that leaves, or a file of over 256 MiB is renamed into `.aider_fsm/artifacts/aside`, never opened. A directory is
    renamed only if it is `.aider_fsm/….json`, a samples file moved only if it is called `….jsonl` or `….ndjson`: what
    names the repository's own files by mistake must not take them away. What stays is caught by its kind or its age.

    Args:
        repo: the repository's directory.
        stage: the stage about to start.
        metrics_paths: its metrics files, relative to the repository.
        keep: copies the open file behind a descriptor to safety, given the path it had; returns where. The same path
            may come again before another attempt.
        tracked: whether git tracks a path relative to the repository.
        announce: told of each thing, kept safe by now, right before it is taken away.

    Raises:
        TargetError: `aside_failed`: something cannot be moved.
        EvidenceError: from `keep` or `announce`; then the file is still where it was.
    """
    moved = (_move(repo, path, keep, tracked, announce) for path in _left_by(repo, stage, metrics_paths))
    return tuple(aside for aside in moved if aside is not None)


def restore(repo: Path, aside: Sequence[Aside], run_dir: Path) -> tuple[str, ...]:
    """Put back files that git tracks and that the contract did not write again.

    Args:
        repo: the repository's directory.
        aside: what `set_aside` returned.
        run_dir: what `stored_at` is relative to.

    Returns:
        The paths that were put back.

    Raises:
        OSError: something cannot be put back.
    """
    return tuple(one.relative for one in aside if one.tracked and _put_back(repo, one, run_dir))


def _left_by(repo: Path, stage: str, metrics_paths: Sequence[str]) -> Iterator[str]:
    if stage == "deploy_setup":
        yield RUNTIME_ENV_PATH
    elif stage == "rollout":
        samples = _old_samples(repo)
        yield ROLLOUT_PATH
        if samples is not None:
            yield samples
    elif stage in ("evaluation", "benchmark"):
        yield from metrics_paths


def _old_samples(repo: Path) -> str | None:
    # Whatever is wrong with an old rollout.json is no concern of this run: it is about to be moved away.
    try:
        fd = open_inside(repo, ROLLOUT_PATH)
    except TargetError:
        return None
    try:
        value = parse_document(os.pread(fd, _ROLLOUT_BYTES, 0))
    except JsonTrouble:
        return None
    finally:
        os.close(fd)
    paths = value.get("paths") if isinstance(value, dict) else None
    path = paths.get("samples_jsonl") if isinstance(paths, dict) else None
    return path if isinstance(path, str) and path.endswith(_SAMPLES_SUFFIXES) else None


def _move(
    repo: Path,
    path: str,
    keep: Callable[[str, int], str],
    tracked: Callable[[str], bool],
    announce: Callable[[Aside], None],
) -> Aside | None:
    with InsideWalk(repo) as walk:
        name = _reach(walk, path)
        found = _stat(walk, name) if name else None
        if found is None:
            return None
        relative, mode = walk.name_of(name), stat.S_IMODE(found.st_mode)
        if relative in _CONTRACT or relative.startswith(".git/"):
            # No output is ever there; what names it by mistake, or by a link, must not take it away.
            return None
        if stat.S_ISREG(found.st_mode) and found.st_size <= KEPT_BYTES:
            aside = Aside(relative, _copy_out(walk, name, keep), tracked(relative), mode)
            announce(aside)
            with _explained(walk, name):
                os.unlink(name, dir_fd=walk.fd)
            return aside
        if stat.S_ISDIR(found.st_mode) and not _may_take_folder(relative):
            return None
        aside = Aside(relative, f"{_ASIDE}/{secrets.token_hex(8)}", tracked(relative), mode, renamed=True)
        announce(aside)
        _rename(walk, name, aside.stored_at)
        return aside


def _reach(walk: InsideWalk, path: str) -> str:
    try:
        return walk.to(path)
    except TargetError:
        with suppress(TargetError):
            # A link in the last place that leaves the repository, or goes in circles, is what is moved itself.
            return walk.to(path, follow_last=False)
    # A folder on the way is missing or leads out: nothing is there that a check would accept either.
    return ""


def _stat(walk: InsideWalk, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=walk.fd, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _may_take_folder(relative: str) -> bool:
    return relative.startswith(".aider_fsm/") and relative.endswith(".json")


def _copy_out(walk: InsideWalk, name: str, keep: Callable[[str, int], str]) -> str:
    with _explained(walk, name):
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=walk.fd)
    try:
        return keep(walk.name_of(name), fd)
    finally:
        os.close(fd)


def _rename(walk: InsideWalk, name: str, new: str) -> None:
    with InsideWalk(walk.root) as aside, _explained(walk, name):
        enter_making(aside, _ASIDE)
        os.rename(name, new.rpartition("/")[2], src_dir_fd=walk.fd, dst_dir_fd=aside.fd)


@contextmanager
def _explained(walk: InsideWalk, name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"`{shown(walk.name_of(name))}`, left by an earlier run, cannot be moved away: {error.strerror}."
        raise TargetError("aside_failed", message, hint="move it away by hand") from error


def _put_back(repo: Path, one: Aside, run_dir: Path) -> bool:
    with InsideWalk(repo) as walk:
        try:
            name = walk.to(one.relative, follow_last=False)
        except TargetError:
            # The contract removed the folder, or put a link in its place: its business, not to be undone.
            return False
        if _stat(walk, name):
            return False
        if one.renamed:
            with InsideWalk(repo) as aside:
                old = aside.to(one.stored_at, follow_last=False)
                if _stat(aside, old) is None:
                    return False  # it was announced, and never moved: somebody else took it away
                os.rename(old, name, src_dir_fd=aside.fd, dst_dir_fd=walk.fd)
        else:
            _copy_in(walk, name, run_dir / one.stored_at, one.mode)
    return True


def _copy_in(walk: InsideWalk, name: str, source: Path, mode: int) -> None:
    temporary = f".{secrets.token_hex(8)}"
    fd = os.open(temporary, _NO_CLOBBER, 0o600, dir_fd=walk.fd)
    try:
        with os.fdopen(fd, "wb") as target, source.open("rb") as stored:
            shutil.copyfileobj(stored, target, _BLOCK_BYTES)
            os.fchmod(target.fileno(), mode)
        os.rename(temporary, name, src_dir_fd=walk.fd, dst_dir_fd=walk.fd)
    except OSError:
        os.unlink(temporary, dir_fd=walk.fd)
        raise
