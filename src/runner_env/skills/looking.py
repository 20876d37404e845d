"""Looking into a report: what was said, which tools were called, what did not pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from runner_env.skills.building import Mock, Pattern
from runner_env.skills.mocks import matches
from runner_env.skills.report import EvalReport, MockCallReport, SkillReport, TrialReport
from runner_env.skills.values import Match, Matcher

Wanted = str | Pattern | Callable[[Any], bool]


def assistant_text(trial: TrialReport) -> str:
    """All that the skill said, its turns separated by blank lines."""
    return "\n\n".join(message.content for message in trial.transcript.messages if message.role == "assistant")


def tool_calls(trial: TrialReport, name: str | None = None) -> list[Mapping[str, Any]]:
    """The tool calls that the agent program reported, in order; of one tool if `name` is given."""
    events = (event for message in trial.transcript.messages for event in message.events or ())
    calls = [event for event in events if event.get("kind") == "tool_call"]
    if name is None:
        return calls
    return [call for call in calls if str(call.get("name", "")).casefold() == name.casefold()]


def failed_runs(report: SkillReport) -> list[TrialReport]:
    """The trials that did not pass, unscored ones included."""
    return [trial for trial in report.runs if not trial.passed]


def failed_evals(trial: TrialReport) -> list[EvalReport]:
    """The evals that did not pass, unscored ones included."""
    return [item for item in trial.evals if not item.passed]


def describe_failures(report: SkillReport) -> str:
    """Every trial that did not pass, with its reasons; empty if all passed. Made for `assert report.passed, …`."""
    lines = []
    for trial in failed_runs(report):
        lines.append(f"{trial.id or trial.case}: {trial.verdict or 'failed'}")
        if trial.error is not None:
            lines.append(f"  - {trial.error.message} [{trial.error.code}]")
        else:
            lines += [f"  - {item.label}: {dict(item.detail)} ({item.reason})" for item in failed_evals(trial)]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class ToolSpy:
    """The recorded calls of a trial that a mock or spy is about.

    Attributes:
        name: of the mock, for messages.
        calls: those calls.
    """

    name: str
    calls: tuple[MockCallReport, ...]

    @classmethod
    def of(cls, trial: TrialReport, mock: Mock | str) -> ToolSpy:
        """The calls that `mock` (or the mock of that name, unless it is a spy) saw in `trial`.

        Raises:
            ValueError: the calls of the trial were not recorded, so nothing is known about them.
        """
        if trial.mock_calls is None:
            raise ValueError(f"the tool calls of {trial.id or trial.case} were not recorded")
        if isinstance(mock, str):
            return cls(mock, tuple(call for call in trial.mock_calls if call.mock == mock))
        if mock.action:
            return cls(mock.name or "mock", tuple(call for call in trial.mock_calls if call.mock == mock.name))
        match = _match(mock.match)
        return cls(mock.name or "spy", tuple(call for call in trial.mock_calls if _seen(match, call)))

    @property
    def called(self) -> bool:
        """Whether there was a call."""
        return bool(self.calls)

    @property
    def call_count(self) -> int:
        """How many calls there were."""
        return len(self.calls)

    def where(self, **fields: Wanted) -> ToolSpy:
        """Those of the calls whose input has these fields: a text, a `Pattern`, or a function that says yes or no."""
        return ToolSpy(self.name, tuple(call for call in self.calls if _fields_hold(fields, call.input)))

    def assert_called(self) -> None:
        """There was a call."""
        assert self.calls, f"{self.name} was not called"

    def assert_called_once(self) -> None:
        """There was exactly one call."""
        self.assert_called_times(1)

    def assert_called_times(self, times: int) -> None:
        """There were exactly `times` calls."""
        assert len(self.calls) == times, f"{self.name} was called {len(self.calls)} times, not {times}: {self._shown()}"

    def assert_called_with(self, **fields: Wanted) -> None:
        """There was a call with such an input."""
        assert self.where(**fields).calls, f"{self.name} was not called with {fields}: {self._shown()}"

    def assert_not_called(self) -> None:
        """There was no call."""
        assert not self.calls, f"{self.name} was called: {self._shown()}"

    def _shown(self) -> str:
        return ", ".join(f"{call.tool}({call.input})" for call in self.calls) or "no calls"


def _match(given: Mapping[str, Any]) -> Match:
    fields = given.get("input")
    inputs = None if fields is None else {key: _matcher(value) for key, value in fields.items()}
    return Match(given.get("tool"), given.get("contains"), given.get("pattern"), inputs)


def _matcher(value: object) -> Matcher:
    return Matcher(**value) if isinstance(value, Mapping) else Matcher(equals=str(value))


def _seen(match: Match, call: MockCallReport) -> bool:
    from runner_env.providers.model import MockCall

    return matches(match, MockCall(call.tool, call.input, call.action, call.rule))


def _fields_hold(fields: Mapping[str, Wanted], value: object) -> bool:
    return isinstance(value, Mapping) and all(key in value and _holds(want, value[key]) for key, want in fields.items())


def _holds(wanted: Wanted, value: object) -> bool:
    if isinstance(wanted, Pattern):
        return matches(Match(input={"v": _matcher(wanted.as_mapping())}), _as_call(value))
    return bool(wanted(value)) if callable(wanted) else wanted == value


def _as_call(value: object) -> Any:  # noqa: ANN401 - a MockCall
    from runner_env.providers.model import MockCall

    return MockCall("tool", {"v": value})
