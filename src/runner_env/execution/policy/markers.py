"""Private-use characters that stand, inside an evaluated word, for what plain text cannot say."""

from __future__ import annotations

UNKNOWN = "\ue000"  # some text that reading alone cannot tell
UNSET = "\ue001"  # an unquoted variable that nothing seen so far has set
UNSET_QUOTED = "\ue002"  # the same inside double quotes
HOME = "\ue003"  # the home directory
BREAK = "\ue004"  # a place where the shell splits a word in two
EMPTY = "\ue005"  # an empty quoted string, which keeps its word alive
FETCHED = "\ue006"  # text that a download printed
STAR = "\ue007"
QUESTION = "\ue008"
BRACKET = "\ue009"
BRACE_OPEN = "\ue00a"
COMMA = "\ue00b"
BRACE_CLOSE = "\ue00c"

ACTIVE = str.maketrans("*?[{,}", STAR + QUESTION + BRACKET + BRACE_OPEN + COMMA + BRACE_CLOSE)
SPLITTING = str.maketrans(dict.fromkeys(" \t\n", BREAK))
_LITERAL = str.maketrans(
    {
        STAR: "*",
        QUESTION: "?",
        BRACKET: "[",
        BRACE_OPEN: "{",
        COMMA: ",",
        BRACE_CLOSE: "}",
        BREAK: " ",
        EMPTY: None,
    }
)
_SHOWN = str.maketrans({UNKNOWN: "…", UNSET: "…", UNSET_QUOTED: "…", FETCHED: "…", HOME: "~"})
_RESERVED = str.maketrans({chr(0xE000 + offset): "\ufffd" for offset in range(16)})
_UNSURE = frozenset((UNKNOWN, UNSET, UNSET_QUOTED, FETCHED))


def cleaned(text: str) -> str:
    """`text` from outside, with every reserved character replaced, and with Unix line ends."""
    return text.translate(_RESERVED).replace("\r\n", "\n")


def to_be_read(path: str) -> str:
    """What stands for the text of a file that nobody has read so far."""
    return f"{UNKNOWN}{BREAK}{path}"


def unread(text: str) -> str | None:
    """The file that `text` stands for, as `to_be_read` has it; None if it stands for none."""
    mark = to_be_read("")
    return text.removeprefix(mark) if text.startswith(mark) else None


def literal(word: str) -> str:
    """`word` with globs and braces as ordinary characters; what is unknown stays marked."""
    return word.translate(_LITERAL)


def shown(word: str) -> str:
    """`word` for a person."""
    return literal(word).translate(_SHOWN)


def unsure(word: str) -> bool:
    """Whether some of `word` is unknown."""
    return not _UNSURE.isdisjoint(word)


def hollow(word: str) -> bool:
    """Whether nothing of `word` is known."""
    return bool(word) and _UNSURE.issuperset(word)


def without_unset(word: str) -> str:
    """`word` as it would be if the variables that nothing sets were empty."""
    return word.replace(UNSET, "").replace(UNSET_QUOTED, "")


def without_unsure(word: str) -> str:
    """What is known of `word`."""
    return "".join(letter for letter in word if letter not in _UNSURE)


def split_fields(word: str) -> list[str]:
    """The fields one word becomes: braces expanded (at most 64), split where the shell splits, empty ones dropped."""
    alternatives = _braces(word) if BRACE_CLOSE in word else [word]
    fields = [field for alternative in alternatives for field in alternative.split(BREAK)]
    return [literal_braces(field).replace(EMPTY, "") for field in fields if field]


def literal_braces(word: str) -> str:
    """`word` with the braces that were not expanded as ordinary characters."""
    return word.replace(BRACE_OPEN, "{").replace(COMMA, ",").replace(BRACE_CLOSE, "}")


def _braces(word: str) -> list[str]:
    pending, done = [word], list[str]()
    while pending:
        current = pending.pop()
        close = current.find(BRACE_CLOSE)
        start = current.rfind(BRACE_OPEN, 0, close) if close >= 0 else -1
        inner = current[start + 1 : close] if start >= 0 else ""
        choices = inner.split(COMMA)
        if len(choices) < 2 or len(pending) + len(done) > 64 or len(choices) * len(current) > 1_000_000:
            done.append(current)
            continue
        pending += [current[:start] + choice + current[close + 1 :] for choice in reversed(choices)]
    return done
