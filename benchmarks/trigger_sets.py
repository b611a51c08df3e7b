"""Sets of triggers, any number of them, of which three match the benchmark's bodies.

The ordinary ones are a mix: a form's id alone, with one to three answers that many forms share, a
number, a nested object, an element of an array. In the hard ones every leaf is shared with
thousands of other fragments, and most differ from the body in one leaf or two.
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
    """Give the triggers of an organization that collects with KoboToolbox."""
    dice = random.Random(1)
    form = {"_xform_id_string": body["_xform_id_string"]}
    child = {"household/members": [{"household/members/role": "child"}]}
    matching = [form, form | {"visit/country": "KE", "visit/consent": "yes"}, form | child]
    return _filled(matching, count, lambda kind: _kobo(dice, kind, count))


def _kobo(dice: random.Random, kind: int, count: int) -> Fragment:
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
    """Give the triggers of an organization that collects with CommCare."""
    dice = random.Random(2)
    form = {"@xmlns": body["form"]["@xmlns"]}
    woman = {"Person": [{"Basic_Information": {"Gender": "Female"}}]}
    matching = [
        {"form": form},
        {"form": form | {"visit": {"country": "KE", "consent": "yes"}}, "archived": False},
        {"form": form | woman},
    ]
    return _filled(matching, count, lambda kind: _commcare(dice, kind, count))


def _commcare(dice: random.Random, kind: int, count: int) -> Fragment:
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
    """Give fragments of five leaves that each are in thousands of the others."""
    dice = random.Random(3)
    right = {f"visit/{key}": body[f"visit/{key}"] for key in LEAVES}
    sizes = {f"visit/{key}": size for key, size in LEAVES.items()}
    return _filled([right] * 3, count, lambda _: _shared(dice, right, sizes))


def hard_elements(count: int, body: Fragment) -> list[MessageTrigger]:
    """Give the same for the elements of an array."""
    dice = random.Random(4)
    right = {key: body["form"]["Person"][0]["Basic_Information"][key] for key in PERSON_LEAVES}

    def wrapped(leaves: Fragment) -> Fragment:
        return {"form": {"Person": [{"Basic_Information": leaves}]}}

    return _filled(
        [wrapped(right)] * 3, count, lambda _: wrapped(_shared(dice, right, PERSON_LEAVES))
    )


def _shared(dice: random.Random, right: Fragment, sizes: dict[str, int]) -> Fragment:
    made = {
        key: right[key] if dice.randrange(size) == 0 else f"other-{dice.randrange(1, size)}"
        for key, size in sizes.items()
    }
    # One leaf at the least is wrong, in any body.
    return made if made != right else made | {dice.choice(list(sizes)): "other-1"}


def _filled(
    matching: list[Fragment], count: int, made: Callable[[int], Fragment]
) -> list[MessageTrigger]:
    fragments = [*matching, *(made(each) for each in range(count))][:count]
    random.Random(5).shuffle(fragments)
    return [
        MessageTrigger(f"trigger-{number}", (None, INBOX)[number % 2], each)
        for number, each in enumerate(fragments)
    ]
