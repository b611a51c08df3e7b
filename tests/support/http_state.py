"""The state of a job whose credential leads to a server."""

from __future__ import annotations


def state_for(server, data=None, **configuration):
    """Return a state with a credential for the server, and more keys of the credential."""
    return {"configuration": {"baseUrl": server.url, **configuration}, "data": data}
