"""What is particular about shared red-team cases, beyond what `redteam/` asks of each: codes, places, figures.

Every payload runs in a throw-away directory with a canary beside it; see `canary` for when this refuses to start.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import runner_env
from runner_env.contract import lint
from runner_env.core import Verdict
from runner_env.errors import ContractError, TargetError
from runner_env.runs.results import CallResult
from runner_env.targets.inside import open_inside

METRICS = ".aider_fsm/metrics.json"
Range = Any
"""What the fixture `ground` gives: a target beside a canary."""

GOOD = f"""printf '{{"ok": true, "score": 0.5}}' > {METRICS}"""


@pytest.fixture
def corpus(ground: Range, shared: Path) -> Iterator[Range]:
    """The same with the shared cases; afterwards the canary is as it was."""
    lines = (shared / "corpora/redteam/cases.jsonl").read_text("utf-8").splitlines()
    ground.cases = {case["id"]: case for case in map(json.loads, lines)}
    yield ground
    assert sorted(path.name for path in ground.canary.rglob("*")) == ["keep.txt", "metrics.json", "outside", "victim"]


def codes(result: CallResult) -> list[str]:
    """The codes of what speaks against a result."""
    return [finding.code for finding in result.findings if finding.verdict is not Verdict.PASSED]


def input_of(ground: Range, name: str, expected: str) -> Any:
    """A case's payload; what it expects must be what the test is about to show."""
    assert ground.cases[name]["expected"] == expected
    return ground.cases[name]["input"]


@pytest.mark.parametrize("name", [None, "", "/", "~"])
def test_it_refuses_to_start_without_a_canary(name: str | None, refuse: Callable[[str | None], Path]) -> None:
    """No payload runs where something could be missed."""
    with pytest.raises(RuntimeError):
        refuse(str(Path.home()) if name == "~" else name)


def test_workdir_link(corpus: Range) -> None:
    """RT016: nothing is executed outside; the error names the link."""
    corpus.write(json.loads(input_of(corpus, "RT016", "clear_error")))
    result = corpus.run()
    assert (result.ok, codes(result)) == (False, ["workdir_unusable"])
    assert "`out` is a link to" in result.findings[0].message


def test_absolute_metrics_path(corpus: Range, monkeypatch: pytest.MonkeyPatch) -> None:
    """RT018: an error of the contract; nothing of the environment is recorded."""
    monkeypatch.setenv("MARK", "recorded-nowhere")
    corpus.write({"pipeline.yml": input_of(corpus, "RT018", "clear_error")})
    with pytest.raises(ContractError) as caught:
        corpus.run()
    assert (caught.value.code, str(caught.value.where)) == ("path_escapes", "pipeline.yml:3:3")
    assert not any(b"recorded-nowhere" in path.read_bytes() for path in corpus.recorded())


def test_metrics_fifo(corpus: Range) -> None:
    """RT020: refused at once, never waited for."""
    command = input_of(corpus, "RT020", "clear_error")
    corpus.write({"pipeline.yml": {"evaluation": {"run_cmds": [command], "metrics_path": METRICS}}})
    result = corpus.run()
    assert (result.ok, codes(result)) == (False, ["path_not_regular"])
    assert result.duration_s < 5


def test_swapped_path(corpus: Range) -> None:
    """RT022: 2,000 reads of a path whose folder is swapped for a link all the while never come from outside."""
    command = input_of(corpus, "RT022", "contained")
    corpus.write({".aider_fsm/real/metrics.json": "inside"})
    swapper = subprocess.Popen(["/bin/bash", "-c", command], cwd=corpus.root, start_new_session=True)
    inside = outside = 0
    try:
        for _ in range(2000):
            try:
                fd = open_inside(corpus.root, ".aider_fsm/m/metrics.json")
            except TargetError:
                outside += 1
                continue
            assert os.read(fd, 100) == b"inside"
            os.close(fd)
            inside += 1
    finally:
        os.killpg(swapper.pid, signal.SIGKILL)
        swapper.wait()
    assert inside + outside == 2000


@pytest.mark.parametrize("granted", [False, True])
def test_environment_dumped(corpus: Range, monkeypatch: pytest.MonkeyPatch, granted: bool) -> None:
    """RT028: a secret is in no file, whether the stage had it (masked) or not (absent)."""
    monkeypatch.setenv("FAKE_API_KEY", "sk-CANARY-0123456789")
    command = input_of(corpus, "RT028", "contained")
    contract: dict[str, Any] = {"security": {"secrets": ["FAKE_API_KEY"]}} if granted else {}
    result = corpus.evaluate(command, pass_env=("FAKE_API_KEY",) if granted else (), **contract)
    assert result.ok, result.findings
    stdout = result.verify.evaluation.results[0].stdout
    assert ("FAKE_API_KEY=***" in stdout) is granted
    assert ("FAKE_API_KEY" in stdout) is granted
    assert not any(b"sk-CANARY-0123456789" in path.read_bytes() for path in corpus.recorded())


def test_secret_in_two_writes(corpus: Range, monkeypatch: pytest.MonkeyPatch) -> None:
    """RT030: masked although its halves come apart, on both streams."""
    monkeypatch.setenv("FAKE_API_KEY", "sk-CANARY-0123456789")
    command = input_of(corpus, "RT030", "contained")
    corpus.write({"payload.sh": command})  # dash, which /bin/sh may be, takes the second half for an option
    result = corpus.evaluate("bash payload.sh", pass_env=("FAKE_API_KEY",), security={"secrets": ["FAKE_API_KEY"]})
    ran = result.verify.evaluation.results[0]
    assert ran.rc == 0
    assert ran.stderr.endswith("***")
    assert "0123456789" not in ran.stdout + ran.stderr
    assert not any(b"sk-CANARY-0123456789" in path.read_bytes() for path in corpus.recorded())


def test_short_secrets(corpus: Range, monkeypatch: pytest.MonkeyPatch) -> None:
    """RT033: a short or empty secret leaves the log as it is, and the short one is told."""
    monkeypatch.setenv("FAKE", "1")
    monkeypatch.setenv("FAKE2", "")
    command = input_of(corpus, "RT033", "survived")
    result = corpus.evaluate(command, pass_env=("FAKE", "FAKE2"), security={"secrets": ["FAKE", "FAKE2"]})
    assert result.verify.evaluation.results[0].stdout == "all is well\n1 a true\n"
    told = [finding.message for finding in result.findings if finding.code == "secret_not_masked"]
    assert [message for message in told if "FAKE " in message]


def test_stale_metrics(corpus: Range) -> None:
    """RT040: moved away before the stage, which writes nothing: missing."""
    command = input_of(corpus, "RT040", "detected")
    contract = {"evaluation": {"run_cmds": [command], "metrics_path": METRICS}}
    corpus.write({"pipeline.yml": contract, METRICS: '{"ok": true, "score": 0.9}'})
    os.utime(corpus.root / METRICS, (1e9, 1e9))
    assert codes(corpus.run()) == ["metrics_missing"]


def test_honest_evaluation(corpus: Range, monkeypatch: pytest.MonkeyPatch) -> None:
    """RT055: a real evaluation by pytest passes with its real score."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    command = input_of(corpus, "RT055", "survived")
    score = (
        "import json, sys\nfrom xml.etree import ElementTree\n"
        "suite = ElementTree.parse(sys.argv[1]).getroot().find('testsuite')\n"
        "print(json.dumps({'ok': True, 'score': 1 - int(suite.get('failures')) / int(suite.get('tests'))}))\n"
    )
    contract = {"evaluation": {"run_cmds": [command], "metrics_path": METRICS}}
    tests = "def test_a(): assert 1\ndef test_b(): assert 2\n"
    corpus.write({"pipeline.yml": contract, "tools/score.py": score, "test_it.py": tests})
    result = corpus.run()
    assert (result.verdict, result.score) == (Verdict.PASSED, 1.0), result.findings


def test_alias_bomb(corpus: Range) -> None:
    """RT056: a located error within a second."""
    corpus.write({"pipeline.yml": input_of(corpus, "RT056", "clear_error")})
    started = time.process_time()
    with pytest.raises(ContractError) as caught:
        corpus.run()
    assert time.process_time() - started < 1
    assert (caught.value.code, str(caught.value.where)) == ("too_many_values", "pipeline.yml:3:4")


@pytest.mark.parametrize(
    ("variant", "code"),
    [
        ("tab", "tab_indentation"),
        ("bom", None),
        ("crlf", None),
        ("latin1_b64", "not_utf8"),
        ("nul_b64", "bad_character"),
    ],
)
def test_malformed_contract(corpus: Range, variant: str, code: str | None) -> None:
    """RT058: tab, Latin-1 and NUL are errors with line and column; a byte order mark and CRLF are accepted."""
    text = input_of(corpus, "RT058", "clear_error")[variant]
    data = base64.b64decode(text) if variant.endswith("_b64") else text.encode()
    (corpus.root / "pipeline.yml").write_bytes(data)
    if code is None:
        runner_env.setup(corpus.root).close()
        assert {finding.code for finding in lint(corpus.root)} == {"no_metrics"}
        return
    with pytest.raises(ContractError) as caught:
        corpus.run()
    assert caught.value.code == code
    assert caught.value.where
    assert caught.value.where.column


def test_malformed_scores(corpus: Range) -> None:
    """RT060: each variant is refused with a message of its own; none becomes a number."""
    messages = []
    for text in input_of(corpus, "RT060", "clear_error"):
        contract = {"evaluation": {"run_cmds": [f"cp made {METRICS}"], "metrics_path": METRICS}}
        corpus.write({"pipeline.yml": contract, "made": text})
        result = corpus.run()
        assert (result.ok, result.score, result.failed_stage) == (False, None, "metrics"), text
        messages += [str(finding) for finding in result.findings if "`ok`" not in finding.message]
    assert len(set(messages)) == len(messages) == len(input_of(corpus, "RT060", "clear_error"))


def test_endless_line(corpus: Range) -> None:
    """RT062: 64 MB without a line end: line number and limit, in less than 150 MiB."""
    command = input_of(corpus, "RT062", "clear_error")
    told = """printf '{"paths": {"samples_jsonl": "samples.jsonl"}}' > .aider_fsm/rollout.json"""
    corpus.write({"pipeline.yml": {"rollout": {"run_cmds": [command, told]}}})
    result = corpus.run("rollout", require_samples=True)
    assert codes(result) == ["samples_jsonl_has_no_valid_samples"]
    assert "line 1: longer than 8388608 bytes" in result.findings[0].message
    assert corpus.peak_mib("rollout") < 150


def test_fork_storm(corpus: Range, alive: Callable[[Path], list[int]]) -> None:
    """RT064: the limit ends all 400 within a second, and none is left."""
    command = input_of(corpus, "RT064", "contained")
    limit = corpus.cases["RT064"]["timeout_s"]
    corpus.write({"pipeline.yml": {"tests": {"cmds": [command], "timeout_seconds": limit}}})
    result = corpus.run()
    assert (result.ok, codes(result)) == (False, ["command_timed_out"])
    assert result.duration_s < limit + 4
    assert alive(corpus.root) == []


@pytest.mark.slow
def test_log_flood(corpus: Range) -> None:
    """RT068: head and tail are kept, the rest is counted, and memory stays flat."""
    result = corpus.evaluate(input_of(corpus, "RT068", "contained"))
    assert result.ok
    record = json.loads((result.run_dir / "record.json").read_bytes())
    assert '"omitted_bytes"' in json.dumps(record)
    assert max(path.stat().st_size for path in corpus.recorded()) < 70_000_000
    flooded = corpus.peak_mib("evaluate")
    corpus.evaluate()
    assert flooded - corpus.peak_mib("evaluate") < 60


def test_disk_fill(corpus: Range) -> None:
    """RT066: more than the limit on the disk ends the stage, and the finding says how much it was."""
    command = input_of(corpus, "RT066", "contained")
    limit = corpus.cases["RT066"]["limits"]["disk_mb"]
    result = corpus.evaluate(command, security={"max_disk_mb": limit})
    assert (result.ok, codes(result)) == (False, ["disk_limit"])
    assert f" MiB added on the disk, {limit} MiB allowed" in str(result.findings)


def test_daemon(corpus: Range, alive: Callable[[Path], list[int]]) -> None:
    """RT070: what detached itself twice is gone when its stage ends, and says nothing against the run."""
    result = corpus.evaluate(input_of(corpus, "RT070", "contained"))
    assert (result.ok, alive(corpus.root)) == (True, [])


def test_squatted_port(corpus: Range) -> None:
    """RT072: a server that the tests left cannot answer for the deployment: it is gone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = input_of(corpus, "RT072", "detected").replace("18080", port)
    waited = "for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2; done"
    health = f"""python3 -c "import socket; socket.create_connection(('127.0.0.1', {port}), 2)" """
    setup = "echo '{}' > .aider_fsm/runtime_env.json"
    tests = {"cmds": [f"{command}\n{waited}\n{health}"]}
    result = corpus.evaluate(tests=tests, deploy={"setup_cmds": [setup], "health_cmds": [health]})
    assert (result.ok, result.failed_stage) == (False, "deploy_health")


def test_two_runs_at_once(corpus: Range) -> None:
    """RT074: one of two commands started together passes; the other is refused and names it."""
    assert "run . &" in input_of(corpus, "RT074", "clear_error")
    contract = {"evaluation": {"run_cmds": ["sleep 1.5", GOOD], "metrics_path": METRICS}}
    corpus.write({"pipeline.yml": contract})
    argv = [sys.executable, "-m", "runner_env", "run", ".", "--llm", "m", "--repair", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(argv, cwd=corpus.root, **pipes) for _ in range(2)]  # type: ignore[call-overload]
    said = {one.communicate(timeout=60)[1]: one.returncode for one in both}
    assert sorted(said.values()) == [0, 3]
    (refused,) = (text for text, code in said.items() if code == 3)
    assert "workspace_busy" in refused
    assert str(next(one.pid for one in both if one.returncode == 0)) in refused


def test_hostile_git_configuration(corpus: Range) -> None:
    """RT079: the runner's own git calls start nothing that the repository names."""
    corpus.write({"README": "hello"})
    corpus.git("init", "-q")
    corpus.git("add", "-A")
    corpus.git("commit", "-q", "-m", "all")
    corpus.write(json.loads(input_of(corpus, "RT079", "contained")))
    (corpus.root / ".git/hooks/post-checkout").chmod(0o755)
    result = corpus.evaluate("echo more >> README")
    assert result.ok, result.findings
    assert "README" in json.loads((result.run_dir / "record.json").read_bytes())["changed_tracked"]


def test_hostile_submodule(corpus: Range) -> None:
    """RT081: a submodule from a file, with a name that climbs, is a clear error."""
    corpus.git("init", "-q")
    corpus.write({"pipeline.yml": {"tests": {"cmds": ["true"]}}})
    corpus.write(json.loads(input_of(corpus, "RT081", "clear_error")))
    with pytest.raises(TargetError) as caught:
        corpus.run()
    assert "submodule" in str(caught.value)


def test_strange_names(corpus: Range) -> None:
    """RT084: files and targets with any name that the system allows; what changed is listed."""
    names = input_of(corpus, "RT084", "survived")
    corpus.git("init", "-q")
    for name in names:
        (corpus.root / name).write_text("1")
    corpus.git("add", "-A")
    corpus.git("commit", "-q", "-m", "all")
    result = corpus.evaluate('for f in ./*; do case $f in ./pipeline.yml) ;; *) echo 2 > "$f";; esac; done')
    assert result.ok, result.findings
    record = json.loads((result.run_dir / "record.json").read_bytes())
    assert len(record["changed_tracked"]) == len(names)
    source = corpus.root
    for name in names:
        corpus.root = source.parent / "targets" / name
        (corpus.root / ".aider_fsm").mkdir(parents=True)
        result = corpus.evaluate()
        assert (result.ok, result.score) == (True, 0.5), (name, result.findings)


DAEMONS: Mapping[str, str] = {
    "nohup": "nohup sleep 600 >/dev/null 2>&1 &",
    "setsid": "setsid -f sleep 600",
    "holds the output": "sleep 600 &",
    "ignores signals": "sh -c 'trap \"\" TERM HUP INT; sleep 600; sleep 600' & sleep 0.2",
    "closes everything": "setsid sh -c 'exec <&- >&- 2>&-; exec sleep 600' & sleep 0.1",
    "cleans its environment": "setsid env -i sleep 600.25 & sleep 0.1",
    "forks in circles": "sh -c 'n=0; while [ $n -lt 40 ]; do n=$((n+1)); setsid sleep 600 & done' & sleep 0.3",
}


@pytest.mark.parametrize("stage", ["tests", "evaluation"])
@pytest.mark.parametrize("command", DAEMONS.values(), ids=DAEMONS)
def test_nothing_survives_its_stage(
    ground: Range, alive: Callable[[Path], list[int]], stage: str, command: str
) -> None:
    """Own variants of RT064 and RT070: whatever a stage leaves running is gone afterwards, and the run passes."""
    result = ground.evaluate(command) if stage == "evaluation" else ground.evaluate(tests={"cmds": [command]})
    assert (result.ok, result.score) == (True, 0.5), result.findings
    assert result.duration_s < 8
    assert alive(ground.root) == []
    assert not _running("sleep\000600.25\0")


def _running(command_line: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cmdline").read_text("utf-8", "replace") == command_line:
                found.append(entry.name)
        except OSError:
            continue
    return found


LEAKS: Mapping[str, str] = {
    "base64": 'printf %s "$FAKE_API_KEY" | base64',
    "hexadecimal": """python3 -c 'import os; print(os.environ["FAKE_API_KEY"].encode().hex())'""",
    "URL": """python3 -c 'import os, urllib.parse as u; print(u.quote(os.environ["FAKE_API_KEY"], safe=""))'""",
    "JSON": """python3 -c 'import os, json; print(json.dumps({"k": os.environ["FAKE_API_KEY"]}))'""",
    "one byte at a time": """python3 -uc 'import os, sys
for byte in os.environ["FAKE_API_KEY"].encode(): os.write(1, bytes([byte]))'""",
    "long line": """python3 -c 'import os; print("x" * 70000 + os.environ["FAKE_API_KEY"] + "x" * 70000)'""",
    "error": "set -x; : $FAKE_API_KEY",
    "failure": 'echo "$FAKE_API_KEY"; exit 1',
    "metrics": f"""printf '{{"ok": true, "score": 0.5, "key": "%s"}}' "$FAKE_API_KEY" > {METRICS}; exit 0""",
}


@pytest.mark.parametrize("command", LEAKS.values(), ids=LEAKS)
def test_granted_secret_is_recorded_nowhere(ground: Range, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """Own variants of RT028 and RT030: common encodings, any chunks, failures, and what a stage hands in."""
    secret = "sk/OWN+canary=9876543210"
    monkeypatch.setenv("FAKE_API_KEY", secret)
    contract = {
        "evaluation": {"run_cmds": [command], "metrics_path": METRICS},
        "security": {"secrets": ["FAKE_API_KEY"]},
    }
    ground.write({"pipeline.yml": contract})
    result = ground.run(pass_env=("FAKE_API_KEY",))
    (ground.root / METRICS).unlink(missing_ok=True)
    raw = secret.encode()
    shapes = (raw, base64.b64encode(raw), raw.hex().encode(), b"sk%2FOWN%2Bcanary%3D9876543210")
    for path in ground.recorded():
        data = path.read_bytes()
        assert not any(shape in data for shape in shapes), path
    assert secret not in str(result.findings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("core.fsmonitor", "touch $CANARY_DIR/pwned"),
        ("core.hooksPath", "hooks"),
        ("core.pager", "touch $CANARY_DIR/pwned"),
        ("diff.external", "touch $CANARY_DIR/pwned"),
        ("filter.x.clean", "touch $CANARY_DIR/pwned; cat"),
        ("filter.x.process", "touch $CANARY_DIR/pwned"),
        ("diff.x.textconv", "touch $CANARY_DIR/pwned; cat"),
        ("alias.status", "!touch $CANARY_DIR/pwned"),
        ("include.path", "../evil"),
        ("gpg.program", "touch $CANARY_DIR/pwned"),
        ("credential.helper", "!touch $CANARY_DIR/pwned"),
    ],
)
def test_no_setting_of_a_repository_starts_a_program(ground: Range, name: str, value: str) -> None:
    """Own variants of RT079: whatever a repository's configuration names stays unstarted through a whole run."""
    ground.write({"a.txt": "hello", "hooks/post-index-change": "#!/bin/sh\ntouch $CANARY_DIR/pwned\n"})
    (ground.root / "hooks/post-index-change").chmod(0o755)
    ground.git("init", "-q")
    ground.git("add", "-A")
    ground.git("commit", "-q", "-m", "all")
    ground.write({".gitattributes": "* filter=x diff=x\n", "evil": "[core]\n fsmonitor = touch $CANARY_DIR/pwned\n"})
    ground.git("config", name, value.replace("$CANARY_DIR", str(ground.canary)))
    result = ground.evaluate("echo more >> a.txt")
    assert result.ok, result.findings
    assert not (ground.canary / "pwned").exists()


def test_secret_value_of_an_outside_file_is_not_taken_in(ground: Range, monkeypatch: pytest.MonkeyPatch) -> None:
    """Own variant of RT022: metrics that are a link to somebody's file leave none of its bytes in the evidence."""
    monkeypatch.setenv("RUNNER_ENV_SANDBOX", "none")  # so that the file is there
    (ground.canary / "outside/metrics.json").write_text('{"ok": true, "score": 0.9, "mark": "recorded-nowhere"}')
    for command in ("ln -s", "ln", "cp -l"):
        contract = {
            "evaluation": {
                "run_cmds": [f'rm -f {METRICS}; {command} "$CANARY_DIR/outside/metrics.json" {METRICS}'],
                "metrics_path": METRICS,
            }
        }
        ground.write({"pipeline.yml": contract})
        result = ground.run()
        assert codes(result) in (["path_outside"], ["path_hard_linked"])
        (ground.root / METRICS).unlink()
        assert not any(b"recorded-nowhere" in path.read_bytes() for path in ground.recorded())


def test_victim_beside_a_run_is_untouched(ground: Range) -> None:
    """A run, its setting aside and its clean-up touch nothing outside the target, also where links lead there."""
    before = {path: path.stat().st_ctime_ns for path in ground.canary.rglob("*")}
    for name in ("metrics.json", "rollout.json", "runtime_env.json"):
        (ground.root / ".aider_fsm" / name).symlink_to(ground.canary / "victim/keep.txt")
    setup = {"setup_cmds": ["rm -f .aider_fsm/runtime_env.json; echo '{}' > .aider_fsm/runtime_env.json"]}
    result = ground.evaluate(f"rm -f {METRICS}", deploy=setup, rollout={"run_cmds": ["true"]})
    assert result.ok, result.findings
    assert before == {path: path.stat().st_ctime_ns for path in ground.canary.rglob("*")}
    shutil.rmtree(result.run_dir)
    assert before == {path: path.stat().st_ctime_ns for path in ground.canary.rglob("*")}
