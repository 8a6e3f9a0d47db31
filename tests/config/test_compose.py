"""What compose.yaml promises: a proxy in front, bounded memory, images with versions, no port for everybody."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "compose.yaml").read_text()
SERVICES = re.split(r"(?m)^  (?=\w+:$)", COMPOSE.split("\nservices:\n")[1].split("\nvolumes:\n")[0])[1:]


def test_the_only_published_port_is_the_proxys_and_on_this_machine() -> None:
    published = [service for service in SERVICES if "ports:" in service]
    assert [service.split(":")[0] for service in published] == ["proxy"]
    assert '"${LISTEN:-127.0.0.1}:${PORT:-8000}:8080"' in published[0]


def test_the_memory_of_every_service_is_bounded() -> None:
    assert len(SERVICES) == 5
    assert [service.split(":")[0] for service in SERVICES if "mem_limit:" not in service] == []


def test_every_image_has_a_whole_version() -> None:
    images = re.findall(r"image: (\S+:\S+)", COMPOSE) + re.findall(
        r"(?m)^FROM (\S+)", (ROOT / "Dockerfile").read_text()
    )
    assert len(images) == 3
    assert [image for image in images if not re.search(r":\d+\.\d+", image)] == []


def test_the_proxy_reads_requests_whole() -> None:
    proxy = (ROOT / "config/nginx.conf").read_text()
    for line in ("proxy_request_buffering on;", "client_header_timeout 10s;", "client_body_timeout 20s;"):
        assert line in proxy
