"""ODK Aggregate outbreak report → the HTTP service of the ministry, as XML.

Aggregate puts the submission into a list with one entry, and the answer to a question with one
choice too. The service needs digest authentication: `"authType": "digest"` in the credential.
"""

from adaptors.common import data_value, each
from adaptors.http import put


def report(state):
    answers = state["data"]
    return {
        "report": {
            "@id": answers["*meta-instance-id*"],
            "@version": "2",
            "disease": (answers["disease"] or ["unknown"])[0],
            "cases": answers["cases"],
            "place": {
                "@lat": answers["location:Latitude"],
                "@lon": answers["location:Longitude"],
            },
            "symptom": answers["symptoms"] or [],
        }
    }


each(
    "data",
    put(
        lambda state: f"reports/{data_value('*meta-instance-id*')(state).removeprefix('uuid:')}",
        xml=report,
        idempotency_key=True,
    ),
)
