"""Which commands only make things ready for others: installs, builds, downloads, services."""

from __future__ import annotations

import re

_INSTALLERS = re.compile(
    r"^(?:sudo )?(?:"
    r"(?:\S*python[\d.]* -m )?(?:pip[\d.]*|uv pip) (?:install|sync)|uv (?:sync|venv|python install|tool install"
    r"|add|lock)"
    r"|(?:poetry|pdm|pipenv|rye|hatch env|flit|conda|mamba|micromamba|pixi|bundle|composer|npm|pnpm|yarn|bun"
    r"|apt|apt-get|yum"
    r"|dnf|apk|gem|cargo|opam|nimble|luarocks|cpanm|cpan|carton|stack|cabal|mix|shards|dotnet|go|rustup"
    r"|pacman|rosdep|conan|vcpkg)"
    r"(?: -\S+)* (?:install|sync|i|ci|add|restore|update|create|get|deps\S*|env create|mod (?:download|tidy)"
    r"|setup|download|"
    r"target add|component add|toolchain install|build|build-dep|fetch)(?: |$)"
    r"|yarn$|pnpm$|(?:\S*python[\d.]* -m )(?:venv|build|virtualenv|nltk\.downloader|spacy download)|virtualenv "
    r"|corepack "
    r"|\S*python[\d.]* (?:\./)?setup\.py (?:install|develop|build\S*)"
    r"|(?:\./)?configure\b|(?:\./)?(?:autogen|bootstrap|buildconf|autobuild)(?:\.sh)?\b|autoreconf"
    r"|cmake (?!--build.*(?:test|check))"
    r"|make$|make (?:-j\S* ?\d*|all|build|install|deps|setup|dev|init|bootstrap|develop|venv)(?: |$)|gmake$"
    r"|ninja(?: -C \S+)?$|meson (?:setup|compile)"
    r"|(?:npm|pnpm|yarn|bun) (?:run )?(?:build|bootstrap|compile|prepare|link|setup)\b|npx (?:playwright"
    r"|lerna) (?:install|bootstrap)"
    r"|docker (?:build|pull|compose (?:\S+ )*(?:up|build|pull))|docker-compose (?:\S+ )*(?:up|build|pull)"
    r"|perl (?:Makefile|Build)\.PL|(?:\./)?Build$|huggingface-cli download|hf download|wget |curl |gdown "
    r"|git submodule|git lfs"
    r"|tar |unzip |pre-commit install|playwright install|lerna bootstrap|mvn (?:\S+ )*(?:install"
    r"|package|compile) -DskipTests"
    r"|(?:\./)?gradlew? (?:build|assemble) -x test|(?:createdb|createuser) "
    r")"
)
_SCRIPT = re.compile(
    r"^(?:(?:bash|sh|\S*python[\d.]*|node|uv run|poetry run)(?: -m| python[\d.]*)? )?(?:\S*[/._-])?"
    r"(?:download|prepare|preprocess|setup|install|bootstrap|fetch|unpack|init)\w*(?:[/._-]\S*)?(?: |$)"
)


def prepares(words: tuple[str, ...]) -> bool:
    """Whether a command installs, builds, fetches or starts something that later commands need.

    >>> prepares(("pip", "install", "-e", ".[test]"))
    True
    >>> prepares(("pytest",))
    False
    """
    text = " ".join(words[:8])
    if any("__init__" in word for word in words[:1]) or words[1:] == ("--version",):
        return False
    return bool(_INSTALLERS.match(text) or _SCRIPT.match(text))
