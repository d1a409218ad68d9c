"""A support desk: ten tools of every kind, some shared by all conversations, some with the state of one.

toolrun tools examples/desk/tools.py:desk
toolrun call examples/desk/tools.py:desk convert '{"amount": 10, "to": "JPY"}'
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Literal

from pydantic import BaseModel, Field

from toolrun import ToolException, tool

RATES = {"EUR": 1.0, "USD": 1.09, "JPY": 163.0, "CHF": 0.95}


@tool
def find_customer(name: str) -> dict[str, str]:
    """Find a customer in the CRM, which blocks while it searches."""
    time.sleep(0.02)
    return {"name": name, "id": f"C-{len(name) * 37}", "tier": "gold" if "a" in name else "basic"}


@tool
async def get_invoice(number: int) -> dict[str, object]:
    """Fetch an invoice over the network."""
    await asyncio.sleep(0.03)
    return {"number": number, "total": number % 500 + 0.99, "paid": number % 3 > 0}


@tool
async def track_parcel(code: str) -> str:
    """Ask a carrier, which is slow, where a parcel is."""
    await asyncio.sleep(0.15 if code.endswith("7") else 0.05)
    return f"{code} is in {'Lyon' if code < 'M' else 'Gdansk'}"


@tool
def convert(amount: float, to: Literal["EUR", "USD", "JPY", "CHF"]) -> float:
    """Convert an amount of euros."""
    return round(amount * RATES[to], 2)


@tool
def fraud_score(order: str, rounds: int = 20_000) -> float:
    """Score an order; nothing but arithmetic.

    Args:
        order: the order's number.
        rounds: how thoroughly to look.
    """
    digest = order.encode()
    for _ in range(rounds):
        digest = hashlib.sha256(digest).digest()
    return digest[0] / 255


@tool
def export_tickets(count: int) -> Iterator[str]:
    """Export tickets, one after another; the last one is the result."""
    for number in range(1, count + 1):
        time.sleep(0.002)
        yield f"ticket {number} of {count}"


@tool
async def draft_reply(question: str) -> AsyncIterator[str]:
    """Write a reply word by word."""
    text = ""
    for word in f"Thank you for asking: {question}".split():
        await asyncio.sleep(0.002)
        text = f"{text} {word}".strip()
        yield text


class Refund(BaseModel):
    """What a refund needs."""

    invoice: int = Field(gt=0, description="Number of the invoice")
    amount: float = Field(gt=0, le=500, description="Euros, at most 500")
    reason: str = "goodwill"


@tool(args_schema=Refund)
def refund(invoice: int, amount: float, reason: str) -> str:
    """Pay money back, unless the bank refuses."""
    time.sleep(0.01)
    if invoice % 9 == 0:
        raise ToolException(f"the bank refused the refund of invoice {invoice}")
    return f"{amount:.2f} EUR for invoice {invoice} ({reason})"


class Basket:
    """The basket of one conversation: its calls must run in order, and on no other conversation's basket."""

    def __init__(self) -> None:
        self.items: dict[str, int] = {}

    def add_item(self, item: str, quantity: int = 1) -> dict[str, int]:
        """Put something into the basket."""
        self.items[item] = self.items.get(item, 0) + quantity
        return self.items

    async def checkout(self) -> str:
        """Order what is in the basket."""
        if not self.items:
            raise ValueError("the basket is empty")
        await asyncio.sleep(0.01)
        count, self.items = sum(self.items.values()), {}
        return f"{count} items ordered"


SHARED = [find_customer, get_invoice, track_parcel, convert, fraud_score, export_tickets, draft_reply, refund]


def desk(conversation: str | None) -> list[object]:
    """The tools of one conversation."""
    basket = Basket()
    return [*SHARED, basket.add_item, basket.checkout]
