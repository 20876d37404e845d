"""CI services other than GitHub's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from runner_env.hints.model import Candidate

Repository = Callable[[Mapping[str, str]], list[Candidate]]


def test_gitlab_follows_extends_references_defaults_and_includes(found: Repository) -> None:
    """Hidden jobs state nothing themselves; a script's lines are the file's lines."""
    jobs = found(
        {
            ".gitlab-ci.yml": """
                include:
                  - local: /ci/more.yml
                variables: {LEVEL: fast}
                default:
                  before_script:
                    - pip install tox
                .setup:
                  script:
                    - echo prepare
                .base:
                  script:
                    - tox -e $LEVEL

                    - tox -e py
                unit:
                  extends: .base
                lint:
                  before_script: []
                  script: [flake8]
                both:
                  script:
                    - !reference [.setup, script]
                    - pytest
                """,
            "ci/more.yml": "bench:\n  script: make bench\n",
        }
    )
    seen = {job.name: (job.text, job.path, job.line) for job in jobs}
    assert seen == {
        "unit": ("tox -e $LEVEL\n\ntox -e py", ".gitlab-ci.yml", 12),
        "lint": ("flake8", ".gitlab-ci.yml", 19),
        "both": ("echo prepare\n" + "\n" * 13 + "pytest", ".gitlab-ci.yml", 9),
        "bench": ("make bench", "ci/more.yml", 2),
    }
    unit = next(job for job in jobs if job.name == "unit")
    assert unit.before == ("pip install tox",)
    assert unit.values == {"$LEVEL": ("fast",)}


def test_travis_scripts_with_their_installation(found: Repository) -> None:
    """The first cell's variables; jobs with scripts of their own beside it."""
    jobs = found(
        {
            ".travis.yml": """
                env:
                  - TOXENV=py39 DB=pg
                  - TOXENV=py310
                install: pip install tox
                script:
                  - tox
                  - make check
                jobs:
                  include:
                    - name: mac
                      os: osx
                      script: make mac
                """
        }
    )
    assert [(job.text, job.before, job.platform) for job in jobs] == [
        ("tox\nmake check", ("pip install tox",), ""),
        ("make mac", ("pip install tox",), "macos"),
    ]
    assert jobs[0].env == {"TOXENV": "py39", "DB": "pg"}


def test_circleci_puts_commands_in_place_of_their_names(found: Repository) -> None:
    """Parameters are what the step or the workflow gives, or the default."""
    steps = found(
        {
            ".circleci/config.yml": """
                commands:
                  run-tests:
                    parameters:
                      group: {type: string, default: all}
                    steps:
                      - run: pytest -m << parameters.group >>
                jobs:
                  test:
                    parameters: {v: {default: "1"}}
                    working_directory: ~/project/sub
                    steps:
                      - checkout
                      - run:
                          name: Install
                          command: pip install << parameters.v >>
                      - run-tests: {group: unit}
                workflows:
                  all:
                    jobs:
                      - test:
                          matrix: {parameters: {v: ["2", "3"]}}
                """
        }
    )
    assert [(step.text, step.name) for step in steps] == [
        ("pip install << parameters.v >>", "test > Install"),
        ("pytest -m << parameters.group >>", "test"),
    ]
    assert steps[0].values == {"<< parameters.v >>": ("2", "3")}
    assert steps[1].values == {"<< parameters.group >>": ("unit",)}
    assert steps[1].before == (steps[0].text,)


def test_azure_follows_templates_and_matrices(found: Repository) -> None:
    """Stages, jobs, steps, templates with parameters, and tasks whose inputs are commands."""
    steps = found(
        {
            "azure-pipelines.yml": """
                variables: {level: full}
                stages:
                  - stage: Test
                    jobs:
                      - job: linux
                        pool: {vmImage: ubuntu-latest}
                        strategy:
                          matrix:
                            win: {image: windows, py: "3.8"}
                            lin: {image: linux, py: "3.9"}
                        steps:
                          - script: tox -e $(py) --$(level)
                            displayName: Tests
                          - template: ci/steps.yml
                            parameters: {what: unit}
                          - task: DotNetCoreCLI@2
                            inputs: {command: test, projects: '**/*.csproj'}
                """,
            "ci/steps.yml": """
                parameters: {what: none}
                steps:
                  - bash: make ${{ parameters.what }}
                    workingDirectory: $(System.DefaultWorkingDirectory)/lib
                """,
        }
    )
    assert [step.text for step in steps] == ["tox -e $(py) --$(level)", "make ${{ parameters.what }}", "dotnet test"]
    assert steps[0].values == {"$(py)": ("3.9", "3.8"), "$(level)": ("full",)}
    assert steps[0].name == "Test > linux > Tests"
    assert (steps[1].path, steps[1].workdir) == ("ci/steps.yml", "lib")
    assert steps[1].values["${{ parameters.what }}"] == ("unit",)


def test_smaller_services(found: Repository) -> None:
    """AppVeyor, Cirrus, Drone, Buildkite, SourceHut and Jenkins."""
    steps = found(
        {
            "appveyor.yml": "test_script:\n  - cmd: ctest\n  - ps: Nope\n",
            ".cirrus.yml": "unit_task:\n  install_script: pip install x\n  test_script:\n    - pytest\n",
            ".drone.yml": "steps:\n  - name: test\n    commands:\n      - go test ./...\n",
            ".buildkite/pipeline.yml": "steps:\n  - label: t\n    command: make bk\n  - wait\n",
            ".build.yml": "tasks:\n  - setup: make deps\n  - check: |\n      make check\n",
            "Jenkinsfile": """
                stage('Test') {
                  sh 'mvn verify'
                  sh(script: "make x")
                  bat 'nope'
                }
                """,
        }
    )
    assert {(step.text, step.path, step.line) for step in steps} == {
        ("ctest", "appveyor.yml", 2),
        ("pip install x", ".cirrus.yml", 2),
        ("pytest", ".cirrus.yml", 4),
        ("go test ./...", ".drone.yml", 4),
        ("make bk", ".buildkite/pipeline.yml", 3),
        ("make deps", ".build.yml", 2),
        ("make check", ".build.yml", 4),
        ("mvn verify", "Jenkinsfile", 2),
        ("make x", "Jenkinsfile", 3),
    }
    assert {step.platform for step in steps if step.path == "appveyor.yml"} == {"windows"}


def test_travis_without_a_script(found: Repository) -> None:
    """Travis CI has a way to test each language; only where no job says anything else."""
    assert [each.text for each in found({".travis.yml": "language: go\ngo: [1.x]\n"})] == ["go test -v ./..."]
    assert [each.text for each in found({".travis.yml": "language: go\nscript: make ci\n"})] == ["make ci"]
    assert found({".travis.yml": "language: c\n"}) == []
