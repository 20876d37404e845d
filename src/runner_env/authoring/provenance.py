"""Who wrote a contract, from what, and what was tried: rules and agents in one format, `runner_env.formats.provenance`.

What is compared are the files of the contract as they lie in the target before and after; the author of a changed one
is whoever proposed exactly what lies there, and `other` if nobody did.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from runner_env.core import Usage
from runner_env.formats.plain import plain
from runner_env.formats.provenance import (
    AgentAuthor,
    AgentTurn,
    Author,
    ContractFile,
    Provenance,
    RefusedChange,
    RulesAuthor,
    ToolCall,
)
from runner_env.text.clipping import head_tail
from runner_env.text.masking import Masker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner_env.authoring.authored import AttemptLog, Authored
    from runner_env.authoring.model import Recipe
    from runner_env.harnesses.model import AgentEvent

_MOST_CHARS = 4000
_MOST_EVENTS = 400


def provenance(recipe: Recipe, files: Mapping[str, str], *, accepted: bool | None) -> dict[str, Any]:
    """What is known about a contract by rules; `accepted` is None while it has not been run."""
    after = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items()}
    listed = _files({}, after, after, "rules")
    option = recipe.option
    rules = RulesAuthor(option.command, option.stated, option.source, recipe.amended)
    return _plain(Provenance("scaffold", "rules", accepted, listed, _written_by(listed), rules=rules))


def authored_provenance(
    rounds: Sequence[Authored],
    *,
    before: Mapping[str, str],
    after: Mapping[str, str],
    accepted: bool | None,
    masker: Masker | None = None,
) -> dict[str, Any]:
    """What is known about a contract that an agent was asked for.

    Args:
        rounds: what came of it each time that the agent was asked; at least one, all for one purpose.
        before: SHA-256 of every file of the contract in the target before it, by path; see `contract_hashes`.
        after: likewise, after its proposal was taken over, and taken back if it was.
        accepted: whether the contract was kept; None while that is open.
        masker: for the secrets that the agent may have read (default: none).
    """
    mask = masker or Masker({})
    last = rounds[-1]
    proposed: dict[str, str | None] = {}
    for one in rounds:
        files = one.proposal.files if one.proposal else {}
        proposed |= {path: file.sha256 if file else None for path, file in files.items()}
    listed = _files(before, after, proposed, "agent")
    agent = AgentAuthor(
        harness=last.harness,
        versions=dict(last.versions),
        model=last.model,
        turns=tuple(_turn(number, log, mask) for number, one in enumerate(rounds, 1) for log in one.attempts),
        usage=Usage.total(one.usage for one in rounds),
        duration_s=round(sum(one.duration_s for one in rounds), 3),
        reason=last.reason,
    )
    return _plain(Provenance(last.purpose.value, "agent", accepted, listed, _written_by(listed), agent=agent))


def _files(
    before: Mapping[str, str], after: Mapping[str, str], proposed: Mapping[str, str | None], author: Author
) -> tuple[ContractFile, ...]:
    files = []
    for path in sorted(before.keys() | after.keys()):
        now = after.get(path)
        is_proposed = path in proposed and proposed[path] == now
        files.append(_file(path, before.get(path), now, author if is_proposed else "other"))
    return tuple(files)


def _file(path: str, before: str | None, after: str | None, author: Author) -> ContractFile:
    if before == after:
        return ContractFile(path, "unchanged", "repository", before, after)
    if before is None:
        return ContractFile(path, "created", author, before, after)
    return ContractFile(path, "deleted" if after is None else "modified", author, before, after)


def _written_by(files: tuple[ContractFile, ...]) -> dict[Any, int]:
    count = Counter(file.author for file in files if file.status != "unchanged")
    return {"rules": count["rules"], "agent": count["agent"], "other": count["other"], "runner": 0}


def _turn(number: int, log: AttemptLog, mask: Masker) -> AgentTurn:
    events = log.events
    return AgentTurn(
        round=number,
        number=log.number,
        session=log.session,
        prompt_sha256=log.prompt_sha256,
        prompt_chars=log.prompt_chars,
        duration_s=round(log.duration_s, 3),
        text=_short(log.text, mask),
        events=None if events is None else tuple(_event(event, mask) for event in events[:_MOST_EVENTS]),
        usage=log.usage,
        retries=log.retries,
        changed=log.changed,
        refused=tuple(RefusedChange(one.path, one.code, one.why) for one in log.refused),
        problems=log.problems,
        failure_kind=log.failure_kind,
        failure=_short(log.failure, mask),
    )


def _event(event: AgentEvent, mask: Masker) -> ToolCall:
    told = json.dumps(dict(event.input), ensure_ascii=False, default=str) if event.input else ""
    return ToolCall(event.kind, event.name, event.status, _short(told, mask), _short(event.output, mask))


def _short(text: str, mask: Masker) -> str:
    return head_tail(mask.text(text), _MOST_CHARS)


def _plain(made: Provenance) -> dict[str, Any]:
    value = plain(made)
    assert isinstance(value, dict)
    return value
