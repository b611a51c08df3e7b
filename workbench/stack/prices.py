"""What AWS asks for what a stack uses: the table `prices.yaml`, which names its date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ruamel.yaml import YAML


@dataclass(frozen=True, slots=True)
class Price:
    """What so many of a thing cost (US dollars), and its name for people."""

    per: int
    usd: float
    what: str


@dataclass(frozen=True, slots=True)
class Prices:
    """A table of prices, of one day and region."""

    date: str
    region: str
    used: Mapping[str, Price]
    """Of what is used."""
    monthly: Mapping[str, Price]
    """Of what is there, by the month."""

    def of(self, name: str, amount: float) -> float:
        """Give what an amount of something costs (US dollars)."""
        return amount / self.used[name].per * self.used[name].usd


@cache
def prices() -> Prices:
    """Read the table.

    >>> round(prices().of("write_units", 5_000_000), 2)
    3.12
    """
    raw = YAML(typ="safe").load(files("workbench.stack").joinpath("prices.yaml").read_text("utf-8"))
    return Prices(
        str(raw["date"]),
        raw["region"],
        {name: Price(**each) for name, each in raw["prices"].items()},
        {name: Price(1, **each) for name, each in raw["monthly"].items()},
    )
