"""The product's addresses for people."""

from django.urls import path

from clients.views import content, pages, passwords, verbs

app_name = "clients"
urlpatterns = [
    path("", pages.index, name="list"),
    path("add/", verbs.add, name="add"),
    path("briefs/<int:pk>/", pages.brief, name="brief"),
    path("briefs/<int:pk>/state/", pages.brief_state, name="brief_state"),
    path("briefs/<int:pk>/retry/", content.retry_brief, name="retry_brief"),
    path("invitation/<uidb64>/<token>/", passwords.ChoosePassword.as_view(), name="password"),
    path("<int:pk>/", pages.detail, name="detail"),
    path("<int:pk>/state/", pages.state, name="state"),
    path("<int:pk>/edit/", verbs.edit, name="edit"),
    path("<int:pk>/enhance/", verbs.enhance, name="enhance"),
    path("<int:pk>/clear/", verbs.clear, name="clear"),
    path("<int:pk>/competitors/", verbs.add_competitor, name="add_competitor"),
    path("<int:pk>/competitors/<int:competitor>/remove/", verbs.remove_competitor, name="remove_competitor"),
    path("<int:pk>/queries/", content.queries, name="queries"),
    path("<int:pk>/briefs/", content.brief, name="add_brief"),
    path("<int:pk>/users/", content.invite, name="invite"),
    path("<int:pk>/users/<int:member>/again/", content.invite_again, name="invite_again"),
    path("<int:pk>/users/<int:member>/remove/", content.remove_user, name="remove_user"),
]
