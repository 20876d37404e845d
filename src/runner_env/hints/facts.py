"""What a repository is: its names, its programs, whether its purpose is to evaluate. Looked up when asked for."""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import TYPE_CHECKING

from runner_env.hints.reading import exists, read_text

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = (
    (
        "pyproject.toml",
        re.compile(r"""^\[(?:project|tool\.poetry)\]\s*\n(?:(?!\[).*\n)*?name\s*=\s*["']([^"'\n]+)""", re.MULTILINE),
    ),
    ("setup.cfg", re.compile(r"^\s*name\s*=\s*(\S+)", re.MULTILINE)),
    ("setup.py", re.compile(r"""\bname\s*=\s*["']([^"'\n]+)""")),
    ("package.json", re.compile(r'"name"\s*:\s*"(?:@[^"/]+/)?([^"\n]+)"')),
    ("Cargo.toml", re.compile(r'^\s*name\s*=\s*"([^"\n]+)"', re.MULTILINE)),
    ("go.mod", re.compile(r"^module\s+\S*?([\w.-]+?)(?:/v\d+)?\s*$", re.MULTILINE)),
    ("composer.json", re.compile(r'"name"\s*:\s*"[^"/]+/([^"\n]+)"')),
    (".git/config", re.compile(r"^\s*url\s*=\s*\S*?([^/:\s]+?)(?:\.git)?\s*$", re.MULTILINE)),
)
_SCRIPT_TABLES = re.compile(
    r"^\[(?:project\.scripts|tool\.poetry\.scripts|project\.entry-points\.[\"']?console_scripts[\"']?)\]\s*\n((?:(?!\[).*\n?)*)"
    r"|^\s*console_scripts\s*=\s*\n?((?:[ \t]+\S.*\n?)*)"
    r"""|["']console_scripts["']\s*:\s*\[([^\]]*)\]""",
    re.MULTILINE,
)
_SCRIPT_NAME = re.compile(r"""(?:^|["'\n])\s*["']?([\w.-]+)["']?\s*=\s*["']?[\w.]+""")
_BIN = re.compile(r'"bin"\s*:\s*\{([^}]*)\}')
_DESCRIPTION = re.compile(r"""(?m)^\s*"?description"?\s*[=:]\s*["']?([^"'\n]+)""")
_EVALUATES = re.compile(r"(?i)(?:^|[\W_])(?:\w*bench(?:mark\w*)?|evals?|evaluat\w+|leaderboard|harness)(?:$|[\W_])")
_MARKUP = re.compile(r"<[^>]*>|!?\[[^\]]*\]\([^)]*\)\)?|\]\([^)]*\)|https?:\S+|:\w+:")
_NO_SCRIPT = re.compile(
    r"\.(?:c|cc|cpp|cxx|h|hpp|java|rs|go|md|txt|json|ya?ml|toml|cfg|ini|html|css|cs|kt|swift|hs|ex|exs|nim"
    r"|scala|clj|ml|rst|lock|xml|sql|csv|png|svg)$"
)
_COMPILED = ("nim", "c", "cc", "cpp", "go", "rs", "hs", "ml", "d", "zig", "pas", "f90", "java", "swift")
_MARKS = re.compile(r"[^a-z0-9]+")


class Facts:
    """Facts about the repository at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, bool] = {}
        self._scripts: dict[str, dict[str, object] | None] = {}

    def has(self, path: str) -> bool:
        """Whether something is at that path, POSIX, relative to the repository."""
        if path not in self._known:
            self._known[path] = exists(self.root, path)
        return self._known[path]

    def has_script(self, path: str, workdir: str = "") -> bool:
        """Whether a command that is run in `workdir` and names `path` names a file there that can be a program."""
        if _NO_SCRIPT.search(path):
            return False
        path = path.removeprefix("./")
        places = (f"{workdir}/{path}" if workdir else path, path)
        return any(self.has(place) and (self.root / place).is_file() for place in places)

    def has_source(self, path: str, workdir: str = "") -> bool:
        """Whether a program that a command names is not there, but what it is compiled from: `./koch`, `koch.nim`."""
        stem = f"{workdir}/{path.removeprefix('./')}".lstrip("/")
        return any(self.has(f"{stem}.{ending}") for ending in _COMPILED)

    def lacks_script(self, name: str, workdir: str = "") -> bool:
        """Whether a folder's package.json has no script of that name, or only npm's stand-in for one.

        False where there is no package.json, or none that can be read.
        """
        if workdir not in self._scripts:
            self._scripts[workdir] = _scripts(read_text(self.root, f"{workdir}/package.json".lstrip("/")))
        scripts = self._scripts[workdir]
        return scripts is not None and (name not in scripts or "no test specified" in str(scripts[name]))

    @cached_property
    def names(self) -> frozenset[str]:
        """What the repository is called: by its folder, its manifests and git's remote; lower case, without marks."""
        names = {self.root.name}
        for file, pattern in _NAMES:
            text = read_text(self.root, file, 60_000) or ""
            match = pattern.search(text)
            if match:
                names.add(match[1])
        plain = {_plain(re.sub(r"-(?:v?\d[\w.]*|main|master)$", "", name)) for name in names}
        return frozenset(name for name in plain if name)

    @cached_property
    def programs(self) -> frozenset[str]:
        """The programs that its manifests install."""
        found: set[str] = set()
        for file in ("pyproject.toml", "setup.cfg", "setup.py"):
            for match in _SCRIPT_TABLES.finditer(read_text(self.root, file, 200_000) or ""):
                found.update(_SCRIPT_NAME.findall(match[1] or match[2] or match[3] or ""))
        for match in _BIN.finditer(read_text(self.root, "package.json", 200_000) or ""):
            found.update(re.findall(r'"([^"]+)"\s*:', match[1]))
        return frozenset(found)

    def installs(self, program: str) -> bool:
        """Whether a program is the repository's own: a declared one, or what is made to evaluate, by its own name."""
        if program in self.programs:
            return True
        return _plain(program) in self.names and self.module_place(program) and self.evaluates

    @cached_property
    def evaluates(self) -> bool:
        """Whether to evaluate something is its purpose, as its name, its title and the line below say."""
        if any(_EVALUATES.search(name) or re.search(r"bench$|eval(?:s|uation)?$|^eval", name) for name in self.names):
            return True
        for file in ("pyproject.toml", "setup.cfg", "package.json"):
            match = _DESCRIPTION.search(read_text(self.root, file, 60_000) or "")
            if match and _EVALUATES.search(match[1]):
                return True
        for name in ("README.md", "README.rst", "README"):
            text = read_text(self.root, name, 4_000)
            if text:
                plain = _MARKUP.sub(" ", text)
                stated = [line for line in plain.split("\n") if re.search(r"[A-Za-z]{3}", line)]
                return bool(_EVALUATES.search("\n".join(stated[:2])))
        return False

    def is_own_name(self, name: str) -> bool:
        """Whether a folder of that name, after a clone or from an archive, is this repository."""
        return _plain(name.rpartition("/")[2]) in self.names

    def is_own_address(self, url: str) -> bool:
        """Whether a git address leads to this repository; a placeholder for its owner does."""
        return self.is_own_name(re.sub(r"\.git/?$|/$", "", url)) or bool(re.search(r"[<\[{]|your|fork", url))

    def module_place(self, module: str, workdir: str = "") -> bool:
        """Whether a Python module, or its first part, is in the repository."""
        first = module.split(".", maxsplit=1)[0].replace("-", "_")
        places = (workdir, "src", "lib", "python", *(() if not workdir else ("",)))
        return any(
            self.has(f"{place}/{first}".strip("/")) or self.has(f"{place}/{first}.py".strip("/")) for place in places
        )


def _scripts(manifest: str | None) -> dict[str, object] | None:
    """The scripts of a package.json."""
    try:
        found = json.loads(manifest) if manifest else None
    except (ValueError, RecursionError):
        return None
    scripts = found.get("scripts", {}) if isinstance(found, dict) else None
    return scripts if isinstance(scripts, dict) else None


def _plain(name: str) -> str:
    return _MARKS.sub("", name.lower())
