"""CommCare home visit → one record for the visit, then one for each medicine."""

from workbench.testing import Reply, event, run_job

VISIT = event("commcare_home_visit.json")


def visit_with(medicine):
    """Return the visit with another answer to the repeat."""
    return {**VISIT, "form": {**VISIT["form"], "medicine": medicine}}


def test_visit_is_recorded_and_then_each_medicine():
    visit, *medicines = run_job("record-visit", VISIT).requests
    assert visit.path == "/visits"
    assert visit.json == {
        "id": VISIT["id"],
        "case": "b7c1f6f0-3c55-4f0e-9f0e-2d5d1c8a9e10",
        "worker": "nurse.adjei",
        "finished": "2026-03-09T09:02:11.000000Z",
        "temperature": 38.4,
    }
    assert [(request.path, request.json) for request in medicines] == [
        ("/medicines", {"visit": VISIT["id"], "name": "ORS", "tablets": 6}),
        ("/medicines", {"visit": VISIT["id"], "name": "Zinc 20 mg", "tablets": 10}),
    ]


def test_repeat_may_be_one_object_or_empty():
    one = visit_with({"name": "ORS", "tablets": "6"})
    assert len(run_job("record-visit", one).requests) == 2
    assert len(run_job("record-visit", visit_with(None)).requests) == 1


def test_no_medicine_is_recorded_when_the_registry_refuses_the_visit():
    answers = {"POST visits": Reply(409, {"message": "this visit exists already"})}
    result = run_job("record-visit", VISIT, answers=answers, fails=True)
    assert (result.error.verdict, len(result.requests)) == ("remote", 1)
