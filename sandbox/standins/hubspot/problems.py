"""How HubSpot refuses a request."""

from typing import Any
from uuid import uuid4

from starlette.responses import Response

from sandbox.standins.serving import as_json

INVALID = "VALIDATION_ERROR"


class HubSpotRefusal(Exception):
    """A request that the API answers with an error."""

    def __init__(self, status: int, message: str, category: str | None = None, **more: Any) -> None:
        super().__init__(message)
        self.status, self.message, self.category, self.more = status, message, category, more

    def response(self) -> Response:
        """Return the error in the shape of HubSpot."""
        body: dict[str, Any] = {"status": "error", "message": self.message, "correlationId": str(uuid4())}
        if self.category is not None:
            body["category"] = self.category
        return as_json(body | self.more, self.status)


def invalid(message: str) -> HubSpotRefusal:
    """Return the refusal of what a request asks for."""
    return HubSpotRefusal(400, message, INVALID)


def limited(policy: str) -> HubSpotRefusal:
    """Return the refusal of a request that is one too many."""
    message = f"You have reached your {policy.lower()} limit."
    return HubSpotRefusal(429, message, "RATE_LIMITS", errorType="RATE_LIMIT", policyName=policy)


def missing_scopes(scopes: list[str]) -> HubSpotRefusal:
    """Return the refusal of a token that lacks rights."""
    detail = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": scopes},
    }
    message = "This app hasn't been granted all required scopes to make this call."
    return HubSpotRefusal(403, message, "MISSING_SCOPES", errors=[detail])
