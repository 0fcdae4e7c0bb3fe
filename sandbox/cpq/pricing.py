"""What a quote costs: list prices, volume, discounts, and the floor below which nothing is sold.

All in cents and whole basis points, so that nothing is rounded twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

VOLUME = ((100, Decimal(10)), (20, Decimal(5)))
"""From so many of one product on, so much percent come off before any other discount."""
CENT = Decimal("0.01")


class CpqError(Exception):
    """A refusal: the status, a code, and what it says."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Product:
    """What can be quoted."""

    sku: str
    name: str
    list_price: Decimal
    most_discount_percent: Decimal


def priced(lines: Sequence[Mapping[str, Any]], products: Mapping[str, Product]) -> dict[str, Any]:
    """The lines with their prices, and the totals. Raises CpqError."""
    if not lines:
        raise CpqError(422, "no_lines", "A quote has at least one line.")
    seen: set[str] = set()
    found, gross, net = [], Decimal(0), Decimal(0)
    for line in lines:
        sku, quantity, discount = _read(line, products)
        if sku in seen:
            raise CpqError(422, "duplicate_line", f"{sku} stands in two lines.")
        seen.add(sku)
        product = products[sku]
        if discount > product.most_discount_percent:
            said = (
                f"{sku}: {discount:f} % is more than the {product.most_discount_percent:f} % that "
                "this product allows."
            )
            raise CpqError(422, "below_floor", said)
        volume = next((percent for least, percent in VOLUME if quantity >= least), Decimal(0))
        price = product.list_price * (100 - volume) / 100 * (100 - discount) / 100
        unit = price.quantize(CENT, ROUND_HALF_UP)
        gross += product.list_price * quantity
        net += unit * quantity
        found.append(
            {
                "sku": sku,
                "name": product.name,
                "quantity": quantity,
                "list_price": float(product.list_price),
                "volume_percent": float(volume),
                "discount_percent": float(discount),
                "unit_price": float(unit),
                "net": float(unit * quantity),
            }
        )
    off = (100 * (gross - net) / gross).quantize(CENT, ROUND_HALF_UP)
    totals = {"list": float(gross), "net": float(net), "discount_percent": float(off)}
    return {"lines": found, "totals": totals}


def _read(line: Mapping[str, Any], products: Mapping[str, Product]) -> tuple[str, int, Decimal]:
    sku, quantity = line.get("sku"), line.get("quantity")
    if sku not in products:
        raise CpqError(422, "unknown_product", f"There is no product {sku}.")
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not 1 <= quantity <= 10_000:
        raise CpqError(422, "quantity", f"{sku}: a quantity is a whole number from 1 to 10,000.")
    discount = Decimal(str(line.get("discount_percent", 0)))
    if not 0 <= discount <= 100:
        raise CpqError(422, "discount", f"{sku}: a discount is 0 to 100 %.")
    return str(sku), quantity, discount
