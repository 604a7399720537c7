"""What happened, in one vocabulary: the words that segments and insights understand, whatever a source calls it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PURCHASE, RETURN, CANCELLATION, CANCELLED_ORDER = "purchase", "return", "cancellation", "cancelled_order"

EVENT_TYPES: dict[str, str] = {
    "page_view": "a page was shown",
    "product_view": "a product was looked at",
    "search": "somebody searched",
    "add_to_cart": "a product was put into the cart",
    "remove_from_cart": "a product was taken out of the cart",
    "checkout": "a checkout was begun",
    PURCHASE: "something was bought; one order is one purchase",
    RETURN: "something bought was given back; its value is negative",
    CANCELLATION: "an order was cancelled as a whole; it counts no more",
    CANCELLED_ORDER: "a purchase that a cancellation took back",
    "email_sent": "an e-mail was sent",
    "email_open": "an e-mail was opened",
    "email_click": "a link in an e-mail was clicked",
    "email_bounce": "an e-mail could not be delivered",
    "email_unsubscribe": "somebody unsubscribed from e-mails",
    "push_open": "a push message was opened",
    "ad_impression": "an advertisement was shown",
    "ad_click": "an advertisement was clicked",
    "social": "somebody reacted in social media",
    "login": "somebody logged in",
    "sign_up": "somebody opened an account",
    "app_open": "the app was opened",
    "support": "somebody asked the service",
    "invoice": "an invoice was written",
    "payment": "a payment came in",
    "usage": "a service was used",
}
"""The standard event types; any other word is an event type of the project's own."""

_SEPARATORS = re.compile(r"[\W_]+")


def read_event_type(text: str, words: Mapping[str, str]) -> str:
    """Read a source's word for what happened.

    Args:
        text: the word, without white space around it.
        words: the source's words to event types.
    Returns: the type that the source's words give; else the standard type that differs in capitals and separators
        only; else the word as it is.
    """
    if text in words:
        return words[text]
    plain = _SEPARATORS.sub("_", text.lower()).strip("_")
    return plain if plain in EVENT_TYPES else text
