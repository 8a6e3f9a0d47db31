"""The product's addresses for people."""

from django.urls import path

from pulls import views

app_name = "pulls"
urlpatterns = [
    path("", views.repositories, name="repositories"),
    path("list/", views.index, name="list"),
    path("people/", views.people, name="people"),
    path("weeks/", views.weeks, name="weeks"),
    path("<str:key>/", views.detail, name="detail"),
]
