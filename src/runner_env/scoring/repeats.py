"""What repeated trials of one case say about one and about all of k tries."""

from __future__ import annotations

from math import comb


def pass_at_k(trials: int, passed: int, k: int) -> float | None:
    """The probability that at least one of `k` tries passes: the unbiased estimate 1 - C(n-c, k) / C(n, k).

    M. Chen et al., "Evaluating large language models trained on code", arXiv:2107.03374 (2021), equation 1.

    Args:
        trials: n, tries that were scored.
        passed: c, those of them that passed.
        k: how many tries one has, at least 1.

    Returns:
        None if there were fewer than `k` trials, because then nothing unbiased can be said.

    Raises:
        ValueError: the numbers make no sense.
    """
    _check(trials, passed, k)
    return None if trials < k else 1 - comb(trials - passed, k) / comb(trials, k)


def pass_hat_k(trials: int, passed: int, k: int) -> float | None:
    """The probability that all of `k` tries pass (pass^k): the unbiased estimate C(c, k) / C(n, k).

    S. Yao et al., "tau-bench: A benchmark for tool-agent-user interaction in real-world domains",
    arXiv:2406.12045 (2024). Arguments, result and errors are those of `pass_at_k`.
    """
    _check(trials, passed, k)
    return None if trials < k else comb(passed, k) / comb(trials, k)


def _check(trials: int, passed: int, k: int) -> None:
    if not 0 <= passed <= trials or k < 1:
        raise ValueError(f"{passed} of {trials} passed, k is {k}")
