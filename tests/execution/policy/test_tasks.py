"""What `make`, package scripts and `just` run is judged like what a command says itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from runner_env.core import Where
from runner_env.execution.policy import Refusal

Judge = Callable[..., Refusal | None]
BAD = "#!/bin/sh\nrm -rf /\n"


@pytest.fixture
def write(repo: Path) -> Callable[[Mapping[str, str]], None]:
    """Write files of the repository."""

    def go(files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (repo / name).parent.mkdir(parents=True, exist_ok=True)
            (repo / name).write_text(text)

    return go


def package(**scripts: str) -> dict[str, str]:
    """A package.json with these scripts; `__` in a name stands for `:`."""
    return {"package.json": json.dumps({"scripts": {name.replace("__", ":"): text for name, text in scripts.items()}})}


DENIED = [
    ("make", {"Makefile": "all:\n\trm -rf /\n"}, "Makefile:2"),
    ("make", {"makefile": ".PHONY: all\nall: dep\n\techo\ndep:\n\t@-sudo reboot\n"}, "makefile:5"),
    ("make", {"Makefile": "all:\n\techo ok\\\n\t  and on\n\trm -rf /\n"}, "Makefile:4"),
    ("make all", {"Makefile": "all:\n\tbash x.sh\n", "x.sh": BAD}, "x.sh:2"),
    ("make -C sub t", {"sub/Makefile": "t:\n\t./y\n", "sub/y": BAD}, "sub/y:2"),
    ("make --directory=sub", {"sub/Makefile": "t:\n\trm -rf /\n"}, "sub/Makefile:2"),
    ("make -f a.mk", {"a.mk": "a:\n\trm -rf /\n"}, "a.mk:2"),
    ("cd sub && make -j4", {"sub/Makefile": "a:\n\trm -rf /\n"}, "sub/Makefile:2"),
    ("make", {"Makefile": "include inc.mk\n", "inc.mk": "all:\n\trm -rf /\n"}, "inc.mk:2"),
    ("make", {"Makefile": "S := x.sh\na:\n\tsh ${S}\n", "x.sh": BAD}, "x.sh:2"),
    ("make", {"Makefile": "define D\nrm -rf $(HOME)\nendef\na:\n\t$(D)\n"}, "Makefile:5"),
    ("make", {"Makefile": "a:\n\trm -rf $(HOME)\n"}, "Makefile:2"),
    ("make D=/", {"Makefile": "D = out\na:\n\trm -rf $(D)\n"}, "Makefile:3"),
    ("export D=/; make", {"Makefile": "a:\n\trm -rf $(D)\n"}, "Makefile:2"),
    ("make", {"Makefile": "a:\n\trm -rf $(NOWHERE)/\n"}, "Makefile:2"),
    ("make", {"Makefile": "X := $(shell rm -rf /)\na:\n\techo\n"}, "Makefile:1"),
    ("make x.out", {"Makefile": "%.out: %.in\n\trm -rf /\n"}, "Makefile:2"),
    ("make", {"Makefile": "a:\n\t$(MAKE) -C sub\n", "sub/Makefile": "b:\n\trm -rf /\n"}, "sub/Makefile:2"),
    ("make", {"Makefile": "a: ; rm -rf /\n"}, "Makefile:1"),
    ("make", {"Makefile": "a:\n\tfor d in /; do \\\n\t  rm -rf $$d; \\\n\tdone\n"}, "Makefile:2"),
    ("printf 'a:\\n\\trm -rf /\\n' > Makefile; make", {}, "Makefile:2"),
    ("printf 'a:\\n\\trm -rf /\\n' > inc.mk; make", {"Makefile": "include inc.mk\n"}, "inc.mk:2"),
    ("npm test", package(test="rm -rf /"), "package.json:1"),
    ("npm t", package(test="bash x.sh") | {"x.sh": BAD}, "x.sh:2"),
    ("npm run build", package(prebuild="sudo id", build="true"), "package.json:1"),
    ("npm run a", package(a="npm run b", b="rm -rf /"), "package.json:1"),
    ("npm ci", package(postinstall="rm -rf /"), "package.json:1"),
    ("npm run x -- /", package(x="rm -rf"), "package.json:1"),
    ("npm --prefix s test", {"s/package.json": package(test="rm -rf /")["package.json"]}, "s/package.json:1"),
    ("yarn build", package(build="rm -rf /"), "package.json:1"),
    ("pnpm run b", package(b="cross-env A=1 rm -rf /"), "package.json:1"),
    ("npx run-s a", package(a="rm -rf /"), "package.json:1"),
    ("just", {"justfile": "a: b\nb:\n  @rm -rf /\n"}, "justfile:3"),
    ("just b", {"justfile": "b x='1':\n  #!/usr/bin/env bash\n  rm -rf /\n"}, "justfile:2"),
    ("make", {"Makefile": "a:\n\tdd if=/dev/zero of=/dev/sda\n"}, "Makefile:2"),
    ("run-parts d", {"d/x": BAD}, "d/x:2"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "files", "place"), DENIED)
def test_what_a_task_runs_is_refused(
    judge: Judge, write: Callable[..., None], command: str, files: Mapping[str, str], place: str
) -> None:
    """However it is spelled, and the place is named."""
    write(files)
    refusal = judge(command)
    assert refusal is not None
    where = refusal.where or Where("")
    assert f"{where.file}:{where.line}" == place


HONEST: list[tuple[str, Mapping[str, str]]] = [
    ("make test", {"Makefile": "install:\n\tsudo cp x /usr/bin\ntest:\n\techo 'sudo rm -rf /' # rm -rf /\n"}),
    ("make", {"Makefile": "# sudo reboot\nB ?= build\nall: clean\nclean:\n\t-rm -rf $(B)/* dist *.egg-info\n"}),
    ("make uninstall", {"Makefile": "P ?= /usr/local\nuninstall:\n\trm -rf $(DESTDIR)$(P)/lib/foo\n"}),
    ("make", {"Makefile": "-include config.mk\nall:\n\trm -rf $(OUT)/\n"}),
    ("make", {"Makefile": "all:\n\trm -rf $@.d $(<D) $(addprefix x/,$(Y)) $(wildcard *.o)\n"}),
    ("make", {"Makefile": "all:\n\t@test $$(id -u) != 0 || echo 'no sudo'\n\tpytest -q -k \"not sudo\"\n"}),
    ("make", {"Makefile": "all: all\n\t$(MAKE) all\n"}),
    ("make -n all", {"Makefile": "all:\n\trm -rf /\n"}),
    ("make --version; make help", {"Makefile": "all:\n\tsudo true\nhelp:\n\t@echo targets: reboot shutdown\n"}),
    ("make nothing", {}),
    ("printf '' > Makefile; make", {"Makefile": "a:\n\trm -rf /\n"}),
    ("make check", {"Makefile": "check:\n\tdd if=/dev/urandom of=big bs=1k count=9\n"}),
    ("npm test", package(test="jest -t 'not sudo'", deploy="sudo cp x y")),
    ("npm run clean && npm ci", package(clean="rimraf dist node_modules/.cache && shx rm -rf out")),
    ("npm run x:y", package(x__y="echo rm -rf /")),
    ("npm view sudo && npm exec tsc && yarn add sudo", package(sudo="sudo id")),
    ("npm test", {"package.json": "{"}),
    ("npm test", {"package.json": '{"scripts": ["rm -rf /"]}'}),
    ("just t", {"justfile": "set shell := ['bash', '-c']\nx := 'a'\nt:\n  rm -rf {{x}} build\np:\n  sudo id\n"}),
    ("just p", {"justfile": "p:\n  #!/usr/bin/env python3\n  print('''rm -rf /''')\n"}),
]


@pytest.mark.parametrize(("command", "files"), HONEST)
def test_an_honest_task_is_not_refused(
    judge: Judge, write: Callable[..., None], command: str, files: Mapping[str, str]
) -> None:
    """Nor for what stands in a task that is not asked for."""
    write(files)
    refusal = judge(command)
    assert refusal is None, refusal
