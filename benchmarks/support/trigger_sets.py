"""Generate trigger sets of any size, of which three triggers match the benchmark's bodies.

The ordinary sets mix fragments: a form's id, answers that many forms share, a number, a nested
object, an element of an array. In the hard sets thousands of fragments share every leaf, and most
differ from the body in one or two leaves.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from openfn.project.triggers import MessageTrigger

Fragment = dict[str, Any]
INBOX = "field-data"
COUNTRIES = ("KE", "UG", "TZ", "RW", "ET")
LEAVES = {"country": 6, "kind": 8, "language": 7, "consent": 5, "round": 9}
PERSON_LEAVES = {"Gender": 2, "Education_Level": 6, "Record_Type": 5, "age": 40, "DOB": 40}


def kobo(count: int, body: Fragment) -> list[MessageTrigger]:
    """Return the triggers of an organization that uses KoboToolbox."""
    dice = random.Random(1)
    form = {"_xform_id_string": body["_xform_id_string"]}
    child = {"household/members": [{"household/members/role": "child"}]}
    matching = [form, form | {"visit/country": "KE", "visit/consent": "yes"}, form | child]
    return _fill_up(matching, count, lambda kind: _random_kobo_fragment(dice, kind, count))


def _random_kobo_fragment(dice: random.Random, kind: int, count: int) -> Fragment:
    form = {"_xform_id_string": f"form-{dice.randrange(count)}"}
    member = {
        "household/members/role": dice.choice(("head", "child", "other")),
        "household/members/name": f"name-{dice.randrange(count)}",
    }
    return [
        form,
        form | {"visit/country": dice.choice(COUNTRIES)},
        form | {"visit/consent": "yes", "visit/kind": "routine", "_status": "submitted_via_web"},
        {"_id": dice.randrange(10**6), "_submitted_by": None},
        {"__query_params": {"site": f"site-{dice.randrange(count)}"}, "visit/round": "3"},
        {"household/members": [member]},
    ][kind % 6]


def commcare(count: int, body: Fragment) -> list[MessageTrigger]:
    """Return the triggers of an organization that uses CommCare."""
    dice = random.Random(2)
    form = {"@xmlns": body["form"]["@xmlns"]}
    woman = {"Person": [{"Basic_Information": {"Gender": "Female"}}]}
    matching = [
        {"form": form},
        {"form": form | {"visit": {"country": "KE", "consent": "yes"}}, "archived": False},
        {"form": form | woman},
    ]
    return _fill_up(matching, count, lambda kind: _random_commcare_fragment(dice, kind, count))


def _random_commcare_fragment(dice: random.Random, kind: int, count: int) -> Fragment:
    number = dice.randrange(count)
    form = {"@xmlns": f"http://openrosa.org/formdesigner/{number}"}
    person = {"Basic_Information": {"Gender": "Male", "Name": f"Name {number}"}}
    return [
        {"form": form},
        {"form": form | {"visit": {"country": dice.choice(COUNTRIES), "kind": "routine"}}},
        {"form": {"@name": f"Form {number}", "case": {"create": {"case_type": "person"}}}},
        {"metadata": {"app_build_version": number}, "archived": False},
        {"__query_params": {"app_id": f"app-{number}"}, "form": {"#type": "data"}},
        {"form": {"Person": [person]}},
    ][kind % 6]


def hard(count: int, body: Fragment) -> list[MessageTrigger]:
    """Return triggers whose five leaves are each in thousands of the others."""
    dice = random.Random(3)
    expected = {f"visit/{key}": body[f"visit/{key}"] for key in LEAVES}
    sizes = {f"visit/{key}": size for key, size in LEAVES.items()}
    return _fill_up([expected] * 3, count, lambda _: _random_hard_fragment(dice, expected, sizes))


def hard_elements(count: int, body: Fragment) -> list[MessageTrigger]:
    """Return hard triggers for the elements of an array."""
    dice = random.Random(4)
    expected = {key: body["form"]["Person"][0]["Basic_Information"][key] for key in PERSON_LEAVES}

    def wrap(leaves: Fragment) -> Fragment:
        return {"form": {"Person": [{"Basic_Information": leaves}]}}

    return _fill_up(
        [wrap(expected)] * 3,
        count,
        lambda _: wrap(_random_hard_fragment(dice, expected, PERSON_LEAVES)),
    )


def _random_hard_fragment(
    dice: random.Random, expected: Fragment, sizes: dict[str, int]
) -> Fragment:
    fragment = {
        key: expected[key] if dice.randrange(size) == 0 else f"other-{dice.randrange(1, size)}"
        for key, size in sizes.items()
    }
    # At least one leaf must differ from the body.
    return fragment if fragment != expected else fragment | {dice.choice(list(sizes)): "other-1"}


def _fill_up(
    matching: list[Fragment], count: int, create: Callable[[int], Fragment]
) -> list[MessageTrigger]:
    fragments = [*matching, *(create(number) for number in range(count))][:count]
    random.Random(5).shuffle(fragments)
    return [
        MessageTrigger(f"trigger-{number}", (None, INBOX)[number % 2], (fragment,))
        for number, fragment in enumerate(fragments)
    ]
