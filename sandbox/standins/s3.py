"""A stand-in for S3 with one bucket: lists with continuation, whole objects and ranges, refusals in S3's own XML."""

import hashlib
import re
from email.utils import format_datetime
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.standins.record_store import Store
from sandbox.standins.serving import Service


class S3(Service):
    """A bucket of objects by key. Requests have to be signed with the key `key_id`; signatures are not reckoned.

    `page_size`: keys of a list. `refused`: keys that may not be read.
    """

    def __init__(self, store: Store, bucket: str = "reports", page_size: int = 1000) -> None:
        super().__init__(store)
        self.bucket, self.page_size, self.key_id = bucket, page_size, "AKIDSANDBOX"
        self.objects: dict[str, bytes] = {}
        self.refused: set[str] = set()

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the API."""
        return [
            Route("/{bucket}", self._list),
            Route("/{bucket}/", self._list),
            Route("/{bucket}/{key:path}", self._object, methods=["GET", "HEAD"]),
        ]

    def _refusal(self, request: Request) -> Response | None:
        if f"Credential={self.key_id}/" not in request.headers.get("authorization", ""):
            return _error(
                403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."
            )
        if request.path_params["bucket"] != self.bucket:
            return _error(404, "NoSuchBucket", "The specified bucket does not exist")
        return None

    async def _list(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        prefix, after = request.query_params.get("prefix", ""), request.query_params.get("continuation-token", "")
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        page, more = keys[: self.page_size], len(keys) > self.page_size
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{self.store.now:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
            f"<ETag>{_etag(self.objects[key])}</ETag><Size>{len(self.objects[key])}</Size></Contents>"
            for key in page
        )
        following = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        return _xml(
            f"<ListBucketResult><Name>{self.bucket}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(page)}</KeyCount>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{following}{contents}</ListBucketResult>"
        )

    async def _object(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        key = request.path_params["key"]
        if key in self.refused:
            return _error(403, "AccessDenied", "Access Denied")
        if key not in self.objects:
            return _error(404, "NoSuchKey", "The specified key does not exist.")
        content = self.objects[key]
        headers = {"ETag": _etag(content), "Last-Modified": format_datetime(self.store.now, usegmt=True)}
        if span := re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", "")):
            first, last = int(span[1]), int(span[2] or len(content) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            return Response(content[first : last + 1], 206, headers)
        return Response(content, 200, headers)


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def _xml(body: str, status: int = 200) -> Response:
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>{body}', status, media_type="application/xml")


def _error(status: int, code: str, message: str) -> Response:
    return _xml(f"<Error><Code>{code}</Code><Message>{message}</Message></Error>", status)
