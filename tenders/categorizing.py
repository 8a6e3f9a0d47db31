"""The category by a language model, for tenders that nobody has put into one; off unless TENDERS_LLM says so."""

from typing import Any

from django.conf import settings

from config import language_model
from jobs.errors import NonRetriableError, RetryAfterError
from tenders.models import Tender
from tenders.ocds import categories
from tenders.sources.http import PortalUnavailable

MODEL = "model"
_LONGEST = 4000


def category_for(tender: Tender, found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the category a model chose from the portal's list, nothing if it chose none of them."""
    if not settings.TENDERS_LLM or tender.detailed_category or "detailed_category" in found:
        return {}
    chosen = categories.known(_answer(f"{tender.title}\n{tender.description}"[:_LONGEST]))
    return {"detailed_category": (chosen, MODEL)} if chosen else {}


def _answer(words: str) -> str:
    import openai

    listed = "\n".join(categories.BY_ID.values())
    asked = f"Answer with the one category of this list that fits the tender, or with: none.\n{listed}"
    messages: Any = [{"role": "system", "content": asked}, {"role": "user", "content": words}]
    try:
        reply = language_model.connect().chat.completions.create(
            model=settings.OPENAI_MODEL, messages=messages, **language_model.temperature(0)
        )
    except openai.RateLimitError as error:
        raise RetryAfterError("The model limits our requests.", 60_000) from error
    except (openai.APIConnectionError, openai.InternalServerError) as error:
        raise PortalUnavailable("The model is unavailable.") from error
    except openai.APIStatusError as error:
        raise NonRetriableError(f"The model refuses the request ({error.status_code}).") from None
    return (reply.choices[0].message.content or "") if reply.choices else ""
