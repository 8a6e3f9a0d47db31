"""GitHub's REST API: one client that keeps to the limits, and its answers as values."""
