"""Run a Singer tap on a stand-in; by the Python that the tap is installed for, see tap.py.

    python tap_launcher.py tap_stripe URL NOW config.json state.json stream,stream

What is bent, and nothing else: its requests to the service's own host go to the stand-in; the moment that it takes for
now is the stand-in's (it asks its machine's clock); it is told which streams to read without asking the service for
custom fields and permissions; and the account, which it asks for by id for its log.
"""

import importlib
import json
import re
import sys
import types
from datetime import UTC, datetime
from pathlib import Path

import requests
import singer

SERVICE = re.compile(r"https://(api\.stripe\.com|[a-z]+\.zendesk\.com)")


def to_stand_in(url):
    """Send what is for the service to the stand-in."""
    send = requests.adapters.HTTPAdapter.send

    def redirected(self, request, **options):
        original = request.url
        request.url = SERVICE.sub(url, original)
        answer = send(self, request, **options)
        answer.url = answer.request.url = original  # a client may look whether it was its service that answered
        return answer

    requests.adapters.HTTPAdapter.send = redirected


def selected(catalog, streams):
    """Select some streams with all their fields."""
    chosen = [stream for stream in catalog["streams"] if stream["tap_stream_id"] in streams]
    for stream in chosen:
        for entry in stream["metadata"]:
            entry["metadata"]["selected"] = True
    return {"streams": chosen}


def of_stripe(tap):
    """Return what tap-stripe can read."""
    import stripe

    shown = types.SimpleNamespace(dashboard=types.SimpleNamespace(display_name="simulated"))
    stripe.Account.retrieve = lambda account: types.SimpleNamespace(settings=shown)
    return tap.discover()


def of_zendesk(tap):
    """Return what tap-zendesk can read, but for custom fields."""
    from tap_zendesk import discover, streams

    catalog = []
    refs = discover.load_shared_schema_refs()
    for kind in streams.STREAMS.values():
        kind._add_custom_fields = lambda self, schema: schema
        stream = kind(None, {"subdomain": "simulated"})
        schema = singer.resolve_schema_references(stream.load_schema(), refs)
        names = {"stream": stream.name, "tap_stream_id": stream.name}
        catalog.append({**names, "schema": schema, "metadata": stream.load_metadata()})
    return {"streams": catalog}


def main(name, url, now, config, state, streams):
    """Run the tap; its messages go to standard output."""
    to_stand_in(url)
    moment = datetime.fromtimestamp(int(now), UTC)
    singer.utils.now = lambda: moment
    tap = importlib.import_module(name)
    catalog = {"tap_stripe": of_stripe, "tap_zendesk": of_zendesk}[name](tap)
    file = Path(config).with_name("catalog.json")
    file.write_text(json.dumps(selected(catalog, streams.split(","))))
    sys.argv = [name, "--config", config, "--catalog", str(file)]
    if Path(state).exists():
        sys.argv += ["--state", state]
    tap.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
