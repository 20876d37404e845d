"""Progress on standard error."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

from runner_env.reporting.progress import Progress

_EVENTS: tuple[tuple[str, Mapping[str, object]], ...] = (
    ("run_started", {"run_id": "20261122T021400Z-01"}),
    ("stage_started", {"stage": "tests"}),
    ("command_started", {"stage": "tests", "number": 1, "attempt": 1, "command": "pytest\n -q\x1b[2J"}),
    (
        "command_ended",
        {"stage": "tests", "number": 1, "attempt": 1, "ending": "exited", "exit_code": 1, "duration_s": 3.24},
    ),
    ("command_started", {"stage": "tests", "number": 1, "attempt": 2, "command": "pytest -q"}),
    ("command_ended", {"stage": "tests", "number": 1, "attempt": 2, "ending": "lost", "exit_code": None}),
    ("stage_ended", {"stage": "tests", "ok": False, "duration_s": 75.0}),
    ("claim_taken", {"name": "of no interest here"}),
    ("run_ended", {"verdict": "unscored"}),
)


class Terminal(io.StringIO):
    """Takes text as a terminal of 80 columns would."""


class Broken(io.StringIO):
    """A pipe whose reader has gone."""

    calls = 0

    def write(self, text: str, /) -> int:
        """Fail, and count."""
        self.calls += 1
        raise BrokenPipeError(32, "Broken pipe", text)


def _clock() -> Iterator[float]:
    yield from (float(number) for number in range(1000))


def test_plain_lines() -> None:
    """Off a terminal every event is one plain line, with the seconds since the start and nothing a terminal obeys."""
    stream, clock = io.StringIO(), _clock()
    with Progress(stream, live=False, clock=lambda: next(clock)) as progress:
        for event, data in _EVENTS:
            progress(event, data)
    assert stream.getvalue().splitlines() == [
        "[    1.0] run 20261122T021400Z-01",
        "[    2.0] tests",
        "[    3.0] tests 1 $ pytest -q",
        "[    4.0] tests 1 exited 1 after 3.2 s",
        "[    5.0] tests 1 (attempt 2) $ pytest -q",
        "[    6.0] tests 1 (attempt 2) lost",
        "[    7.0] tests not ok after 75 s",
        "[    8.0] unscored",
    ]


def test_live_line_is_gone_at_the_end() -> None:
    """On a terminal the running command is on a line of its own, which is cleared before the report is printed."""
    stream = Terminal()
    with Progress(stream, live=True) as progress:
        for event, data in _EVENTS[:3]:
            progress(event, data)
        assert "tests 1 $ pytest -q" in stream.getvalue().rpartition("\r")[2]
        progress("stage_ended", {"stage": "tests", "ok": True, "duration_s": 1.0})
    assert "tests ok after 1.0 s\n" in stream.getvalue()
    assert stream.getvalue().rpartition("\r")[2] == "\x1b[K"


def test_remembers_the_run() -> None:
    """The run's id is known as soon as it has begun, so that an interrupted run can be reported."""
    progress = Progress(io.StringIO(), live=False)
    assert not progress.run_id
    progress(*_EVENTS[0])
    assert progress.run_id == "20261122T021400Z-01"


def test_a_broken_stream_does_not_stop_the_run() -> None:
    """When whoever watched has left, progress falls silent for good; the observer still returns."""
    stream = Broken()
    with Progress(stream, live=False) as progress:
        for event, data in _EVENTS:
            progress(event, data)
    assert stream.calls == 1
    assert progress.run_id


def test_a_closed_stream_does_not_stop_the_run() -> None:
    """A stream that was closed is treated as a broken one."""
    stream = io.StringIO()
    stream.close()
    with Progress(stream, live=True) as progress:
        progress(*_EVENTS[0])
    assert progress.run_id


def test_fetching() -> None:
    """A target that comes from elsewhere is announced before the run has an id."""
    stream, clock = io.StringIO(), _clock()
    with Progress(stream, live=False, clock=lambda: next(clock)) as progress:
        progress.fetching("owner/repo\x1b[2J")
    assert stream.getvalue().startswith("[    1.0] fetching owner/repo")
    assert "\x1b" not in stream.getvalue()
