"""What `deploy.kubectl_dump` asks for: the state of a cluster, recorded right before the teardown."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runner_env.contract.model import KubectlDump
from runner_env.core import Finding, Outcome, Verdict
from runner_env.evidence.capture import CaptureFile
from runner_env.execution import Limits, Request, StageScope
from runner_env.formats.plain import plain
from runner_env.pipeline.context import StageContext

_FOLDER = "kubectl"
_GET_S = 60.0
_LOGS_S = 120.0
_EVERY_POD = "!runner-env/none"
"""A selector that every pod fits; `kubectl logs` needs a pod or a selector."""


@dataclass(frozen=True, slots=True)
class _Question:
    """One call of kubectl: what its files are called, its arguments, and how long it may take."""

    name: str
    arguments: tuple[str, ...]
    seconds: float = _GET_S


def questions(dump: KubectlDump) -> Iterator[_Question]:
    """What is asked, in order."""
    where = ("--namespace", dump.namespace) if dump.namespace else ("--all-namespaces",)
    which = ("--selector", dump.label_selector) if dump.label_selector else ()
    yield _Question("nodes", ("get", "nodes", "--output", "wide"))
    yield _Question("namespaces", ("get", "namespaces"))
    yield _Question("pods", ("get", "pods", *where, *which, "--output", "wide"))
    yield _Question("all", ("get", "all", *where, *which))
    yield _Question("events", ("get", "events", *where))
    if dump.include_logs:
        there = where if dump.namespace else ()
        selector = ("--selector", dump.label_selector or _EVERY_POD)
        arguments = ("logs", "--tail=2000", "--all-containers", "--prefix", *there, *selector)
        yield _Question("logs", arguments, _LOGS_S)


def dump_cluster(dump: KubectlDump, context: StageContext, env: Mapping[str, str]) -> tuple[Finding, ...]:
    """Record the state of the cluster as `kubectl/<what>_stdout.txt` and `_stderr.txt`, and publish it.

    Args:
        dump: what the contract asks for.
        context: what the stages share.
        env: the variables that kubectl sees; the one on their `PATH` is used.

    Returns:
        Notes: that there is no kubectl, or which of its calls failed. They never count against a run.
    """
    program = shutil.which("kubectl", path=env.get("PATH"))
    if program is None:
        return (_note("kubectl_not_found", "The cluster was not recorded: there is no kubectl on PATH."),)
    with context.box.stage("kubectl_dump", cancel=context.cancel) as scope:
        answers = [_ask(question, program, context, scope, env) for question in questions(dump)]
    for answer in answers:
        _record(answer, context)
    failed = ", ".join(answer.question.name for answer in answers if not answer.outcome.ok)
    message = f"The cluster was recorded in part; these calls of kubectl failed: {failed}."
    return (_note("kubectl_failed", message),) if failed else ()


@dataclass(frozen=True, slots=True)
class _Answer:
    """A call that has ended; until the stage ends, what it left running may still write."""

    question: _Question
    outcome: Outcome
    files: Mapping[str, CaptureFile]


def _ask(
    question: _Question, program: str, context: StageContext, scope: StageScope, env: Mapping[str, str]
) -> _Answer:
    names = [f"{_FOLDER}/{question.name}_{stream}.txt" for stream in ("stdout", "stderr")]
    files = {name: context.run_dir.capture(name, masker=context.masker) for name in names}
    request = Request((program, *question.arguments), context.root, env, Limits(timeout_s=question.seconds))
    return _Answer(question, scope.run(request, *files.values()), files)


def _record(answer: _Answer, context: StageContext) -> None:
    captures = [file.close() for file in answer.files.values()]
    context.run_dir.journal.append(
        "kubectl",
        arguments=list(answer.question.arguments),
        ending=answer.outcome.ending,
        exit_code=answer.outcome.exit_code,
        captures=plain(captures),
    )
    for name in answer.files:
        context.publisher.file(name, answer.files[name].path)


def _note(code: str, message: str) -> Finding:
    hint = "Put kubectl on PATH and let KUBECONFIG name the cluster, or delete `deploy.kubectl_dump`."
    return Finding(code, message, hint=hint, verdict=Verdict.PASSED, stage="deploy_teardown")
