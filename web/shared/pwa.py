"""The two addresses that make the phone pages installable: /sw.js and /m/manifest.webmanifest."""

from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.views.decorators.http import require_safe


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """Serve the built worker from the root, where its scope is the whole host."""
    built = Path(settings.BASE_DIR) / "frontend" / "dist" / "sw.js"
    if not built.exists():
        raise Http404
    headers = {"Service-Worker-Allowed": "/", "Cache-Control": "no-cache"}
    return HttpResponse(built.read_text(encoding="utf-8"), content_type="text/javascript", headers=headers)


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """Describe the phone pages as an app that one may put on the home screen."""
    icons = [{"src": static(f"icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"} for size in (192, 512)]
    return JsonResponse(
        {
            "id": "/m/",
            "name": "校园后勤服务质量监管",
            "short_name": "后勤监管",
            "lang": "zh-Hans",
            "start_url": "/m/",
            "scope": "/m/",
            "display": "standalone",
            "background_color": "#f5f7fb",
            "theme_color": "#1459c4",
            "icons": icons,
        },
        content_type="application/manifest+json",
    )
