"""How rows become events, and what belongs to events: order lines, products and currency rates."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import SafeName, Shorthand, Strict, Strings, mistake
from cdp_spark.config.mapping import ColumnMapping, IdentifierType, TimeField


def _groups(*parts: str | TimeField | ColumnMapping | None) -> list[frozenset[str]]:
    """List the columns that settings name; together those of which one is enough."""
    names = [part.column if isinstance(part, TimeField) else part for part in parts]
    return [frozenset(it.from_) if isinstance(it, ColumnMapping) else frozenset({it}) for it in names if it is not None]


class LineFields(Strict):
    """What the fields of an order line mean."""

    product_id: str
    category: str | None = None
    quantity: str | None = None
    """Without it, one piece."""
    price: str | None = None
    """Of one piece."""
    value: str | None = None
    """Of the whole line."""

    @model_validator(mode="after")
    def _one_worth(self) -> Self:
        if self.price is not None and self.value is not None:
            raise mistake(got="`price` and `value`", allowed="one of them", fix="keep `value`, the whole line's")
        return self


class OrderLineFields(LineFields):
    """How a row of an order_lines source becomes a line of an order."""

    order_id: str
    line_id: str | None = None
    """Column that tells an order's lines apart and gives their order; without it, equal rows are one line."""

    def column_groups(self) -> list[frozenset[str]]:
        """List the columns that the settings name."""
        return _groups(
            self.order_id, self.line_id, self.product_id, self.category, self.quantity, self.price, self.value
        )


class NestedLines(LineFields):
    """Lines in a column of the order itself; what its fields are called in the objects of the list."""

    column: str
    """Holds a list of objects, nested or as JSON text."""


class LinesFrom(Strict):
    """Lines in a source of their own."""

    source: SafeName
    """A source of the kind order_lines."""
    order_id: str
    """Column of the order with what the lines' `order_id` says."""


class OrderReference(Shorthand):
    """A column with an order's id; `cancels: order_no` is short for `cancels: {order_id: order_no}`."""

    main_key: ClassVar[str] = "order_id"

    order_id: str
    source: SafeName | None = None
    """Source of the order; without it, the event's own."""


class EventFields(Strict):
    """How a row of an event source becomes an event."""

    event_type: ColumnMapping
    event_types: dict[str, str] = {}
    """The source's words for what happened to the standard event types, or to words of your own."""
    occurred_at: TimeField
    received_at: TimeField | None = None
    """When the source had the event, if that is later than when it happened."""
    identifiers: dict[IdentifierType, str] = Field(min_length=1)
    """Identifier type to source column."""
    event_id: Strings = ()
    """Columns that together identify the event, such as `[order_id, line_no]`; without them, the whole row does."""
    value: ColumnMapping | None = None
    """What the event is worth; of an order without it, the sum of its lines."""
    price: ColumnMapping | None = None
    """Of one piece, instead of `value`: the event is worth this times its quantity."""
    currency: ColumnMapping | None = None
    """Of the value and the lines; without it what the value says (`12 €`), or else the project's."""
    quantity: ColumnMapping | None = None
    product_id: ColumnMapping | None = None
    category: ColumnMapping | None = None
    campaign: ColumnMapping | None = None
    channel: ColumnMapping | None = None
    url: ColumnMapping | None = None
    lines: NestedLines | None = None
    lines_from: LinesFrom | None = None
    order_id: str | None = None
    """Column with the order's id: a cancellation names it, and purchases of one order are one."""
    cancels: OrderReference | None = None
    """Order that an event of the type cancellation cancels; without it, the one of its own `order_id`."""

    @model_validator(mode="after")
    def _lines_once(self) -> Self:
        if self.lines is not None and self.lines_from is not None:
            raise mistake(got="`lines` and `lines_from`", allowed="one of them", fix="remove one")
        return self

    @model_validator(mode="after")
    def _one_worth(self) -> Self:
        if self.price is not None and self.value is not None:
            raise mistake(got="`price` and `value`", allowed="one of them", fix="keep `value`, the whole event's")
        return self

    def column_groups(self) -> list[frozenset[str]]:
        """List the columns that the settings name; together those of which one is enough."""
        mapped = (self.event_type, self.value, self.price, self.currency, self.quantity, self.product_id, self.category)
        groups = _groups(*mapped, self.campaign, self.channel, self.url, self.occurred_at, self.received_at)
        orders = (self.lines_from, self.cancels)
        columns = [self.lines.column if self.lines else None, *(it.order_id if it else None for it in orders)]
        return [*groups, *_groups(self.order_id, *columns, *self.event_id), frozenset(self.identifiers.values())]


class ProductFields(Strict):
    """How a row of a products source becomes a product's values from a time on."""

    product_id: str
    valid_from: TimeField | None = None
    """When the values began to hold; without it, they hold from the run that first finds them."""
    name: str | None = None
    category: str | None = None
    price: str | None = None
    currency: ColumnMapping | None = None
    """Of the price; without it what the price says, or else the project's."""
    stock: str | None = None
    in_stock: str | None = None
    """Column that says yes or no; without it, a product is in stock unless its `stock` is 0."""

    def column_groups(self) -> list[frozenset[str]]:
        """List the columns that the settings name."""
        columns = (self.product_id, self.name, self.category, self.price, self.stock, self.in_stock)
        return _groups(*columns, self.valid_from, self.currency)


class RateFields(Strict):
    """How a row of a rates source becomes a currency's rate from a day on."""

    currency: str
    day: TimeField
    rate: str
    inverse: bool = False
    """False: the rate is what one unit of the currency is worth in the project's. True: how many units of it the
    project's is worth, as the European Central Bank writes rates of the euro."""

    def column_groups(self) -> list[frozenset[str]]:
        """List the columns that the settings name."""
        return _groups(self.currency, self.day, self.rate)
