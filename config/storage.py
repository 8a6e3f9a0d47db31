"""Uploads in Supabase Storage: a private bucket behind Django's storage interface."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import httpx
from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage
from django.utils.deconstruct import deconstructible

from config import supabase
from jobs.errors import NonRetriableError, RetryAfterError

# What is stored is never shown as a page, whatever the uploader said it is.
CONTENT_TYPE = "application/octet-stream"


class StorageUnavailable(OSError):
    """Supabase Storage did not answer, or not sensibly; trying again may help."""


class StorageRefused(NonRetriableError):
    """Supabase Storage refuses the request; its settings or the key are wrong."""


@deconstructible
class SupabaseStorage(Storage):
    """Files in one bucket (SUPABASE_BUCKET), read and written with the project's secret key."""

    def _open(self, name: str, mode: str = "rb") -> File:
        if mode != "rb":
            raise ValueError("A stored file can only be read; save a new one instead.")
        with _translated(name):
            return File(BytesIO(_bucket().download(_path(name))), name=name)

    def _save(self, name: str, content: File) -> str:
        content.seek(0)
        with _translated(name):
            _bucket().upload(_path(name), content.read(), {"content-type": CONTENT_TYPE, "upsert": "false"})
        return name

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        """Save under the name, or under another one if that is taken by then."""
        for _ in range(5):
            try:
                return super().save(name, content, max_length=max_length)
            except FileExistsError:  # somebody saved the same name between our look and our write
                continue
        raise StorageUnavailable(f"No free name could be found for {name}.")

    def delete(self, name: str) -> None:
        with _translated(name):
            _bucket().remove([_path(name)])

    def exists(self, name: str) -> bool:
        try:
            self._info(name)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        return int(self._info(name)["size"])

    def url(self, name: str | None) -> str:
        raise ValueError("Uploads are private: they have no public address.")

    def _info(self, name: str) -> dict[str, Any]:
        with _translated(name):
            return _bucket().info(_path(name))


def _path(name: str) -> str:
    return name.replace("\\", "/")


def _bucket() -> Any:
    try:
        return supabase.connected().storage.from_(settings.SUPABASE_BUCKET)
    except supabase.KeyMissing as error:
        raise StorageRefused(str(error)) from None


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Turn the client's errors into ours: missing, taken, refused, or unavailable for now."""
    from storage3.exceptions import StorageApiError

    try:
        yield
    except StorageApiError as error:
        raise _error(error, name) from error
    except httpx.HTTPError as error:
        raise StorageUnavailable(f"Supabase Storage does not answer ({type(error).__name__}).") from error
    except (KeyError, ValueError) as error:
        raise StorageUnavailable("Supabase Storage gave an answer that makes no sense.") from error


def _error(error: Any, name: str) -> Exception:
    # Storage answers many errors with HTTP 400 and tells the real status in the body.
    status = int(error.status) if str(error.status).isdigit() else 500
    if status == 404 and "bucket" not in str(error.message).lower():
        return FileNotFoundError(f"{name} is not in the storage.")
    if status == 409:
        return FileExistsError(f"{name} is in the storage already.")
    if status == 429 and (seconds := _retry_after(error)).isdigit():
        return RetryAfterError("Supabase Storage is busy.", int(seconds) * 1000)
    if status in (408, 429) or status >= 500:
        return StorageUnavailable(f"Supabase Storage answers {status} for now.")
    return StorageRefused(f"Supabase Storage refuses the request ({status}): {error.message}")


def _retry_after(error: BaseException | None) -> str:
    """The header of the answer that this error was made from."""
    while error and not isinstance(error, httpx.HTTPStatusError):
        error = error.__cause__ or error.__context__
    return error.response.headers.get("retry-after", "") if error else ""
