"""The bank itself: questions and answers in a SQLite file."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path


class Bank:
    """Questions with one answer each. Safe to use from several threads.

    Args:
        path: the SQLite file; made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS questions "
            "(id INTEGER PRIMARY KEY, question TEXT UNIQUE NOT NULL, answer TEXT NOT NULL)"
        )

    def add(self, question: str, answer: str) -> int:
        """Store an answer, in place of an earlier one to the same question; returns the question's id."""
        with self._lock:
            row = self._db.execute(
                "INSERT INTO questions (question, answer) VALUES (?, ?) "
                "ON CONFLICT (question) DO UPDATE SET answer = excluded.answer RETURNING id",
                (question, answer),
            ).fetchall()[0]
        return int(row[0])

    def answer(self, question: str) -> str | None:
        """The answer to `question`, or None if the bank does not know it."""
        with self._lock:
            row = self._db.execute("SELECT answer FROM questions WHERE question = ?", (question,)).fetchone()
        return None if row is None else str(row[0])

    def questions(self) -> list[str]:
        """All questions, oldest first."""
        with self._lock:
            return [str(row[0]) for row in self._db.execute("SELECT question FROM questions ORDER BY id")]

    def close(self) -> None:
        """Close the file."""
        self._db.close()
