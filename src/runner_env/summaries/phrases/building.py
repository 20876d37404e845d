"""Readers made of phrases and of blocks."""

from __future__ import annotations

from functools import partial

from runner_env.summaries.kit import Block, BlockReader, Kind, Phrase, PhraseReader


def of_phrases(
    runner: str, anchors: tuple[bytes, ...], *phrases: Phrase, over: tuple[str, ...] = (), name: str = ""
) -> Kind:
    """A reader of statements of one line."""
    return Kind(name or runner, anchors, partial(PhraseReader, runner, phrases), over)


def of_block(
    runner: str, anchors: tuple[bytes, ...], block: Block, over: tuple[str, ...] = (), *, name: str = ""
) -> Kind:
    """A reader of statements of several lines."""
    return Kind(name or runner, anchors, partial(BlockReader, runner, block), over)
