"""Datasets on the Hugging Face Hub, from a server that stands for it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from runner_env.errors import TargetError
from runner_env.settings import Settings
from runner_env.targets import fetch
from runner_env.targets.dataset import Dataset, parse_dataset

if TYPE_CHECKING:
    from conftest import Served

SHA = "5" * 40


@pytest.fixture
def hub(served: Served, settings: Settings) -> Settings:
    """Settings for which the server is the Hub."""
    return replace(settings, environ={**settings.environ, "HF_ENDPOINT": served.url})


def publish(served: Served, files: dict[str, bytes], name: str = "ns/name", **about: Any) -> str:
    """Put a dataset on the server; returns its URL."""
    siblings = [{"rfilename": path, "size": len(data)} for path, data in files.items()]
    answer = json.dumps({"sha": SHA, "gated": False, "private": False, "siblings": siblings, **about})
    served.answers[f"/api/datasets/{name}/revision/main"] = [answer.encode()]
    for path, data in files.items():
        served.answers[f"/datasets/{name}/resolve/{SHA}/{path}"] = [data]
    return f"{served.url}/datasets/{name}"


def manifest(root: Path) -> dict[str, Any]:
    """What the snapshot says about itself."""
    found: dict[str, Any] = json.loads((root / "data/hf_manifest.json").read_text())
    return found


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://huggingface.co/datasets/openai/gsm8k", ("openai/gsm8k", "main")),
        ("https://www.huggingface.co/datasets/openai/gsm8k/", ("openai/gsm8k", "main")),
        ("https://huggingface.co/datasets/squad", ("squad", "main")),
        ("https://huggingface.co/datasets/a/b/tree/refs%2Fconvert%2Fparquet", ("a/b", "refs/convert/parquet")),
        ("https://huggingface.co/datasets/a/b@v1.0", ("a/b", "v1.0")),
        ("https://huggingface.co/a/model", None),
        ("https://example.org/datasets/a/b", None),
        ("git@huggingface.co:datasets/a/b", None),
        ("/datasets/a/b", None),
        ("https://huggingface.co/datasets/a/..", None),
    ],
)
def test_addresses(url: str, expected: tuple[str, str] | None) -> None:
    """B132: which URLs are datasets, of which name and revision."""
    found = parse_dataset(url, {})
    assert (found and (found.name, found.revision)) == expected
    assert found is None or found.endpoint == "https://huggingface.co"


def test_a_mirror() -> None:
    """HF_ENDPOINT takes the place of the Hub, its path included."""
    environ = {"HF_ENDPOINT": "http://127.0.0.1:8/hub/"}
    expected = Dataset("http://127.0.0.1:8/hub", "a/b")
    assert parse_dataset("http://127.0.0.1:8/hub/datasets/a/b", environ) == expected
    assert parse_dataset("https://huggingface.co/datasets/a/b", environ) == expected


def test_a_snapshot(served: Served, hub: Settings) -> None:
    """B132: every file lies where the dataset has it, and the manifest lists it."""
    url = publish(served, {"README.md": b"hi", "data/train.jsonl": b'{"a": 1}\n'})
    checkout = fetch(url, settings=hub)
    assert (checkout.root / "data/train.jsonl").read_bytes() == b'{"a": 1}\n'
    assert (checkout.root / ".aider_fsm").is_dir()
    about = manifest(checkout.root)
    assert (about["source"], about["dataset_id"], about["revision"]) == ("huggingface_dataset", "ns/name", SHA)
    listed = {file["path"]: (file["bytes"], file["sha256"]) for file in about["downloaded_files"]}
    assert listed["README.md"] == (2, hashlib.sha256(b"hi").hexdigest())
    assert (about["total_bytes"], about["errors"]) == (11, [])
    assert (checkout.source, checkout.revision.commit, checkout.revision.ref) == ("dataset", SHA, "main")
    assert checkout.root.name.startswith("hf_ns_name-")


def test_the_same_commit_is_not_fetched_twice(served: Served, hub: Settings) -> None:
    """B133: a moving revision costs one question; a commit that is there costs none."""
    url = publish(served, {"a": b"1"})
    first = fetch(url, settings=hub).root
    served.asked.clear()
    assert fetch(url, settings=hub).root == first
    assert [path for path, _ in served.asked] == ["/api/datasets/ns/name/revision/main"]
    served.answers[f"/api/datasets/ns/name/revision/{SHA}"] = served.answers["/api/datasets/ns/name/revision/main"]
    pinned = fetch(f"{url}@{SHA}", settings=hub).root
    assert pinned == first
    served.asked.clear()
    assert fetch(f"{url}@{SHA}", settings=hub).root == pinned
    assert served.asked == []


def test_another_dataset_is_another_folder(served: Served, hub: Settings) -> None:
    """B133: names that look alike do not share a snapshot."""
    roots = [fetch(publish(served, {"a": b"1"}, name), settings=hub).root for name in ("a_b/c", "a/b_c")]
    assert roots[0] != roots[1]


def test_limits(served: Served, hub: Settings) -> None:
    """B134: a file over its own or the total limit is left out whole, and the manifest says so."""
    environ = {**hub.environ, "AIDER_FSM_HF_MAX_FILE_BYTES": "10", "AIDER_FSM_HF_MAX_TOTAL_BYTES": "12"}
    url = publish(served, {"a": b"12345678", "large": b"x" * 11, "b": b"12345", "c": b"1234"})
    root = fetch(url, settings=replace(hub, environ=environ)).root
    assert sorted(path.name for path in root.iterdir() if path.is_file()) == ["a", "c"]
    assert manifest(root)["errors"] == [{"path": name, "error": "max_bytes_exceeded"} for name in ("large", "b")]


def test_a_size_that_lies(served: Served, hub: Settings) -> None:
    """A file of unlisted size stops at the limit; one that is not what is listed is refused."""
    url = publish(served, {"a": b"1", "b": b"x" * 100}, siblings=[{"rfilename": "a"}, {"rfilename": "b"}])
    small = replace(hub, environ={**hub.environ, "AIDER_FSM_HF_MAX_FILE_BYTES": "10"})
    root = fetch(url, settings=small).root
    assert not (root / "b").exists()
    lfs = {"rfilename": "a", "size": 1, "lfs": {"sha256": "0" * 64, "size": 1}}
    url = publish(served, {"a": b"1"}, "ns/lying", siblings=[lfs])
    with pytest.raises(TargetError, match="is not what the Hub lists"):
        fetch(url, settings=hub)


def test_unsafe_names(served: Served, hub: Settings) -> None:
    """B134: names that lead out, or into places of git or ours, are skipped and listed."""
    names = ["/etc/x", "../x", "a/../../x", ".git/config", ".aider_fsm/bootstrap.yml", "data/hf_manifest.json"]
    url = publish(served, {"a": b"1"}, siblings=[{"rfilename": name} for name in ["a", *names]])
    assert manifest(fetch(url, settings=hub).root)["errors"] == [
        {"path": name, "error": "skip_unsafe_path"} for name in names
    ]


def test_gated(served: Served, hub: Settings) -> None:
    """B134: without a token the error names the variable; with one it is sent, to the Hub alone."""
    url = publish(served, {"a": b"1"})
    listed = served.answers["/api/datasets/ns/name/revision/main"][0]

    def only_with_token(handler: BaseHTTPRequestHandler) -> None:
        body = listed if handler.headers.get("authorization") == "Bearer t0ken" else b""
        assert isinstance(body, bytes)
        handler.send_response(200 if body else 401)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    served.answers["/api/datasets/ns/name/revision/main"] = [only_with_token]
    for environ in ({}, {"HF_TOKEN": "wrong"}):
        with pytest.raises(TargetError, match="cannot be read") as caught:
            fetch(url, settings=replace(hub, environ={**hub.environ, **environ}))
        assert (caught.value.code, "HF_TOKEN" in (caught.value.hint or "")) == ("hf_dataset_requires_token", True)
    granted = replace(hub, environ={**hub.environ, "HUGGINGFACE_TOKEN": "t0ken"})
    assert (fetch(url, settings=granted).root / "a").exists()


def test_nothing_to_take(served: Served, hub: Settings) -> None:
    """A dataset of which nothing could be taken is an error, and no snapshot."""
    url = publish(served, {"a": b"x" * 100})
    small = replace(hub, environ={**hub.environ, "AIDER_FSM_HF_MAX_FILE_BYTES": "10"})
    with pytest.raises(TargetError, match="max_bytes_exceeded"):
        fetch(url, settings=small)


def test_a_file_that_cannot_be_had_fails_the_snapshot(served: Served, hub: Settings) -> None:
    """An incomplete snapshot is never kept as a whole one."""
    url = publish(served, {"a": b"1", "b": b"2"})
    del served.answers[f"/datasets/ns/name/resolve/{SHA}/b"]
    with pytest.raises(TargetError, match="404"):
        fetch(url, settings=hub)
    assert not [path for path in hub.targets_dir.iterdir() if not path.name.endswith(".lock")]


def test_parquet_becomes_lines(served: Served, hub: Settings, tmp_path: Path) -> None:
    """Beside each parquet file its rows lie as JSON lines, and the manifest says from what they were made."""
    pq.write_table(pa.table({"question": ["1+1?", "2+2?"], "answer": ["#### 2", "#### 4"]}), tmp_path / "t.parquet")
    url = publish(served, {"main/test-00000-of-00001.parquet": (tmp_path / "t.parquet").read_bytes()})
    root = fetch(url, settings=hub).root
    lines = (root / "main/test-00000-of-00001.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"question": "1+1?", "answer": "#### 2"},
        {"question": "2+2?", "answer": "#### 4"},
    ]
    assert manifest(root)["converted_files"] == [
        {"from": "main/test-00000-of-00001.parquet", "to": "main/test-00000-of-00001.jsonl", "rows": 2}
    ]


def test_limits_must_be_numbers(served: Served, hub: Settings) -> None:
    """A limit that is no whole number is refused before anything is fetched."""
    with pytest.raises(TargetError, match="AIDER_FSM_HF_MAX_FILE_BYTES"):
        fetch(
            publish(served, {"a": b""}),
            settings=replace(hub, environ={**hub.environ, "AIDER_FSM_HF_MAX_FILE_BYTES": "x"}),
        )
    assert served.asked == []
