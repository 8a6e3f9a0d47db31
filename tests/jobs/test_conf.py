"""Settings of the engine: defaults, what the site changes, and names that mean nothing."""

from typing import Any

import pytest

from jobs import conf


def test_every_setting_has_a_default(settings: Any) -> None:
    settings.JOBS = {}
    assert conf.settings() == conf.JobsSettings()
    del settings.JOBS
    assert conf.settings() == conf.JobsSettings()


def test_the_site_changes_what_it_names(settings: Any) -> None:
    settings.JOBS = {"THREADS": 7, "APP_ID": "shop"}
    assert (conf.settings().THREADS, conf.settings().APP_ID, conf.settings().RETRIES) == (7, "shop", 4)
    settings.JOBS = {"THREADS": 8}
    assert (conf.settings().THREADS, conf.settings().APP_ID) == (8, "stepwell")


def test_names_that_mean_nothing_are_found(settings: Any) -> None:
    settings.JOBS = {"THREDS": 7, "THREADS": 7, "AND": 1}
    assert conf.unknown_names() == ["AND", "THREDS"]
    assert conf.settings().THREADS == 7


def test_settings_cannot_be_changed_in_passing() -> None:
    with pytest.raises(AttributeError):
        conf.settings().THREADS = 5  # type: ignore[misc]


def test_the_backoff_is_the_documented_table() -> None:
    assert conf.JobsSettings().BACKOFF == (15, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200)
    assert conf.JobsSettings().JITTER_SECONDS == 30
