"""The list prices of AWS for what a stack uses, from `prices.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ruamel.yaml import YAML


@dataclass(frozen=True, slots=True)
class Price:
    """The price of `per` units in US dollars, and the unit's name."""

    per: int
    usd: float
    unit: str


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of one date and region."""

    date: str
    region: str
    used: Mapping[str, Price]
    """Prices by use."""
    monthly: Mapping[str, Price]
    """Prices by the month, whether the stack is used or not."""

    def cost_of(self, name: str, amount: float) -> float:
        """Return the cost of an amount in US dollars."""
        return amount / self.used[name].per * self.used[name].usd


@cache
def prices() -> Prices:
    """Read the prices.

    >>> round(prices().cost_of("write_units", 5_000_000), 2)
    3.12
    """
    raw = YAML(typ="safe").load(files("workbench.stack").joinpath("prices.yaml").read_text("utf-8"))
    return Prices(
        str(raw["date"]),
        raw["region"],
        {name: Price(**values) for name, values in raw["prices"].items()},
        {name: Price(1, **values) for name, values in raw["monthly"].items()},
    )
