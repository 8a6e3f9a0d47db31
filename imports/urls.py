"""The product's addresses for people."""

from django.urls import path

from imports.views import batches, listing

app_name = "imports"
urlpatterns = [
    path("", listing.index, name="list"),
    path("upload/", listing.upload, name="upload"),
    path("<int:pk>/", batches.detail, name="detail"),
    path("<int:pk>/setup/", batches.set_up, name="setup"),
    path("<int:pk>/state/", batches.state, name="state"),
    path("<int:pk>/rows/", batches.rows, name="rows"),
    path("<int:pk>/pause/", batches.pause, name="pause"),
    path("<int:pk>/resume/", batches.resume, name="resume"),
    path("<int:pk>/cancel/", batches.cancel, name="cancel"),
    path("<int:pk>/retry/", batches.retry, name="retry"),
    path("<int:pk>/again/", batches.again, name="again"),
    path("<int:pk>/results.csv", batches.results, name="results"),
    path("<int:pk>/errors.csv", batches.errors, name="errors"),
    path("<int:pk>/file/", batches.download, name="file"),
]
