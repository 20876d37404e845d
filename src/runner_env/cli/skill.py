"""`runner-env skill`: the group of skill testing, and how its errors are told."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_Function = TypeVar("_Function", bound="Callable[..., Any]")

_COMMANDS = ("run", "validate", "init", "schema")
_CONFIG_HELP = "The config; default: ./skilltest.yaml if it is there."
FORMAT_KEY = "runner_env.skill.format"
CONFIG_KEY = "runner_env.skill.config"


class SkillGroup(click.Group):
    """Loads a subcommand when it is asked for; tells errors the way users of the reference tool expect."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The subcommands in the order in which they are of use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The subcommand of that name, if there is one."""
        if cmd_name == "help":
            return _help
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(import_module(f"runner_env.cli.skill_{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> int:
        """Run the subcommand; an error becomes a message, with a JSON format an object too, and an exit code."""
        from runner_env.errors import RunnerEnvError

        try:
            code: int = super().invoke(ctx)
            return code
        except RunnerEnvError as error:
            return _told(error, ctx.meta.get(FORMAT_KEY, "human"))


def _told(error: Exception, output_format: str) -> int:
    from runner_env.cli.output import complain, emit
    from runner_env.core import EXIT_BAD_INPUT, Verdict
    from runner_env.errors import RunnerEnvError
    from runner_env.reporting.skill_error import skill_error, skill_error_text

    assert isinstance(error, RunnerEnvError)
    report = skill_error(error)
    out, complaint = skill_error_text(report, output_format)
    complain(complaint)
    emit(out)
    return EXIT_BAD_INPUT if report.code == "usage" else Verdict.UNSCORED.exit_code


def remember_format(ctx: click.Context, param: click.Parameter, value: str) -> str:  # noqa: ARG001 - as click calls it
    """Keep `--format` where the group finds it if the subcommand fails."""
    ctx.meta[FORMAT_KEY] = value
    return value


def _remember_config(ctx: click.Context, param: click.Parameter, value: str | None) -> None:  # noqa: ARG001
    if value is not None:
        ctx.meta[CONFIG_KEY] = value


def config_option(*, hidden: bool = False) -> Callable[[_Function], _Function]:
    """`--config`, which may stand before the subcommand or behind it, where it goes first."""
    return click.option(
        "--config", metavar="FILE", hidden=hidden, expose_value=False, callback=_remember_config, help=_CONFIG_HELP
    )


@click.command("help", short_help="Show the help of a subcommand.")
@click.argument("name", required=False, type=click.Choice(_COMMANDS))
@click.pass_context
def _help(ctx: click.Context, name: str | None) -> int:
    from runner_env.cli.output import emit

    group = ctx.parent
    assert group is not None
    assert isinstance(group.command, SkillGroup)
    command = group.command.get_command(group, name) if name else None
    emit((command.get_help(click.Context(command, group, name)) if command else group.get_help()) + "\n")
    return 0


@click.group(cls=SkillGroup, short_help="Test skills with cases, on agent programs and models.")
@config_option()
@click.version_option(None, "-V", "--version", package_name="runner-env", message="runner-env %(version)s")
def skill() -> None:
    """Test skills: run cases on agent programs and models, have the answers judged.

    Exit codes: 0 all passed, 1 some eval failed or a skill is invalid, 2 bad input, 3 a call failed.
    """
