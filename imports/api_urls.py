"""The product's addresses for programs."""

from django.urls import path

from imports import api

app_name = "imports_api"
urlpatterns = [
    path("", api.upload, name="upload"),
    path("<str:key>/", api.status, name="status"),
    path("<str:key>/start/", api.start, name="start"),
    path("<str:key>/pause/", api.pause, name="pause"),
    path("<str:key>/resume/", api.resume, name="resume"),
    path("<str:key>/cancel/", api.cancel, name="cancel"),
    path("<str:key>/retry/", api.retry, name="retry"),
    path("<str:key>/results/", api.results, name="results"),
]
