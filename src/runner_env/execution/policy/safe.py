"""Safe mode: administration of the machine, and code that is downloaded and run unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.execution.policy.hard import unset_deny
from runner_env.execution.policy.invocation import DOCKER_VALUES, Hit, Invocation
from runner_env.execution.policy.markers import FETCHED, shown
from runner_env.execution.policy.shells import SHELLS, is_interpreter, program_texts

if TYPE_CHECKING:
    from collections.abc import Callable

_SYSTEMCTL = frozenset(("poweroff", "reboot", "halt", "kexec", "suspend", "hibernate", "rescue", "emergency"))
_ASKING = frozenset(("--help", "--version"))
DOWNLOADERS = frozenset(("curl", "wget", "wget2", "fetch", "aria2c"))


def _always(what: str) -> Callable[[Invocation], Hit | None]:
    def rule(inv: Invocation) -> Hit | None:
        return None if _ASKING & set(inv.args[:1]) else Hit(inv.name, f"{inv.name} {what}")

    return rule


def _brew(inv: Invocation) -> Hit | None:
    verb = inv.subcommands()[:1]
    removing = verb and verb[0] in {"uninstall", "remove", "rm"}
    return Hit("brew uninstall", "brew uninstall removes programs of this machine") if removing else None


def _docker(inv: Invocation) -> Hit | None:
    verbs = inv.subcommands(DOCKER_VALUES)
    verbs = verbs[1:] if verbs[:1] == ("container",) else verbs
    if verbs[:2] in {("system", "prune"), ("volume", "prune")}:
        return Hit(f"docker {verbs[0]} prune", f"{inv.name} {verbs[0]} prune deletes data that is not this run's")
    if verbs[:1] in {("run",), ("create",)} and any(_mounts_root(inv.args[i:]) for i in range(len(inv.args))):
        return Hit(
            "docker run -v /:", f"{inv.name} {verbs[0]} hands the whole file system of this machine to a container"
        )
    return None


def _mounts_root(words: tuple[str, ...]) -> bool:
    for option in ("--volume=", "--mount=", "-v"):
        if words[0].startswith(option) and words[0] != option:
            words = (option.rstrip("="), words[0].removeprefix(option))
    if len(words) < 2 or words[0] not in {"-v", "--volume", "--mount"}:
        return False
    mounts = words[0] == "--mount" and {"source=/", "src=/"} & set(words[1].split(","))
    return bool(mounts) or (words[0] != "--mount" and words[1].startswith("/:"))


def _systemctl(inv: Invocation) -> Hit | None:
    verb = next((word for word in inv.subcommands() if word in _SYSTEMCTL), None)
    return Hit(f"{inv.name} {verb}", f"{inv.name} {verb} stops this machine") if verb else None


def _init(inv: Invocation) -> Hit | None:
    return Hit(inv.name, f"{inv.name} {inv.args[0]} stops this machine") if inv.args[:1] in {("0",), ("6",)} else None


def _dd(inv: Invocation) -> Hit | None:
    """What a project's own tests make with it are files; that it writes to no device the hard deny sees to."""
    return None if inv.in_task else _always("copies raw blocks; use head, truncate or cp")(inv)


_PRIVILEGE = _always("asks for the rights of another user; a run is not given any")
_STOPS = _always("stops this machine")
_RULES: dict[str, Callable[[Invocation], Hit | None]] = {
    **dict.fromkeys(("sudo", "doas", "pkexec", "su", "run0"), _PRIVILEGE),
    **dict.fromkeys(("shutdown", "reboot", "poweroff", "halt"), _STOPS),
    **dict.fromkeys(("systemctl", "loginctl"), _systemctl),
    **dict.fromkeys(("init", "telinit"), _init),
    **dict.fromkeys(("docker", "podman"), _docker),
    "dd": _dd,
    "brew": _brew,
}


def safe_deny(inv: Invocation) -> Hit | None:
    """The rule of the safe mode that `inv` breaks, or None."""
    if inv.name == "mkfs" or inv.name.startswith("mkfs."):
        return Hit("mkfs", f"{inv.name} makes a file system")
    rule = _RULES.get(inv.name)
    return (rule(inv) if rule else None) or unset_deny(inv) or _fetched(inv)


def _fetched(inv: Invocation) -> Hit | None:
    if inv.name in SHELLS or not is_interpreter(inv.name):
        return None
    texts = program_texts(inv.name, (inv.name, *inv.args), inv.feed)
    return downloaded_code(inv.name) if any(FETCHED in text for text in texts) else None


def downloaded_code(name: str) -> Hit:
    """What to say when `name` runs text that a download printed."""
    return Hit("download | shell", f"{shown(name)} runs what a download prints, unseen; download, check, then run it")
