"""Scripts of `package.json`, `deno.json` and `composer.json`, by the program that the lock file names."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.hints.model import Candidate, Origin
from runner_env.hints.sources.toml import mapping, strings
from runner_env.hints.sources.tree import line_of

if TYPE_CHECKING:
    from runner_env.hints.sources.tree import Tree

_LOCKS = (
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("pnpm-lock.yaml", "pnpm"),
    ("pnpm-workspace.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    (".yarnrc.yml", "yarn"),
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
)
_UNSPECIFIED = re.compile(
    r"no tests? (specified|yet|defined|configured|here)|not implemented|^\s*(echo [^&|;]*|exit 0|true|:)?\s*$",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"(?:npm|pnpm|yarn|bun)(?:\s+(?:-s|--silent|--quiet|-q))*\s+(?:run(?:-script)?\s+(?:-s\s+|--silent\s+)?)?([\w:.@/-]+)(?:\s+--)?((?:\s.*)?)"
)
_PART = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|>&|&>|[^&;"']|["'])+""")
_COMPOUND = re.compile(r"(?:^|[;&\s])(?:if|for|while|case)\s|[({]\s*$|^\s*[({]")
_WRAPPERS = re.compile(r"^(?:(?:cross-env(?:-shell)?|env|npx|dotenv --)\s+|[A-Z_][A-Z0-9_]*=\S*\s+)*")
_ALL = re.compile(r"(?:npx\s+)?(?:npm-run-all2?|run-s|run-p)\s+(.*)")
_CONCURRENTLY = re.compile(r"[\"']?(?:npm|yarn|pnpm|bun):([\w:.*-]+)[\"']?")
_SPECIAL = frozenset({"test", "start", "stop", "restart"})
_MOST_PACKAGES = 24
_MOST_SCRIPTS = 150
_MOST_COMMANDS = 40
_FRAMEWORKS = {
    "vitest": "vitest run",
    "jest": "jest",
    "mocha": "mocha",
    "ava": "ava",
    "tap": "tap",
    "jasmine": "jasmine",
    "uvu": "uvu",
    "karma": "karma start --single-run",
}
_TESTS = (
    r"(?:.*/)?(?:[^/]+[.-](?:test|spec)\.[cm]?[jt]sx?|(?:test|tests|__tests__|spec)/.*\.[cm]?[jt]sx?|test\.[cm]?[jt]s)"
)


def find(tree: Tree) -> list[Candidate]:
    """The scripts of the root package and of the workspaces that it declares, and what a test framework implies."""
    found: list[Candidate] = []
    roots = tree.manifests("package.json")
    for path in roots:
        root = _Package.read(tree, path)
        if root:
            found += root.candidates(_manager(tree, root))
            for member in _members(tree, root):
                found += member.candidates(_manager(tree, root))
            if not any(_is_test(candidate) for candidate in found):
                found += _implied(tree, root)
    return found


def _is_test(candidate: Candidate) -> bool:
    return "test" in candidate.name


@dataclass(frozen=True, slots=True)
class _Package:
    """One `package.json`."""

    path: str
    text: str
    data: dict[str, object]

    @staticmethod
    def read(tree: Tree, path: str) -> _Package | None:
        """The package at `path`; None if the file is broken."""
        text = tree.text(path)
        data = load(text)
        return _Package(path, text, data) if data else None

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def scripts(self) -> dict[str, str]:
        return {key: value for key, value in mapping(self.data, "scripts").items() if isinstance(value, str)}

    def candidates(self, manager: str) -> list[Candidate]:
        """One for each script that does something."""
        found: list[Candidate] = []
        scripts = self.scripts
        known: dict[str, list[str]] = {}
        described = mapping(self.data, "scripts-info")
        for name, script in list(scripts.items())[:_MOST_SCRIPTS]:
            hook = next(
                (
                    start
                    for start in ("pre", "post")
                    if name.removeprefix(start) in scripts and name != name.removeprefix(start)
                ),
                "",
            )
            if hook or _UNSPECIFIED.search(script):
                continue
            found.append(
                Candidate(
                    _invocation(manager, name),
                    self.path,
                    line_of(self.text, r'"scripts"\s*:', rf'"{re.escape(name)}"\s*:'),
                    Origin.TASK,
                    name,
                    str(described.get(name, "")),
                    self.folder,
                    resolved=tuple(_with_hooks(name, scripts, known)),
                    runner=manager,
                )
            )
        return found


def load(text: str) -> dict[str, object]:
    """The object of a JSON text, comments and trailing commas forgiven; an empty one if it is something else."""
    for attempt in (text, None):
        try:
            data = json.loads(attempt if attempt is not None else _without_comments(text))
        except (ValueError, RecursionError):
            continue
        return data if isinstance(data, dict) else {}
    return {}


def _without_comments(text: str) -> str:
    pattern = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
    bare = pattern.sub(lambda match: match[1] or "", text)
    return re.sub(r",(\s*[}\]])", r"\1", bare)


def _manager(tree: Tree, package: _Package) -> str:
    """The package manager: by `packageManager`, by the lock file beside the package or at the root, else npm."""
    stated = str(package.data.get("packageManager", "")).partition("@")[0]
    if stated in ("npm", "yarn", "pnpm", "bun"):
        return stated
    for folder in dict.fromkeys((package.folder, "")):
        for name, manager in _LOCKS:
            if tree.has(f"{folder}/{name}".lstrip("/")):
                return manager
    engines = mapping(package.data, "engines")
    return next((manager for manager in ("pnpm", "yarn", "bun") if manager in engines and "npm" not in engines), "npm")


def _invocation(manager: str, name: str) -> str:
    if manager == "bun":
        return f"bun run {name}"
    if name in _SPECIAL or (
        manager == "yarn" and name not in ("add", "audit", "cache", "check", "install", "link", "pack", "version")
    ):
        return f"{manager} {name}"
    return f"{manager} run {name}"


def _with_hooks(name: str, scripts: dict[str, str], known: dict[str, list[str]]) -> list[str]:
    """What a script runs, with the `pre` and `post` scripts around it, scripts that it calls followed.

    Args:
        name: of the script.
        scripts: all of the package.
        known: what scripts run that were already followed; one that is being followed runs nothing more.
    """
    if name not in known:
        known[name] = []
        found: list[str] = []
        for part in (f"pre{name}", name, f"post{name}"):
            if part in scripts:
                found += _resolved(scripts[part], scripts, known)
        known[name] = found[:_MOST_COMMANDS]
    return known[name]


def _resolved(script: str, scripts: dict[str, str], known: dict[str, list[str]]) -> list[str]:
    if _COMPOUND.search(script):
        return [script]
    found: list[str] = []
    elsewhere = False
    for part in _PART.findall(script):
        text = part.strip()
        # behind a `cd` names mean the scripts of another package
        elsewhere = elsewhere or text.startswith(("cd ", "pushd "))
        called = [] if elsewhere else _called(_WRAPPERS.sub("", text), scripts)
        for name, rest in called:
            inner = _with_hooks(name, scripts, known)
            found += [*inner[:-1], f"{inner[-1]}{rest}"] if inner and rest else inner
        if text and not called:
            found.append(text)
    return found[:_MOST_COMMANDS]


def _called(command: str, scripts: dict[str, str]) -> list[tuple[str, str]]:
    """The scripts that a command runs, each with the arguments that it hands on."""
    if match := _ALL.fullmatch(command):
        words = [word.strip("\"'") for word in match[1].split() if not word.startswith("-")]
        return [(name, "") for word in words for name in _globbed(word, scripts)]
    if command.startswith("concurrently "):
        return [(name, "") for word in _CONCURRENTLY.findall(command) for name in _globbed(word, scripts)]
    match = _CALL.fullmatch(command)
    if match and match[1] in scripts:
        return [(match[1], match[2])]
    if match and match[1] in ("t", "tst") and "test" in scripts:
        return [("test", match[2])]
    return []


def _globbed(word: str, scripts: dict[str, str]) -> list[str]:
    pattern = re.escape(word).replace(r"\*\*", ".*").replace(r"\*", "[^:]*")
    return [name for name in scripts if re.fullmatch(pattern, name)]


def _members(tree: Tree, root: _Package) -> list[_Package]:
    """The packages that a workspace declares, in the places where the listing has them."""
    stated = root.data.get("workspaces")
    patterns = (
        strings(stated)
        or strings(mapping(stated).get("packages"))
        or strings(load(tree.text("lerna.json")).get("packages"))
    )
    if tree.has("pnpm-workspace.yaml"):
        patterns += [item.text for item in tree.document("pnpm-workspace.yaml").get("packages").items]
    found: list[_Package] = []
    for path in tree.ending("json"):
        folder, _, name = path.rpartition("/")
        if name == "package.json" and folder and any(_declared(folder, pattern, root.folder) for pattern in patterns):
            package = _Package.read(tree, path)
            found += [package] if package else []
            if len(found) >= _MOST_PACKAGES:
                break
    return found


def _declared(folder: str, pattern: str, base: str) -> bool:
    if pattern.startswith("!"):
        return False
    glob = re.escape(f"{base}/{pattern}".lstrip("/").removeprefix("./").rstrip("/"))
    return re.fullmatch(glob.replace(r"\*\*", ".*").replace(r"\*", "[^/]*"), folder) is not None


def _implied(tree: Tree, package: _Package) -> list[Candidate]:
    """The framework among the dependencies, or Node's own runner, where there are tests but no script for them."""
    inner = f"{package.folder}/" if package.folder else ""
    tests = tree.matching(re.escape(inner) + _TESTS, 40)
    if not tests:
        return []
    needed = mapping(package.data, "devDependencies") | mapping(package.data, "dependencies")
    command = next((f"npx {run}" for name, run in _FRAMEWORKS.items() if name in needed), "")
    key = command.split()[1] if command else ""
    if not command and tree.contains(r"""['"]node:test['"]""", tests):
        command, key = "node --test", "name"
    if not command:
        return []
    line = line_of(package.text, r'"(?:devDependencies|dependencies)"\s*:', rf'"{key}"\s*:')
    return [Candidate(command, package.path, line, Origin.MANIFEST, key, workdir=package.folder, certainty=0.5)]
