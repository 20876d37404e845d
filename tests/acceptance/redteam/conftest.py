"""Hostile and honest cases as data: where they are read, and the ground on which each of them is let loose."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import runner_env
from runner_env.errors import OptionError

HERE = Path(__file__).parent
CATEGORIES = frozenset(
    ("destructive", "path_escape", "secrets", "malformed_input", "resource_abuse", "concurrency_crash", "git_target")
)
"""What stages are contained for; whether a score was earned, and what models are told, is judged elsewhere."""

LEVELS = ("bwrap", "landlock", "none")
METRICS = ".aider_fsm/metrics.json"
GOOD = f"""printf '{{"ok": true, "score": 0.5}}' > {METRICS}"""
SECRET = "sk-CANARY-0123456789"

Case = Mapping[str, Any]


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The cases in a file, one a line."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each case and level: `hostile` are the shared cases and ours, `honest` are their twins."""
    if "hostile" in metafunc.fixturenames:
        shared = next(plugin.SHARED for plugin in metafunc.config.pluginmanager.get_plugins() if _has_shared(plugin))
        file = shared / "corpora/redteam/cases.jsonl"
        cases = [*(lines_of(file) if file.is_file() else []), *lines_of(HERE / "cases.jsonl")]
        _spread(metafunc, "hostile", [case for case in cases if case["category"] in CATEGORIES])
    if "honest" in metafunc.fixturenames:
        _spread(metafunc, "honest", lines_of(HERE / "twins.jsonl"))


def _has_shared(plugin: object) -> bool:
    return isinstance(getattr(plugin, "SHARED", None), Path)


def _spread(metafunc: pytest.Metafunc, name: str, cases: Sequence[Case]) -> None:
    found = []
    for case in cases:
        for level in case.get("at", LEVELS):
            marks = [pytest.mark.network if case.get("network_test") else pytest.mark.slow]
            found.append(pytest.param(case, level, marks=marks, id=f"{case['id']}-{level}"))
    metafunc.parametrize((name, "level"), found)


def checked_canary(name: str | None) -> Path:
    """The directory that a payload may try to harm; refuses one that somebody could miss."""
    if not name or Path(name).resolve() in {Path("/"), Path.home().resolve()}:
        raise RuntimeError(f"CANARY_DIR is {name!r}; it must be a fresh directory")
    if list(Path(name).iterdir()):
        raise RuntimeError(f"CANARY_DIR {name!r} is not empty")
    return Path(name)


def tree(folder: Path, *, rights: bool = True) -> dict[str, object]:
    """Everything in a folder: names, kinds, contents; with `rights`, permissions and times of change too."""
    if not rights:  # whoever took them away, an ordinary user must be able to look
        subprocess.run(["chmod", "-R", "u+rwX", "--", folder], check=True)
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        said = (status.st_mode, status.st_ctime_ns) if rights else (stat.S_IFMT(status.st_mode),)
        found[str(path.relative_to(folder))] = (*said, content)
    return found


@dataclass
class Range:
    """A target beside a canary.

    Attributes:
        root: the target.
        canary: a directory outside it, with a victim and an outside folder; stages see it, and may not write to it.
        home: where the evidence goes.
        cases: the shared cases by id; empty where they are absent.
    """

    root: Path
    canary: Path
    home: Path
    cases: Mapping[str, Case] = field(default_factory=dict)

    def write(self, files: Mapping[str, object]) -> None:
        """Write files of the target; `-> path` is a symbolic link, a leading `repo/` is the target itself."""
        for name, content in files.items():
            path = self.root / name.removeprefix("repo/")
            path.parent.mkdir(parents=True, exist_ok=True)
            text = content if isinstance(content, str) else json.dumps(content)
            if name not in {"pipeline.yml", "payload.sh"}:  # in these a shell sees to it
                text = text.replace("$CANARY_DIR", str(self.canary))
            if text.startswith("-> "):
                path.symlink_to(text[3:])
            else:
                path.write_bytes(text.encode("utf-8", "surrogateescape"))
                if text.startswith("#!"):
                    path.chmod(0o755)

    def evaluate(
        self, command: str = "", *, pass_env: tuple[str, ...] = (), level: str | None = None, **sections: Any
    ) -> Any:
        """Run a contract whose evaluation is `command`, then a good score."""
        evaluation = {"run_cmds": [command, GOOD] if command else [GOOD], "metrics_path": METRICS}
        self.write({"pipeline.yml": {"version": 1, "evaluation": evaluation, **sections}})
        return self.run(pass_env=pass_env, sandbox=level)

    def run(
        self,
        call: str = "evaluate",
        *,
        pass_env: tuple[str, ...] = (),
        sandbox: str | None = None,
        network: str | None = None,
        **keywords: object,
    ) -> Any:
        """Run the contract that is there."""
        wanted: Any = {"sandbox": sandbox, "network": network}
        try:
            return self._run(call, pass_env, wanted, keywords)
        except OptionError as error:
            if error.code == "sandbox_not_available":
                pytest.skip(f"this machine has no such level: {error}")
            raise

    def _run(self, call: str, pass_env: tuple[str, ...], wanted: Any, keywords: Mapping[str, object]) -> Any:
        with runner_env.setup(self.root, pass_env=("CANARY_DIR", *pass_env), **wanted) as session:
            return getattr(session, call)("m", repair_iters=0, **keywords)

    def peak_mib(self, call: str) -> float:
        """The largest resident memory, in MiB, of a process that does no more than this call."""
        program = (
            "import sys, runner_env\n"
            "with runner_env.setup(sys.argv[1]) as session:\n"
            f"    session.{call}('m', repair_iters=0)\n"
            "print(int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1024)\n"
        )
        argv = [sys.executable, "-c", program, str(self.root)]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=110)
        return float(done.stdout)

    def recorded(self) -> Iterator[Path]:
        """Every file that a run left, evidence and published copy."""
        pending = [self.home, self.root / ".aider_fsm"]
        while pending:  # not `rglob`, which recurses: some folders are three thousand deep
            try:
                entries = list(os.scandir(pending.pop()))
            except OSError:  # a name that is too long, or a folder that is none
                continue
            pending += [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
            yield from (Path(entry.path) for entry in entries if entry.is_file(follow_symlinks=False))

    def git(self, *arguments: str) -> None:
        """Run git in the target."""
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "init.defaultBranch=main")
        subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True, timeout=30)

    @property
    def good(self) -> str:
        """The command that writes a good score."""
        return GOOD

    def commit(self) -> None:
        """Put everything under version control."""
        self.git("init", "-q")
        self.git("add", "-A", "-f")
        self.git("commit", "-q", "--allow-empty", "-m", "all")


@pytest.fixture
def ground(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Range]:
    """A target and a canary; removed by a program that does not recurse."""
    (tmp_path / "canary").mkdir()
    monkeypatch.setenv("CANARY_DIR", str(tmp_path / "canary"))
    canary = checked_canary(os.environ.get("CANARY_DIR"))
    for folder, name in (("victim", "keep.txt"), ("outside", "metrics.json")):
        (canary / folder).mkdir()
        (canary / folder / name).write_text('{"ok": true, "score": 0.99}')
    (tmp_path / "repo/.aider_fsm").mkdir(parents=True)
    yield Range(tmp_path / "repo", canary, home)
    subprocess.run(["rm", "-rf", "--", tmp_path / "repo", home], check=True, timeout=60)


@pytest.fixture
def refuse() -> Callable[[str | None], Path]:
    """What is asked before any payload runs: `refuse(name)` raises for a directory that somebody could miss."""
    return checked_canary


@pytest.fixture
def tree_of() -> Callable[..., dict[str, object]]:
    """Everything in a folder, to be compared: `tree_of(folder, rights=True)`."""
    return tree
