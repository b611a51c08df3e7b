"""Salesforce: create, change, find and delete records, one by one or thousands at once.

The credential: `username`, `password` and `securityToken`, or an app's `client_id` and
`client_secret` (with the organization's own `loginUrl`), or an app's `client_id` and `private_key`
with a `username` (the JWT bearer flow), or an `access_token` and `instance_url`. A warm runner logs
in once; an expired session is renewed.

Every operation puts Salesforce's response in `data` and at the front of `references`: after
`create` of one record, `last_reference_value("id")` is its id.
"""

from adaptors.salesforce.bulk import bulk
from adaptors.salesforce.credential import Configuration
from adaptors.salesforce.crud import create, create_if, destroy, update
from adaptors.salesforce.query import describe, query, request, retrieve
from adaptors.salesforce.upsert import relationship, upsert, upsert_if

__all__ = [
    "Configuration",
    "bulk",
    "create",
    "create_if",
    "describe",
    "destroy",
    "query",
    "relationship",
    "request",
    "retrieve",
    "update",
    "upsert",
    "upsert_if",
]
