"""Task runners outside Python: package.json, makefiles, just, Task, rake, composer, deno."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest

from runner_env.hints.model import Candidate, Origin

Repository = Callable[[Mapping[str, str]], list[Candidate]]


def resolved(candidates: list[Candidate]) -> dict[str, tuple[str, ...]]:
    """What each candidate finally runs."""
    return {candidate.text: candidate.resolved for candidate in candidates}


def package(**scripts: str) -> str:
    """A `package.json` with these scripts, `_` in their names meaning `:`."""
    return json.dumps(
        {"name": "x", "scripts": {name.replace("_", ":"): text for name, text in scripts.items()}}, indent=2
    )


def test_npm_scripts_are_resolved(found: Repository) -> None:
    """Hooks, scripts that call scripts with arguments, globs, wrappers, `cd` into another package."""
    text = package(
        pretest="npm run build",
        test="cross-env CI=1 npm run test:unit -- --bail && npm-run-all test:e2e:*",
        test_unit="mocha 'a && b'",
        test_e2e_one="node one.js",
        test_e2e_two="run-s loop",
        loop="npm run loop && echo x",
        build="tsc",
        docs="cd docs && npm run build",
    )
    tasks = found({"package.json": text})
    assert resolved(tasks) == {
        "npm test": ("tsc", "mocha 'a && b' --bail", "node one.js", "echo x"),
        "npm run test:unit": ("mocha 'a && b'",),
        "npm run test:e2e:one": ("node one.js",),
        "npm run test:e2e:two": ("echo x",),
        "npm run loop": ("echo x",),
        "npm run build": ("tsc",),
        "npm run docs": ("cd docs", "npm run build"),
    }
    assert [(task.line, task.origin) for task in tasks if task.text == "npm test"] == [(5, Origin.TASK)]


@pytest.mark.parametrize(
    ("lock", "expected"),
    [
        ("package-lock.json", ["npm test", "npm run bench"]),
        ("yarn.lock", ["yarn test", "yarn bench"]),
        ("pnpm-lock.yaml", ["pnpm test", "pnpm run bench"]),
        ("bun.lockb", ["bun run test", "bun run bench"]),
        ("README", ["npm test", "npm run bench"]),
    ],
)
def test_the_lock_file_names_the_manager(found: Repository, lock: str, expected: list[str]) -> None:
    """Without a lock file it is npm."""
    tasks = found({"package.json": package(test="jest", bench="node b.js"), lock: ""})
    assert [task.text for task in tasks] == expected


@pytest.mark.parametrize(
    "script", ['echo "Error: no test specified" && exit 1', "", "exit 0", "echo 'later'", "echo no tests yet && exit 0"]
)
def test_a_placeholder_is_no_test(found: Repository, script: str) -> None:
    """What `npm init` writes, and what people write in its place, states nothing."""
    assert found({"package.json": package(test=script)}) == []


def test_workspaces_state_their_own_scripts(found: Repository) -> None:
    """Members that the root declares, in their folders, with the root's manager; other packages are not looked at."""
    root = json.dumps({"workspaces": ["packages/*", "!packages/no"]})
    tasks = found(
        {
            "package.json": root,
            "yarn.lock": "",
            "packages/a/package.json": package(test="jest"),
            "packages/a/node_modules/b/package.json": package(test="nope"),
            "examples/c/package.json": package(test="nope"),
        }
    )
    assert [(task.text, task.workdir, task.path) for task in tasks] == [
        ("yarn test", "packages/a", "packages/a/package.json")
    ]


def test_a_framework_implies_its_runner_where_tests_are(found: Repository) -> None:
    """No script for tests: the framework in devDependencies, low in certainty, only with test files."""
    text = json.dumps({"devDependencies": {"vitest": "1"}})
    assert found({"package.json": text}) == []
    implied = found({"package.json": text, "src/a.test.ts": "test('x', () => {})"})
    assert [(task.text, task.origin, task.certainty < 1) for task in implied] == [
        ("npx vitest run", Origin.MANIFEST, True)
    ]


MAKEFILE = """
    PYTHON ?= python3
    FLAGS := -q
    FLAGS += -x
    ifeq ($(OS),Windows_NT)
    RUN = win
    else
    RUN = unix
    endif
    include mk/more.mk
    -include missing.mk

    .PHONY: all test check a.b
    all: build ## Build it

    # Run all tests.
    test: deps build | order
    \t@$(PYTHON) -m pytest $(FLAGS) \\
    \t    $(TESTS) $@ $$HOME
    \t-$(MAKE) lint

    lint:
    \tflake8 $(shell ls) $(foreach x,a b,$(x))
    check: ; ./check $<
    a.b:
    \techo phony
    out.o: in.c
    \tcc -c in.c
    %.x: %.y
    \tpattern
    loop: loop2
    \techo loop
    loop2: loop
    url = http://x:80/a
    target-var: FLAGS=-v
    order:
    \techo order
"""


def test_makefile_targets_are_resolved(found: Repository) -> None:
    """Variables, prerequisites, includes, continuation lines, prefixes, recursion, order-only, cycles."""
    tasks = {
        task.text: task
        for task in found(
            {"Makefile": MAKEFILE, "mk/more.mk": "TESTS = t\ndeps:\n\tpip install .\nbuild:\n\tmake -C sub all\n"}
        )
    }
    commands = resolved(list(tasks.values()))
    assert commands["make test"] == (
        "pip install .",
        "make -C sub all",
        "echo order",
        "python3 -m pytest -q -x t test $HOME",
        "flake8 $(shell ls)",
    )
    assert commands["make check"] == ("./check",)
    assert commands["make loop"] == ("echo loop",)
    assert commands["make a.b"] == ("echo phony",)
    assert set(tasks) == {
        "make " + name for name in ("test", "lint", "check", "a.b", "loop", "loop2", "deps", "build", "all", "order")
    }
    assert (tasks["make test"].line, tasks["make test"].context) == (16, "Run all tests.")
    assert (tasks["make all"].context, tasks["make deps"].path) == ("Build it", "mk/more.mk")


def test_the_first_of_the_names_of_makefiles_wins(found: Repository) -> None:
    """GNUmakefile, makefile, Makefile, as GNU make looks for them."""
    tasks = found({"Makefile": "a:\n\techo a\n", "GNUmakefile": "b:\n\techo b\n", "docs/Makefile": "c:\n\techo c\n"})
    assert [task.text for task in tasks] == ["make b"]


def test_just_recipes(found: Repository) -> None:
    """Variables, defaults of parameters, dependencies before and after, imports, hidden recipes."""
    text = """
        import 'more.just'
        py := "python3"
        set shell := ["bash", "-c"]

        # run the tests
        test filter='all' *args: build (helper "x") && after
            @{{py}} -m pytest -k {{filter}} {{args}}
            just after
        build:
            make
        helper arg:
            echo {{arg}}
        _hidden:
            echo hidden
        after:
            echo after
    """
    tasks = {task.text: task for task in found({"justfile": text, "more.just": "imported:\n  echo i\n"})}
    assert resolved(list(tasks.values())) == {
        "just test": ("make", "echo", "python3 -m pytest -k all", "echo after"),
        "just build": ("make",),
        "just helper": ("echo",),
        "just after": ("echo after",),
    }
    assert (tasks["just test"].line, tasks["just test"].context) == (6, "run the tests")


def test_taskfile_tasks(found: Repository) -> None:
    """Variables, dependencies, tasks that call tasks, includes, folders."""
    text = """
        version: '3'
        includes:
          more: ./sub
        vars: {FLAGS: -v}
        tasks:
          test:
            desc: Run all
            deps: [gen, 'more:x']
            dir: sub
            cmds:
              - go test {{.FLAGS}} {{.CLI_ARGS}} ./...
              - task: gen
              - cmd: echo done
          gen: go generate
    """
    tasks = {
        task.text: task for task in found({"Taskfile.yml": text, "sub/Taskfile.yml": "tasks:\n  x: {cmds: [echo x]}\n"})
    }
    assert resolved(list(tasks.values())) == {
        "task test": ("go generate", "echo x", "cd sub", "go test -v ./...", "echo done"),
        "task gen": ("go generate",),
    }
    assert (tasks["task test"].line, tasks["task gen"].line, tasks["task test"].context) == (6, 14, "Run all")


def test_rake_tasks(found: Repository) -> None:
    """Test and spec tasks, the default task, descriptions, namespaces."""
    text = """
        require 'rake/testtask'
        desc "Run the unit tests"
        Rake::TestTask.new(:unit) do |t|
          t.libs << 'test'
        end
        RSpec::Core::RakeTask.new
        namespace :db do
          task :prepare do
            sh "createdb x"
          end
        end
        task :default => [:unit, "db:prepare", :spec]
        task empty: :nothing
    """
    tasks = {task.text: task for task in found({"Rakefile": text, "Gemfile": ""})}
    assert resolved(list(tasks.values())) == {
        "bundle exec rake unit": ("ruby -Itest",),
        "bundle exec rake spec": ("rspec",),
        "bundle exec rake db:prepare": ("createdb x",),
        "bundle exec rake": ("ruby -Itest", "createdb x", "rspec"),
    }
    assert tasks["bundle exec rake unit"].context == "Run the unit tests"
    assert tasks["bundle exec rake"].line == 12


def test_composer_scripts(found: Repository) -> None:
    """Scripts that name scripts; events of composer and PHP callbacks are none."""
    text = json.dumps(
        {
            "scripts": {
                "test": ["@unit --colors", "@php x.php"],
                "unit": "phpunit",
                "post-install-cmd": "x",
                "check": "a",
                "cb": "A\\B::c",
            }
        },
        indent=1,
    )
    assert resolved(found({"composer.json": text})) == {
        "composer test": ("phpunit --colors", "php x.php"),
        "composer unit": ("phpunit",),
        "composer run-script check": ("a",),
    }


def test_deno_tasks(found: Repository) -> None:
    """Comments are allowed; without a task for tests, test files imply `deno test`."""
    text = '{\n  // why\n  "tasks": {"bench": "deno bench", },\n}\n'
    tasks = found({"deno.jsonc": text, "a_test.ts": ""})
    assert [(task.text, task.line, task.resolved) for task in tasks] == [
        ("deno task bench", 3, ("deno bench",)),
        ("deno test", 1, ()),
    ]
