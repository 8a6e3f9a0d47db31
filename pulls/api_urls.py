"""The product's addresses for programs."""

from django.urls import path

from pulls import api

app_name = "pulls_api"
urlpatterns = [
    path("", api.index, name="list"),
    path("<int:repository>/<int:number>/", api.detail, name="detail"),
]
