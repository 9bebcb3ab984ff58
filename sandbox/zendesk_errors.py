"""Zendesk's error bodies; ``error`` is sometimes a text and sometimes an object."""

from sandbox.web import Response, reply


def not_found() -> Response:
    """404 of a record."""
    return reply({"error": "RecordNotFound", "description": "Not found"}, 404)


def no_page() -> Response:
    """404 of a path or a product this account does not have."""
    message = (
        "The page you were looking for doesn't exist. You may have mistyped the address or the page may have moved"
    )
    return reply({"error": {"title": "Invalid Endpoint", "message": message}}, 404)


def bad_request(description: str, error: str = "BadRequest") -> Response:
    """400 with a reason."""
    return reply({"error": error, "description": description}, 400)


def too_recent(start_time: int, latest: int) -> Response:
    """400 of an incremental export asked for the last minute."""
    return bad_request(
        f"Too recent start_time. Use a start_time older than 60 seconds ({start_time} > {latest})", "StartTimeTooRecent"
    )


def beyond_search() -> Response:
    """422 past a thousand search results."""
    description = "Invalid search: Requested response size was greater than Search Response Limits"
    return reply({"error": "invalid", "description": description}, 422)
