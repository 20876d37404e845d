"""What the address of a dataset on the Hugging Face Hub means, with nothing looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from runner_env.targets.address import check_ref

if TYPE_CHECKING:
    from collections.abc import Mapping

ENDPOINT_NAME = "HF_ENDPOINT"
"""Environment variable: the address of a mirror of the Hub."""

_ENDPOINT = "https://huggingface.co"
_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
_NAME = re.compile(r"(?:[\w.-]+/)?[\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset and what is wanted of it.

    Attributes:
        endpoint: the Hub's address, without a slash at its end.
        name: `namespace/name`, or a name alone.
        revision: branch, tag or commit.
    """

    endpoint: str
    name: str
    revision: str = "main"

    @property
    def url(self) -> str:
        """Where people look at it."""
        return f"{self.endpoint}/datasets/{self.name}"


def parse_dataset(text: str, environ: Mapping[str, str]) -> Dataset | None:
    """The dataset that a URL of the Hub, or of the mirror that `HF_ENDPOINT` names, stands for; None if it is none.

    `…/datasets/<namespace>/<name>`, `…/datasets/<name>`, either with `/tree/<revision>` or `@<revision>`.

    Raises:
        TargetError: the revision cannot be one.
    """
    endpoint = environ.get(ENDPOINT_NAME, "").strip().rstrip("/") or _ENDPOINT
    url, mirror = urlsplit(text), urlsplit(endpoint)
    if url.scheme not in {"http", "https"} or (url.netloc != mirror.netloc and url.hostname not in _HOSTS):
        return None
    path = unquote(url.path)
    prefix = f"{mirror.path}/datasets/" if url.netloc == mirror.netloc else "/datasets/"
    if not path.startswith(prefix):
        return None
    name, _, rest = path.removeprefix(prefix).partition("/tree/")
    name, mark, revision = name.rstrip("/").partition("@")
    if not _NAME.fullmatch(name) or ".." in name:
        return None
    revision = revision if mark else rest.strip("/")
    return Dataset(endpoint, name, check_ref(revision) if revision or mark else "main")
