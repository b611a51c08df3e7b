"""The versions of dicts: what a run changed is noticed without comparing all modules."""

from __future__ import annotations

import types

import pytest

from openfn.workers import dict_versions, isolation

ADAPTOR = "adaptors.test_of_versions"


@pytest.mark.parametrize(
    "change",
    [
        lambda module: setattr(module, "value", 2),
        lambda module: setattr(module, "new", 1),
        lambda module: delattr(module, "value"),
        lambda module: vars(module).update(value=2),
        lambda module: module.rebind(),
    ],
    ids=["attribute", "new", "deleted", "updated", "global"],
)
def test_change_of_a_module_changes_its_version(change):
    module = types.ModuleType("module")
    exec("value = 1\ndef rebind():\n    global value\n    value = 2\n", vars(module))
    version = dict_versions.of(vars(module))
    before = version.value
    assert (module.value, version.value) == (1, before)
    change(module)
    assert version.value != before


@pytest.mark.parametrize("has_versions", [True, False])
def test_changed_function_is_noticed_and_a_changed_counter_is_not(monkeypatch, has_versions):
    monkeypatch.setattr(dict_versions, "_HAS_VERSIONS", has_versions)
    module = types.ModuleType(ADAPTOR)
    module.first, module.second, module.calls = print, len, 0
    monkeypatch.setitem(isolation.sys.modules, ADAPTOR, module)
    functions = isolation.functions_of(ADAPTOR)
    assert not isolation.has_changed(functions)
    module.calls += 1
    assert not isolation.has_changed(functions)
    module.first = repr
    assert isolation.has_changed(functions)
