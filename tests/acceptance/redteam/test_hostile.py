"""Every hostile case at every level, played by what kind of input it is, so that further cases need no code.

What is asked of every case: the runner says what happened, in time; nothing outside is touched (at level `none`: by the
runner itself); nothing is left running; no secret is recorded. What a case expects is asked for besides; a table in
docs/security_model.md says what of it holds below the best level.
"""

from __future__ import annotations

import base64
import io
import json
import re
import shlex
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runner_env.core import Verdict
from runner_env.errors import ContractError, RunnerEnvError
from runner_env.reporting.records import load_record
from runner_env.runs.listing import list_runs
from runner_env.runs.proof import check_proof
from runner_env.runs.resume import Given, resume_run
from runner_env.session import open_session
from runner_env.settings import Settings

Case = Mapping[str, Any]
SECRET = "sk-CANARY-0123456789"
SHAPES = (SECRET.encode(), base64.b64encode(SECRET.encode()), SECRET.encode().hex().encode())
METRICS = ".aider_fsm/metrics.json"
CREDENTIALS = (".ssh/id_canary", ".aws/credentials", ".netrc", ".config/gh/hosts.yml", ".docker/config.json")
LIMITS = {
    "disk_mb": "max_disk_mb", "memory_mb": "max_memory_mb", "mem_mb": "max_memory_mb", "pids": "max_processes",
    "processes": "max_processes", "output_mb": "max_output_mb", "log_mb": "max_output_mb",
    "open_files": "max_open_files", "nofile": "max_open_files",
}  # fmt: skip
BUGS = frozenset({"internal_error", "system_error", "observer_failed"})
PATIENCE_S = 60.0
TOLD_IN_S = 20.0


@dataclass
class Stand:
    """A case, and where it is let loose."""

    case: Case
    level: str
    ground: Any
    monkeypatch: pytest.MonkeyPatch

    @property
    def expected(self) -> str:
        """What the case must come to."""
        return str(self.case["expected"])

    @property
    def contained(self) -> bool:
        """Whether the level keeps stages from what is outside."""
        return self.level != "none"

    def run(self, contract: Mapping[str, object] | None, call: str = "evaluate", **keywords: object) -> Any:
        """Run a contract; an error that a user would see is returned, any other is raised."""
        if contract is not None:
            self.ground.write({"pipeline.yml": {"version": 1, **contract}})
        begun = time.monotonic()
        try:
            return self.ground.run(call, pass_env=("FAKE_API_KEY",), sandbox=self.level, **keywords)
        except RunnerEnvError as error:
            return error
        finally:
            limit = self.case.get("timeout_s", 40)
            assert time.monotonic() - begun < limit + TOLD_IN_S

    def contract(self, *commands: str, stage: str = "evaluation") -> dict[str, object]:
        """A contract with these commands in a stage, an evaluation, and the limits of the case."""
        limits = {LIMITS[name]: value for name, value in self.case.get("limits", {}).items() if name in LIMITS}
        mine = {"timeout_seconds": self.case["timeout_s"]} if "timeout_s" in self.case else {}
        found: dict[str, object] = {"security": {"secrets": ["FAKE_API_KEY"], **limits}}
        found["evaluation"] = {"run_cmds": [self.ground.good], "metrics_path": METRICS, **mine}
        if stage == "evaluation":
            found["evaluation"] = {"run_cmds": list(commands), "metrics_path": METRICS, **mine}
        else:
            found[stage] = {"cmds": list(commands), **mine}
        return found


def against(result: Any) -> list[str]:
    """The codes of what speaks against a result, or of the error it is."""
    if isinstance(result, RunnerEnvError):
        return [getattr(result, "code", "error")]
    return [finding.code for finding in result.findings if finding.verdict is not Verdict.PASSED]


def clear(result: Any) -> bool:
    """Whether a user is told what is wrong and what to do about it."""
    if isinstance(result, RunnerEnvError):
        return bool(str(result))
    told = [finding for finding in result.findings if finding.verdict is not Verdict.PASSED]
    return bool(told) and all(finding.message and finding.hint for finding in told)


def stage(stand: Stand) -> None:
    """A payload as a command of a stage, and as a script that bash is given."""
    case, expected = stand.case, stand.expected
    if case["category"] == "git_target":
        with_a_solution_in_its_history(stand.ground)
    stand.ground.write({"payload.sh": case["input"] + "\n"})
    forms = [case["input"]] + (["bash payload.sh"] if case["category"] in {"destructive", "secrets"} else [])
    for form in forms:
        where = "tests" if expected == "detected" else "evaluation"
        more = () if expected in {"clear_error", "detected"} else (stand.ground.good,)
        contract = stand.contract(form, *more, stage=where)
        if ports := re.findall(r"\b[1-9][0-9]{3,4}\b", form) if expected == "detected" else []:
            contract["deploy"] = answered_by_nobody(ports)
        judge_stage(stand, stand.run(contract))


def answered_by_nobody(ports: list[str]) -> dict[str, object]:
    """A deployment that starts no server, and whose health is that one answers at each port."""
    ask = "import socket, sys; [socket.create_connection(('127.0.0.1', int(port)), 2) for port in sys.argv[1:]]"
    health = f'"$AIDER_FSM_PYTHON" -c "{ask}" {" ".join(ports)}'
    return {"setup_cmds": ["echo '{}' > .aider_fsm/runtime_env.json"], "health_cmds": [health]}


def judge_stage(stand: Stand, result: Any) -> None:
    """What is expected of a payload in a stage."""
    codes, hit = against(result), stand.case.get("policy_hit")
    refused = "command_refused" in codes
    assert not isinstance(result, RunnerEnvError), result
    assert BUGS.isdisjoint(codes), result.findings
    if hit is True or stand.expected == "blocked":
        assert refused, result.findings
    if hit is False:
        assert not refused, result.findings
    if stand.expected == "survived":
        assert result.ok, result.findings
    if stand.expected == "clear_error":
        assert not result.ok
        assert clear(result), result.findings
    if stand.expected == "detected":
        assert not result.ok or seen_in_trace(result, stand.case["input"]), result.findings


def seen_in_trace(result: Any, payload: str) -> bool:
    """Whether it is recorded that the programs of a payload were executed."""
    text = b"".join(path.read_bytes() for path in result.run_dir.rglob("*_trace.jsonl")).decode("utf-8", "replace")
    lines = (shlex.split(line, comments=True) for line in re.split(r"[;\n|&]+", payload))
    programs = {words[0] for words in lines if words}
    return all(f'"{name}"' in text or f"/{name}" in text for name in programs)


def with_a_solution_in_its_history(ground: Any) -> None:
    """A repository whose later commit, on another branch, holds the solution."""
    ground.write({"src/core.py": "x = 0\n", ".gitignore": ".aider_fsm\npipeline.yml\npayload.sh\n"})
    ground.commit()
    ground.write({"src/core.py": "x = 1\n"})
    ground.git("commit", "-q", "-a", "-m", "the solution")
    ground.git("update-ref", "refs/remotes/origin/fix", "HEAD")
    ground.git("reset", "-q", "--hard", "HEAD~1")


def files(stand: Stand) -> None:
    """A target with these files; those of `.git` come last, over a sound repository."""
    value = stand.case["input"]
    made = json.loads(value) if isinstance(value, str) else value
    inner = {name: text for name, text in made.items() if name.removeprefix("repo/").startswith((".git/", ".gitmod"))}
    stand.ground.write({"README": "hello\n"})
    stand.ground.write({name: text for name, text in made.items() if name not in inner})
    if stand.case["category"] == "git_target":
        stand.ground.commit()
    stand.ground.write(inner)
    contract = None if "pipeline.yml" in made else stand.contract("echo more >> README", stand.ground.good)
    result = stand.run(contract)
    assert BUGS.isdisjoint(against(result))
    if stand.expected == "clear_error":
        assert isinstance(result, RunnerEnvError) or not result.ok
        assert clear(result), result
    else:
        assert not isinstance(result, RunnerEnvError) or stand.expected == "blocked", result


def contract_text(stand: Stand) -> None:
    """A contract, as text: refused at once and where, or, if it must survive, run."""
    judge_contract(stand, stand.case["input"].encode(), accepted=stand.expected == "survived")


def contract_variants(stand: Stand) -> None:
    """Contracts as text or base64; which of them are sound the probe says, as in `bom and crlf: accepted`."""
    told = stand.case["harmless_probe"].lower()
    sound = " ".join(re.findall(r"([^;.]*?)(?::| are| is)? accepted", told))
    for name, text in stand.case["input"].items():
        data = base64.b64decode(text) if name.endswith("_b64") else text.encode()
        judge_contract(stand, data, accepted=name.removesuffix("_b64") in sound)


def judge_contract(stand: Stand, data: bytes, *, accepted: bool) -> None:
    """One contract: accepted, or an error with a place."""
    (stand.ground.root / "pipeline.yml").write_bytes(data)
    begun = time.monotonic()
    result = stand.run(None)
    if accepted:
        assert not isinstance(result, ContractError), result
        return
    assert isinstance(result, ContractError), (data[:80], result)
    assert result.where is not None
    assert result.where.line
    assert time.monotonic() - begun < 10


def metrics_variants(stand: Stand) -> None:
    """Metrics that say no score: each refused, with words of its own."""
    said = []
    for text in stand.case["input"]:
        stand.ground.write({"made": text})
        result = stand.run(stand.contract(f"cp made {METRICS}"))
        assert (result.ok, result.score, result.failed_stage) == (False, None, "metrics"), text
        said.append(" ".join(str(finding) for finding in result.findings if "`ok`" not in finding.message))
    assert len(set(said)) == len(said), said


def generated(stand: Stand) -> None:
    """A command that makes a file no reader should choke on: handed in as what its name says it is."""
    command = stand.case["input"]
    name = re.findall(r">\s*(\S+)", command)[-1]
    if "metrics" in name:
        result = stand.run(stand.contract(command))
    else:
        told = f"""printf '{{"paths": {{"samples_jsonl": "{name}"}}}}' > .aider_fsm/rollout.json"""
        contract = {"rollout": {"run_cmds": [command, told]}}
        result = stand.run(contract, "rollout", require_samples=True)
    assert not result.ok
    assert clear(result), result.findings


def archive(stand: Stand) -> None:
    """Archives of the kinds that the description could mean; each is a clear error, and nothing lands outside."""
    for name, data in hostile_archives():
        path = stand.ground.root.parent / name
        path.write_bytes(data)
        stand.monkeypatch.setenv("RUNNER_ENV_ARCHIVE_MAX_BYTES", "20000000")
        try:
            with pytest.raises(RunnerEnvError) as caught:
                open_session(path, {"sandbox": stand.level})
        finally:
            path.unlink()
        assert clear(caught.value), name
    assert {path.name for path in stand.ground.root.parent.iterdir()} <= {"repo", "canary", "me"}


def hostile_archives() -> Iterator[tuple[str, bytes]]:
    """Bombs, climbing and absolute names, links that lead out, devices, and what is no archive at all."""
    yield "bomb.zip", zipped({"zeros": bytes(120 << 20)})
    yield "entries.zip", zipped({f"e{number}": b"" for number in range(100_000)})
    for number, climbing in enumerate(("../up", "a/../../up", "/up", "a/b/../../../up")):
        yield f"climb{number}.zip", zipped({climbing: b"x"})
        yield f"climb{number}.tar", tarred((tarfile.TarInfo(climbing), b"x"))
    for number, (kind, to) in enumerate(((tarfile.SYMTYPE, "../../up"), (tarfile.LNKTYPE, "/etc/passwd"))):
        link = tarfile.TarInfo("link")
        link.type, link.linkname = kind, to
        yield f"link{number}.tar", tarred((link, b""), (tarfile.TarInfo("link/x"), b"x"))
    device = tarfile.TarInfo("device")
    device.type, device.devmajor, device.devminor = tarfile.CHRTYPE, 1, 3
    yield "device.tar", tarred((device, b""))
    yield "cut.zip", zipped({"a": b"x" * 1000})[:-30]
    yield "empty.tar.gz", b""


def zipped(entries: Mapping[str, bytes]) -> bytes:
    """A zip file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return made.getvalue()


def tarred(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A tar file."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as file:
        for info, data in entries:
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return made.getvalue()


def path_variants(stand: Stand) -> None:
    """Names of files of a target, and of targets."""
    ground, names = stand.ground, stand.case["input"]
    for name in names:
        (ground.root / name).write_text("1")
    ground.commit()
    each = """sh -c 'for f; do echo 2 > "$f"; done' sh {} +"""
    change = f"find . -maxdepth 1 -type f ! -name pipeline.yml -exec {each}"
    result = stand.run(stand.contract(change, ground.good))
    assert result.ok, result.findings
    record = json.loads((result.run_dir / "record.json").read_bytes())
    assert len(record["changed_tracked"]) == len(names)
    source = ground.root
    for name in names:
        ground.root = source.parent / "targets" / name
        (ground.root / ".aider_fsm").mkdir(parents=True)
        assert stand.run(stand.contract(ground.good)).ok, name
    ground.root = source


def cli(stand: Stand) -> None:
    """As many programs at once as the command line starts: one passes, each other is told who is at it."""
    many = len(re.findall(r"\brun\b", stand.case["input"]))
    stand.ground.write({"pipeline.yml": {"version": 1, **stand.contract("sleep 2", stand.ground.good)}})
    argv = [sys.executable, "-m", "runner_env", "run", ".", "--llm", "m", "--repair", "0", "--sandbox", stand.level]
    root = stand.ground.root
    started = [
        subprocess.Popen(argv, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(many)
    ]
    ended = [(one.communicate(timeout=PATIENCE_S)[1], one) for one in started]
    winner = [one.pid for _, one in ended if one.returncode == 0]
    assert len(winner) == 1, ended
    assert all(str(winner[0]) in said for said, one in ended if one.returncode != 0)


def fault(stand: Stand) -> None:
    """Something befalls the runner itself; its description says what."""
    told = f"{stand.case['description']} {stand.case['input']}".lower()
    if "clock" in told or "time.time" in told:
        clock_jumps(stand)
    elif "kill" in told:
        runner_killed(stand)
    else:
        pytest.fail(f"nobody knows how to play this fault: {told}")


def clock_jumps(stand: Stand) -> None:
    """A day forward, then back, while a command runs."""
    real = time.time
    for jump in (86_400, -86_400):

        def shift(event: str, _data: object, by: int = jump) -> None:
            if event == "command_started":
                stand.monkeypatch.setattr(time, "time", lambda: real() + by)

        stand.ground.write({"pipeline.yml": {"version": 1, **stand.contract("sleep 0.3", stand.ground.good)}})
        with open_session(stand.ground.root, {"sandbox": stand.level}, shift) as session:
            result = session.evaluate("m", repair_iters=0)
        stand.monkeypatch.setattr(time, "time", real)
        assert result.ok, result.findings
        assert "clock_jumped" in [finding.code for finding in result.findings]
        assert 0.3 <= result.duration_s < PATIENCE_S


KILLED = """
import os, signal, sys
from runner_env.session import open_session
seen = 0
def observer(event, data):
    global seen
    seen += 1
    if seen == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
with open_session(sys.argv[1], {"sandbox": sys.argv[2], "pass_env": ["FAKE_API_KEY"]}, observer) as session:
    session.evaluate("m", repair_iters=0)
"""


def runner_killed(stand: Stand) -> None:
    """SIGKILL early, in the middle and late; what is there is whole, and the run can be taken up again."""
    runs = Settings.from_environ().runs_dir
    contract = stand.contract("sleep 300 & sleep 0.2", stand.ground.good)
    stand.ground.write({"pipeline.yml": {"version": 1, **contract}})
    for at in (3, 6, 9):
        before = set(runs.iterdir()) if runs.is_dir() else set()
        argv = [sys.executable, "-c", KILLED, str(stand.ground.root), stand.level, str(at)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == -signal.SIGKILL, (at, done.stderr)
        [path] = set(runs.iterdir()) - before
        [lost] = [one for one in list_runs(runs) if one.run_id == path.name]
        assert (lost.state, lost.findings) == ("interrupted", ())
        for file in path.rglob("*.json"):
            json.loads(file.read_bytes())
        resume_run(path, Settings.from_environ(), Given(("FAKE_API_KEY",)))
        assert load_record(path).verdict is Verdict.PASSED
        assert check_proof(path).problems == ()


PLAYERS: Mapping[str, Callable[[Stand], None]] = {
    "stage": stage,
    "files": files,
    "pipeline.yml": contract_text,
    "pipeline.yml_variants": contract_variants,
    "metrics.json_variants": metrics_variants,
    "generated": generated,
    "archive": archive,
    "path_variants": path_variants,
    "cli": cli,
    "fault": fault,
}


@contextmanager
def credentials(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[bytes]:
    """A user with credentials at home."""
    mark = b"credential-that-nobody-may-see"
    for name in CREDENTIALS:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(mark)
    monkeypatch.setenv("HOME", str(home))
    yield mark


@pytest.mark.timeout(300)
def test_a_hostile_case_comes_to_what_it_must(
    hostile: Case,
    level: str,
    ground: Any,
    alive: Callable[[Path], list[int]],
    monkeypatch: pytest.MonkeyPatch,
    tree_of: Callable[..., dict[str, object]],
) -> None:
    """All that is asked of every case, and what this one expects."""
    monkeypatch.setenv("FAKE_API_KEY", SECRET)
    monkeypatch.setenv("RUNNER_ENV_SANDBOX", level)
    rights = level != "landlock"  # Landlock does not govern who may change permissions and times
    before = tree_of(ground.canary, rights=rights)
    with credentials(ground.root.parent / "me", monkeypatch) as mark:
        stand = Stand(hostile, level, ground, monkeypatch)
        PLAYERS[hostile["input_kind"]](stand)
    untouched = stand.contained or hostile["input_kind"] != "stage" or hostile["expected"] in {"blocked", "survived"}
    if untouched:
        assert tree_of(ground.canary, rights=rights) == before
    give_up = time.monotonic() + 5
    while rest := alive(ground.root):
        assert time.monotonic() < give_up, rest
        time.sleep(0.02)
    payload = (ground.root / "payload.sh", ground.root / "pipeline.yml")
    for path in ground.recorded():
        data = path.read_bytes() if path.stat().st_size < 100 << 20 else b""
        assert path in payload or not any(shape in data for shape in SHAPES), path
        assert mark not in data or not stand.contained, path
