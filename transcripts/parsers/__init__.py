"""Chooses the parser: Gemini when a key is set, else the local one that needs no model."""

from transcripts.parsers.base import Parsed, Parser

__all__ = ["Parsed", "Parser", "current"]


def current() -> Parser:
    """The parser that the settings ask for."""
    from django.conf import settings

    if getattr(settings, "GEMINI_API_KEY", ""):
        from transcripts.parsers.gemini import GeminiParser

        return GeminiParser.from_settings()
    from transcripts.parsers.local import LocalParser

    return LocalParser()
