"""The product's addresses for people."""

from django.urls import path

from tenders import views

app_name = "tenders"
urlpatterns = [
    path("", views.index, name="list"),
    path("export/<str:kind>", views.export, name="export"),
    path("searches/", views.searches, name="searches"),
    path("searches/<int:pk>/", views.switch_search, name="switch_search"),
    path("<str:ocid>/", views.detail, name="detail"),
]
