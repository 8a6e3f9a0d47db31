"""The talk with the model's provider: one question, one answer, one of three errors.

The engine retries, so each call is made once. The raw answer and its tokens come back together: whoever calls journals
both, and what was paid for is never asked again.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from pydantic import BaseModel, ValidationError

from config import language_model
from jobs.errors import NonRetriableError, RetryAfterError

LONGEST_WAIT = timedelta(hours=24)
NO_KEY = "There is no key for the model: set OPENAI_API_KEY and restart web server and workers."
_OUT_OF_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_TRANSIENT = frozenset({408, 409, 425, 429})
_TEMPERATURE = 0.3
Schema = TypeVar("Schema", bound=BaseModel)


class ModelUnavailable(Exception):
    """The model gave no usable answer this time; asking again may help."""


class ModelRefused(NonRetriableError):
    """The model will not answer this question, however often it is asked."""


class ModelMisconfigured(NonRetriableError):
    """No question can be answered until somebody changes a setting or the account."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came: the JSON text, the model that gave it, and what was counted for the bill."""

    raw: str
    model: str
    input_tokens: int
    output_tokens: int

    def to_json(self) -> dict[str, Any]:
        """Return what the journal keeps."""
        return asdict(self)


def is_configured() -> bool:
    """Whether there is a key to ask with."""
    return bool(settings.OPENAI_API_KEY)


def ask(schema: type[Schema], instructions: str, question: str, *, at_most: float | None = None) -> Reply:
    """Ask once for an answer that fits the schema; it has been validated when it is returned.

    at_most: seconds, where the caller has less time than OPENAI_TIMEOUT.

    Raises ModelRefused, ModelMisconfigured, ModelUnavailable, or RetryAfterError where the provider names a time.
    """
    import openai

    if not is_configured():
        raise ModelMisconfigured(NO_KEY)
    messages = [{"role": "system", "content": instructions}, {"role": "user", "content": question}]
    seconds = min(settings.OPENAI_TIMEOUT, at_most or settings.OPENAI_TIMEOUT)
    try:
        return _reply(_parsed(language_model.connect(seconds).chat.completions, schema, messages))
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "the whole"
        raise ModelUnavailable(f"The model's answer does not fit what was asked for ({where}).") from None
    except openai.OpenAIError as error:
        raise _meaning(error, seconds) from None
    except (AttributeError, TypeError, ValueError) as error:
        raise _nonsense(error) from None


def _parsed(completions: Any, schema: type[Schema], messages: list[dict[str, str]]) -> Any:
    import openai

    question = {"model": settings.OPENAI_MODEL, "messages": messages, "response_format": schema}
    sampling = language_model.temperature(_TEMPERATURE)
    try:
        return completions.parse(**question, **sampling)
    except openai.BadRequestError as error:
        if not sampling or error.param != "temperature":
            raise
    # A model that thinks, under a name that we do not know. A refused request is not paid for.
    return completions.parse(**question)


def _reply(completion: Any) -> Reply:
    if not completion.choices:
        raise ModelUnavailable("The model gave no answer at all.")
    message, usage = completion.choices[0].message, completion.usage
    if message.refusal:
        raise ModelRefused(f"The model declined to answer: {_scrubbed(message.refusal)}")
    if message.parsed is None:
        raise ModelUnavailable("The model gave an empty answer.")
    counted = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
    return Reply(message.content, completion.model or settings.OPENAI_MODEL, *counted)


def _meaning(error: Any, seconds: float) -> Exception:
    """Return our exception for one of the SDK's."""
    import openai

    match error:
        case openai.APIStatusError():
            return _judged(error)
        case openai.APITimeoutError():
            return ModelUnavailable(f"{_who()} did not answer within {seconds:g} s.")
        case openai.APIConnectionError():
            return ModelUnavailable(f"{_who()} cannot be reached ({_reason(error)}).")
        case openai.LengthFinishReasonError():
            used = error.completion.usage.completion_tokens if error.completion.usage else "its"
            return ModelRefused(f"The model's answer was cut off after {used} tokens, the most it may write.")
        case openai.ContentFilterFinishReasonError():
            return ModelRefused("The provider's content filter stopped the model's answer.")
    return _nonsense(error)


def _nonsense(error: Exception) -> ModelUnavailable:
    # A page of some proxy instead of an answer: the SDK reads it as if it were one.
    return ModelUnavailable(f"{_who()} gave an answer that makes no sense ({type(error).__name__}).")


def _judged(error: Any) -> Exception:
    """Return the exception that says whether to come again: for good, later at a known time, or simply later."""
    said, status = _scrubbed(error.message), error.status_code
    if error.code in _OUT_OF_CREDIT or error.type in _OUT_OF_CREDIT:
        return ModelMisconfigured(f"The account at {_who()} has no credit left; add some, then retry.")
    if status >= 500 or status in _TRANSIENT:
        busy = "limits our requests at the moment" if status == 429 else f"is unavailable ({status})"
        wait = _wait(error.response.headers)
        words = f"{_who()} {busy}: {said}"
        return RetryAfterError(words, wait) if wait is not None else ModelUnavailable(words)
    match status:
        case 401:
            return ModelMisconfigured(f"{_who()} does not accept the key; check OPENAI_API_KEY.")
        case 403:
            return ModelMisconfigured(f"{_who()} does not allow this to our key: {said}")
        case 404:
            name = settings.OPENAI_MODEL
            return ModelMisconfigured(f"{_who()} does not know the model {name!r}; check OPENAI_MODEL.")
    return ModelRefused(f"{_who()} refuses the request ({status}): {said}")


def _wait(headers: Any, now: datetime | None = None) -> timedelta | None:
    """How long the provider wants us to stay away, as milliseconds, seconds or a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        try:
            return _bounded(timedelta(seconds=float(value) * unit))
        except (ValueError, OverflowError):
            continue
    try:
        at = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return _bounded(at.replace(tzinfo=at.tzinfo or UTC) - (now or datetime.now(UTC)))


def _bounded(wait: timedelta) -> timedelta:
    return min(max(wait, timedelta(0)), LONGEST_WAIT)


def _who() -> str:
    return urlsplit(settings.OPENAI_BASE_URL).netloc if settings.OPENAI_BASE_URL else "OpenAI"


def _reason(error: Exception) -> str:
    return type(error.__cause__).__name__ if error.__cause__ else "no connection"


def _scrubbed(message: str) -> str:
    """The provider's own words on one line, never with our key in them."""
    text = " ".join(str(message).split())
    return text.replace(settings.OPENAI_API_KEY, "•••")[:300] or "no reason given"
