"""What a shop has on its shelves."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Item:
    name: str
    price_cents: int
    count: int = 0


class Stock:
    def __init__(self, items: list[Item]) -> None:
        self._items = {item.name: item for item in items}

    @classmethod
    def load(cls, file: Path) -> "Stock":
        rows = json.loads(file.read_text(⟦encoding="utf-8"⟧))
        return cls([Item(**row) for row in rows])

    def value_cents(self) -> int:
        return ⟦sum(item.price_cents * item.count for item in self._items.values())⟧

    def take(self, name: str, count: int) -> None:
        item = self._items[name]
        if item.count < count:
            raise ValueError(f"only {item.count} of ⟦{name} left⟧")
        item.count -= count

    def add(self, item: Item) -> None:
        if item.name in self._items:
            ⟦self._items[item.name].count += item.count⟧
        else:
            self._items[item.name] = item
