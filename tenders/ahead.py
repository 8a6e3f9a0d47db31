"""Reading ahead: a thread prepares what the next statement stores while this one waits for the database."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
_END: Any = object()


def read_ahead(values: Iterable[T]) -> Iterator[T]:
    """Yield the values; while one is used the next is made, in a thread of its own. Its errors are raised here."""
    iterator = iter(values)
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
        coming = pool.submit(next, iterator, _END)
        while (value := coming.result()) is not _END:
            coming = pool.submit(next, iterator, _END)
            yield value
