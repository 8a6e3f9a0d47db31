"""The product's addresses for programs."""

from django.urls import path

from tenders import api

app_name = "tenders_api"
urlpatterns = [
    path("", api.index, name="list"),
    path("<str:ocid>/", api.detail, name="detail"),
    path("<str:ocid>/releases/<path:release_id>", api.release, name="release"),
]
