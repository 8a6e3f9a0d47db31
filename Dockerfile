# One image for the web server and the workers; compose.yaml says which command runs where.
FROM python:3.13.5-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

COPY requirements/runtime.txt requirements/runtime.txt
RUN pip install --require-hashes --no-deps -r requirements/runtime.txt

COPY . .
# The static files belong to the image; uploads and keys belong to the volume.
RUN useradd --system --uid 10001 --home-dir /app stepwell \
    && SECRET_KEY=only-for-this-step VAR_DIR=/app/var python manage.py collectstatic --noinput \
    && mkdir -p /app/var/media && chown -R stepwell:stepwell /app/var
USER stepwell

ENV HOST=0.0.0.0 PORT=8000
EXPOSE 8000
VOLUME /app/var/media
# Gunicorn stops gracefully within 10 s, the workers within 20 s.
STOPSIGNAL SIGTERM
CMD ["python", "-m", "gunicorn", "--config", "config/gunicorn_conf.py", "config.wsgi:application"]
