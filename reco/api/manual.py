"""GET /docs: the API's documentation in a browser, and where to find it if it cannot be drawn."""

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_PLACE = '<div id="swagger-ui">'
_INSTEAD = """
<p>Swagger UI, which draws this page, comes from cdn.jsdelivr.net. If this line stays, the browser
cannot reach it: the same documentation, for programs, is at <a href="{document}">{document}</a>.
</p>
"""


@router.get("/docs")
def manual(request: Request) -> HTMLResponse:
    """Return the page; until Swagger UI is there, it says what it waits for."""
    root = request.scope.get("root_path", "").rstrip("/")
    document = f"{root}{request.app.openapi_url}"
    drawn = get_swagger_ui_html(
        openapi_url=document,
        title=f"{request.app.title}: API",
        swagger_favicon_url=f"{root}/icon.svg",
    )
    html = bytes(drawn.body).decode()
    return HTMLResponse(html.replace(_PLACE, _PLACE + _INSTEAD.format(document=document), 1))
