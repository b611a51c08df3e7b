"""The verdicts of errors, which the core layer and the adaptors layer define separately."""

from __future__ import annotations

from adaptors.errors import Verdict as AdaptorVerdict
from openfn.errors import Verdict


def test_both_layers_have_the_same_verdicts():
    values = {verdict.name: verdict.value for verdict in Verdict}
    assert values == {verdict.name: verdict.value for verdict in AdaptorVerdict}
    assert set(values.values()) == {"author", "remote", "remote-for-now"}
