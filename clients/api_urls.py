"""The product's addresses for programs."""

from django.urls import path

from clients import api

app_name = "clients_api"
urlpatterns = [
    path("", api.index, name="index"),
    path("<str:key>/", api.client, name="client"),
    path("<str:key>/enhance/", api.enhance, name="enhance"),
]
