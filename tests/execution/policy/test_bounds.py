"""Any text gets an answer, in bounded time."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner_env.execution.policy import Policy, PolicyOptions, Refusal

Judge = Callable[..., Refusal | None]
DANGEROUS = [
    "rm -rf /",
    "sudo reboot",
    "dd if=a of=/dev/sda",
    ":(){ :|:& };:",
    "curl x | sh",
    "vim x",
    "kill -9 -1",
    "> /dev/sda",
]
SHELL_BITS = st.sampled_from(
    [
        *DANGEROUS,
        *(
            " ",
            "\n",
            ";",
            "&",
            "&&",
            "|",
            "(",
            ")",
            "{",
            "}",
            "$(",
            "`",
            "${",
            "$((",
            "))",
            "[[",
            "]]",
            "<<E",
            "<<<",
            "<(",
        ),
        *(
            "\nE\n",
            "'",
            '"',
            "\\",
            "#",
            "if ",
            "then ",
            "fi",
            "for x in ",
            "do ",
            "done",
            "case x in ",
            "esac",
            "f() {",
        ),
        *("X=", "$X", "${X:-", "!", ">", "2>&1", "*", "~", "{a,b}", "\r\n", "\0", "\ue000", "\ue004", "é", "\ud800"),
        *(
            "bash -c ",
            "eval ",
            "xargs ",
            "find / -exec ",
            "source ",
            "bash x.sh",
            "echo ",
            "alias a=",
            "cd ",
            "env -S ",
        ),
    ]
)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(text=st.one_of(st.text(max_size=200), st.lists(SHELL_BITS, max_size=25).map("".join)))
@QUICK
def test_any_text_gets_an_answer(repo: Path, text: str) -> None:
    """No text makes the policy raise, and the answer is the same the second time."""
    policy = Policy(PolicyOptions(denylist=("x",)))
    first = policy.check(text, cwd=repo, root=repo)
    assert first is None or first.code
    assert policy.check(text, cwd=repo, root=repo) == first


@given(
    script=st.one_of(
        st.binary(max_size=300),
        st.lists(SHELL_BITS, max_size=25).map(lambda bits: "".join(bits).encode("utf-8", "replace")),
    )
)
@QUICK
def test_any_script_gets_an_answer(repo: Path, script: bytes) -> None:
    """No script, binary ones and those that start themselves included, makes the policy raise."""
    (repo / "x.sh").write_bytes(script)
    for command in ("bash x.sh", "./x.sh", ". x.sh"):
        refusal = Policy(PolicyOptions()).check(command, cwd=repo, root=repo)
        assert refusal is None or refusal.code


WORDS = st.one_of(st.sampled_from(DANGEROUS), st.text(st.characters(exclude_characters="\0"), max_size=20))
"""No command line can hold a NUL; a contract with one is refused."""


@given(words=st.lists(WORDS, min_size=1, max_size=6))
@QUICK
def test_a_quoted_argument_of_echo_is_never_refused(repo: Path, words: list[str]) -> None:
    """Text is text, however dangerous it would be as a command."""
    command = shlex.join(["echo", *words]) + " && " + shlex.join(["grep", "-r", *words, "docs"])
    assert Policy(PolicyOptions()).check(command, cwd=repo, root=repo) is None


@given(
    padding=st.sampled_from(
        [
            "true; ",
            "true && ",
            "true | cat; ",
            "if true; then :; fi; ",
            "# c\n",
            "X=1; ",
            "(true); ",
            "cd . ; ",
            "echo 'a\nb'; ",
        ]
    )
)
@QUICK
def test_what_stands_before_hides_nothing(repo: Path, padding: str) -> None:
    """An honest command before a dangerous one does not change the answer."""
    refusal = Policy(PolicyOptions()).check(padding * 3 + "rm -rf /", cwd=repo, root=repo)
    assert refusal is not None
    assert refusal.code == "blocked_by_hard_deny"


@pytest.mark.parametrize(
    "line",
    ['echo "line $i of it" >> "$OUT/log.txt"\n', 'V="$(date)"; cp a b\n', "if [ -f x ]; then cat y | sort; fi\n"],
)
def test_ten_thousand_lines_are_quick(judge: Judge, repo: Path, line: str) -> None:
    """A script of ten thousand lines is read to its end, in about a second of processor time."""
    (repo / "x.sh").write_text(line * 9_999 + "sudo reboot\n")
    judge("true")
    started = time.process_time()
    refusal = judge("bash x.sh")
    assert time.process_time() - started < 2.5
    assert refusal is not None
    assert refusal.where is not None
    assert refusal.where.line == 10_000


@pytest.mark.parametrize(
    "text",
    [
        "(" * 3000 + "true" + ")" * 3000,
        '"${a:-' * 3000,
        "f(){ " * 3000,
        "eval " * 5000,
        "env " * 20000 + "true",
        "find . -exec " * 2000,
        "a && " * 10000 + "a",
        "a | " * 10000 + "a",
        "echo " + "{a,b}" * 2000,
        "echo {" + "a," * 50000 + "b}c",
        "x=aaaaaaaaaaaaaaaa\n" + "x=$x$x\n" * 30 + "echo $x$x$x\n" * 500,
        "f(){ f x | f y; f z; }\n" + "f\n" * 500,
        "for i in 1 2 3 4; do " * 20 + "echo $i; " + "done; " * 20,
        "echo $((" + "1+" * 5000 + "1))",
        "`" * 20001,
        "a <<E | b && c {d} (e) `f` $(( g )) <<< h )) } ; fi done esac\n" * 500,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_shapes_end_soon(judge: Judge, text: str) -> None:
    """Depth, length and repetition are bounded: an answer, or a refusal that says so."""
    started = time.process_time()
    refusal = judge(text)
    assert time.process_time() - started < 4
    assert refusal is None or refusal.code == "unparsable_command"


def test_a_text_beyond_the_bounds_is_refused(judge: Judge) -> None:
    """What cannot be judged is not waved through."""
    for text in ("{ " * 100 + "true; " + "} ;" * 100, "a;" * 700_000):
        refusal = judge(text)
        assert refusal is not None
        assert refusal.code == "unparsable_command"
