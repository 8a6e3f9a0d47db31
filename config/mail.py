"""Mail where no server is set: it goes to the log, without the links by which somebody could sign in."""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from jobs.redaction import blotted

log = logging.getLogger("stepwell.mail")


class LogBackend(BaseEmailBackend):
    """Writes mails to the log; with DEBUG to the terminal, as they are."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write each message and return how many there were."""
        for message in email_messages:
            text = f"To: {', '.join(message.to)}\nSubject: {message.subject}\n\n{message.body}"
            if settings.DEBUG:
                print(text)
            else:
                log.info("Not mailed, because EMAIL_HOST is not set. %s", blotted(text))
        return len(email_messages)
