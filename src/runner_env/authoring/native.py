"""How projects of the other ecosystems are made ready: what is fetched once, and what is built in each run."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from runner_env.authoring.model import Option, Step
from runner_env.hints.reading import exists, list_folder
from runner_env.hints.shelltext import words_of

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.authoring.model import Recipe

_SYSTEM = re.compile(
    r"^(?:sudo|apt|apt-get|brew|yum|dnf|apk|pacman|choco|port|docker|podman|git|curl|wget|vcpkg|conan|cargo install|cd "
    r"|"
    r"go install|go get|export|source|\.|pip|python -m pip|gem install|npm|yarn|make install|cpanm?|ssh|tar|unzip|echo|"
    r"opam|conda|mkdir|rm|cp|mv|ls|sh -c|bash -c|perl -MCPAN|vagrant|nix|brew|scoop|emerge|zypper|rustup)\b"
)
_CMAKE_FLAG = re.compile(r"^-D[A-Z]\w*(?::\w+)?=\S+$")
_GENERATORS = ("autogen.sh", "bootstrap.sh", "bootstrap", "buildconf")
_GENERATES = re.compile(r"^(?:(?:ba|z)?sh\s+)?(?:\./)?(?:autogen\.sh|bootstrap(?:\.sh)?|buildconf|autoreconf)\b")
_MAKEFILES = ("Makefile", "GNUmakefile", "makefile")
_BUILD = "build"


def native(recipe: Recipe, root: Path, top: Path) -> Recipe:
    """The recipe with what its command needs, for ecosystems that are neither Python nor Node.

    Args:
        recipe: so far.
        root: where the command is run.
        top: the repository.
    """
    option = recipe.option
    program = (words_of(option.command) or ("",))[0].rpartition("/")[2]
    kind = option.runner or program
    if (
        "ctest" in (kind, program) or (kind in ("make", "ninja", "catch2", "googletest") and not _has_make(root))
    ) and exists(top, "CMakeLists.txt"):
        return _cmake(recipe, top)
    if "cargo" in (kind, program) or kind == "nextest":
        every = re.sub(r"\bcargo test\b(?!.*--no-fail-fast)", "cargo test --no-fail-fast", option.command)
        option = replace(option, command=every)
        return replace(recipe, option=option, steps=(*recipe.steps, Step("cargo fetch", "The crates.")))
    if kind in ("mvn", "maven") or program in ("mvn", "mvnw", "gradle", "gradlew"):
        return _jvm(recipe)
    fetch = _fetch(kind, program, root)
    if fetch is not None:
        env = {"BUNDLE_PATH": "$AIDER_FSM_REPO_ROOT/.aider_fsm/tools/bundle"} if "bundle" in fetch.command else {}
        return replace(recipe, steps=(*recipe.steps, fetch), boot_env={**recipe.boot_env, **env})
    return replace(recipe, builds=(*recipe.builds, *_builds(recipe.option, root)))


def _fetch(kind: str, program: str, root: Path) -> Step | None:
    """What fetches the packages of a project once."""
    if "go" in (kind, program) and exists(root, "go.mod"):
        return Step("go mod download", "The modules.")
    if kind in ("rake", "rspec", "minitest", "bundle", "ruby", "cucumber") and exists(root, "Gemfile"):
        return Step("bundle install", "The gems.")
    if exists(root, "composer.json") and (kind in ("phpunit", "pest", "composer") or program == "composer"):
        return Step("composer install --no-interaction --prefer-dist", "The packages.")
    return None


def _has_make(root: Path) -> bool:
    return any(exists(root, name) for name in (*_MAKEFILES, "configure", "configure.ac", "Makefile.PL"))


def _cmake(recipe: Recipe, top: Path) -> Recipe:
    """Configure, build and test in a folder of its own, with the switches that the authors state."""
    words = [word for text in recipe.option.before for word in words_of(text)]
    flags = " ".join(dict.fromkeys(word for word in words if _CMAKE_FLAG.match(word) and "$" not in word))
    place = _BUILD if not exists(top, _BUILD) else ".aider_fsm/build"
    builds = (f"cmake -S . -B {place} {flags}".strip(), f"cmake --build {place} -j 2")
    given = words_of(recipe.option.command)
    kept: list[str] = []
    if given[:1] == ("ctest",):
        picks = zip(given, (*given[1:], ""), strict=True)
        kept = [word for one, value in picks if one in ("-L", "-LE", "-E", "-R") for word in (one, f"'{value}'")]
    command = " ".join(["ctest", "--test-dir", place, "--output-on-failure", *kept])
    option = replace(recipe.option, command=command, runner="ctest", workdir="")
    return replace(recipe, option=option, builds=(*recipe.builds, *builds))


def _jvm(recipe: Recipe) -> Recipe:
    option = recipe.option
    command = option.command
    if re.match(r"(?:\./)?mvnw?\b", command) and " -B" not in command:
        command = re.sub(r"^((?:\./)?mvnw?)", r"\1 -B -fae", command)
    env = {
        "MAVEN_OPTS": "-Dmaven.repo.local=$XDG_CACHE_HOME/m2",
        "GRADLE_USER_HOME": "$XDG_CACHE_HOME/gradle",
    }
    if "-Dmaven.test.failure.ignore" not in command and command.startswith(("mvn", "./mvn")):
        command = re.sub(
            r"\bclean verify\b|\bverify\b|\bclean install\b|\binstall\b|\bclean package\b|\bpackage\b", "test", command
        )
    return replace(recipe, option=replace(option, command=command), boot_env={**recipe.boot_env, **env})


def _builds(option: Option, root: Path) -> tuple[str, ...]:
    """What the authors run before, but for what installs on the machine; what a fresh checkout lacks is generated."""
    builds = [line.strip() for text in option.before for line in text.split("\n")]
    builds = [line for line in builds if line and not _SYSTEM.match(line) and "$" not in line and "<" not in line]
    files = list_folder(root)[0]
    if "configure" in files:  # it is shipped: there is nothing to generate, and the tools for it may not be here
        builds = [line for line in builds if not _GENERATES.match(line)]
    uses_make = (words_of(option.command) or ("",))[0] in ("make", "gmake")
    if "Makefile.PL" in files and "Makefile" not in files and not any("Makefile.PL" in line for line in builds):
        if uses_make:
            builds = ["perl Makefile.PL", "make", *(line for line in builds if not line.startswith("make"))]
        elif any(name.endswith(".xs") for name in files):
            builds = ["perl Makefile.PL", "make"]
    elif "Build.PL" in files and "./Build" in option.command and not any("Build.PL" in line for line in builds):
        builds = ["perl Build.PL", "./Build", *builds]
    elif uses_make and ({"configure", "Makefile.in"} <= set(files) or not set(_MAKEFILES) & set(files)):
        builds = _configured(files, builds)
    if (
        "meson.build" in files
        and option.command.startswith(("meson test", "ninja"))
        and not any("meson setup" in b for b in builds)
    ):
        builds = ["meson setup build", *builds]
    return tuple(dict.fromkeys(builds))


def _configured(files: list[str], builds: list[str]) -> list[str]:
    generated = any(name in line for line in builds for name in (*_GENERATORS, "autoreconf"))
    if "configure" not in files and {"configure.ac", "configure.in"} & set(files) and not generated:
        own = next((name for name in _GENERATORS if name in files), "")
        builds = [f"sh ./{own}" if own else "autoreconf -fi", *builds]
    if ("configure" in files or "configure.ac" in files) and not any("configure" in line for line in builds):
        at = 1 if builds and ("autoreconf" in builds[0] or builds[0].startswith("sh ./")) else 0
        builds = [*builds[:at], "./configure", *builds[at:]]
    if not any(line.split()[0] == "make" for line in builds if line.split()):
        builds.append("make -j2")
    return builds
