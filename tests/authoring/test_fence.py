"""Which names an agent may write."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.authoring import fence, proposal
from runner_env.authoring.brief import Purpose
from runner_env.authoring.fence import folded, is_contract, refusal, writable

SCAFFOLD, REPAIR = Purpose.SCAFFOLD, Purpose.REPAIR
ALLOWED = (
    ".aider_fsm/bootstrap.yml",
    ".aider_fsm/stages/evaluation.sh",
    ".aider_fsm/stages/lib/score-1.2+x.py",
    ".aider_fsm/README.md",
    ".aider_fsm/.gitignore",
    ".aider_fsm/prompts.json",
    ".aider_fsm/stages/metrics.json",
)
REFUSED = {
    "outside": ("src/app.py", "setup.py", "conftest.py", ".envrc", ".github/workflows/ci.yml", "sub/pipeline.yml",
                "sub/.aider_fsm/x", ".aider_fsm2/x", "sitecustomize.py", "pipeline.yaml", "x.pth", ".env"),
    "git": (".git/hooks/post-checkout", ".git/config", ".git", "sub/.git", ".GIT/config", ".aider_fsm/.git/config",
            ".aider_fsm/.GIT/config"),
    "lookalike": (".AIDER_FSM/x", "．aider_fsm/x", "Pipeline.yml", "pipeline.yml.", "pipeline.yml ", ".aider_fsm /x",
                  ".aider_fsm./x", "pipeline.yml/../setup.py", "pipe\u200bline.yml", ".aider\u202e_fsm/x",
                  "ｐipeline.yml"),
    "output": (".aider_fsm/metrics.json", ".aider_fsm/rollout.json", ".aider_fsm/runtime_env.json",
               ".aider_fsm/hints_run.json", ".aider_fsm/hints_used.json", ".aider_fsm/samples.jsonl",
               ".aider_fsm/stages/x.JSONL", ".aider_fsm/artifacts/r/x.txt", ".aider_fsm/Metrics.json",
               ".aider_fsm/metrics.json.", ".aider_fsm/Artifacts/x"),
    "environment": (".aider_fsm/venv/bin/python", ".aider_fsm/venv_hints_py/x", ".aider_fsm/tools/x",
                    ".aider_fsm/build/x", ".aider_fsm/node_modules/a/index.js", ".aider_fsm/VENV/x",
                    ".aider_fsm/stages/__pycache__/a.pyc"),
    "env_file": (".aider_fsm/.env", ".aider_fsm/prod.env", ".aider_fsm/.env.local", ".aider_fsm/stages/.ENV"),
    "unasked": (".aider_fsm/x.pth", ".aider_fsm/sitecustomize.py", ".aider_fsm/stages/conftest.py",
                ".aider_fsm/lib.so", ".aider_fsm/UserCustomize.py", ".aider_fsm/pytest.ini"),
    "name": (".aider_fsm/.envrc", ".aider_fsm/.gitattributes", ".aider_fsm/../src/x", ".aider_fsm//x", ".aider_fsm/a b",
             ".aider_fsm/stäges/x", ".aider_fsm/x\n", ".aider_fsm/-rf", ".aider_fsm/\udcff", ".aider_fsm/a\\b",
             ".aider_fsm/x.", ".aider_fsm/a\u202eb", ".aider_fsm/1/2/3/4/5/6/7/8/9", ".aider_fsm/" + "x" * 101),
    "actions": (".aider_fsm/actions.yml", ".aider_fsm/Actions.yml"),
}  # fmt: skip


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("path", ALLOWED)
def test_plain_files_of_a_contract_are_allowed(path: str, purpose: Purpose) -> None:
    """Below .aider_fsm/, for scaffold and repair."""
    assert refusal(path, purpose) is None


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize(("code", "path"), [(code, path) for code, paths in REFUSED.items() for path in paths])
def test_everything_else_is_refused(code: str, path: str, purpose: Purpose) -> None:
    """With the code that says why."""
    refused = refusal(path, purpose)
    assert refused is not None
    assert refused.code == code


def test_only_a_scaffold_writes_the_pipeline() -> None:
    """B127."""
    assert refusal("pipeline.yml", SCAFFOLD) is None
    refused = refusal("pipeline.yml", REPAIR)
    assert refused is not None
    assert refused.code == "pipeline"
    assert writable(REPAIR) == (".aider_fsm/**",)
    assert writable(SCAFFOLD) == ("pipeline.yml", ".aider_fsm/**")


def test_every_refusal_is_explained() -> None:
    """`docs/security_model.md` has a row for each code that the fence knows, and no other."""
    page = (Path(__file__).resolve().parents[2] / "docs/security_model.md").read_text("utf-8")
    table = page.partition("| refused as |")[2].partition("\n\n")[0]
    listed = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    source = Path(proposal.__file__).read_text("utf-8")
    on_disk = set(re.findall(r"Refused\(\s*path,\s*\"(\w+)\"", source))
    assert listed == {code for code, _, _ in (*fence._INSIDE, *fence._OUTSIDE)} | on_disk | {"pipeline"}
    assert len(on_disk) > 5


NAMES = st.text(st.characters(), max_size=12)
PATHS = st.lists(
    st.one_of(NAMES, st.sampled_from([".aider_fsm", "pipeline.yml", "stages", "..", ".", "", ".git", "a.sh", ".env"])),
    min_size=1,
    max_size=5,
).map("/".join)


@given(PATHS, st.sampled_from(Purpose))
def test_what_is_allowed_is_plain_and_inside(path: str, purpose: Purpose) -> None:
    """What is let through is spelled in ASCII, below .aider_fsm/ or the pipeline itself, with no part that moves."""
    if refusal(path, purpose) is None:
        assert path.isascii()
        assert path.isprintable()
        assert (
            path == ".aider_fsm" or path.startswith(".aider_fsm/") or (path == "pipeline.yml" and purpose is SCAFFOLD)
        )
        assert not {"", ".", "..", ".git"} & set(path.split("/"))
        assert unicodedata.normalize("NFKC", path) == path


@given(PATHS)
def test_a_repair_may_do_no_more_than_a_scaffold(path: str) -> None:
    """What is refused to a scaffold is refused to a repair."""
    if refusal(path, REPAIR) is None:
        assert refusal(path, SCAFFOLD) is None
        assert is_contract(path)


@given(PATHS)
def test_folding_is_settled(path: str) -> None:
    """Folding what is folded changes nothing, and no case or width brings back another name."""
    once = folded(path)
    assert folded(once) == once
    if path.isascii():
        assert folded(path.upper()) == folded(path.lower())
