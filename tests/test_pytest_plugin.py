"""The pytest plugin, as real pytest processes run it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

SKILL = "---\nname: greeter\ndescription: Greets people by their name.\n---\n# Greeting\n\nGreet the person.\n"
SCRIPTED = "provider: {kind: scripted}\nplatforms: [claude-code, codex]\nmodels: [small]\nrepeat: 2\n"


def case(criterion: str) -> str:
    """A case about the greeter with one eval."""
    evals = f"evals:\n  - type: boolean\n    criterion: {criterion}\n"
    return f"skill: ../skills/greeter\ninput: Please greet Ada.\n{evals}"


@dataclass(frozen=True)
class Outcome:
    """How a pytest process ended: exit code, output, and for each test `passed`, `failed` or `error` with its words."""

    code: int
    output: str
    tests: Mapping[str, tuple[str, str]]


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write files below `root`, the skill among them."""
    for name, text in {"skills/greeter/SKILL.md": SKILL, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")


def run(root: Path, *arguments: str, **environ: str) -> Outcome:
    """Run pytest in `root`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "SKILLTEST"))}
    env = {**kept, "RUNNER_ENV_HOME": str(root.parent / "home"), **environ}
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=out.xml", *arguments]
    done = subprocess.run(argv, cwd=root, env=env, capture_output=True, text=True, timeout=100, check=False)
    tests = {}
    for node in ET.parse(root / "out.xml").iter("testcase"):
        trouble = next((child for child in node if child.tag in ("failure", "error")), None)
        word = {"failure": "failed", "error": "error"}.get(trouble.tag, "") if trouble is not None else "passed"
        tests[str(node.get("name"))] = (word, (trouble.text or "") if trouble is not None else "")
    return Outcome(done.returncode, done.stdout + done.stderr, tests)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A run with a case that passes, one that fails, one that is unscored and one that cannot be read."""
    root = tmp_path_factory.mktemp("mixed") / "project"
    mocks = "mocks: [{name: shell, match: {tool: Bash}}]\n"
    unscored = case("It is greeted.").replace("evals", mocks + "evals", 1)
    write(
        root,
        {
            "skilltest.yaml": SCRIPTED + "max_tokens: 1000\n",
            "t/good.skilltest.yaml": case("It greets `Ada`."),
            "t/bad.skilltest.yml": case("It greets `Bob`."),
            "t/torn.skilltest.yaml": case("x").replace("evals:", "evalz:"),
            "t/other.yaml": "not: ours\n",
            "t/unscored.skilltest.yaml": unscored,
            "conftest.py": textwrap.dedent("""
                import pytest
                from runner_env.errors import ProviderError
                from runner_env.providers import scripted

                real = scripted.ScriptedProvider.respond

                async def respond(self, platform, model, skill, messages, session=None, options=None):
                    if options.mocks is not None:
                        raise ProviderError("overloaded", "the kitchen is closed", context="respond", hint="Come back.")
                    return await real(self, platform, model, skill, messages, session, options)

                scripted.ScriptedProvider.respond = respond
                """),
        },
    )
    return run(root, "--continue-on-collection-errors", "--strict-markers", "-W", "error")


def test_one_test_for_each_cell(mixed: Outcome) -> None:
    """Case, platform, model and repeat make a test of their own (W17)."""
    cells = [f"good[{platform}-small-{n}]" for platform in ("claude-code", "codex") for n in (1, 2)]
    assert [mixed.tests[name][0] for name in cells] == ["passed"] * 4
    assert len(mixed.tests) == 13


def test_a_failed_trial_is_a_failed_test_with_its_transcript(mixed: Outcome) -> None:
    """What was found and what was said stand in the report."""
    word, told = mixed.tests["bad[codex-small-1]"]
    assert word == "failed"
    assert "false (expected true) (not said: Bob)" in told
    assert "assistant:\nGreeting\n\nPlease greet Ada." in mixed.output


def test_an_unscored_trial_is_an_error(mixed: Outcome) -> None:
    """Nothing is known about the skill, so it is neither passed nor failed; the finding says why."""
    word, told = mixed.tests["unscored[codex-small-1]"]
    assert word == "error"
    assert "the kitchen is closed [overloaded]" in told
    assert "Hint: Come back." in told


def test_a_case_that_cannot_be_used_is_a_collection_error(mixed: Outcome) -> None:
    """File, line and column of the mistake are told; the other files are run."""
    assert mixed.code == 1
    assert "torn.skilltest.yaml:3:1: " in mixed.output
    assert "evalz" in mixed.output


def test_choosing_by_name_and_marker(tmp_path: Path) -> None:
    """`-k` knows platforms and models, `-m` the marker with its arguments."""
    write(tmp_path, {"skilltest.yaml": SCRIPTED, "t/good.skilltest.yaml": case("It greets `Ada`.")})
    assert set(run(tmp_path, "-k", "codex and 2").tests) == {"good[codex-small-2]"}
    assert set(run(tmp_path, "-m", "skilltest(platform='codex', repeat=1)").tests) == {"good[codex-small-1]"}
    assert run(tmp_path, "-m", "not skilltest").code == 5


def test_ini_options_go_before_the_config(tmp_path: Path) -> None:
    """Provider, config, platforms and models; a provider that stays is started once for all tests."""
    provider = """
        import json, os, sys
        open("started", "a").write("x")
        for line in sys.stdin:
            request = json.loads(line)
            reply = {"message": "Hi", "value": True, "persistent": True, "id": request.get("id")}
            print(json.dumps(reply), flush=True)
        """
    ini = f"[pytest]\nskilltest_provider = {sys.executable} provider.py\nskilltest_models = m1 m2 m3\n"
    ini += "skilltest_platforms = p\nskilltest_config = conf/other.yaml\nskilltest_bin = skilltest\n"
    files = {
        "pytest.ini": ini,
        "conf/other.yaml": "repeat: 1\njobs: 1\n",
        "provider.py": textwrap.dedent(provider),
        "t/good.skilltest.yaml": case("Fine."),
    }
    write(tmp_path, files)
    outcome = run(tmp_path, "--strict-config")
    assert {name: word for name, (word, _) in outcome.tests.items()} == {
        "good[p-m1-1]": "passed", "good[p-m2-1]": "passed", "good[p-m3-1]": "passed",
    }  # fmt: skip
    # the first process announces that it would stay, the second one does
    assert (tmp_path / "started").read_text() == "xx"


def test_workers_of_xdist_share_the_trials(tmp_path: Path) -> None:
    """Each trial is run once, by one of the workers, and has evidence of its own."""
    write(tmp_path / "p", {"skilltest.yaml": SCRIPTED, "t/good.skilltest.yaml": case("It greets `Ada`.")})
    outcome = run(tmp_path / "p", "-n", "2")
    assert [word for word, _ in outcome.tests.values()] == ["passed"] * 4
    assert len(list((tmp_path / "home" / "runs").iterdir())) == 4


def test_it_costs_nothing_where_there_is_no_such_file(tmp_path: Path) -> None:
    """A project without skill tests loads this one module and nothing heavy."""
    test = """
        import sys

        def test_cold():
            heavy = {"pydantic", "ruamel.yaml", "httpx2", "runner_env.skills", "runner_env.errors"}
            assert "runner_env.pytest_plugin" in sys.modules
            assert not heavy & set(sys.modules)
        """
    (tmp_path / "test_cold.py").write_text(textwrap.dedent(test), "utf-8")
    assert run(tmp_path, "-p", "no:hypothesispytest", "-p", "no:anyio").code == 0
