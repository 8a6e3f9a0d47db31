"""Log lines: one per record, with secrets blotted out."""

import logging
from typing import Any

from gunicorn.glogging import Logger

from jobs.redaction import blotted


class LineFormatter(logging.Formatter):
    """Time, level, logger and message on one line; a traceback follows with its line ends escaped."""

    default_msec_format = "%s.%03d"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return blotted(super().format(record)).replace("\r", "").replace("\n", "\\n")


class GunicornLogger(Logger):
    """Gunicorn's log in the same form; an access line never shows an event key."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(LineFormatter())
