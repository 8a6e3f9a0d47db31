"""The transcripts product's Django app."""

from django.apps import AppConfig


class TranscriptsConfig(AppConfig):
    """Sales-call transcripts become insights."""

    name = "transcripts"
    default_auto_field = "django.db.models.BigAutoField"
    navigation = (("Transcripts", "transcripts:list", "transcripts.view_transcript"),)
    key_scope = "Upload, retry and read transcripts"
