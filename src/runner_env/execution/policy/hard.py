"""The hard deny: what no mode allows, because it destroys the machine and no benchmark needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.execution.policy.invocation import Hit, Invocation
from runner_env.execution.policy.markers import STAR, UNSET, UNSET_QUOTED, literal, shown, without_unset
from runner_env.execution.policy.places import (
    CORE,
    absolute,
    is_block_device,
    is_critical_file,
    is_everything,
    protected,
)
from runner_env.execution.policy.syntax import descendants, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tree_sitter import Node

_NARROWING = frozenset(
    (
        *("-name", "-iname", "-path", "-ipath", "-wholename", "-iwholename", "-regex", "-iregex", "-lname"),
        *("-ilname", "-mtime", "-mmin", "-atime", "-amin", "-ctime", "-cmin", "-newer", "-newermt", "-user"),
        *("-group", "-uid", "-gid", "-nouser", "-nogroup", "-size", "-empty", "-inum", "-samefile", "-perm"),
        *("-links", "-fstype"),
    )
)
_MAKERS = ("mkfs", "mkfs.", "mke2fs", "mkswap", "newfs")
_OVERWRITERS = frozenset(("tee", "shred", "wipefs", "blkdiscard", "sgdisk", "cp", "mv", "install", "truncate"))


def _delete(places: Iterable[str], inv: Invocation, pattern: str, verb: str = "deletes") -> Hit | None:
    for place in places:
        label = protected(place, inv.cwd)
        if label:
            return Hit(pattern, f"{inv.name} {shown(' '.join(inv.args))!r} {verb} {label}")
    return None


def _rm(inv: Invocation) -> Hit | None:
    recursive = inv.name == "rimraf" or inv.has_short("rR") or inv.has_long("recursive", 1)
    places = inv.operands if recursive else [word for word in inv.operands if is_everything(word.rsplit("/", 1)[-1])]
    if recursive and inv.in_script:
        for place in places:
            full = absolute(place, inv.cwd) or place
            if literal(full).rstrip("/").removesuffix("/*").endswith(".aider_fsm/artifacts"):
                return Hit("delete-artifacts", f"{inv.name} deletes the published evidence {shown(place)!r}")
    return _delete(places, inv, "delete-protected")


def _find(inv: Invocation) -> Hit | None:
    starts = find_starts(inv)
    words = inv.args
    for index, word in enumerate(words):
        deletes = word == "-delete" or (
            word in {"-exec", "-execdir", "-ok"} and words[index + 1 : index + 2] and _removes(words[index + 1 :])
        )
        if deletes and not is_narrowed(words[:index]):
            return _delete(starts, inv, "find-delete-protected")
    return None


def _removes(command: tuple[str, ...]) -> bool:
    return any(word.rsplit("/", 1)[-1] in {"rm", "shred", "unlink"} for word in command[:3])


def find_starts(inv: Invocation) -> list[str]:
    """Where a `find` begins; the current directory if it does not say."""
    starts = list[str]()
    for word in inv.args:
        if word[:1] in {"-", "(", "!"} and word not in {"-H", "-L", "-P"}:
            break
        if word[:1] != "-":
            starts.append(word)
    return starts or ["."]


def is_narrowed(words: tuple[str, ...]) -> bool:
    """Whether a test of `find` keeps an action that follows `words` from meeting everything."""
    tail = words[max((i for i, word in enumerate(words) if word in {"-o", "-or", ","}), default=-1) + 1 :]
    return any(
        word in _NARROWING and literal(after) not in {"*", "**", ".*"} and (not i or tail[i - 1] not in {"!", "-not"})
        for i, (word, after) in enumerate(zip(tail, (*tail[1:], ""), strict=False))
    )


def _move(inv: Invocation) -> Hit | None:
    if inv.name == "mv" and len(inv.operands) > 1:
        hit = _delete(inv.operands[:-1], inv, "move-protected", "moves away")
        if hit:
            return hit
    return _overwrite(inv)


def _rsync(inv: Invocation) -> Hit | None:
    deleting = any(word.startswith("--del") for word in inv.options)
    return _delete(inv.operands[-1:], inv, "rsync-delete-protected") if deleting else None


def _chmod(inv: Invocation) -> Hit | None:
    if not (inv.has_short("R") or inv.has_long("recursive", 3)):
        return None
    for place in inv.operands:
        label = protected(place, inv.cwd)
        if label and (label == "/" or label[1:] in CORE):
            return Hit("chmod-protected", f"{inv.name} changes the permissions of all of {label}")
    return None


def _dd(inv: Invocation) -> Hit | None:
    return _devices((word[3:] for word in inv.args if word.startswith("of=")), inv)


def _overwrite(inv: Invocation) -> Hit | None:
    targets = inv.operands[-1:] if inv.name in {"cp", "mv", "install"} else inv.operands
    for target in targets:
        if inv.name in {"tee", "truncate"} and is_critical_file(target, inv.cwd) and not inv.has_short("a"):
            return Hit("overwrite-system-file", f"{inv.name} overwrites {shown(target)}")
    return _devices(targets, inv)


def _devices(paths: Iterable[str], inv: Invocation) -> Hit | None:
    found = next((path for path in paths if is_block_device(path)), None)
    return Hit("overwrite-device", f"{inv.name} overwrites the device {shown(found)}") if found else None


def _kill(inv: Invocation) -> Hit | None:
    words = list(inv.args)
    if words and words[0] in {"-s", "-n", "--signal"}:
        words = words[2:]
    elif words and words[0].startswith("-") and words[0] != "--":
        words = words[1:]
    return Hit("kill-everything", f"kill {shown(' '.join(inv.args))} ends every process") if "-1" in words else None


_RULES: dict[str, Callable[[Invocation], Hit | None]] = {
    "rm": _rm,
    "rimraf": _rm,
    "srm": _rm,
    "find": _find,
    "rsync": _rsync,
    "chmod": _chmod,
    "chown": _chmod,
    "chgrp": _chmod,
    "dd": _dd,
    "kill": _kill,
    "killall5": lambda _inv: Hit("kill-everything", "killall5 ends every process"),
    **dict.fromkeys(_OVERWRITERS, _overwrite),
    "mv": _move,
}


def hard_deny(inv: Invocation) -> Hit | None:
    """The rule of the hard deny that `inv` breaks, or None."""
    if inv.name.startswith(_MAKERS):
        return _devices(inv.operands, inv)
    rule = _RULES.get(inv.name)
    return rule(inv) if rule else None


def unset_deny(inv: Invocation) -> Hit | None:
    """A recursive deletion that becomes a disaster if a variable which nothing sets is empty: `rm -rf "$BUILD/"`.

    An unquoted one is refused already if it would delete a directory right below `/` (`rm -rf $BUILD/cache`).
    """
    if inv.name != "rm" or not (inv.has_short("rR") or inv.has_long("recursive", 1)):
        return None
    for place in inv.operands:
        if UNSET not in place and UNSET_QUOTED not in place:
            continue
        full = absolute(without_unset(place), inv.cwd)
        shallow = place[0] == UNSET and bool(full) and str(full).count("/") == 1 and STAR not in place
        if full and (shallow or protected(full, inv.cwd) not in {None, "/tmp"}) and place[1:]:
            return Hit(
                "delete-unset-variable",
                f"rm {shown(' '.join(inv.args))!r} deletes {shown(full)} if the variable is empty; write ${{NAME:?}}",
            )
    return None


def written_to(path: str, cwd: str | None, *, append: bool) -> Hit | None:
    """The rule that a redirection onto `path` breaks, or None."""
    if is_block_device(path):
        return Hit("overwrite-device", f"a redirection overwrites the device {shown(path)}")
    if is_critical_file(path, cwd) and not append:
        return Hit("overwrite-system-file", f"a redirection overwrites {shown(path)}")
    return None


def fork_bomb(name: str, body: Node) -> Hit | None:
    """Whether function `name` starts itself at least twice, side by side and without arguments, as fork bombs do."""
    names = {name, "$0", '"$0"'}

    def starts_itself(node: Node) -> bool:
        return node.type == "command" and text_of(node).strip() in names

    for pipeline in descendants(body, "pipeline"):
        if sum(starts_itself(child) for child in pipeline.children) > 1:
            return Hit("fork-bomb", f"{name} pipes into itself")
    calls = [node for node in descendants(body, "command") if starts_itself(node)]
    background = [node for node in calls if node.next_sibling is not None and node.next_sibling.type == "&"]
    return Hit("fork-bomb", f"{name} starts itself twice, in the background") if background and len(calls) > 1 else None
