"""Both streams of a command as they arrived."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner_env.errors import EvidenceError
from runner_env.evidence import RunDir
from runner_env.evidence import merged as module
from runner_env.evidence.merged import SUFFIX, Arrivals, merged, merged_tail
from runner_env.text.masking import Masker

Make = Callable[..., Any]
PIECES = st.lists(st.tuples(st.integers(0, 1), st.binary(min_size=1, max_size=40)), max_size=30)


def written(run: RunDir, pieces: list[tuple[int, bytes]], limit: int, name: str, masker: Masker) -> str:
    """Write pieces to two captures; returns the reference of the index, empty if there is none."""
    arrivals = Arrivals()
    files = tuple(run.capture(f"{name}{stream}", masker=masker, limit_bytes=limit) for stream in ("_o", "_e"))
    for number, file in enumerate(files):
        file.arrived = partial(arrivals.note, number)
    for stream, data in pieces:
        files[stream].write(data)
    for file in files:
        file.close()
    index = arrivals.index((files[0], files[1]))
    return "" if index is None else run.store_bytes(f"{name}{SUFFIX}", index).reference


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=PIECES)
def test_the_view_is_what_was_written(run: RunDir, no_secrets: Masker, pieces: list[tuple[int, bytes]]) -> None:
    """Every byte, also invalid UTF-8, in its order; nothing where one stream is empty; any tail is the end of it."""
    name = f"case{len(list(run.path.iterdir()))}"
    reference = written(run, pieces, 10_000, name, no_secrets)
    whole = b"".join(data for _, data in pieces)
    assert bool(reference) is ({stream for stream, _ in pieces} == {0, 1})
    if reference:
        assert b"".join(data for _, _, data in merged(run.path, reference)) == whole
        for most in (1, 7, 1000):
            assert merged_tail(run.path, reference, most) == whole[-most:]


def test_what_was_left_out_is_shown_once(run: RunDir, no_secrets: Masker) -> None:
    """Of a long stream the view has the head, the line about the gap, and the tail, in their places."""
    pieces = [(0, b"h" * 10), (1, b"first "), *[(0, b"x" * 10)] * 20, (1, b"second "), (0, b"t" * 10)]
    view = [data for _, _, data in merged(run.path, written(run, pieces, 20, "long", no_secrets))]
    assert view[:2] == [b"h" * 10, b"first "]
    assert b"".join(view).count(b"bytes omitted") == 1
    assert view[-2:] == [b"second ", b"t" * 10]


def test_secrets_are_masked_in_it(run: RunDir) -> None:
    """The view is made of the masked captures alone (RT030)."""
    pieces = [(0, b"sk-CANARY"), (1, b"between "), (0, b"-0123456789 end")]
    reference = written(run, pieces, 1000, "secret", Masker({"S": "sk-CANARY-0123456789"}))
    assert b"".join(data for _, _, data in merged(run.path, reference)) == b"between *** end"


def test_turns_are_bounded(run: RunDir, no_secrets: Masker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many turns the rest of each stream follows at the end, and the index says that it is not complete."""
    monkeypatch.setattr(module, "_MOST_TURNS", 4)
    pieces = [(number % 2, b"%d" % number) for number in range(10)]
    reference = written(run, pieces, 1000, "many", no_secrets)
    assert b"".join(data for _, _, data in merged(run.path, reference)) == b"0123" + b"468" + b"579"
    assert b'"complete":false' in (run.path / reference).read_bytes()


@pytest.mark.parametrize("text", [b"", b"{}\n", b'{"stdout": "../x", "stderr": "y"}\n', b"[1]\n", b"\xff"])
def test_what_is_no_index_is_refused(run: RunDir, text: bytes) -> None:
    """Damaged, or leading out of the run directory."""
    run.store_bytes("bad", text)
    with pytest.raises(EvidenceError):
        list(merged(run.path, "bad"))


def test_a_run_records_it(project: Make) -> None:
    """The journal names it with its hash, `verify` checks it, and it tells the order."""
    from runner_env.formats import journal
    from runner_env.runs.proof import check_proof

    command = "printf 'a\\377' ; sleep 0.2; echo b >&2; sleep 0.2; echo c; exit 3"
    result = project(tests={"cmds": [command]}).rollout(repair_iters=0)
    entries = journal.read(Path(result.run_dir) / "journal.jsonl")
    [recorded] = [entry.data for entry in entries if entry.event == "output_recorded"]
    view = [(stream, data) for _, stream, data in merged(result.run_dir, recorded["merged"]["reference"])]
    assert view == [("stdout", b"a\xff"), ("stderr", b"b\n"), ("stdout", b"c\n")]
    assert check_proof(result.run_dir).ok
    (result.run_dir / recorded["merged"]["reference"]).write_text("{}")
    assert [problem.code for problem in check_proof(result.run_dir).problems] == ["evidence_changed"]
