"""A question bank: questions and their answers, kept in SQLite, served over HTTP."""
