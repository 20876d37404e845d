"""The documentation is true: its blocks run, its tables are those of the code, its links lead somewhere.

A page's blocks run in order in one working directory of its own. A comment right above a block says what is done:

    <!-- run: exit=1 in=demo target=demo -->   run it (the default for python, bash and console); all parts optional
    <!-- file: demo/pipeline.yml -->           write it to that file; blocks below may use it
    <!-- check: metrics score_out_of_range --> give it to the verification of that artifact; these are the findings
    <!-- output -->                            what the block above printed
    <!-- norun: reason -->                     neither run nor checked, and counted

`target=demo` first makes `demo` anew from the starter contract, another name from `examples/`. In outputs `…` stands
for any text, alone on a line for any lines. Contract files in yaml begin with a comment that names the file; other yaml
files are checked by what reads them below.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import runner_env.errors
from runner_env.contract import (
    MetricsSpec,
    contract_schemas,
    load_actions,
    load_bootstrap,
    load_contract,
    starter_files,
    variables_markdown,
)
from runner_env.core import Where
from runner_env.runs.options import AgentOptions, CallOptions, SetupOptions
from runner_env.runs.results import EvaluationCallResult, RolloutCallResult
from runner_env.session import CallKeywords, RolloutKeywords, SetupKeywords
from runner_env.verification import Context, Started, Verified, check_metrics, check_rollout, check_runtime_env

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "runner_env"
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "README.zh-CN.md", "CHANGELOG.md", "CONTRIBUTING.md")),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "docs" / "adr").glob("*.md"),
    ]
)
MOST_NORUNS = 12
LANGUAGES = frozenset({"python", "yaml", "bash", "console", "json", "jsonl", "text"})
_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!-- (?P<verb>\w+)(?:: (?P<rest>.*?))? -->\n\Z")
_SNAKE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")


@dataclass(frozen=True)
class Block:
    """A fenced block with the comment above it."""

    page: Path
    line: int
    language: str
    body: str
    verb: str
    rest: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def options(self) -> dict[str, str]:
        """The `name=value` parts of the comment."""
        return dict(part.split("=", 1) for part in self.rest.split())


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page."""
    text = page.read_text("utf-8")
    for match in _FENCE.finditer(text):
        comment = _COMMENT.search(text, 0, match.start())
        verb, rest = (comment["verb"], comment["rest"] or "") if comment else ("", "")
        yield Block(page, text.count("\n", 0, match.start()) + 1, match["language"], match["body"], verb, rest)


@dataclass
class Desk:
    """Where a page's blocks are run, one after the other."""

    folder: Path
    printed: str = ""
    environ: dict[str, str] = field(default_factory=dict)

    def handle(self, block: Block) -> None:
        """Do with a block what its comment and language say."""
        assert block.language in LANGUAGES, f"{block}: language {block.language!r}"
        if block.verb in {"run", ""} and block.language in {"python", "bash", "console"}:
            self._run(block)
        elif block.verb == "output":
            assert_like(block.body, self.printed, str(block))
        elif block.verb == "file":
            self._write(block)
        elif block.verb == "check":
            self._check(block)
        elif block.language == "yaml":
            self._load(block)
        elif block.language == "json":
            json.loads(block.body)
        else:
            assert block.language == "text" or block.verb == "norun", f"{block}: nothing checks this"

    def _run(self, block: Block) -> None:
        if "target" in block.options:
            self._target(block.options["target"])
        if block.language == "console":
            self._session(block)
        else:
            command = [sys.executable, "-"] if block.language == "python" else ["bash", "-euo", "pipefail", "-s"]
            self.printed = self._process(command, block, block.body)

    def _session(self, block: Block) -> None:
        parts = re.split(r"^\$ (.*)\n", block.body, flags=re.MULTILINE)
        assert parts[0] == "", f"{block}: a console block begins with `$ `"
        for command, expected in zip(parts[1::2], parts[2::2], strict=True):
            last = command == parts[-2]
            self.printed = self._process(["bash", "-c", command], block, "", exit_code=None if last else 0)
            assert_like(expected, self.printed, f"{block}: {command}")

    def _process(self, command: list[str], block: Block, given: str, exit_code: int | None = None) -> str:
        cwd = self.folder / block.options.get("in", ".")
        done = subprocess.run(
            command, input=given, cwd=cwd, env=self.environ, capture_output=True, text=True, timeout=100, check=False
        )
        wanted = int(block.options.get("exit", "0")) if exit_code is None else exit_code
        assert done.returncode == wanted, f"{block}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout if block.language != "console" else done.stdout + done.stderr

    def _target(self, name: str) -> None:
        root = self.folder / name
        shutil.rmtree(root, ignore_errors=True)
        if name != "demo":
            left = shutil.ignore_patterns("artifacts", "venv", "metrics.json", "rollout.json", "runtime_env.json")
            shutil.copytree(ROOT / "examples" / name, root, ignore=left)
            return
        for relative, text in starter_files().items():
            (root / relative).parent.mkdir(parents=True, exist_ok=True)
            (root / relative).write_text(text, encoding="utf-8")

    def _write(self, block: Block) -> None:
        path = self.folder / block.rest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.body, encoding="utf-8")
        if block.language == "yaml" and path.name in ("bootstrap.yml", "actions.yml", "pipeline.yml"):
            self._load(block)

    def _load(self, block: Block) -> None:
        first = block.body.partition("\n")[0]
        name = next((name for name in ("bootstrap.yml", "actions.yml", "pipeline.yml") if name in first), None)
        assert name, f"{block}: the first line names no contract file"
        root = self.folder / "only-read"
        path = root / name if name == "pipeline.yml" else root / ".aider_fsm" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.body, encoding="utf-8")
        {"pipeline.yml": load_contract, "bootstrap.yml": load_bootstrap, "actions.yml": load_actions}[name](root)

    def _check(self, block: Block) -> None:
        kind, *codes = block.rest.split()
        verified = verify(self.folder / "checked", kind, block.body)
        assert [finding.code for finding in verified.findings] == codes, f"{block}: {verified.findings}"


def verify(root: Path, kind: str, text: str) -> Verified:
    """What the verification says to an artifact of this kind with this text."""
    (root / ".aider_fsm").mkdir(parents=True, exist_ok=True)
    sample = '{"prompt": "p", "completion": "c", "reward": 1.0}\n'
    context = Context(root, Started.now(root), lambda _fd, _name, _limit: None)
    (root / "samples.jsonl").write_text(text if kind == "samples" else sample)
    rollout = text if kind == "rollout" else '{"paths": {"samples_jsonl": "samples.jsonl"}}'
    (root / ".aider_fsm/rollout.json").write_text(rollout)
    (root / ".aider_fsm/metrics.json").write_text(text)
    (root / ".aider_fsm/runtime_env.json").write_text(text)
    if kind == "metrics":
        spec = MetricsSpec(".aider_fsm/metrics.json", ("ok", "score"), (0.0, 1.0), Where("pipeline.yml"))
        return check_metrics(context, spec, "evaluation", required=True)
    if kind == "runtime_env":
        return check_runtime_env(context)
    verified = check_rollout(context, require_samples=True)
    kept = tuple(finding for finding in verified.findings if finding.code != "samples_not_kept")
    return dataclasses.replace(verified, findings=kept)


def assert_like(expected: str, actual: str, where: str) -> None:
    """Compare texts, where `…` stands for any text, and alone on a line for any lines."""
    lines = [line.rstrip() for line in expected.strip("\n").split("\n")]
    pattern = "\n".join("(?s:.*)" if line == "…" else ".*".join(map(re.escape, line.split("…"))) for line in lines)
    shown = "\n".join(line.rstrip() for line in actual.strip("\n").split("\n"))
    assert re.fullmatch(pattern, shown), f"{where}: printed was\n{actual}"


@pytest.fixture
def desk(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A working directory with `runner-env` on the PATH and nothing of the user's."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    folder = tmp_path / "desk"
    folder.mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    return Desk(folder, environ={**environ, "RUNNER_ENV_HOME": str(home), "HOME": str(tmp_path), "COLUMNS": "100"})


@pytest.mark.parametrize("page", [pytest.param(page, id=page.relative_to(ROOT).as_posix()) for page in PAGES])
def test_every_block_of_a_page_does_what_the_page_says(page: Path, desk: Desk) -> None:
    """Python, shell, contracts and artifacts shown in the documentation work as shown."""
    for block in blocks(page):
        desk.handle(block)


def test_what_is_not_run_has_a_reason_and_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """A block that nothing checks is the exception, says why, and shows in the test's output."""
    skipped = [block for page in PAGES for block in blocks(page) if block.verb == "norun"]
    with capsys.disabled():
        sys.stdout.write(f"\n{len(skipped)} documentation blocks are not run:\n")
        sys.stdout.writelines(f"  {block}: {block.rest}\n" for block in skipped)
    assert all(len(block.rest) > 10 for block in skipped)
    assert len(skipped) <= MOST_NORUNS


def test_every_link_leads_somewhere() -> None:
    """Relative links name files of the repository and headings that exist in them."""
    for page in PAGES:
        text = _FENCE.sub("", page.read_text("utf-8"))
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" in link:
                continue
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            assert target.exists(), f"{page.name}: {link}"
            assert not anchor or anchor in anchors(target), f"{page.name}: {link}"


def anchors(page: Path) -> set[str]:
    """The names under which GitHub offers the headings of a page."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_make_target_named_exists() -> None:
    """`make demo` and the like are targets of the Makefile."""
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    makes = re.compile(r"(?:^|`)make ([\w-]+)", re.MULTILINE)
    named = {name for page in PAGES for name in makes.findall(page.read_text("utf-8"))}
    assert named <= targets
    assert {"demo", "test"} <= named


def test_the_readme_is_read_in_three_minutes() -> None:
    """At most 800 words outside code, and one paragraph of Chinese."""
    text = (ROOT / "README.md").read_text("utf-8")
    prose = _FENCE.sub("", text)
    assert len(prose.split()) <= 800
    assert len([line for line in prose.split("\n\n") if re.search(r"[\u4e00-\u9fff]{10}", line)]) == 1


def tables(page: str, heading: str) -> list[list[str]]:
    """The rows of the tables between a heading and the next of its level, without their heads."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    level = heading.split(" ", 1)[0]
    start = text.index(f"\n{heading}\n") + len(heading) + 2
    end = re.compile(rf"^#{{1,{len(level)}}} ", re.MULTILINE).search(text, start)
    lines = text[start : end.start() if end else len(text)].split("\n")
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines if line.startswith("|")]
    heads = {index - 1 for index, row in enumerate(rows) if set("".join(row)) <= set("-:")}
    return [row for index, row in enumerate(rows) if index not in heads and index - 1 not in heads]


def names(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def documented(heading: str) -> dict[str, object]:
    """Keyword and default of each row below a heading of `env_api.md`."""
    return {name: ast.literal_eval(names(row[1])[0]) for row in tables("env_api.md", heading) for name in names(row[0])}


def defaults(options: type[Any]) -> dict[str, object]:
    """The defaults of an options class."""
    values = {f.name: getattr(options(), f.name) for f in dataclasses.fields(options)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def test_setup_keywords_are_those_of_the_code() -> None:
    """`env_api.md` has every keyword of `setup()` with its default."""
    others = {"scaffold_bash": "scaffold_opencode_bash", "harness": "harness"}
    agent = {others.get(name, f"opencode_{name}"): value for name, value in defaults(AgentOptions).items()}
    expected = {**defaults(SetupOptions), **agent, "strict_opencode": None}
    del expected["agent"]
    assert documented("### Keywords of `setup()`") == expected
    assert expected.keys() == SetupKeywords.__optional_keys__


def test_call_keywords_are_those_of_the_code() -> None:
    """`env_api.md` has every keyword of `rollout()` and `evaluate()` with its default."""
    expected: Mapping[str, object] = {**defaults(CallOptions), "env_overrides": None}
    assert documented("### Keywords of `rollout()` and `evaluate()`") == expected
    assert expected.keys() == RolloutKeywords.__optional_keys__
    assert expected.keys() - {"require_samples"} == CallKeywords.__optional_keys__


def test_result_fields_are_those_of_the_code() -> None:
    """`env_api.md` has every field of the results."""
    fields = {f.name for result in (RolloutCallResult, EvaluationCallResult) for f in dataclasses.fields(result)}
    listed = [name for row in tables("env_api.md", "## Results") for name in names(row[0])]
    assert set(listed) == fields | {"score"}


def test_the_errors_are_those_of_the_code() -> None:
    """`env_api.md` draws the tree of errors as the module does."""
    tree = re.search(r"    RunnerEnvError\n(?:    .*\n)+", inspect.getdoc(runner_env.errors) or "")
    assert tree
    page = (ROOT / "docs/env_api.md").read_text("utf-8")
    assert inspect.cleandoc(tree[0]) in page


def test_the_variables_are_those_of_the_code() -> None:
    """`pipeline_spec.md` carries the generated table as it is now."""
    page = (ROOT / "docs/pipeline_spec.md").read_text("utf-8")
    found = re.search(r"<!-- table:variables -->\n(.*?)\n?<!-- /table -->", page, re.DOTALL)
    assert found
    assert found[1].strip() == variables_markdown().strip()


def schema_keys(schema: Mapping[str, Any]) -> set[str]:
    """Every key of a contract file, as `section.key`."""

    def walk(node: Mapping[str, Any], prefix: str) -> Iterator[str]:
        refs = [part["$ref"] for part in (node, *node.get("anyOf", ())) if "$ref" in part]
        for ref in refs:
            node = schema["$defs"][ref.rsplit("/", 1)[-1]]
        for name, value in node.get("properties", {}).items():
            inner = list(walk(value, f"{prefix}{name}."))
            yield from inner or [f"{prefix}{name}"]

    return set(walk(schema, ""))


def test_every_key_of_the_contract_is_explained() -> None:
    """`pipeline_spec.md` and `bootstrap_spec.md` name every key, and none that does not exist."""
    keys = {name for row in tables("pipeline_spec.md", "## Keys") for name in names(row[0])}
    assert keys == schema_keys(contract_schemas()["pipeline"])
    bootstrap = {name for row in tables("bootstrap_spec.md", "## Keys") for name in names(row[0])}
    assert bootstrap == schema_keys(contract_schemas()["bootstrap"])
    action = {name for row in tables("bootstrap_spec.md", "## Keys of an action") for name in names(row[0])}
    assert action == set(contract_schemas()["actions"]["$defs"]["ActionItem"]["properties"])


_FINDERS = frozenset({"Finding", "finding", "refusal", "_refuse", "note", "_note", "_absent", "JsonTrouble", "Refused"})
_NO_CODES = frozenset(
    (
        *("check_metrics", "check_rollout", "check_runtime_env", "claimed_usage", "read_samples", "set_aside"),
        *("deploy_setup", "samples_jsonl", "input_tokens", "prompt_tokens", "output_tokens", "completion_tokens"),
        "cost_usd",
    )
)
_CODE = re.compile(r"[a-z][a-z0-9_]*")
_EVENTS = frozenset({"command_started", "command_ended"})


def constants(path: Path) -> set[str]:
    """Every text in a module that could be a code."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if _SNAKE.fullmatch(text)}


def codes_of_calls(path: Path) -> set[str]:
    """The first argument of each call that makes a finding."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        attribute = getattr(node.func, "attr", "")
        called = getattr(node.func, "id", attribute if attribute == "finding" else "")
        code = node.args[0].value
        if called in _FINDERS and isinstance(code, str) and _CODE.fullmatch(code):
            found.add(code)
    return found


def codes_in(table: str) -> Iterator[str]:
    """What stands in backticks in the first column."""
    for row in table.splitlines():
        yield from names(row.split("|")[1])


def test_every_finding_is_explained() -> None:
    """`verification.md` has a row for every code that findings carry, and none that the code does not have."""
    text = (ROOT / "docs/verification.md").read_text("utf-8")
    listed = {
        name for table in re.findall(r"^\| code \|.*\n((?:\|.*\n)+)", text, re.MULTILINE) for name in codes_in(table)
    }
    modules = sorted(SOURCE.rglob("*.py"))
    used = {code for path in modules for code in codes_of_calls(path)}
    used |= {code for path in (SOURCE / "verification").glob("*.py") for code in constants(path)} - _NO_CODES
    used |= {code for code in constants(SOURCE / "targets/inside.py") if code.startswith("path_")} - {"path_missing"}
    used |= {
        code for code in constants(SOURCE / "pipeline/stage.py") if code.startswith(("command_", "box_"))
    } - _EVENTS
    everywhere = {code for path in modules for code in constants(path)} | used
    assert used - listed == set()
    assert listed - everywhere == set()


def test_the_rooms_are_those_of_the_code() -> None:
    """`architecture.md` lists as built what is there, and nothing else."""
    there = {f"{path.name}/" for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
    there |= {path.name for path in SOURCE.glob("*.py") if not path.name.startswith("__")}
    built = [name for row in tables("architecture.md", "## Rooms that exist") for name in names(row[1])]
    later = [name for row in tables("architecture.md", "## Rooms that come later") for name in names(row[1])]
    assert sorted(built) == sorted(there)
    assert not set(later) & there


def test_the_one_liner_has_real_flags() -> None:
    """Every flag of `runner-env` in shell blocks that are not run is one that its help page lists."""
    from runner_env.cli.help_pages import help_pages

    pages = help_pages()
    for page in PAGES:
        for block in blocks(page):
            if block.verb != "norun" or block.language not in {"bash", "console"}:
                continue
            for line in block.body.replace("\\\n", " ").split("\n"):
                words = shlex.split(line, comments=True)
                if "runner-env" in words and words[words.index("runner-env") + 1 :]:
                    command = words[words.index("runner-env") + 1]
                    flags = [word.split("=")[0] for word in words if word.startswith("--")]
                    missing = [flag for flag in flags if flag not in pages[command]]
                    assert not missing, f"{block}: {missing}"
