"""The one writer of a run's journal."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from runner_env.core import Ambient
from runner_env.errors import EvidenceError
from runner_env.evidence import RunDir
from runner_env.evidence import journal as module
from runner_env.formats.journal import decode, read, verify


def test_events_are_numbered_and_chained(run: RunDir) -> None:
    """Each event gets the next number, any keyword is data, and the journal's own head is the check's head."""
    assert run.journal.append("run.started", event="x", n=3, at="y") == 1
    assert run.journal.append("run.ended") == 2
    report = verify(run.journal.path)
    assert (report.ok, report.entries, report.head) == (True, run.journal.entries, run.journal.head)
    assert [dict(entry.data) for entry in read(run.journal.path)] == [{"event": "x", "n": 3, "at": "y"}, {}]


def test_an_event_is_on_the_disk_before_append_returns(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole line is written, then synced, then the caller may act."""
    synced: list[int] = []
    monkeypatch.setattr(module, "_sync", lambda fd: synced.append(os.fstat(fd).st_size))
    run.journal.append("command.started", argv=["make"])
    assert synced == [run.journal.path.stat().st_size]
    assert decode(run.journal.path.read_bytes()).n == 1


def test_a_note_is_on_the_disk_with_the_next_append(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """A note is written at once and continues the chain; the next event's sync covers it."""
    synced: list[int] = []
    monkeypatch.setattr(module, "_sync", lambda fd: synced.append(os.fstat(fd).st_size))
    assert run.journal.note("stage.started") == 1
    assert (decode(run.journal.path.read_bytes()).n, synced) == (1, [])
    assert run.journal.append("command.started") == 2
    assert synced == [run.journal.path.stat().st_size]
    assert verify(run.journal.path).entries == 2


def test_threads_may_share_it(run: RunDir) -> None:
    """Events of many threads get distinct numbers and one unbroken chain."""
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda i: run.journal.append("x", i=i), range(80)))
    assert sorted(numbers) == list(range(1, 81))
    report = verify(run.journal.path)
    assert (report.ok, report.entries) == (True, 80)


def test_a_clock_that_goes_backwards_changes_nothing(tmp_path: Path) -> None:
    """The order is that of the numbers; time is only shown."""
    ticks = count()
    ambient = Ambient(now=lambda: datetime(2026, 1, 1, tzinfo=UTC) - timedelta(days=next(ticks)))
    with RunDir.create(tmp_path, "r", ambient=ambient) as run:
        for _ in range(3):
            run.journal.append("x")
    entries = list(read(run.journal.path))
    assert verify(run.journal.path).ok
    assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)


@pytest.mark.parametrize("value", [float("nan"), object(), "x" * (9 << 20)])
def test_what_cannot_be_recorded_leaves_no_trace(run: RunDir, value: object) -> None:
    """A value that no line can hold is the caller's error; the journal goes on as if nothing was asked."""
    with pytest.raises((ValueError, TypeError)):
        run.journal.append("x", value=value)
    assert run.journal.append("y") == 1
    assert verify(run.journal.path).entries == 1


def test_an_interrupt_in_the_middle_leaves_no_trace(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the line is being synced: the event was never told, so it is taken back, and the next one fits."""
    run.journal.append("before")

    def interrupted(_fd: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_sync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run.journal.append("lost")
    assert run.journal.append("run.cancelled") == 2
    assert [entry.event for entry in read(run.journal.path)] == ["before", "run.cancelled"]
    assert verify(run.journal.path).ok


def test_a_full_disk(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    """The event that does not fit is an error, as is every later one; what is there verifies and is not torn."""
    child = start(
        "import resource, sys; from pathlib import Path\n"
        "from runner_env.errors import EvidenceError; from runner_env.evidence import RunDir\n"
        "run = RunDir.create(Path(sys.argv[1]), 'r')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    while True: run.journal.append('x', text='y' * 100)\n"
        "except EvidenceError as error: print(error.code, run.journal.entries)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "try: run.journal.append('z')\n"
        "except EvidenceError as error: print(error.code)\n",
        tmp_path,
    )
    output, _ = child.communicate(timeout=30)
    report = verify(tmp_path / "r" / "journal.jsonl")
    assert output.split() == ["evidence_disk_full", str(report.entries), "evidence_disk_full"]
    assert (report.ok, report.torn) == (True, False)
    assert report.entries > 5


def test_a_closed_journal_takes_nothing(run: RunDir) -> None:
    """After close an event is an error, not lost in silence; closing twice is fine."""
    run.journal.close()
    run.journal.close()
    with pytest.raises(EvidenceError, match="is closed") as caught:
        run.journal.append("x")
    assert caught.value.code == "journal_closed"
