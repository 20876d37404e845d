"""`runner-env` itself: which subcommands there are, and what each way to end means as an exit code."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from runner_env.cli.output import open_closed_streams

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = ("run", "runs", "resume", "gc", "verify", "check", "init", "hints", "summary", "skill", "doctor", "schema")
_EPILOG = """\b
Exit codes:
  0    passed
  1    failed: the target is to blame
  2    bad input: nothing was run
  3    unscored: trouble of infrastructure, agent or model, or a doubt
  129, 130, 143  ended by SIGHUP, Ctrl-C, SIGTERM
"""


class Root(click.Group):
    """Loads a subcommand when it is asked for; turns every exception into a message and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The subcommands in the order in which they are of use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The subcommand of that name, if there is one."""
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(import_module(f"runner_env.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,  # noqa: ARG002 - the same name however it was started
        **extra: Any,  # noqa: ANN401 - for click's context
    ) -> NoReturn:
        """Parse, run, end the process."""
        sys.exit(self._exit_code(list(sys.argv[1:] if args is None else args), extra))

    def _exit_code(self, arguments: list[str], extra: dict[str, Any]) -> int:
        asked = tuple(arguments)
        try:
            with self.make_context("runner-env", arguments, **extra) as ctx:
                code: int = self.invoke(ctx)
                return code
        except click.exceptions.Exit as ended:
            return ended.exit_code
        except KeyboardInterrupt:
            return 130
        except Exception as error:  # noqa: BLE001 - the last line: nothing may end with a code that means a verdict
            from runner_env.cli.failure import report_failure

            return report_failure(error, as_json="--json" in asked)


@click.group(cls=Root, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="runner-env", message="runner-env %(version)s")
def root() -> None:
    """Run any repository's own benchmark contract and get a score that nobody has to take on trust."""


def main() -> NoReturn:
    """The console script."""
    open_closed_streams()
    root.main()
