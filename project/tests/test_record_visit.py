"""CommCare home visit → the visit, then one record for each medicine given."""

from workbench.jobtests import Reply, event, run_job

VISIT = event("commcare_home_visit.json")


def with_medicine(given):
    """Give the visit with another answer to the repeat."""
    return {**VISIT, "form": {**VISIT["form"], "medicine": given}}


def test_a_visit_is_recorded_and_then_each_medicine_with_its_visit():
    visit, *medicines = run_job("record-visit", VISIT).requests
    assert visit.path == "/visits"
    assert visit.json == {
        "id": VISIT["id"],
        "case": "b7c1f6f0-3c55-4f0e-9f0e-2d5d1c8a9e10",
        "worker": "nurse.adjei",
        "finished": "2026-03-09T09:02:11.000000Z",
        "temperature": 38.4,
    }
    assert [(each.path, each.json) for each in medicines] == [
        ("/medicines", {"visit": VISIT["id"], "name": "ORS", "tablets": 6}),
        ("/medicines", {"visit": VISIT["id"], "name": "Zinc 20 mg", "tablets": 10}),
    ]


def test_one_medicine_comes_as_an_object_and_none_as_nothing():
    one = with_medicine({"name": "ORS", "tablets": "6"})
    assert len(run_job("record-visit", one).requests) == 2
    assert len(run_job("record-visit", with_medicine(None)).requests) == 1


def test_no_medicine_is_recorded_for_a_visit_that_the_registry_refuses():
    refused = {"POST visits": Reply(409, {"message": "there is such a visit"})}
    done = run_job("record-visit", VISIT, answers=refused, fails=True)
    assert (done.error.verdict, len(done.requests)) == ("remote", 1)
