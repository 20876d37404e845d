"""What the tests of a Python project need besides the project: extras, groups, requirement files, packages."""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner_env.authoring.reading import ini, table, texts, toml
from runner_env.hints.reading import list_folder, read_text
from runner_env.hints.shelltext import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_FOR_TESTS = re.compile(
    r"(?i)^(?:unit[-_]?)?(?:py)?tests?(?:ing|s)?(?:$|[-_].*)|.*[-_]tests?$|^pytest$|^tests?_require$|^testsuite$"
)
_FOR_WORK = re.compile(r"(?i)^(?:dev(?:elop(?:ment|er|ers)?)?|ci|contrib(?:utors?)?|default|devel)$")
_NOT_FOR_TESTS = re.compile(
    r"(?i)^(?:ruff|black|isort|flake8\S*|pylint|mypy|pyright|basedpyright|ty|pyre\S*|pre[-_]commit|tox\S*|nox\S*|sphinx\S*|furo|mkdocs\S*|"
    r"myst[-_]parser|twine|build|bump\S*|towncrier|interrogate|codespell|zest\S*|bandit|safety|vulture|commitizen|ipython|"
    r"ipdb|jupyter\S*|notebook|check-manifest|pyroma|doc8|wheel|pip|setuptools|autopep8|yapf|codecov|coveralls|cibuildwheel"
    r"|pdm\S*|uv|poetry|poethepoet|hatch|reuse|gitlint|cruft|lefthook|prek|deptry|validate-pyproject\S*|python-semantic-release)"
    r"(?:$|[\s<>=!~;\[(@])"
)
_FILES = re.compile(
    r"(?i)^(?:requirements?|reqs?|deps)?[-_.]?(?:(tests?|testing|unit-?tests?)|(dev|develop(?:ment)?|ci))[-_.]?(?:requirements?|reqs?|deps)?\.(?:txt|in)$"
)


@dataclass(slots=True)
class Needs:
    """What is to be installed.

    Attributes:
        extras: of the project itself.
        files: requirement files, POSIX, relative to the project.
        packages: requirements.
    """

    extras: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.extras or self.files or self.packages)


def needs(root: Path, stated: Iterable[str]) -> Needs:
    """What the project's own files say that its tests need; of what is only for work on it, the tools are left out.

    Args:
        root: the project.
        stated: commands that its authors run before the tests.
    """
    found = Needs()
    project = toml(root, "pyproject.toml")
    for name in _extras(root, project):
        if _FOR_TESTS.match(name):
            found.extras.append(name)
    _groups(project, found)
    _tox(root, project, found)
    _files(root, found)
    _commands(root, [*stated, *_nox(root)], found)
    found.packages += _tests_require(root)
    if not found:
        work = [name for name in _extras(root, project) if _FOR_WORK.match(name)]
        found.extras += work[:1]
    _unique(found)
    return found


def _unique(found: Needs) -> None:
    found.extras = list(dict.fromkeys(found.extras))
    found.files = list(dict.fromkeys(found.files))
    found.packages = list(dict.fromkeys(found.packages))


def _extras(root: Path, project: dict[str, Any]) -> list[str]:
    names = [*table(project, "project", "optional-dependencies"), *table(project, "tool", "poetry", "extras")]
    names += [*table(project, "tool", "flit", "metadata", "requires-extra")]
    parser = ini(read_text(root, "setup.cfg") or "")
    if parser.has_section("options.extras_require"):
        names += parser.options("options.extras_require")
    extras = _keyword(root, "extras_require")
    names += [key for key in extras if isinstance(key, str)] if isinstance(extras, dict) else []
    return list(dict.fromkeys(names))


def _groups(project: dict[str, Any], found: Needs) -> None:
    """Dependency groups (PEP 735) and their forerunners."""
    tool = table(project, "tool")
    groups: dict[str, list[str]] = {
        name: _group(table(project, "dependency-groups"), name, 0) for name in table(project, "dependency-groups")
    }
    poetry = table(tool, "poetry")
    for name, group in table(poetry, "group").items():
        groups.setdefault(name, []).extend(_poetry(table(group, "dependencies")))
    groups.setdefault("dev", []).extend(_poetry(table(poetry, "dev-dependencies")))
    groups["dev"] += texts(table(tool, "uv").get("dev-dependencies"))
    for name, group in table(tool, "pdm", "dev-dependencies").items():
        groups.setdefault(name, []).extend(texts(group))
    for name, env in table(tool, "hatch", "envs").items():
        if name in ("hatch-test", "default", "dev") or _FOR_TESTS.match(name):
            key = "test" if name != "default" else "dev"
            groups.setdefault(key, []).extend([*texts(env.get("dependencies")), *texts(env.get("extra-dependencies"))])
            found.extras += texts(env.get("features"))
    tests = [item for name, items in groups.items() if _FOR_TESTS.match(name) for item in items]
    work = [item for name, items in groups.items() if _FOR_WORK.match(name) for item in items]
    found.packages += _wanted(tests or work)


def _wanted(items: list[str]) -> list[str]:
    return [item for item in items if not _NOT_FOR_TESTS.match(item.strip())]


def _group(groups: dict[str, Any], name: str, depth: int) -> list[str]:
    found: list[str] = []
    items = groups.get(name)
    for item in items if isinstance(items, list) and depth < 8 else []:
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict) and isinstance(item.get("include-group"), str):
            found += _group(groups, item["include-group"], depth + 1)
    return found


def _poetry(dependencies: dict[str, Any]) -> Iterator[str]:
    for plain, stated in dependencies.items():
        if plain.lower() == "python":
            continue
        value = stated[0] if isinstance(stated, list) and stated else stated
        version = value if isinstance(value, str) else table({"v": value}, "v").get("version", "")
        details = value if isinstance(value, dict) else {}
        if "path" in details or "url" in details:
            continue
        extras = ",".join(texts(details.get("extras")))
        name = f"{plain}[{extras}]" if extras else plain
        if isinstance(details.get("git"), str):
            yield f"{name} @ git+{details['git']}"
        else:
            yield f"{name}{_caret(version)}"


def _caret(version: object) -> str:
    """Poetry's `^7.1` and `~7.1` as what pip understands; what is not understood is left to pip's choice.

    >>> _caret("^7.1"), _caret("~=2.0"), _caret("*")
    ('>=7.1,<8', '~=2.0', '')
    """
    if not isinstance(version, str):
        return ""
    match = re.fullmatch(r"\^\s*(\d+)((?:\.\d+)*)", version.strip())
    if match:
        upper = f",<{int(match[1]) + 1}" if match[1] != "0" else ""
        return f">={match[1]}{match[2]}{upper}"
    if re.fullmatch(r"\s*(?:[<>=!~]=?=?\s*[\w.*]+\s*,?\s*)+", version) and not version.strip().startswith("~ "):
        return re.sub(r"~(?!=)", ">=", version.replace(" ", ""))
    return f"=={version}" if re.fullmatch(r"\d+(?:\.\d+)+", version) else ""


def _tox(root: Path, project: dict[str, Any], found: Needs) -> None:
    """What tox installs for its plain environment."""
    tool = table(project, "tool", "tox")
    text = read_text(root, "tox.ini") or (
        tool.get("legacy_tox_ini") if isinstance(tool.get("legacy_tox_ini"), str) else ""
    )
    setup = read_text(root, "setup.cfg") or ""
    parser = ini(str(text) or (setup if "[tox:tox]" in setup else ""))
    if parser.has_section("testenv"):
        deps = (parser.get("testenv", "deps", fallback="") or "").split("\n")
        extras = re.split(r"[\s,]+", parser.get("testenv", "extras", fallback="") or "")
        groups = re.split(r"[\s,]+", parser.get("testenv", "dependency_groups", fallback="") or "")
    else:
        base = table(tool, "env_run_base")
        deps, extras, groups = texts(base.get("deps")), texts(base.get("extras")), texts(base.get("dependency_groups"))
    found.extras += [name for name in extras if re.fullmatch(r"[\w.-]+", name)]
    declared = table(project, "dependency-groups")
    found.packages += [item for name in groups if name in declared for item in _group(declared, name, 0)]
    for line in deps:
        _requirement(root, line.partition(" #")[0].strip(), found)


def _requirement(root: Path, line: str, found: Needs) -> None:
    """One line of requirements, as tox and pip have them."""
    line = re.sub(r"\{toxinidir\}/|\{tox_root\}/|\{\[?[^}]*\}", "", line)
    if re.match(r"[\w!,{}.-]+\s*:\s", line) or not line or line.startswith(("#", "{")):
        return  # for one environment only
    option = re.match(r"(?:-r|--requirement|-c|--constraint)[ =]?\s*(\S+)", line)
    if option:
        name = option[1].removeprefix("./")
        if not line.startswith(("-c", "--c")) and (root / name).is_file():
            found.files.append(name)
        return
    own = re.fullmatch(r"(?:-e\s*)?(?:file://)?\.?\[([\w,. -]+)\]", line)
    if own:
        found.extras += [name.strip() for name in own[1].split(",")]
    elif re.match(r"[A-Za-z0-9]", line) and "/" not in line.partition("@")[0] and not _NOT_FOR_TESTS.match(line):
        found.packages.append(line)


def _files(root: Path, found: Needs) -> None:
    """Requirement files by their names: those for tests, or else those for work."""
    tests: list[str] = []
    work: list[str] = []
    for folder in ("", "requirements", "tests", "test", "reqs", "requirements.d"):
        for name in list_folder(root, folder)[0]:
            match = _FILES.match(name)
            inside = folder in ("tests", "test") and name == "requirements.txt"
            if (
                match and (folder in ("requirements", "reqs", "requirements.d") or "req" in name.lower() or folder)
            ) or inside:
                (tests if inside or (match and match[1]) else work).append(f"{folder}/{name}".lstrip("/"))
    chosen = tests or (work if not found else [])
    stems = {name.rpartition(".")[0] for name in chosen if name.endswith(".txt")}
    found.files += [name for name in chosen if name.endswith(".txt") or name.rpartition(".")[0] not in stems]


def _commands(root: Path, stated: Iterable[str], found: Needs) -> None:
    """What the authors install before they test."""
    for text in stated:
        for line in text.split("\n"):
            words = words_of(line)
            if "install" not in words[:5] or not any(word.startswith("pip") for word in words[:4]):
                continue
            at = words.index("install") + 1
            pending = ""
            for number, word in enumerate(words[at:], at):
                if words[number - 1] == "--group":
                    found.packages += _wanted(_group(table(toml(root, "pyproject.toml"), "dependency-groups"), word, 0))
                elif pending or word in ("-r", "--requirement", "-c"):
                    pending = "" if pending else word
                    if not pending and (root / word).is_file():
                        found.files.append(word.removeprefix("./"))
                elif (not word.startswith("-") and not any(mark in word for mark in "$/{*")) or re.match(
                    r"\.?\[", word
                ):
                    _requirement(root, word, found)


def _nox(root: Path) -> Iterator[str]:
    """What the test sessions of a noxfile install, as a command."""
    try:
        module = ast.parse(read_text(root, "noxfile.py") or "")
    except (SyntaxError, ValueError, RecursionError):
        return
    for function in module.body:
        if not isinstance(function, ast.FunctionDef) or not re.match(r"_?(?:unit_?)?tests?\b|_?tests?_", function.name):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "install":
                words = [
                    each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
                ]
                yield " ".join(["pip", "install", *(shlex.quote(word) for word in words)])


def _tests_require(root: Path) -> list[str]:
    value = _keyword(root, "tests_require")
    parser = ini(read_text(root, "setup.cfg") or "")
    listed = (parser.get("options", "tests_require", fallback="") or "").split("\n")
    return [item.strip() for item in [*texts(value), *listed] if re.match(r"\s*[A-Za-z]", item)]


def _keyword(root: Path, name: str) -> object:
    """A literal argument of `setup()` in setup.py, or a variable that is used as one."""
    try:
        module = ast.parse(read_text(root, "setup.py") or "")
    except (SyntaxError, ValueError, RecursionError):
        return None
    assigned = {
        target.id: node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module):
        for keyword in node.keywords if isinstance(node, ast.Call) else []:
            if keyword.arg == name:
                value = keyword.value
                value = assigned.get(value.id, value) if isinstance(value, ast.Name) else value
                return _literal(value)
    return None


def _literal(value: ast.expr) -> object:
    if isinstance(value, ast.Dict):
        keys = [key.value for key in value.keys if isinstance(key, ast.Constant)]
        return dict.fromkeys(keys)
    if isinstance(value, ast.List | ast.Tuple):
        return [item.value for item in value.elts if isinstance(item, ast.Constant)]
    return None
