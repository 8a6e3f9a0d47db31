"""The product's addresses for programs."""

from django.urls import path

from transcripts import api

app_name = "transcripts_api"
urlpatterns = [
    path("", api.upload, name="upload"),
    path("<str:key>/", api.status, name="status"),
    path("<str:key>/retry/", api.retry, name="retry"),
]
