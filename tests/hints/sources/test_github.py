"""GitHub Actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from runner_env.hints.model import Candidate, Origin

Repository = Callable[[Mapping[str, str]], list[Candidate]]

WORKFLOW = """
    name: CI
    on: [push]
    env:
      COLOR: "1"
    defaults:
      run:
        working-directory: core
    jobs:
      unit:
        name: Unit on ${{ matrix.os }}
        runs-on: ${{ matrix.os }}
        strategy:
          matrix:
            os: [windows-latest, ubuntu-latest]
            python: ["3.9", '3.13']
            exclude:
              - python: "3.9"
            include:
              - os: ubuntu-latest
                python: "3.13"
                extra: --cov
        env:
          LEVEL: ${{ matrix.python }}
        steps:
          - uses: actions/checkout@v4
          - name: Install
            run: |
              pip install -U pip
              pip install -e .[test]
          - run: pytest ${{ matrix.extra }} -p py${{ matrix.python }}
            working-directory: ./sub/dir
            env: {SEED: 7}
          - if: failure()
            run: cat log
          - run: Get-Item x
            shell: pwsh
          - shell: python
            run: print(1)
          - if: runner.os == 'Windows'
            run: windows.bat
      mac:
        runs-on: macos-14
        steps:
          - run: swift test
"""


def test_steps_carry_all_that_holds_for_them(found: Repository) -> None:
    """B082: text, line, name, folder, what ran before, environment, and values with those for Linux first."""
    steps = {step.text: step for step in found({".github/workflows/ci.yml": WORKFLOW})}
    assert set(steps) == {
        "pip install -U pip\npip install -e .[test]",
        "pytest ${{ matrix.extra }} -p py${{ matrix.python }}",
        "Get-Item x",
        "windows.bat",
        "swift test",
    }
    test = steps["pytest ${{ matrix.extra }} -p py${{ matrix.python }}"]
    assert (test.path, test.line, test.origin) == (".github/workflows/ci.yml", 30, Origin.CI)
    assert (test.name, test.workdir) == ("CI > Unit on ubuntu-latest", "sub/dir")
    assert test.before == ("pip install -U pip\npip install -e .[test]",)
    assert test.values == {"${{ matrix.extra }}": ("--cov",), "${{ matrix.python }}": ("3.13",)}
    assert test.env == {"COLOR": "1", "LEVEL": "3.13", "SEED": "7"}
    install = steps["pip install -U pip\npip install -e .[test]"]
    assert (install.line, install.workdir, install.name) == (28, "core", "CI > Unit on ubuntu-latest > Install")
    platforms = {text: step.platform for text, step in steps.items() if step.platform}
    assert platforms == {"Get-Item x": "windows", "windows.bat": "windows", "swift test": "macos"}


def test_composite_actions_of_the_repository_are_inlined(found: Repository) -> None:
    """Their inputs are those of the step, or the defaults; the place is that in the action's own file."""
    steps = found(
        {
            ".github/workflows/t.yml": """
                jobs:
                  a:
                    runs-on: ubuntu-latest
                    steps:
                      - run: make deps
                      - uses: ./.github/actions/run
                        with: {target: unit}
                      - uses: ./.github/actions/missing
                """,
            ".github/actions/run/action.yml": """
                name: run
                inputs:
                  target: {default: all}
                  level: {default: '2'}
                runs:
                  using: composite
                  steps:
                    - run: make ${{ inputs.target }} L=${{ inputs.level }}
                      shell: bash
                """,
        }
    )
    assert [(step.path, step.line) for step in steps] == [
        (".github/workflows/t.yml", 5),
        (".github/actions/run/action.yml", 8),
    ]
    assert steps[1].values == {"${{ inputs.target }}": ("unit",), "${{ inputs.level }}": ("2",)}
    assert steps[1].before == ("make deps",)


def test_reusable_workflows_get_what_their_callers_hand_over(found: Repository) -> None:
    """The first caller's value is the best one; an input nobody gives has its default."""
    steps = found(
        {
            ".github/workflows/main.yml": """
                jobs:
                  call:
                    uses: ./.github/workflows/suite.yml
                    with: {group: fast}
                """,
            ".github/workflows/suite.yml": """
                on:
                  workflow_call:
                    inputs:
                      group: {type: string, default: slow}
                      python: {default: "3.12"}
                jobs:
                  t:
                    runs-on: ubuntu-latest
                    steps:
                      - run: pytest -m ${{ inputs.group }} ${{ inputs.python || '3.9' }} ${{ secrets.X }}
                """,
        }
    )
    assert steps[0].values == {
        "${{ inputs.group }}": ("fast",),
        "${{ inputs.python || '3.9' }}": ("3.12", "3.9"),
    }


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ("uses: actions-rs/cargo@v1\n    with: {command: test, args: --all}", "cargo test --all"),
        ("uses: borales/actions-yarn@v4\n    with: {cmd: test}", "yarn test"),
        ("uses: gradle/gradle-build-action@v2\n    with: {arguments: check}", "./gradlew check"),
        ("uses: nick-fields/retry@v3\n    with: {command: npm test}", "npm test"),
        ("uses: actions/setup-node@v4", None),
    ],
)
def test_well_known_actions_are_command_lines(found: Repository, step: str, text: str | None) -> None:
    """Where an action's documented inputs are a command, that is stated."""
    steps = found({".github/workflows/c.yml": f"jobs:\n a:\n  steps:\n  - {step}\n"})
    assert [candidate.text for candidate in steps] == ([text] if text else [])


def test_a_broken_workflow_hides_no_other(found: Repository) -> None:
    """What cannot be read states nothing; its neighbour still does."""
    steps = found(
        {
            ".github/workflows/a.yml": "jobs: {a: [*nowhere]}\n# run: x\n",
            ".github/workflows/b.yml": "jobs:\n  a:\n    steps:\n      - run: make test\n",
        }
    )
    assert [step.text for step in steps] == ["make test"]


def test_a_working_directory_outside_is_no_place_to_run(found: Repository) -> None:
    """A step that leaves the repository, or whose folder cannot be told, is left out."""
    steps = found(
        {
            ".github/workflows/a.yml": """
                jobs:
                  a:
                    steps:
                      - run: make one
                        working-directory: ../other
                      - run: make two
                        working-directory: ${{ steps.x.outputs.dir }}
                      - run: make three
                        working-directory: ${{ github.workspace }}/here
                """
        }
    )
    assert [(step.text, step.workdir) for step in steps] == [("make three", "here")]
