"""Pull requests in the admin: the page that runs the captures, and the tables for looking things up."""

from pulls.admin import console, tables

__all__ = ["console", "tables"]
