"""Where the platform answers: absolute addresses for mails, QR codes and hand-overs."""

from urllib.parse import urlsplit

from django.conf import settings


def public_url(path: str = "/") -> str:
    """An absolute address on the public host."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"


def url_on(host: str, path: str = "/") -> str:
    """An absolute address on `host`, with the scheme and port of PUBLIC_URL."""
    here = urlsplit(settings.PUBLIC_URL)
    port = f":{here.port}" if here.port else ""
    return f"{here.scheme}://{host}{port}{path}"


def school_url(slug: str, path: str = "/") -> str:
    """An absolute address on the host of the school `slug`."""
    return url_on(f"{slug}.{settings.SCHOOL_HOST_SUFFIX}", path)
