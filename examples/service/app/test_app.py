"""The bank and its server."""

from __future__ import annotations

import json
import tempfile
import threading
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from app.bank import Bank
from app.server import HOST, Server


class BankTest(unittest.TestCase):
    """The bank keeps what it was given."""

    def test_answers_survive_reopening(self) -> None:
        """What was added is there after the file was closed and opened again."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bank.sqlite3"
            bank = Bank(path)
            first = bank.add("q", "old")
            assert bank.add("q", "new") == first
            bank.close()
            again = Bank(path)
            assert (again.answer("q"), again.answer("r"), again.questions()) == ("new", None, ["q"])
            again.close()


class ServerTest(unittest.TestCase):
    """The server says what the bank knows."""

    def setUp(self) -> None:
        """A server with an empty bank, on a port of its own."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.bank = Bank(Path(folder.name) / "bank.sqlite3")
        self.addCleanup(self.bank.close)
        self.server = Server(self.bank, instance="token")
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)

    def call(self, path: str, body: object = None) -> tuple[int, Any]:
        """Status and JSON of one request."""
        data = None if body is None else json.dumps(body).encode()
        url = f"http://{HOST}:{self.server.server_port}{path}"
        try:
            with urllib.request.urlopen(url, data, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def test_stores_and_answers(self) -> None:
        """A stored question is answered, listed and counted."""
        assert self.call("/questions", {"question": "2 + 2?", "answer": "4"}) == (201, {"id": 1})
        assert self.call("/ask", {"question": "2 + 2?"}) == (200, {"answer": "4"})
        assert self.call("/questions") == (200, {"questions": ["2 + 2?"]})
        assert self.call("/health") == (200, {"ok": True, "instance": "token", "questions": 1})

    def test_refuses_what_it_does_not_know(self) -> None:
        """Unknown questions and paths are 404, bad bodies 400."""
        assert self.call("/ask", {"question": "?"})[0] == 404
        assert self.call("/nothing")[0] == 404
        assert self.call("/nothing", {})[0] == 404
        for body in ([], {}, {"question": ""}, {"question": 3}):
            assert self.call("/ask", body)[0] == 400


if __name__ == "__main__":
    unittest.main()
