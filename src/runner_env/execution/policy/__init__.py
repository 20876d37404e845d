"""A lint for commands: it catches mistakes before they are started. It is not the boundary.

    policy = Policy(PolicyOptions(mode="safe"))
    refusal = policy.check("bash .aider_fsm/stages/rollout.sh", cwd=repo, root=repo)

What it is. A command line is parsed as shell, by tree-sitter's bash grammar, and read in the order in which it would
run: quotes are removed, variables, functions, loops and `cd` are followed as far as the text itself tells, wrappers
(`env`, `timeout`, `sudo`, `xargs`…) are taken off, and the texts that shells are given (`bash -c`, `eval`,
here-documents, pipes of known text, process substitutions) are read in turn. So are the shell scripts of the repository
that a command starts, however it starts them, and the scripts which those start, at most eight deep. Rules then look at
programs and their arguments, never at words: `pytest -k "not sudo"`, a comment or a quoted text is no reason to refuse.

- The hard deny holds in both modes: deleting `/`, the home directory or a top-level system directory, overwriting a
  disk or the list of users, fork bombs, `kill -9 -1`, `chmod -R` of the system; in scripts also deleting the published
  evidence (`.aider_fsm/artifacts`).
- Safe mode adds: `sudo` and its like, `dd`, `mkfs`, `shutdown` and its like, `brew uninstall`, `docker system prune`, a
  container that is given `/`, what a download prints run unseen by a shell or an interpreter, and `rm -rf "$X/"` of a
  variable that nothing sets or tests.
- Strict unattended mode adds programs that wait for a person: `docker login` without a password, editors, pagers.
- A denylist is searched in the whole line, and in every command and pipeline of it and of the scripts; an allowlist
  must match the whole line, and is not applied to scripts.

What it is not. It promises nothing. It cannot see what another language does (`python -c`, `perl`, `make`), what a
program decides while running, what is computed from input it does not know, what a script outside the repository
holds, or what leaks a secret. Whoever wants to get around it can; the sandbox contains what it misses, and a report's
guarantees never rest on it.

Doubts. A command that the grammar cannot read in full is judged by the parts it can read: the shell itself fails on bad
syntax, and the grammar is not the shell. A script that is missing, outside the repository or in another language is
left alone; one that is there but cannot be read, or is larger than 2 000 000 bytes, is refused; so is a text that is
nested too deeply or starts too many commands to be judged (`unparsable_command`). These bounds are counted, not timed.
"""

from runner_env.execution.policy.options import PolicyOptions, Refusal
from runner_env.execution.policy.policy import Policy

__all__ = ["Policy", "PolicyOptions", "Refusal"]
