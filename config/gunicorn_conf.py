"""Gunicorn: a few processes that read requests whole before a thread takes them, a short graceful stop, our logs."""

from config import env

env.load_project_file()

bind = f"{env.text('HOST', '127.0.0.1')}:{env.number('PORT', 8000)}"
worker_class = "config.server.BufferingWorker"
workers = env.number("WEB_WORKERS", 2, least=1)
threads = env.number("WEB_THREADS", 8, least=1)
timeout = 60
graceful_timeout = 10
backlog = 512
accesslog = "-" if env.flag("ACCESS_LOG") else None
logger_class = "config.logs.GunicornLogger"
loglevel = "warning"
# No socket outside the project.
control_socket_disable = True
