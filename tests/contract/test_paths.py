"""Which relative paths a contract may name."""

from __future__ import annotations

import posixpath
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from runner_env.contract.paths import link_problem, path_problem


@given(parts=st.lists(st.sampled_from(["a", "b", "..", ".", "", "~"]), max_size=8))
def test_what_is_accepted_never_leads_outside(parts: list[str]) -> None:
    """No prefix of an accepted path climbs above the repository."""
    path = "/".join(parts)
    if path_problem(path) is None:
        for length in range(1, len(parts) + 1):
            assert not posixpath.normpath("/".join(parts[:length])).startswith(("..", "/"))


def test_links_that_lead_out_are_named(tmp_path: Path) -> None:
    """RT016: the sentence names the link, wherever in the path it stands; links that stay inside are fine."""
    repo = tmp_path / "repo"
    (repo / "real").mkdir(parents=True)
    for name, target in {"out": "..", "in": "real", "real/deep": "../../x", "circle": "circle"}.items():
        (repo / name).symlink_to(target)
    assert link_problem(repo, "in/new/file") is None
    for path, link in {"out": "out", "in/deep/x": "deep", "out/repo/real": "out"}.items():
        assert f"at the symbolic link '{link}'" in (link_problem(repo, path) or "")
    assert link_problem(repo, "circle/x") is None
