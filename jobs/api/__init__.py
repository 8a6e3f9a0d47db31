"""The engine over HTTP: events come in, runs are read and cancelled, and a load balancer asks for health."""
