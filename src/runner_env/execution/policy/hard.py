"""The hard deny: what no mode allows, because it destroys the machine and no benchmark needs it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from runner_env.execution.policy.invocation import GIT_VALUES, Hit, Invocation
from runner_env.execution.policy.markers import STAR, UNSET, UNSET_QUOTED, literal, shown, unsure, without_unset
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
    from collections.abc import Callable, Collection, Iterable

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
_OVERWRITERS = frozenset(("tee", "shred", "wipefs", "blkdiscard", "cp", "ln", "mv", "install", "truncate"))
_PARTITIONERS = frozenset(("parted", "fdisk", "sfdisk", "cfdisk", "gdisk", "sgdisk", "badblocks"))
_SHOWING = frozenset(
    ("print", "-l", "--list", "--dump", "--print", "--info", "-n", "--no-act", "-v", "--version", "--help")
)
_ANYTHING = frozenset((".", ".*", ".+", "", "^", "$", "^.*$"))


def _delete(places: Iterable[str], inv: Invocation, pattern: str, verb: str = "deletes") -> Hit | None:
    for place in places:
        label = protected(place, inv.cwd)
        if label:
            return Hit(pattern, f"{inv.name} {shown(' '.join(inv.args))!r} {verb} {label}")
    return None


def _rm(inv: Invocation) -> Hit | None:
    recursive = inv.name == "rimraf" or inv.has_short("rR") or inv.has_long("recursive", 1)
    places = inv.operands if recursive else [word for word in inv.operands if is_everything(word.rsplit("/", 1)[-1])]
    critical = _critical(inv.operands, inv, "deletes")
    if critical:
        return critical
    if recursive and inv.in_script:
        for place in places:
            full = absolute(place, inv.cwd) or place
            if literal(full).rstrip("/").removesuffix("/*").endswith(".aider_fsm/artifacts"):
                return Hit("delete-artifacts", f"{inv.name} deletes the published evidence {shown(place)!r}")
    return _delete(places, inv, "delete-protected")


def _critical(paths: Iterable[str], inv: Invocation, verb: str = "overwrites") -> Hit | None:
    found = next((path for path in paths if is_critical_file(path, inv.cwd)), None)
    return Hit("overwrite-system-file", f"{inv.name} {verb} {shown(found)}") if found else None


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
        moved = inv.operands[:-1]
        hit = _delete(moved, inv, "move-protected", "moves away") or _critical(moved, inv, "moves away")
        if hit:
            return hit
    return _overwrite(inv)


def _rsync(inv: Invocation) -> Hit | None:
    deleting = any(word.startswith("--del") for word in inv.options)
    moving = inv.has_long("remove-source-files", 8)
    places = [*(inv.operands[-1:] if deleting else ()), *(inv.operands[:-1] if moving else ())]
    return _delete(places, inv, "rsync-delete-protected")


def _git(inv: Invocation) -> Hit | None:
    """`git clean` that is told by `-C` or by `cd` to clean a place that is no repository of a run."""
    verbs = inv.subcommands(GIT_VALUES)
    if verbs[:1] != ("clean",) or not (inv.has_short("f") or inv.has_long("force", 3)):
        return None
    places = [value for option, value in pairwise(inv.args) if option in {"-C", "--work-tree"}]
    return _delete([*places[-1:], *verbs[1:]] or ["."], inv, "git-clean-protected")


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
    targets = inv.operands[-1:] if inv.name in {"cp", "mv", "install", "ln"} else inv.operands
    appending = inv.name == "tee" and inv.has_short("a")
    return (None if appending else _critical(targets, inv)) or _devices(targets, inv)


def _sed(inv: Invocation) -> Hit | None:
    in_place = inv.has_short("i") or inv.has_long("in-place", 2)
    return _critical(inv.operands, inv, "changes") if in_place else None


def _partitions(inv: Invocation) -> Hit | None:
    """Programs that change a disk unless they are asked to show it."""
    showing = inv.has_short("lpdsV") or bool(_SHOWING & {word.partition("=")[0] for word in inv.args})
    writing = inv.name != "badblocks" or inv.has_short("w")
    return _devices(inv.operands, inv) if writing and not showing else None


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


def _pkill(inv: Invocation) -> Hit | None:
    """A pattern that every process matches, or a user without any pattern."""
    words = inv.subcommands(("-u", "-U", "-G", "-g", "-P", "-s", "-t", "-F", "--euid", "--uid", "--signal"))
    narrow = inv.has_short("Pgts") or any(word.startswith(("--parent", "--pgroup")) for word in inv.args)
    regular = inv.name == "pkill" or inv.has_short("r")
    everything = regular and any(literal(word) in _ANYTHING for word in words)
    owner = not words and inv.has_short("uU") and not unsure("".join(inv.args))
    if narrow or not (everything or owner):
        return None
    return Hit("kill-everything", f"{inv.name} {shown(' '.join(inv.args))} ends every process")


_RULES: dict[str, Callable[[Invocation], Hit | None]] = {
    "rm": _rm,
    "rimraf": _rm,
    "srm": _rm,
    "find": _find,
    "rsync": _rsync,
    "chmod": _chmod,
    "chown": _chmod,
    "chgrp": _chmod,
    "chattr": _chmod,
    "setfacl": _chmod,
    "git": _git,
    "sed": _sed,
    "unlink": _rm,
    **dict.fromkeys(("pkill", "killall"), _pkill),
    "dd": _dd,
    "kill": _kill,
    "killall5": lambda _inv: Hit("kill-everything", "killall5 ends every process"),
    **dict.fromkeys(_OVERWRITERS, _overwrite),
    **dict.fromkeys(_PARTITIONERS, _partitions),
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
    if absolute(path, cwd) == "/proc/sysrq-trigger":
        return Hit("stop-machine", "a redirection onto /proc/sysrq-trigger stops this machine")
    if is_critical_file(path, cwd) and not append:
        return Hit("overwrite-system-file", f"a redirection overwrites {shown(path)}")
    return None


def fork_bomb(names: Collection[str], body: Node) -> Hit | None:
    """Whether what is called by any of `names` starts itself again and again without arguments, as fork bombs do.

    That is: twice side by side in a pipeline, twice of which once in the background, or in the background of a loop.
    """

    def starts_itself(node: Node) -> bool:
        return node.type == "command" and text_of(node).strip() in names

    shown_name = min(names, key=len)
    for pipeline in descendants(body, "pipeline"):
        if sum(starts_itself(child) for child in pipeline.children) > 1:
            return Hit("fork-bomb", f"{shown_name} pipes into itself")
    calls = [node for node in descendants(body, "command") if starts_itself(node)]
    background = [node for node in calls if node.next_sibling is not None and node.next_sibling.type == "&"]
    if background and len(calls) > 1:
        return Hit("fork-bomb", f"{shown_name} starts itself twice, in the background")
    if any(_in_loop(node, body) for node in background):
        return Hit("fork-bomb", f"{shown_name} starts itself in the background of a loop")
    return None


def _in_loop(node: Node, body: Node) -> bool:
    parent = node.parent
    while parent is not None and parent != body:
        if parent.type in {"while_statement", "for_statement", "c_style_for_statement"}:
            return True
        parent = parent.parent
    return False
