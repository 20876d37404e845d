"""A target that is a dataset on the Hugging Face Hub: one revision of its files, with a manifest of what was taken.

The addresses are those of the Hub's own API: `/api/datasets/<name>/revision/<revision>` lists the files,
`/datasets/<name>/resolve/<commit>/<file>` gives one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from runner_env.errors import TargetError
from runner_env.targets.download import Downloads, Refused, TooLarge
from runner_env.targets.parquet import to_jsonl
from runner_env.targets.snapshots import Snapshots
from runner_env.targets.unpack import MAX_BYTES_NAME, UnpackLimits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner_env.targets.dataset import Dataset
    from runner_env.targets.git import Git

TOKEN_NAMES = ("HF_TOKEN", "HUGGINGFACE_TOKEN", "HUGGINGFACEHUB_API_TOKEN")
TOTAL_NAME = "AIDER_FSM_HF_MAX_TOTAL_BYTES"
FILE_NAME = "AIDER_FSM_HF_MAX_FILE_BYTES"
MANIFEST_PATH = "data/hf_manifest.json"

_SHA = re.compile(r"[0-9a-f]{40}")
_DENIED = frozenset({401, 403})
_DEFAULTS = {TOTAL_NAME: 512 << 20, FILE_NAME: 256 << 20}


@dataclass(frozen=True, slots=True)
class Hub:
    """Takes snapshots of datasets into directories that are kept.

    Attributes:
        base: directory that holds what was fetched of all targets.
        local: git for making and looking into snapshots.
        environ: limits and token.
        timeout_s: seconds for taking one.
    """

    base: Path
    local: Git
    environ: Mapping[str, str] = field(repr=False)
    timeout_s: float = 600.0

    def get(self, dataset: Dataset) -> tuple[Path, str]:
        """A snapshot that is as it was taken, and the commit of the dataset it is of.

        The network is not asked if the revision is a full commit id and a snapshot of it is there.

        Raises:
            TargetError: `hf_dataset_requires_token`, `hf_dataset_empty`, `parquet_unreadable`, `parquet_too_large`,
                `extra_missing`, `download_failed`, `target_limit`.
            OSError: `base` cannot be written.
        """
        limits = {name: _limit(self.environ, name) for name in _DEFAULTS}
        limits[MAX_BYTES_NAME] = UnpackLimits.of(self.environ).total_bytes
        identity = "\n".join(("dataset", dataset.url, *map(str, limits.values())))
        snapshots = Snapshots(self.base, identity, f"hf_{dataset.name.replace('/', '_')}", self.local)
        if _SHA.fullmatch(dataset.revision) and self.base.is_dir() and (found := snapshots.find(dataset.revision)):
            return found, dataset.revision
        token = next((self.environ[name] for name in TOKEN_NAMES if self.environ.get(name)), "")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        with snapshots.making(), Downloads(self.timeout_s, headers) as downloads:
            taking = _Taking(dataset, downloads, limits, bool(token))
            commit = taking.list_files()
            return snapshots.find(commit) or snapshots.make(commit, taking.fill), commit


@dataclass(slots=True)
class _Taking:
    """One snapshot on its way."""

    dataset: Dataset
    downloads: Downloads
    limits: Mapping[str, int]
    with_token: bool
    about: dict[str, Any] = field(default_factory=dict)
    taken: list[dict[str, Any]] = field(default_factory=list)
    converted: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)
    total: int = 0

    def list_files(self) -> str:
        """Ask which files the revision has; its commit."""
        url = (
            f"{self.dataset.endpoint}/api/datasets/{self.dataset.name}/revision/{quote(self.dataset.revision, safe='')}"
        )
        about = self._allowed(lambda: self.downloads.json(url + "?blobs=true"))
        if not isinstance(about, dict) or not isinstance(about.get("siblings"), list):
            message = f"{self.dataset.url}: the Hub's answer lists no files."
            raise TargetError("download_failed", message, hint="Is HF_ENDPOINT the address of a Hub?")
        self.about = about
        commit = about.get("sha")
        return commit if isinstance(commit, str) and _SHA.fullmatch(commit) else self.dataset.revision

    def fill(self, into: Path) -> Path:
        """Fetch everything into an empty directory."""
        for name, size, sha256 in self._wanted():
            self._take(into / name, name, size, sha256)
        if not self.taken:
            first = self.errors[0] if self.errors else {"path": "", "error": "it has no files"}
            message = f"Nothing of {self.dataset.url} could be taken: {first['path']} {first['error']}".rstrip()
            raise TargetError("hf_dataset_empty", message, hint=f"Look at {FILE_NAME} and {TOTAL_NAME}.")
        for name in [file["path"] for file in self.taken if file["path"].lower().endswith(".parquet")]:
            self._convert(into, name)
        (into / ".aider_fsm").mkdir(exist_ok=True)
        manifest = into / MANIFEST_PATH
        manifest.parent.mkdir(exist_ok=True)
        manifest.write_text(json.dumps(self._manifest(), indent=2) + "\n")
        return into

    def _wanted(self) -> Iterator[tuple[str, int | None, str]]:
        for file in self.about["siblings"]:
            name = file.get("rfilename") if isinstance(file, dict) else None
            if not isinstance(name, str) or not _safe(name):
                self._skip(str(name), "skip_unsafe_path")
                continue
            lfs = file.get("lfs") if isinstance(file.get("lfs"), dict) else {}
            size = lfs.get("size", file.get("size"))
            yield name, size if isinstance(size, int) else None, str(lfs.get("sha256") or lfs.get("oid") or "")

    def _take(self, path: Path, name: str, size: int | None, sha256: str) -> None:
        room = min(self.limits[FILE_NAME], self.limits[TOTAL_NAME] - self.total)
        if size is not None and size > room:
            self._skip(name, "max_bytes_exceeded")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        commit = self.about.get("sha") or self.dataset.revision
        url = f"{self.dataset.url}/resolve/{quote(str(commit), safe='')}/{quote(name)}"
        try:
            with path.open("xb") as file:
                found = self._allowed(lambda: self.downloads.file(url, file, room))
        except TooLarge:
            path.unlink()
            self._skip(name, "max_bytes_exceeded")
            return
        if (size is not None and found.size != size) or (len(sha256) == 64 and found.sha256 != sha256):
            message = f"{url} is not what the Hub lists: {found.size} bytes, {found.sha256}"
            raise TargetError("download_failed", message, hint="Try again; something on the way changed it.")
        self.total += found.size
        self.taken.append({"path": name, "bytes": found.size, "sha256": found.sha256})

    def _convert(self, into: Path, name: str) -> None:
        lines = Path(name).with_suffix(".jsonl").as_posix()
        if any(file["path"] == lines for file in self.taken):
            return
        rows = to_jsonl(into / name, into / lines, self.limits[MAX_BYTES_NAME])
        self.converted.append({"from": name, "to": lines, "rows": rows})

    def _skip(self, name: str, error: str) -> None:
        self.errors.append({"path": name, "error": error})

    def _manifest(self) -> dict[str, Any]:
        return {
            "source": "huggingface_dataset",
            "dataset_id": self.dataset.name,
            "revision": self.about.get("sha") or self.dataset.revision,
            "gated": self.about.get("gated", False),
            "private": self.about.get("private", False),
            "downloaded_files": self.taken,
            "converted_files": self.converted,
            "total_bytes": self.total,
            "errors": self.errors,
        }

    def _allowed(self, ask: Any) -> Any:  # noqa: ANN401 - hands on what `ask` returns
        try:
            return ask()
        except Refused as error:
            if error.status not in _DENIED:
                raise
            what = "refuses the token that was sent" if self.with_token else "asks for a token"
            message = f"{self.dataset.url} cannot be read: the Hub {what} ({error.status})."
            hint = f"Set {TOKEN_NAMES[0]} to a token of an account that was granted access to the dataset."
            raise TargetError("hf_dataset_requires_token", message, hint=hint) from error


def _safe(name: str) -> bool:
    """Whether a file of the dataset lands inside, and in no place that is ours or git's."""
    path = PurePosixPath(name)
    inside = not path.is_absolute() and ".." not in path.parts and not re.search(r"[\x00-\x1f\\]", name)
    return inside and bool(path.parts) and path.parts[0].lower() not in {".git", ".aider_fsm"} and name != MANIFEST_PATH


def _limit(environ: Mapping[str, str], name: str) -> int:
    text = environ.get(name, "").strip() or str(_DEFAULTS[name])
    if not text.isdecimal() or int(text) < 1:
        raise TargetError("target_limit", f"{name} is {text!r}, which is no whole number above 0.", hint="Unset it.")
    return int(text)
