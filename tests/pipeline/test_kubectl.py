"""What is asked of a cluster."""

from __future__ import annotations

from runner_env.contract.model import KubectlDump
from runner_env.pipeline.kubectl import questions


def asked(dump: KubectlDump) -> dict[str, tuple[str, ...]]:
    """The arguments of each call."""
    return {question.name: question.arguments for question in questions(dump)}


def test_the_whole_cluster() -> None:
    """Without a namespace all of them are asked for; logs only on request; a minute each."""
    dump = KubectlDump(enabled=True)
    calls = asked(dump)
    assert list(calls) == ["nodes", "namespaces", "pods", "all", "events"]
    assert all("--all-namespaces" in calls[name] for name in ("pods", "all", "events"))
    assert {question.seconds for question in questions(dump)} == {60.0}


def test_a_part_of_it() -> None:
    """Namespace and selector narrow what can be narrowed."""
    calls = asked(KubectlDump(enabled=True, namespace="ns", label_selector="app=x", include_logs=True))
    for name in ("pods", "all", "logs"):
        assert calls[name][-2:] == ("--selector", "app=x") or "app=x" in calls[name]
    assert all("ns" in calls[name] for name in ("pods", "all", "events", "logs"))
    assert "--tail=2000" in calls["logs"]


def test_logs_of_every_pod() -> None:
    """`kubectl logs` refuses to run without a pod or a selector, so it gets one that every pod fits; two minutes."""
    *_, logs = questions(KubectlDump(enabled=True, include_logs=True))
    assert logs.arguments[logs.arguments.index("--selector") + 1]
    assert "--all-namespaces" not in logs.arguments
    assert logs.seconds == 120.0
