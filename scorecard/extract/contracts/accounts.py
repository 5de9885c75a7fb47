"""Accounts of services in the settings, checked against the declared sources."""

from scorecard.catalogue import COMPANY, declarations, declared_as, read_sources
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings
from scorecard.shared.text import plain


def refuse_wrong_accounts(settings: Settings) -> None:
    """Fail if an account is of an unknown service, or has the name of another source.

    Raises
    ------
    ScorecardError: names the account and the service.
    """
    declared = {name: path for name, path in declarations(settings).items() if name != COMPANY}
    for account in sorted(settings.services):
        service = declared_as(settings, account)
        if service == account:
            continue
        services = [name for name, path in sorted(declared.items()) if read_sources(path)[0].service]
        if service not in services:
            raise ScorecardError(
                f"The settings call {plain(account)} an account of {plain(service)}, which no service is called.",
                f"Correct `service` of {plain(account)}; there is: {', '.join(services)}.",
            )
        if account in declared:
            raise ScorecardError(
                f"The settings call an account of {service} {account}, which is a source of its own.",
                f"Give the account another name in `services` of the settings, as {service}_eu.",
            )
