"""ODK Aggregate outbreak report → the ministry's HTTP service, as the XML it takes.

Aggregate wraps the submission in a list of one, and sends even a question with one choice as a
list. The service wants digest authentication: `"authType": "digest"` in the credential.
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
