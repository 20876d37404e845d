"""An agent at work on a contract: prompt, turn, fence, demands, and again, until it is fit to be run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypedDict, TypeVar, Unpack

import anyio
from anyio import to_thread

from runner_env.authoring.authored import AttemptLog, Authored, Recorded, Recorder
from runner_env.authoring.brief import Brief, Purpose
from runner_env.authoring.complaints import complaint
from runner_env.authoring.contract_files import contract_texts
from runner_env.authoring.demands import demands
from runner_env.authoring.fence import writable
from runner_env.authoring.prompts import State, first_prompt, next_prompt
from runner_env.authoring.proposal import Fence, Proposal
from runner_env.authoring.watch import TargetWatch, escaped
from runner_env.core import Ambient, FailureKind, Finding, Usage, Verdict
from runner_env.errors import HarnessError, TargetError
from runner_env.harnesses.model import AgentEvent, Harness, HarnessSession, Opening
from runner_env.text.clipping import head_tail
from runner_env.text.decoding import lossless, printable

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.authoring.copy import AgentCopy

MOST_REPAIR_TURNS = 3
MOST_TURNS = 10
_CLOSING_S = 15.0
_HOPELESS = frozenset((FailureKind.AUTH, FailureKind.QUOTA, FailureKind.MODEL_NOT_FOUND, FailureKind.SPAWN))

T = TypeVar("T")


class Terms(TypedDict, total=False):
    """On what terms an agent works.

    Attributes:
        model: as the harness names it (default: the harness's own choice).
        attempts: turns at most, 1 to 10 (default 5); a repair has 3 at most.
        timeout_s: seconds for each turn (default 300).
        shell: whether it may run commands (default: no).
    """

    model: str
    attempts: int
    timeout_s: float
    shell: bool


async def write_contract(
    harness: Harness,
    brief: Brief,
    copy: AgentCopy,
    target_root: Path,
    *,
    record: Recorder,
    **terms: Unpack[Terms],
) -> Authored:
    """Have an agent write or repair a contract in a copy of the target.

    Nothing is written into the target: what comes back is a proposal, already held against everything that can be told
    by reading it. An agent that fails, does nothing or does something else is a value with a `reason`, no exception.

    Args:
        harness: the agent program.
        brief: the task.
        copy: where the agent works, fresh.
        target_root: what the copy was made from; watched, not touched.
        record: called with everything that is sent and comes back, before it is interpreted.
        terms: model, number and length of the turns.

    Raises:
        TargetError: the target cannot be looked at.
        OSError: likewise, or the copy cannot.
    """
    watch = await _aside(lambda: TargetWatch.begin(target_root, copy.ignored))
    fence = await _aside(lambda: Fence(copy, brief.purpose))
    work = _Work(harness, brief, fence, record, terms)
    try:
        await work.run()
    finally:
        await work.leave()
    changed = await _aside(watch.changed)
    if changed:
        work.proposal, work.reason = None, escaped(changed)
    return work.result()


@dataclass(slots=True)
class _Work:
    """One task on its way."""

    harness: Harness
    brief: Brief
    fence: Fence
    record: Recorder
    terms: Terms
    ambient: Ambient = field(default_factory=Ambient)
    session: HarnessSession | None = None
    proposal: Proposal | None = None
    reason: Finding | None = None
    error: HarnessError | None = None
    attempts: list[AttemptLog] = field(default_factory=list)

    async def run(self) -> None:
        """Turn for turn, until there is a proposal, or no use in a further one."""
        most = max(1, min(self.terms.get("attempts", 5), MOST_TURNS))
        if self.brief.purpose is Purpose.REPAIR:
            most = min(most, MOST_REPAIR_TURNS)
        while len(self.attempts) < most and not self._is_over():
            prompt = await _aside(self._prompt)
            log = await self._turn(len(self.attempts) + 1, prompt)
            self.attempts.append(await _aside(partial(self._look, log)))

    async def leave(self) -> None:
        """End the conversation, also if the task was cancelled."""
        if self.session is not None:
            with anyio.CancelScope(shield=True), anyio.move_on_after(_CLOSING_S):
                await self.session.aclose()
            self.session = None

    def result(self) -> Authored:
        """All that there is to say."""
        authored = Authored(
            purpose=self.brief.purpose,
            harness=self.harness.name,
            versions=dict(self.harness.versions),
            model=self.terms.get("model", ""),
            proposal=self.proposal,
            attempts=tuple(self.attempts),
            reason=None if self.proposal else self.reason or _why_none(self.brief, self.attempts, self.error),
        )
        refused = authored.refused
        return replace(authored, proposal=replace(self.proposal, refused=refused)) if self.proposal else authored

    def _prompt(self) -> str:
        root = self.fence.copy.root
        if self.session is None:
            files = contract_texts(root)
            problems = demands(root, self.brief, {}) if files else ()
            state = State(files, problems, self.fence.copy.left_out)
            return first_prompt(self._brief_by_now(), state, self.ambient)
        last = self.attempts[-1]
        return next_prompt(self.brief, complaint(self.brief.purpose, last), last.problems, last.refused, self.ambient)

    def _brief_by_now(self) -> Brief:
        """The task, for an agent that does not remember the turns before."""
        refused = tuple(one for log in self.attempts for one in log.refused)
        failed = [f"In an earlier turn the agent broke off: {log.failure}" for log in self.attempts if log.failure]
        return replace(self.brief, refused=(*self.brief.refused, *refused), earlier=(*self.brief.earlier, *failed[-1:]))

    async def _turn(self, number: int, prompt: str) -> AttemptLog:
        began = self.ambient.monotonic()
        self.record(Recorded(number, "prompt", "", prompt))
        digest = hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()
        log = AttemptLog(number, prompt_sha256=digest, prompt_chars=len(prompt))
        try:
            if self.session is None:
                self.session = await self.harness.start(self._opening())
            timeout_s = self.terms.get("timeout_s", 300.0)
            turn = await self.session.send(prompt, timeout_s=timeout_s, on_event=partial(self._note_event, number))
        except HarnessError as error:
            self.record(Recorded(number, "failure", "", error.raw or error.message))
            self.error = error
            log = replace(log, failure_kind=error.kind, failure=error.message, usage=error.usage or Usage())
        else:
            self.record(Recorded(number, "reply", "", turn.text))
            log = replace(log, text=turn.text, events=turn.events, usage=turn.usage, retries=turn.retries)
        log = replace(log, session=self.session.id if self.session else "", duration_s=self.ambient.monotonic() - began)
        if log.failure_kind is not None:
            await self.leave()
        return log

    def _opening(self) -> Opening:
        copy, purpose = self.fence.copy, self.brief.purpose
        title = f"{copy.source.name}:{purpose}"
        return Opening(copy.root, title, self.terms.get("model", ""), writable(purpose), self.terms.get("shell", False))

    def _note_event(self, number: int, event: AgentEvent) -> None:
        said = {name: getattr(event, name) for name in ("kind", "name", "status", "input", "output")}
        self.record(Recorded(number, "event", event.name, json.dumps(said, ensure_ascii=False, default=dict)))

    def _look(self, log: AttemptLog) -> AttemptLog:
        """What the turn left on the disk, whatever the agent says of it."""
        try:
            proposal = self.fence.collect()
            for path, file in proposal.files.items():
                if file is not None:
                    self.record(Recorded(log.number, "file", path, lossless(file.data)))
            for one in proposal.refused:
                self.record(Recorded(log.number, "refused", one.path, one.why))
            problems = demands(self.fence.copy.root, self.brief, proposal.files) if proposal.files else ()
        except (TargetError, OSError) as error:
            self.reason = Finding("agent_copy_unusable", f"What the agent left cannot be looked through: {error}")
            self.proposal = None
            return log
        if proposal.files and not problems:
            self.proposal = proposal
        return replace(log, changed=tuple(proposal.files), refused=proposal.refused, problems=problems)

    def _is_over(self) -> bool:
        """Whether a further turn is of no use."""
        if self.reason is not None:
            return True
        if not self.attempts:
            return False
        last, before = self.attempts[-1], self.attempts[-2] if len(self.attempts) > 1 else None
        if last.failure_kind is not None:
            again = before is not None and before.failure_kind is not None
            return bool(self.proposal) or last.failure_kind in _HOPELESS or again
        if last.changed and not last.problems:
            return not last.serious or (before is not None and last.serious == before.serious)
        idle = before is not None and not (last.changed or before.changed or last.refused or before.refused)
        return idle and self.brief.purpose is Purpose.REPAIR


def _why_none(brief: Brief, attempts: list[AttemptLog], error: HarnessError | None) -> Finding:
    """Why there is no proposal after all."""
    last = attempts[-1]
    turns = f"{len(attempts)} turn{'s' if len(attempts) > 1 else ''}"
    if error is not None and last.failure_kind is not None:
        return Finding(error.code, error.message, None, error.hint, verdict=Verdict.UNSCORED)
    if last.problems:
        listed = "; ".join(problem.message for problem in last.problems[:3])
        message = f"The agent's contract cannot be run after {turns}: {listed}"
        return Finding("agent_incomplete", message, last.problems[0].where, last.problems[0].hint)
    if last.serious:
        message = f"All that the agent changed in {turns} was refused: {', '.join(last.serious[:5])}."
        return Finding("agent_refused", message, None, "Only the contract may be written; see what it wanted there.")
    said = f" It said: {head_tail(printable(last.text), 500)}" if last.text.strip() else ""
    hint = "Try another model." if brief.purpose is Purpose.SCAFFOLD else "The cause may lie outside of the contract."
    return Finding("agent_did_nothing", f"The agent changed no file of the contract in {turns}.{said}", None, hint)


async def _aside(function: Callable[[], T]) -> T:
    """What reads disks, in a thread."""
    return await to_thread.run_sync(function)
