"""The static files, and the choice of a language."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from console import catalogs, request, static_files
from console.responses import redirect
from console.routing import create_router
from openfn.errors import NotFound

router = create_router()
_FOREVER = "public, max-age=31536000, immutable"
_YEAR = 31_536_000


@router.get("/s/<digest>/<name>")
def send_static_file(digest: str, name: str) -> Response[str]:
    """Return a static file; its address changes with its content."""
    file = static_files.find(name)
    if file is None or f"/{digest}/" not in file.url:
        raise NotFound("This version of the file is gone. Reload the page.")
    headers = {"Cache-Control": _FOREVER}
    return Response(200, file.content_type, file.content, headers, compress=True)


@router.get("/language/<code>")
def choose_language(code: str) -> Response[str]:
    """Remember the language of a reader."""
    chosen = code if code in catalogs.LANGUAGES else "en"
    cookie = f"language={chosen}; Path=/; Max-Age={_YEAR}; HttpOnly; SameSite=Lax"
    back = request.current().query.get("back", "/")
    # "//host" and "/\host" would lead to another site.
    is_own_path = back.startswith("/") and not back.startswith(("//", "/\\"))
    return redirect(back if is_own_path else "/", cookie)
