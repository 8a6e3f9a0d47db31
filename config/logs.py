"""Log lines: one per record, with the secrets in addresses blotted out."""

import logging
import re
from typing import Any

from gunicorn.glogging import Logger

from jobs.redaction import blotted

# Event keys travel in the path, API keys in a header that a client may log by mistake into an error.
SECRETS = [
    (re.compile(r"(/e/)[^/?\s\"']+"), r"\1***"),
    (re.compile(r"(?i)(bearer\s+)[^\s\"',]+"), r"\1***"),
    (re.compile(r"(?i)([?&](?:key|api_?key|token|password)=)[^&\s\"']+"), r"\1***"),
    (re.compile(r"(postgres(?:ql)?://[^:@/\s]*:)[^@\s]{1,1000}(@)"), r"\1***\2"),
]


def blot(text: str) -> str:
    """Replace keys, tokens and passwords by stars, and what follows a key in `JOBS["REDACT"]` by dots."""
    for pattern, replacement in SECRETS:
        text = pattern.sub(replacement, text)
    return blotted(text)


class LineFormatter(logging.Formatter):
    """Time, level, logger and message on one line; a traceback follows with its line ends escaped."""

    default_msec_format = "%s.%03d"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return blot(super().format(record)).replace("\r", "").replace("\n", "\\n")


class GunicornLogger(Logger):
    """Gunicorn's log in the same form; an access line never shows an event key."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(LineFormatter())
