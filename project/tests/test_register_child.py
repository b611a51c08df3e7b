"""ODK Aggregate child registration → one record for each child."""

from workbench.testing import event, run_job

POST = event("odk_child_registration.json")
CHILD = POST["data"][0]


def test_child_is_recorded_with_a_single_choice_as_text():
    (request,) = run_job("register-child", POST).requests
    assert (request.method, request.path) == ("POST", "/children")
    assert request.json == {
        "instance": "uuid:5b1f7c36-2d4e-4c0b-9a53-0f6f1f1d7a11",
        "name": "Zoé Adjei",
        "sex": "f",
        "weight_kg": 7.25,
        "place": {"lat": 5.6037168, "lon": -0.1869644},
    }


def test_every_child_of_a_post_is_one_record():
    post = {**POST, "data": [CHILD, {**CHILD, "child_name": "Esi"}]}
    requests = run_job("register-child", post).requests
    assert [request.json["name"] for request in requests] == ["Zoé Adjei", "Esi"]


def test_missing_answers_stay_empty():
    (request,) = run_job("register-child", {**POST, "data": [{"child_name": "Esi"}]}).requests
    assert (request.json["sex"], request.json["place"]) == (None, {"lat": None, "lon": None})
