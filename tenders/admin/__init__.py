"""Tenders in the admin: the jobs with their buttons and history, and the tables for looking things up."""

from tenders.admin import joblog, tables

__all__ = ["joblog", "tables"]
