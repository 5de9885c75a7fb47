"""An error in the shape in which Salesforce gives it."""


class SalesforceRefusal(Exception):
    """What is wrong with a request: a status, an error code and a message."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


def in_query(code: str, text: str, at: int, message: str) -> SalesforceRefusal:
    """Return a problem that shows the place in a query, as the real service does."""
    row = text.count("\n", 0, at) + 1
    start = text.rfind("\n", 0, at) + 1
    line = text[start:].split("\n", 1)[0]
    place = f"\n{line}\n{' ' * (at - start)}^\nERROR at Row:{row}:Column:{at - start + 1}\n"
    return SalesforceRefusal(code, place + message)
