"""Stated commands, tried in turn until one gives a score."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_env.guest.programs.building import failed_to_build, older_python
from runner_env.guest.programs.hints import kind_of, weight
from runner_env.guest.programs.normalising import Here, normalised
from runner_env.guest.programs.probing import Probe, docker_trouble, incompatible, probe
from runner_env.guest.programs.running import Ended, run_command
from runner_env.guest.programs.scores import Files, Score, score_of
from runner_env.guest.programs.surroundings import deadline, truthy, whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner_env.guest.programs.surroundings import Place

TIMEOUT_SECONDS = 600
MAX_ATTEMPTS = 3
_REFUSED = re.compile(
    rb"(?i)invalid[ _]api[ _]key|incorrect api key|authenticationerror|\b401 unauthorized|error code: 401"
)
_OPENAI = re.compile(r"(?i)\bopenai\b")
_CODEGEN = re.compile(r"\bcodegen\b")


@dataclass(frozen=True)
class Candidate:
    """A stated command, made ready and looked at."""

    raw: str
    sanitized: str
    probe: Probe
    priority: int
    skip: str = ""


@dataclass(frozen=True)
class Attempt:
    """What became of a candidate; `rc` is None if it was not run."""

    raw: str
    sanitized: str
    rc: int | None = None
    seconds: float = 0.0
    timed_out: bool = False
    stdout_tail: str = ""
    stderr_tail: str = ""
    skip_reason: str = ""


@dataclass
class _Tally:
    place: Place
    here: Here
    timeout_s: int
    left: int
    deadline: float
    attempts: list[Attempt] = field(default_factory=list)
    executed: int = 0
    refused: bool = False
    ran_well: bool = False


def run_hints(commands: Sequence[str], anchors: Sequence[str], place: Place, env: Mapping[str, str]) -> dict[str, Any]:
    """Try stated commands, the most promising first.

    Args:
        commands: as stated, the surest first.
        anchors: words of which the chosen command should have one.
        place: where; commands run in the repository.
        env: the variables; AIDER_FSM_HINT_* are its limits.

    Returns:
        The object of `hints_run.json`: `ok`, `score` (None without one), `chosen_command`, `used_anchors`,
        `executed_attempts`, `probes`, `attempts`, `reason`.

    Raises:
        Unusable: a limit is no whole number.
    """
    here = Here.of(env, place.repo)
    tally = _Tally(
        place,
        here,
        whole_number(env, "AIDER_FSM_HINT_TIMEOUT_SECONDS", TIMEOUT_SECONDS),
        whole_number(env, "AIDER_FSM_HINT_MAX_ATTEMPTS", MAX_ATTEMPTS),
        deadline(env, time.monotonic()),
    )
    candidates = prepared(commands, here)
    for candidate in candidates:
        score = _tried(candidate, tally)
        if score is not None:
            used = [anchor for anchor in anchors if anchor in candidate.raw or anchor in candidate.sanitized]
            return _result(tally, candidates, score.reason, score, candidate.sanitized, used)
        if tally.left < 1 or time.monotonic() >= tally.deadline:
            break
    return _result(tally, candidates, _why_none(tally, candidates))


def _result(
    tally: _Tally,
    candidates: Sequence[Candidate],
    reason: str,
    score: Score | None = None,
    chosen: str = "",
    used: Sequence[str] = (),
) -> dict[str, Any]:
    probes = [
        {
            "raw": one.raw,
            "sanitized": one.sanitized,
            "ok": one.probe.ok,
            "reason": one.skip or one.probe.reason,
            "priority": one.priority,
        }
        for one in candidates
    ]
    return {
        "ok": score is not None,
        "score": None if score is None else score.value,
        "chosen_command": chosen,
        "used_anchors": list(used),
        "executed_attempts": tally.executed,
        "probes": probes,
        "attempts": [asdict(attempt) for attempt in tally.attempts],
        "reason": reason,
    }


def _why_none(tally: _Tally, candidates: Sequence[Candidate]) -> str:
    if not candidates:
        return "no_hints"
    if tally.ran_well:
        return "all_hints_no_real_score"
    if tally.refused:
        return "all_hints_auth_failed_or_unrunnable"
    if tally.executed:
        return "all_hints_failed"
    return "all_hints_unrunnable" if any(not one.skip for one in candidates) else "all_hints_unresolved_or_failed"


def prepared(commands: Sequence[str], here: Here) -> list[Candidate]:
    """The commands in the order to try them in; what cannot be run comes last and says why."""
    seen: set[str] = set()
    candidates = []
    docker: str | None = None
    for raw in commands:
        normal = normalised(raw, here)
        skip = normal.skip
        if not skip and normal.command in seen:
            skip = "duplicate_sanitized_hint"
        skip = skip or incompatible(normal.command, here.env)
        if not skip and re.match(r"(?:\S+=\S*\s+)*docker(?:-compose)?\s", normal.command):
            docker = docker_trouble(here) if docker is None else docker
            skip = docker
        seen.add(normal.command)
        looked = Probe(ok=False, reason=skip) if skip else probe(normal.command, here)
        candidates.append(Candidate(raw, normal.command, looked, weight(normal.command, here.env), skip))
    candidates.sort(key=lambda one: (one.probe.rank, -one.priority))
    return _mixed(candidates)


def _mixed(candidates: list[Candidate]) -> list[Candidate]:
    """The first of each kind before the second of any, as far as they can be run."""
    first: dict[str, Candidate] = {}
    for one in candidates:
        if kind_of(one.sanitized) and one.probe.ok is not False:
            first.setdefault(kind_of(one.sanitized), one)
    early = list(first.values()) if len(first) > 1 else []
    return early + [one for one in candidates if one not in early]


def _tried(candidate: Candidate, tally: _Tally) -> Score | None:
    skip = candidate.skip or (f"probe_failed: {candidate.probe.reason}" if candidate.probe.ok is False else "")
    if not skip and tally.refused and _OPENAI.search(candidate.sanitized):
        skip = "skipped_after_openai_auth_failure"
    if skip:
        tally.attempts.append(Attempt(candidate.raw, candidate.sanitized, skip_reason=skip))
        return None
    ended, score = _run(candidate, tally, tally.here)
    if score is None and not ended.timed_out and ended.rc and failed_to_build(ended.output()):
        older = older_python(tally.here)
        if older is not None:
            again = normalised(candidate.raw, older)
            ended, score = _run(replace(candidate, sanitized=again.command), tally, older)
    tally.left -= 1
    tally.ran_well |= ended.rc == 0
    tally.refused |= score is None and _REFUSED.search(ended.output()) is not None
    return score


def _run(candidate: Candidate, tally: _Tally, here: Here) -> tuple[Ended, Score | None]:
    tally.executed += 1
    into = tally.place.artifacts / "hints" / f"attempt_{tally.executed:02}"
    cwd, env = _where(candidate.sanitized, tally, here)
    files = Files(candidate.sanitized, (cwd, here.repo), here.repo)
    timeout_s = max(1.0, min(tally.timeout_s, tally.deadline - time.monotonic()))
    login = truthy(env.get("AIDER_FSM_HINT_LOGIN_SHELL", ""))
    sys.stdout.write(f"$ {candidate.sanitized}\n")
    sys.stdout.flush()
    ended = run_command(["bash", "-lc" if login else "-c", candidate.sanitized], cwd, env, timeout_s, into)
    out, err = (_without_key(text, env) for text in ended.tails())
    sys.stdout.write(f"{out}{err}[exit code {ended.rc}, {ended.seconds:.1f} s]\n")
    attempt = Attempt(candidate.raw, candidate.sanitized, ended.rc, round(ended.seconds, 3), ended.timed_out, out, err)
    tally.attempts.append(attempt)
    return ended, score_of(ended, files)


def _without_key(text: str, env: Mapping[str, str]) -> str:
    key = env.get("OPENAI_API_KEY", "")
    return text.replace(key, "***") if len(key) >= 8 else text  # `local` is no secret


def _where(command: str, tally: _Tally, here: Here) -> tuple[Path, dict[str, str]]:
    """A folder of its own for commands that leave files about: docker, and generated code."""
    if not command.startswith("docker") and not (_CODEGEN.search(command) and _OPENAI.search(command)):
        return here.repo, dict(here.env)
    folder = tally.place.artifacts / "hints_workdir" / f"attempt_{tally.executed:02}"
    folder.mkdir(parents=True, exist_ok=True)
    path = [here.env.get("PYTHONPATH", ""), str(here.repo)]
    return folder, {**here.env, "PYTHONPATH": ":".join(filter(None, path))}
