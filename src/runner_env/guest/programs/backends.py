"""What answers behind the model server: a GGUF file by llama-cpp-python, or, for tests, an echo."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_env.guest.programs.surroundings import Unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

CONTEXT_TOKENS = 4096
_LATER_SHARD = re.compile(r"-(?!00001)\d{5}-of-\d{5}\.gguf$")


class Refused(Exception):
    """The backend cannot answer this request; the message is for its sender."""


class Abandoned(Exception):
    """Nobody waits for the answer any more."""


@dataclass
class Job:
    """One answer that is wanted.

    Attributes:
        messages: role and content of each, for a chat; empty for a plain completion.
        prompt: the text to continue, for a plain completion.
        max_tokens: the longest answer.
        options: `temperature`, `top_p`, `seed`, `stop`, as far as the request sets them.
        wanted: asked before each token; once it says no, the answer is given up.
        prompt_tokens: set by the backend.
        completion_tokens: set by the backend.
        finish_reason: `stop` or `length`; set by the backend.
    """

    messages: Sequence[Mapping[str, str]]
    prompt: str
    max_tokens: int
    options: Mapping[str, Any]
    wanted: Callable[[], bool]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish_reason: str = "stop"


class Backend:
    """What answers; used by one thread at a time."""

    name = ""

    def answer(self, job: Job) -> Iterator[str]:
        """The pieces of the answer, as they come.

        Raises:
            Refused: the request cannot be answered.
            Abandoned: `job.wanted` said no.
        """
        raise NotImplementedError


class Echo(Backend):
    """Says what it was told: the last message, or the prompt. It is no model, and its name says so."""

    name = "echo"

    def answer(self, job: Job) -> Iterator[str]:
        """Word for word; a token is a word here."""
        text = job.messages[-1]["content"] if job.messages else job.prompt
        words = re.findall(r"\s*\S+\s*$|\s*\S+", text)
        job.prompt_tokens = sum(len(message["content"].split()) for message in job.messages) or len(words)
        for word in words[: job.max_tokens]:
            if not job.wanted():
                raise Abandoned
            job.completion_tokens += 1
            yield word
        job.finish_reason = "length" if len(words) > job.max_tokens else "stop"


@dataclass
class Gguf(Backend):
    """A GGUF file, run by llama-cpp-python on this machine.

    Attributes:
        path: the file.
        context_tokens: how many tokens question and answer may have together.
        threads: how many compute; 0: as many as llama.cpp finds right.

    Raises:
        Unusable: llama-cpp-python is not installed, or the file cannot be loaded.
    """

    path: Path
    context_tokens: int = CONTEXT_TOKENS
    threads: int = 0
    name: str = "gguf"
    _model: Any = field(default=None, repr=False)
    _generate: Any = field(default=None, repr=False)
    _job: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        try:
            from llama_cpp import Llama
        except ImportError as error:
            hint = "pip install 'runner-env[local]', or pip install llama-cpp-python into the Python of the contract"
            raise Unusable(
                f"extra_missing: serving {self.path.name} needs llama-cpp-python ({error}): {hint}"
            ) from error
        try:
            self._model = Llama(
                str(self.path), n_ctx=self.context_tokens, n_threads=self.threads or None, verbose=False
            )
        except (ValueError, OSError, RuntimeError, AssertionError) as error:
            raise Unusable(f"model_unusable: {self.path} cannot be loaded: {error}") from error

        self._generate = self._model.generate
        self._model.generate = self._watched

    def answer(self, job: Job) -> Iterator[str]:
        """As the model's own chat template has it; greedy where `temperature` is 0 or unset."""
        self._job = job
        how = {"max_tokens": job.max_tokens, "temperature": 0.0, **job.options, "stream": True}
        try:
            if job.messages:
                chunks = self._model.create_chat_completion(messages=list(job.messages), **how)
            else:
                chunks = self._model.create_completion(job.prompt, **how)
            for chunk in chunks:
                choice = chunk["choices"][0]
                text = choice["delta"].get("content") if "delta" in choice else choice.get("text")
                job.finish_reason = choice.get("finish_reason") or job.finish_reason
                if text:
                    yield text
        except ValueError as error:  # what llama_cpp raises for a prompt that does not fit
            raise Refused(str(error)) from error
        if job.finish_reason == "stop" and job.completion_tokens:
            job.completion_tokens -= 1  # the end mark is no part of the answer

    def _watched(self, tokens: Sequence[int], *args: Any, **kwargs: Any) -> Iterator[int]:  # noqa: ANN401 - handed on
        """The model's own `generate`, counted, and given up when nobody waits any more."""
        job = self._job
        job.prompt_tokens = len(tokens)
        for token in self._generate(tokens, *args, **kwargs):
            if not job.wanted():
                raise Abandoned
            job.completion_tokens += 1
            yield token


def model_file(folder: Path) -> Path:
    """The GGUF file of a model directory; of one in several parts the first.

    Raises:
        Unusable: there is none, or more than one.
    """
    if folder.is_file():
        return folder
    if not folder.is_dir():
        raise Unusable(f"model_not_found: {folder} is no directory")
    found = [path for path in sorted(folder.rglob("*.gguf")) if not path.name.startswith("mmproj")]
    found = [path for path in found if not _LATER_SHARD.search(path.name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise Unusable(f"model_ambiguous: {folder} has {len(found)} GGUF files; name one of them: {found[0]}")
    hint = "llama.cpp's convert_hf_to_gguf.py makes one of a directory with safetensors"
    raise Unusable(f"model_not_found: {folder} has no GGUF file; {hint}")
