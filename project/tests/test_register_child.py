"""ODK Aggregate child registration → one record per child."""

from workbench.jobtests import event, run_job

POST = event("odk_child_registration.json")
CHILD = POST["data"][0]


def test_a_child_is_recorded_with_the_one_choice_of_its_sex():
    (sent,) = run_job("register-child", POST).requests
    assert (sent.method, sent.path) == ("POST", "/children")
    assert sent.json == {
        "instance": "uuid:5b1f7c36-2d4e-4c0b-9a53-0f6f1f1d7a11",
        "name": "Zoé Adjei",
        "sex": "f",
        "weight_kg": 7.25,
        "place": {"lat": 5.6037168, "lon": -0.1869644},
    }


def test_each_child_of_a_post_is_a_record_of_its_own():
    post = {**POST, "data": [CHILD, {**CHILD, "child_name": "Esi"}]}
    sent = run_job("register-child", post).requests
    assert [each.json["name"] for each in sent] == ["Zoé Adjei", "Esi"]


def test_what_was_not_asked_is_left_empty():
    (sent,) = run_job("register-child", {**POST, "data": [{"child_name": "Esi"}]}).requests
    assert (sent.json["sex"], sent.json["place"]) == (None, {"lat": None, "lon": None})
