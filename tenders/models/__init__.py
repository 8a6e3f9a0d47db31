"""The product's tables; all of its SQL is in this package."""

from tenders.models.alerts import Alert, SavedSearch
from tenders.models.joblog import ErrorCategory, JobLog, JobStatus, JobType, SavedPage
from tenders.models.source import Pace, SourceState
from tenders.models.tender import ENRICHED, Publication, Release, Tender, TenderQuerySet

__all__ = [
    "ENRICHED",
    "Alert",
    "ErrorCategory",
    "JobLog",
    "JobStatus",
    "JobType",
    "Pace",
    "Publication",
    "Release",
    "SavedPage",
    "SavedSearch",
    "SourceState",
    "Tender",
    "TenderQuerySet",
]
