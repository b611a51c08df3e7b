"""Stacks in moto, for tests of calls that only AWS answers."""

from __future__ import annotations

from functools import partial

from workbench.local import stack
from workbench.local.resources import create

create_stack = partial(stack.create_stack, create_resources=create)
