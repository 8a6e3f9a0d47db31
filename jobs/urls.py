"""The engine's addresses for programs; they sit at the root of the site, where Inngest's SDKs look for them."""

from django.urls import path

from jobs.api import acting, health, incoming, metrics, reading

urlpatterns = [
    path("e/", incoming.receive),
    path("e/<str:secret>", incoming.receive, name="event_api"),
    path("health", health.health, name="health"),
    path("metrics", metrics.metrics, name="metrics"),
    path("v1/signals", acting.signals, name="api_signals"),
    path("v1/cancellations", acting.cancellations, name="api_cancellations"),
    path("v1/events/<str:event_id>", reading.event, name="api_event"),
    path("v1/events/<str:event_id>/runs", reading.runs_of_event, name="api_event_runs"),
    path("v1/runs/<str:run_id>", reading.run, name="api_run"),
]
