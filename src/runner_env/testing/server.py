"""The scripted model as a real HTTP server on 127.0.0.1, in a thread of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from runner_env.errors import RunnerEnvError
from runner_env.testing.replies import Reply
from runner_env.testing.rules import Answerer, Rule, Script

if TYPE_CHECKING:
    import uvicorn

    from runner_env.testing.app import ModelApp
    from runner_env.testing.calls import Call
    from runner_env.testing.wire import ChatRequest

_HOST = "127.0.0.1"
_START_SECONDS = 10.0
_STOP_SECONDS = 10.0


class ScriptedModel:
    """A model server whose every answer is known beforehand.

        with ScriptedModel([Rule([Reply("Paris")], match="capital of France")]) as server:
            ask(server.url)
        server.check()
        assert server.requests[0].model == "any"

    It speaks OpenAI chat completions (`POST {url}/chat/completions`), OpenAI Responses (`{url}/responses`) and
    Anthropic Messages (`{url}/messages`, `{url}/messages/count_tokens`; its clients want `origin` as their base),
    streamed or not, and `GET {url}/models`. It listens on 127.0.0.1 only. It needs the extra `testing`.

    Args:
        script: rules, of which the first that matches answers (a plain `Reply` counts as a rule that matches always),
            or a callable that makes a Reply of a ChatRequest. A request that no rule matches is refused: status 400.
        api_key: if given, requests without `Authorization: Bearer <api_key>` or `x-api-key: <api_key>` are refused with
            status 401.
        port: 0 takes a free one.
        models: the ids that `GET {url}/models` lists.
        log: a file that gets a line of JSON for each request as it comes; it is made, and appended to.

    Attributes:
        url: the base URL, as in `http://127.0.0.1:40123/v1`; from `start` on.

    Raises:
        RunnerEnvError: `extra_missing` if the extra is not installed, `port_taken` if the port cannot be had,
            `log_unwritable`; from `start`.
    """

    def __init__(
        self,
        script: Sequence[Rule | Reply] | Answerer,
        *,
        api_key: str | None = None,
        port: int = 0,
        models: Sequence[str] = ("scripted",),
        log: Path | None = None,
    ) -> None:
        self._answer: Answerer = script if callable(script) else Script([_rule(item) for item in script])
        self._api_key = api_key
        self._port = port
        self._models = tuple(models)
        self._log_path = log
        self._app: ModelApp | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.url = ""

    @property
    def origin(self) -> str:
        """The server's address without the API's version."""
        return self.url.removesuffix("/v1")

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every request taken so far, oldest first; stays readable after `stop`."""
        return self._app.log.snapshot() if self._app else ()

    @property
    def requests(self) -> tuple[ChatRequest, ...]:
        """The requests that the script has seen so far, oldest first."""
        return tuple(call.request for call in self.calls if call.request is not None)

    def check(self) -> None:
        """Hold the script against what was asked.

        Raises:
            AssertionError: a request matched no rule, or a rule was never used; all of them are named.
        """
        if not isinstance(self._answer, Script):
            return
        strays = [call.request for call in self.calls if call.request is not None and call.rule is None]
        problems = [f"no rule matched {stray.last_user[:200]!r} (step {stray.step})" for stray in strays]
        problems += [f"rule {index} was never used: {self._answer.rules[index]}" for index in self._answer.unused()]
        if problems:
            raise AssertionError("\n".join(problems))

    def start(self) -> None:
        """Listen; returns when requests are answered."""
        self._app, self._server = _build(self._answer, self._api_key, self._models)
        if self._log_path is not None:
            self._app.log.open(self._log_path)
        listener = _listen(self._port)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="scripted-model", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                listener.close()
                raise RunnerEnvError("server_not_started", "The scripted model server did not start.")
            time.sleep(0.002)
        self.url = f"http://{_HOST}:{listener.getsockname()[1]}/v1"

    def stop(self) -> None:
        """Stop listening and drop what is still being answered; a second call does nothing."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(_STOP_SECONDS)
            self._server = self._thread = None
        if self._app:
            self._app.log.close()

    def __enter__(self) -> ScriptedModel:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _rule(item: Rule | Reply) -> Rule:
    return Rule([item]) if isinstance(item, Reply) else item


def _build(answer: Answerer, api_key: str | None, models: tuple[str, ...]) -> tuple[ModelApp, uvicorn.Server]:
    try:
        import uvicorn

        from runner_env.testing.app import ModelApp
    except ModuleNotFoundError as error:
        raise RunnerEnvError(
            "extra_missing",
            f"The scripted model server needs the package {error.name!r}, which is not installed.",
            hint="pip install 'runner-env[testing]'",
        ) from error
    app = ModelApp(answer, api_key, models)
    config = uvicorn.Config(
        app.build(),
        lifespan="off",
        access_log=False,
        log_config=None,  # the program around it owns the logging
        log_level="critical",
        timeout_graceful_shutdown=1,
    )
    return app, uvicorn.Server(config)


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except OSError as error:
        listener.close()
        raise RunnerEnvError(
            "port_taken", f"The scripted model server cannot listen on {_HOST}:{port}: {error}", hint="Use port 0."
        ) from error
    return listener
