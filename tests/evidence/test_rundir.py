"""One run's directory."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.errors import EvidenceError
from runner_env.evidence import RunDir
from runner_env.text.masking import Masker


def test_a_new_run_is_private(tmp_path: Path) -> None:
    """Every directory made on the way and every file in it is the owner's alone."""
    with RunDir.create(tmp_path / "home" / "runs", "r") as run:
        run.store_bytes("a/b", b"x")
        run.capture("a/c", masker=Masker({})).close()
    made = [tmp_path / "home", *(tmp_path / "home").rglob("*")]
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in made}
    assert modes == {(True, 0o700), (False, 0o600)}


def test_a_run_never_gets_an_existing_directory(run: RunDir, tmp_path: Path) -> None:
    """A run id that is taken is an error, even for an empty directory or a link."""
    (tmp_path / "runs" / "empty").mkdir()
    (tmp_path / "runs" / "link").symlink_to(tmp_path)
    for run_id in (run.run_id, "empty", "link"):
        with pytest.raises(EvidenceError) as caught:
            RunDir.create(tmp_path / "runs", run_id)
        assert caught.value.code == "evidence_exists"


@pytest.mark.parametrize("below", ["", "runs", "home/runs"])
def test_runs_below_a_file(below: str, tmp_path: Path) -> None:
    """A home that is a file is named, with what to set."""
    (tmp_path / "home").write_bytes(b"mine")
    with pytest.raises(EvidenceError, match=r"/home is not a directory\.") as caught:
        RunDir.create(tmp_path / "home" / below, "r")
    assert caught.value.code == "evidence_io"
    assert "RUNNER_ENV_HOME" in (caught.value.hint or "")
    assert (tmp_path / "home").read_bytes() == b"mine"


@pytest.mark.parametrize("run_id", ["", "..", "a/b", "/a"])
def test_a_run_id_is_one_name(tmp_path: Path, run_id: str) -> None:
    """A run id that leads elsewhere is refused, and nothing is made."""
    with pytest.raises(EvidenceError):
        RunDir.create(tmp_path / "runs", run_id)
    assert not (tmp_path / "runs").exists()


def test_a_run_lives_until_it_is_closed(run: RunDir) -> None:
    """The lock says whether the run goes on; closing twice is fine."""
    assert RunDir.is_live(run.path)
    run.close()
    run.close()
    assert not RunDir.is_live(run.path)


def test_a_run_ends_with_its_process(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    """A killed process holds nothing, and children that it started do not hold the lock for it."""
    child = start(
        "import subprocess, sys; from pathlib import Path; from runner_env.evidence import RunDir\n"
        "run = RunDir.create(Path(sys.argv[1]), 'r')\n"
        "grandchild = subprocess.Popen(['sleep', '30'], stdout=subprocess.DEVNULL)\n"
        "print(grandchild.pid, flush=True); sys.stdin.read()\n",
        tmp_path,
    )
    assert child.stdout is not None
    grandchild = int(child.stdout.readline())
    try:
        assert RunDir.is_live(tmp_path / "r")
        child.kill()
        child.wait(timeout=30)
        assert not RunDir.is_live(tmp_path / "r")
    finally:
        os.kill(grandchild, 9)


def test_a_directory_without_lock_is_not_live(tmp_path: Path) -> None:
    """Something that is no run's directory is held by nobody."""
    assert not RunDir.is_live(tmp_path)
    assert not RunDir.is_live(tmp_path / "missing")


def test_the_lock_names_the_process(run: RunDir) -> None:
    """The lock file tells a person who holds the run."""
    holder = json.loads((run.path / "run.lock").read_bytes())
    assert (holder["pid"], holder["run_id"]) == (os.getpid(), run.run_id)


def test_stored_bytes(run: RunDir) -> None:
    """What is stored can be found and checked by what is returned."""
    stored = run.store_bytes("stages/rollout/metrics.json", b"{}")
    assert (run.path / stored.reference).read_bytes() == b"{}"
    assert (stored.size, stored.sha256) == (2, hashlib.sha256(b"{}").hexdigest())


@pytest.mark.parametrize("name", ["x", "journal.jsonl", "run.lock"])
def test_nothing_is_overwritten(run: RunDir, no_secrets: Masker, name: str) -> None:
    """Neither stored bytes, nor a stored file, nor a capture takes a name that is taken."""
    if name == "x":
        run.store_bytes(name, b"first")
    before = (run.path / name).read_bytes()
    with Path(os.devnull).open() as null, pytest.raises(EvidenceError):
        run.store_file(null.fileno(), name, 10)
    for attempt in (lambda: run.store_bytes(name, b"second"), lambda: run.capture(name, masker=no_secrets)):
        with pytest.raises(EvidenceError) as caught:
            attempt()
        assert caught.value.code == "evidence_exists"
    assert (run.path / name).read_bytes() == before


def test_a_stored_file(run: RunDir, tmp_path: Path) -> None:
    """A file is copied from its start, whatever its offset, and the copy is whole."""
    data = os.urandom(3_000_000)
    (tmp_path / "source").write_bytes(data)
    with (tmp_path / "source").open("rb") as source:
        source.seek(100)
        stored = run.store_file(source.fileno(), "copy", len(data))
    assert stored is not None
    assert (run.path / "copy").read_bytes() == data
    assert (stored.size, stored.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_a_file_over_the_limit_is_not_stored(run: RunDir, tmp_path: Path, names: Callable[[Path], list[str]]) -> None:
    """A file that is too long leaves nothing behind, and its name stays free."""
    (tmp_path / "source").write_bytes(b"123456")
    with (tmp_path / "source").open("rb") as source:
        assert run.store_file(source.fileno(), "copy", 5) is None
        assert names(run.path) == ["journal.jsonl", "run.lock"]
        assert run.store_file(source.fileno(), "copy", 6) is not None


def test_only_regular_files_are_stored(run: RunDir, tmp_path: Path) -> None:
    """A pipe is refused at once instead of being waited for."""
    os.mkfifo(tmp_path / "pipe")
    fd = os.open(tmp_path / "pipe", os.O_RDWR)
    try:
        with pytest.raises(EvidenceError, match="not a regular file"):
            run.store_file(fd, "copy", 10)
    finally:
        os.close(fd)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", ""])
def test_names_stay_inside(run: RunDir, no_secrets: Masker, name: str) -> None:
    """No name leads out of the run's directory."""
    for attempt in (lambda: run.store_bytes(name, b""), lambda: run.capture(name, masker=no_secrets)):
        with pytest.raises(EvidenceError) as caught:
            attempt()
        assert caught.value.code == "evidence_name"


def test_links_inside_are_not_followed(run: RunDir, tmp_path: Path) -> None:
    """A link that appears in the run's directory cannot lead evidence elsewhere."""
    (tmp_path / "elsewhere").mkdir()
    (run.path / "stages").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EvidenceError, match="symbolic link"):
        run.store_bytes("stages/x", b"")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_no_descriptor_is_left_open(tmp_path: Path, no_secrets: Masker, names: Callable[[Path], list[str]]) -> None:
    """A run that failed to start, and one that was used and closed, hold nothing open."""
    before = names(Path("/proc/self/fd"))
    with RunDir.create(tmp_path, "r") as run:
        capture = run.capture("a/out", masker=no_secrets, limit_bytes=4)
        capture.write(b"x" * 100)
        capture.close()
        run.store_bytes("a/b", b"")
        with pytest.raises(EvidenceError):
            run.store_bytes("a/b", b"")
    with pytest.raises(EvidenceError):
        RunDir.create(tmp_path, "r")
    assert names(Path("/proc/self/fd")) == before


def test_a_run_that_cannot_start_leaves_nothing(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    """On a disk that takes no byte, the error says so and no half-made run directory stays behind."""
    child = start(
        "import resource, sys; from pathlib import Path\n"
        "from runner_env.errors import EvidenceError; from runner_env.evidence import RunDir\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "try: RunDir.create(Path(sys.argv[1]), 'r')\n"
        "except EvidenceError as error: print(error.code)\n",
        tmp_path,
    )
    assert child.communicate(timeout=30)[0] == "evidence_disk_full\n"
    assert not list(tmp_path.iterdir())
