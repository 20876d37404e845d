"""What a fence makes of any changes at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.authoring import fence as rules
from runner_env.authoring.brief import Purpose
from runner_env.authoring.copy import AgentCopy
from runner_env.authoring.fence import refusal
from runner_env.authoring.proposal import Fence, Proposal

from .conftest import CONTRACT, SCRIPT, SOURCES, listing, write
from .edits import carry_out

After = Callable[..., tuple[Proposal, Path]]


def test_a_new_contract_is_proposed(after: After) -> None:
    """Text, and whether it may be run directly."""

    def change(root: Path) -> None:
        write(root, {**CONTRACT, ".aider_fsm/run.sh": "#!/bin/sh\n"})
        (root / ".aider_fsm/run.sh").chmod(0o755)

    proposal, _ = after(change)
    assert {path: file and file.executable for path, file in proposal.files.items()} == {
        **dict.fromkeys(CONTRACT, False),
        ".aider_fsm/run.sh": True,
    }
    assert (proposal.refused, proposal.before) == ((), {})


def test_only_what_differs_is_proposed(after: After, target: Path) -> None:
    """Files that were touched, or written with what they held, are none; removed ones and new modes are."""
    write(target, {**CONTRACT, ".aider_fsm/a.sh": "#!/bin/sh\n", ".aider_fsm/b.sh": "b\n", ".aider_fsm/c.sh": "c\n"})

    def change(root: Path) -> None:
        os.utime(root / "src/app.py")
        write(root, {"README.md": SOURCES["README.md"], ".aider_fsm/stages/evaluation.sh": SCRIPT})
        (root / ".aider_fsm/a.sh").chmod(0o755)
        (root / ".aider_fsm/b.sh").unlink()
        write(root, {".aider_fsm/c.sh": "C\n"})

    proposal, _ = after(change)
    assert {path: file and file.data for path, file in proposal.files.items()} == {
        ".aider_fsm/a.sh": b"#!/bin/sh\n",
        ".aider_fsm/b.sh": None,
        ".aider_fsm/c.sh": b"C\n",
    }
    assert proposal.refused == ()
    assert set(proposal.before) == {*CONTRACT, ".aider_fsm/a.sh", ".aider_fsm/b.sh", ".aider_fsm/c.sh"}


def test_a_folder_is_refused_as_one(after: After) -> None:
    """Not each of its files: whoever reads it reads one line."""
    proposal, root = after(lambda root: write(root, {f"lib/{number}.py": "" for number in range(50)}))
    assert [(one.path, one.code) for one in proposal.refused] == [("lib", "outside")]
    assert not (root / "lib").exists()


@pytest.mark.parametrize(
    ("edit", "code"),
    [("-> ../src/app.py", "link"), ({"hardlink": "README.md"}, "link"), ({"fifo": 1}, "kind"), ({"socket": 1}, "kind"),
     ({"size": (1 << 20) + 1}, "size"), ({"hex": "ff"}, "binary"), ({"hex": "00"}, "binary"), ("a\u202eb", "hidden"),
     ({"mode": "4755", "text": "#!/bin/sh\n"}, "mode"), ({"mode": "755", "text": "true\n"}, "mode")],
)  # fmt: skip
def test_what_is_no_plain_text_is_refused(after: After, tmp_path: Path, edit: str, code: str) -> None:
    """At a name that is allowed, with the code that says why."""
    proposal, root = after(lambda root: carry_out(root, {".aider_fsm/x": edit}, tmp_path))
    assert {one.path: one.code for one in proposal.refused}[".aider_fsm/x"] == code
    assert proposal.files == {}
    assert listing(root) == SOURCES
    assert not os.path.lexists(root / ".aider_fsm/x")


def test_a_removed_folder_comes_back(after: After) -> None:
    """With its files, their permissions and its links."""

    def change(root: Path) -> None:
        carry_out(root, {"src": None, "tests": None, "README.md": None}, root)

    proposal, root = after(change)
    assert {one.path for one in proposal.refused} == {"src", "tests", "README.md"}
    assert listing(root) == SOURCES


def test_what_was_put_back_can_be_broken_again(target: Path, copies: Path) -> None:
    """A second look sees a second change, and nothing of the first."""
    with AgentCopy.make(target, copies) as copy:
        fence = Fence(copy, Purpose.SCAFFOLD)
        for text in ("x = 2\n", "x = 3\n"):
            (copy.root / "src/app.py").write_text(text)
            assert [one.path for one in fence.collect().refused] == ["src/app.py"]
            assert fence.collect().refused == ()


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AgentCopy, Path]]:
    """One copy for many examples: each of them has to leave it as it was."""
    root = tmp_path_factory.mktemp("any")
    write(root / "demo", {**SOURCES, **CONTRACT})
    with AgentCopy.make(root / "demo", root / "copies") as copy:
        yield copy, root / "outside"


NAMES = st.sampled_from(
    ["pipeline.yml", ".aider_fsm", ".aider_fsm/a.sh", ".aider_fsm/stages", ".aider_fsm/stages/evaluation.sh",
     ".aider_fsm/metrics.json", ".aider_fsm/Stages/a.sh", ".AIDER_FSM/a", ".git/hooks/x", ".git/config", "src",
     "src/app.py", "tests/test_app.py", "new/folder/x", "README.md", ".aider_fsm/x.pth", ".aider_fsm/é"],
)  # fmt: skip
EDITS = st.one_of(
    st.none(),
    st.text(max_size=30),
    st.sampled_from(["-> ../src", "-> /etc/hostname", "-> $CANARY_DIR", "-> nothing"]),
    st.sampled_from([{"fifo": 1}, {"hardlink": "README.md"}, {"hex": "00ff"}, {"chmod": "0"}, {"chmod": "4755"}]),
    st.just({"mode": "755", "text": "#!/bin/sh\n"}),
)


@settings(max_examples=60)
@given(st.lists(st.tuples(NAMES, EDITS), max_size=6), st.sampled_from(Purpose))
def test_any_edits_leave_nothing_but_a_contract(
    standing: tuple[AgentCopy, Path], edits: list[tuple[str, object]], purpose: Purpose
) -> None:
    """All that is proposed is plain text at an allowed name, and everything else is as it was."""
    copy, outside = standing
    outside.mkdir(exist_ok=True)
    before = listing(copy.source)
    fence = Fence(copy, purpose)
    for name, edit in edits:
        carry_out(copy.root, {name: edit}, outside)  # type: ignore[dict-item]
    proposal = fence.collect()
    for path, file in proposal.files.items():
        assert refusal(path, purpose) is None
        assert file is None or len(file.data.decode("utf-8")) <= rules.MOST_FILE_BYTES
    now = {path: text for path, text in listing(copy.root).items() if path not in proposal.files}
    assert now == {path: text for path, text in before.items() if path not in proposal.files}
    assert listing(copy.source) == before
    assert fence.collect().refused == ()
    _reset(copy, proposal)


def _reset(copy: AgentCopy, proposal: Proposal) -> None:
    for path in proposal.files:
        with suppress(FileNotFoundError):
            (copy.root / path).unlink()
        if (copy.source / path).exists():
            write(copy.root, {path: (copy.source / path).read_text()})
