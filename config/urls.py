"""Every address of the site."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from config import views
from config.signing_in import SignIn
from pulls.webhooks import receive as receive_github

urlpatterns = [
    path("", views.home, name="home"),
    path("login/", SignIn.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("favicon.ico", views.favicon),
    path("transcripts/", include("transcripts.urls")),
    path("api/transcripts/", include("transcripts.api_urls")),
    path("tenders/", include("tenders.urls")),
    path("api/tenders/", include("tenders.api_urls")),
    path("imports/", include("imports.urls")),
    path("api/imports/", include("imports.api_urls")),
    path("clients/", include("clients.urls")),
    path("api/clients/", include("clients.api_urls")),
    path("pulls/", include("pulls.urls")),
    path("api/pulls/", include("pulls.api_urls")),
    path("webhooks/github", receive_github),
    path("admin/", admin.site.urls),
    path("", include("jobs.urls")),
]
