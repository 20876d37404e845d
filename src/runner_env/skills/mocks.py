"""Mocks: from declarations to names, to the rules a harness enforces, and back from recorded calls to counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runner_env.core import Finding
from runner_env.errors import DefinitionError
from runner_env.skills.patterns import compiled_pattern
from runner_env.skills.stub_sequence import sequence_input
from runner_env.skills.values import CallsEval, Match, Matcher, MockDecl, StubReply

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner_env.contract.document import Node
    from runner_env.providers.model import MockCall
    from runner_env.skills.mock_file import MatcherFile, MockFile
    from runner_env.skills.values import Case


def declared(files: Sequence[MockFile], node: Node | None) -> tuple[MockDecl, ...]:
    """The declarations in `files`; `node` is the list they were read from."""
    places = [item.where for item in node.items] if node else []
    return tuple(_declared(file, places[i] if i < len(places) else None) for i, file in enumerate(files))


def matchers(files: Mapping[str, MatcherFile]) -> dict[str, Matcher]:
    """What each field must look like."""
    return {field: Matcher(file.equals, file.contains, file.pattern) for field, file in files.items()}


def for_case(case: Case, shared: Sequence[MockDecl]) -> tuple[MockDecl, ...]:
    """Every mock of `case` in the order in which they are tried, each with its name.

    Args:
        case: its own mocks come last, and its evals may refer to any of them.
        shared: those of `--mocks` and of the config, in this order.

    Raises:
        DefinitionError: two have the same name, or an eval refers to one that does not exist.
    """
    mocks = tuple(_named(mock, index) for index, mock in enumerate((*shared, *case.mocks)))
    findings = [*_repeated(mocks), *_unknown(case, mocks)]
    if findings:
        raise DefinitionError(findings)
    return mocks


def compiled(mocks: Iterable[MockDecl], counters: str) -> dict[str, Any]:
    """The rules that a harness enforces, first match first: `{"rules": [{"match": …, "action": …}, …]}`.

    Spies have no rule. The format is that of oneharness's `--mock-rules`.

    Args:
        mocks: in the order in which they are tried.
        counters: a directory of this trial alone, absolute, in which stub sequences count their calls.
    """
    return {"rules": [{"match": _match_rule(m.match), "action": _action(m, counters)} for m in mocks if not m.is_spy]}


def rule_names(mocks: Iterable[MockDecl]) -> tuple[str, ...]:
    """The name of the mock behind each rule of `compiled`, by the rule's index."""
    return tuple(mock.name or "" for mock in mocks if not mock.is_spy)


def wants_recording(case: Case, mocks: Sequence[MockDecl], *, spy: bool) -> bool:
    """Whether tool calls must be recorded in trials of `case`."""
    return bool(mocks) or spy or case.spy


def deciding(call: MockCall, mocks: Sequence[MockDecl]) -> str | None:
    """The name of the mock whose rule decided about `call`; None if it was let through."""
    names = rule_names(mocks)
    return names[call.rule] if call.rule is not None and 0 <= call.rule < len(names) else None


def as_declared(call: MockCall, mocks: Sequence[MockDecl]) -> MockCall:
    """`call` with the action that its mock declares: a harness sees the rule of a stub sequence as a rewrite."""
    name = deciding(call, mocks) if call.action == "rewrite" else None
    stubbed = any(mock.name == name and mock.stub for mock in mocks)
    return replace(call, action="stub") if stubbed else call


def matching(
    calls: Iterable[MockCall],
    mock: MockDecl,
    mocks: Sequence[MockDecl],
    where: Mapping[str, Matcher] | None = None,
) -> list[MockCall]:
    """The recorded calls that count for `mock`: of a spy those it matches, of another those it decided about.

    Args:
        calls: what was recorded.
        mock: one of `mocks`.
        mocks: those of the case (`for_case`).
        where: what the input of a call must look like to be counted.
    """
    seen = [c for c in calls if (matches(mock.match, c) if mock.is_spy else deciding(c, mocks) == mock.name)]
    return [call for call in seen if where is None or _fields_match(where, call.input)]


def matches(match: Match, call: MockCall) -> bool:
    """Whether `call` is one that `match` is about."""
    if match.tool is not None and match.tool.casefold() != call.tool.casefold():
        return False
    if match.contains is not None or match.pattern is not None:
        event = _event_text(call)
        if match.contains is not None and match.contains not in event:
            return False
        if match.pattern is not None and not compiled_pattern(match.pattern).search(event):
            return False
    return match.input is None or _fields_match(match.input, call.input)


def _declared(file: MockFile, where: Any) -> MockDecl:  # noqa: ANN401 - Where or None
    match = Match(
        file.match.tool,
        file.match.contains,
        file.match.pattern,
        matchers(file.match.input) if file.match.input else None,
    )
    return MockDecl(
        match,
        file.name,
        tuple(StubReply(reply.output, reply.exit_code) for reply in file.stub or ()),
        file.deny.message if file.deny else None,
        file.rewrite,
        where,
    )


def _named(mock: MockDecl, index: int) -> MockDecl:
    return mock if mock.name else replace(mock, name=f"{'spy' if mock.is_spy else 'mock'}_{index}")


def _repeated(mocks: Sequence[MockDecl]) -> list[Finding]:
    first: dict[str, MockDecl] = {}
    findings = []
    for mock in mocks:
        name = mock.name or ""
        if name in first:
            other = f" at {first[name].where}" if first[name].where else ""
            message = f"The mock name `{name}` is already used{other}."
            findings.append(Finding("duplicate_mock", message, mock.where, "Give each mock its own `name`."))
        first.setdefault(name, mock)
    return findings


def _unknown(case: Case, mocks: Sequence[MockDecl]) -> list[Finding]:
    names = [mock.name or "" for mock in mocks]
    have = f"declared: {', '.join(names)}" if names else "no mocks are declared"
    hint = "Declare it under `mocks`, in the case, the config or the file of --mocks."
    return [
        Finding("unknown_mock", f"The eval `{e.label}` references unknown mock `{e.mock}` ({have}).", case.origin, hint)
        for e in case.evals
        if isinstance(e, CallsEval) and e.mock not in names
    ]


def _match_rule(match: Match) -> dict[str, Any]:
    rule: dict[str, Any] = {}
    if match.contains is not None:
        rule["event_contains"] = match.contains
    if match.pattern is not None:
        rule["event_regex"] = match.pattern
    if match.tool is not None:
        rule["tool"] = match.tool
    if match.input is not None:
        rule["input"] = {field: _matcher_rule(matcher) for field, matcher in match.input.items()}
    return rule


def _matcher_rule(matcher: Matcher) -> dict[str, str]:
    given = {"equals": matcher.equals, "contains": matcher.contains, "pattern": matcher.pattern}
    return {key: value for key, value in given.items() if value is not None}


def _action(mock: MockDecl, counters: str) -> dict[str, Any]:
    if mock.deny is not None:
        return {"deny": {"message": mock.deny}}
    if len(mock.stub) == 1:
        return {"stub": {"output": mock.stub[0].output, "exit_code": mock.stub[0].exit_code}}
    return {"rewrite": {"input": sequence_input(mock, counters) if mock.stub else mock.rewrite}}


def _event_text(call: MockCall) -> str:
    """What `contains` and `pattern` look into, as in a harness: the call as compact JSON."""
    return _compact({"tool_name": call.tool, "tool_input": call.input})


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _fields_match(fields: Mapping[str, Matcher], value: object) -> bool:
    return isinstance(value, Mapping) and all(
        field in value and _text_matches(matcher, value[field]) for field, matcher in fields.items()
    )


def _text_matches(matcher: Matcher, value: object) -> bool:
    text = value if isinstance(value, str) else _compact(value)
    return (
        (matcher.equals is None or matcher.equals == text)
        and (matcher.contains is None or matcher.contains in text)
        and (matcher.pattern is None or compiled_pattern(matcher.pattern).search(text) is not None)
    )
