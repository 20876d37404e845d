"""`.aider_fsm/actions.yml` to `Actions`."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from runner_env.contract.document import Node, parse
from runner_env.contract.model import Action, Actions, CommandSpec, StageName
from runner_env.contract.places import shown
from runner_env.contract.problems import validated
from runner_env.contract.schema import ActionsFile
from runner_env.contract.source import read_source
from runner_env.core import Finding
from runner_env.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner_env.contract.schema import ActionItem

ACTIONS_FILE = ".aider_fsm/actions.yml"
_PROTECTED = ("plan.md", ".git", ".aider_fsm/actions.yml", ".aider_fsm/bootstrap.yml", ".aider_fsm/artifacts")
_COMMAND_BELONGS = ({"cmd"}, {"path", "content"})
_BELONGS = {
    **dict.fromkeys(("run_cmd", "install_tool", "start_service"), _COMMAND_BELONGS),
    "write_file": ({"path", "content"}, {"cmd"}),
}


def load_actions(repo: Path, pipeline_rel: str = "pipeline.yml") -> Actions | None:
    """Read the actions of a repository.

    Args:
        repo: the repository.
        pipeline_rel: the contract file, which no action may write.

    Returns:
        None if it has none.

    Raises:
        ContractError: they cannot be used; carries every problem found, in file order.
    """
    try:
        return _load(repo, pipeline_rel)
    except ContractError as error:
        raise ContractError([replace(found, stage=StageName.ACTIONS) for found in error.findings]) from error


def _load(repo: Path, pipeline_rel: str) -> Actions | None:
    source = read_source(repo, ACTIONS_FILE)
    if source is None:
        return None
    root = parse(source)
    listed = root.get("actions")
    nodes = listed.items if listed else ()
    file = validated(root, ActionsFile, list(_problems(nodes, pipeline_rel)))
    return Actions(source.file, source.sha256, tuple(map(_action, file.actions, nodes)))


def _action(item: ActionItem, node: Node) -> Action:
    return Action(
        id=item.id,
        kind=item.kind,
        command=CommandSpec(item.cmd, node.where_of("cmd")) if item.cmd else None,
        path=item.path,
        content=item.content,
        timeout_s=item.timeout_seconds,
        retries=item.retries or 0,
        risk_level=item.risk_level,
        rationale=item.rationale,
        where=node.where,
    )


def _problems(nodes: tuple[Node, ...], pipeline_rel: str) -> Iterator[Finding]:
    seen: dict[object, Node] = {}
    for node in nodes:
        yield from _kind_problems(node)
        if protected := _protected(node, pipeline_rel):
            message = f"An action must not write {shown(protected)}."
            yield Finding("protected_path", message, node.where_of("path"), "Edit that file yourself.")
        name = node.get("id")
        if name and isinstance(name.value, str):
            if name.value in seen:
                message = f"The id {shown(name.value)} was already given at {seen[name.value].where}."
                yield Finding("duplicate_id", message, node.where_of("id"), "Give every action its own id.")
            seen.setdefault(name.value, name)


def _kind_problems(node: Node) -> Iterator[Finding]:
    kind = node.get("kind")
    if kind is None or not isinstance(kind.value, str):
        return
    if kind.value not in _BELONGS:
        return  # said by the schema, with the kinds there are
    needed, foreign = _BELONGS[kind.value]
    for key in sorted(needed):
        if node.get(key) is None:
            yield Finding(
                "missing_key", f"An action of kind {shown(kind.value)} needs `{key}`.", node.where, f"Add `{key}`."
            )
    for key in sorted(foreign & set(node.entries)):
        message = f"`{key}` has no meaning in an action of kind {shown(kind.value)}."
        yield Finding("unknown_key", message, node.where_of(key), "Delete it, or change `kind`.")


def _protected(node: Node, pipeline_rel: str) -> str | None:
    """The path of a `write_file`, if it is one that no action may write."""
    path = node.get("path")
    if path is None or not isinstance(path.value, str):
        return None
    return path.value if is_protected(path.value, pipeline_rel) else None


def is_protected(path: str, pipeline_rel: str) -> bool:
    """Whether no action may write to `path`, spelled as a file system that folds case or Unicode forms would read it.

    Args:
        path: POSIX, relative to the repository.
        pipeline_rel: the contract file.
    """
    folded = _folded(path)
    guarded = (*_PROTECTED, _folded(pipeline_rel))
    return any(folded == name or folded.startswith(f"{name}/") for name in guarded)


def _folded(path: str) -> str:
    parts: list[str] = []
    for part in unicodedata.normalize("NFKC", path).casefold().split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in {"", ".", ".."}:
            parts.append(part)
    return "/".join(parts)
