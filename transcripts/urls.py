"""The product's addresses for people."""

from django.urls import path

from transcripts.views import calls, uploads

app_name = "transcripts"
urlpatterns = [
    path("", calls.index, name="list"),
    path("upload/", uploads.upload, name="upload"),
    path("upload/rows/", uploads.rows, name="upload_rows"),
    path("<int:pk>/", calls.detail, name="detail"),
    path("<int:pk>/state/", calls.state, name="state"),
    path("<int:pk>/file/", calls.download, name="file"),
    path("<int:pk>/retry/", calls.retry, name="retry"),
    path("<int:pk>/contacts/", calls.import_contacts, name="contacts"),
]
