"""From the body of a form callback to what the inbox keeps of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from channels.africastalking.form import PROVIDER
from channels.africastalking.messages import parse_delivery_report, parse_opt_out, parse_sms
from channels.africastalking.ussd import parse_event
from channels.form import fields, storable
from core.ports.providers import Callback


@dataclass(frozen=True, slots=True)
class Form:
    """One form callback.

    Attributes:
        kind: what the inbox calls it.
        reference: reads the body and returns what makes the callback itself; raises BadCallback.
        hidden: fields that are not stored.
        once: the reference is seen once, whatever else comes with it.
        person: reads whose word it is; None where it is nobody's.
    """

    kind: str
    reference: Callable[[bytes], str]
    hidden: frozenset[str] = frozenset()
    once: bool = False
    person: Callable[[bytes], str] | None = None


FORMS: Mapping[str, Form] = {
    "sms": Form(
        "sms",
        lambda body: parse_sms(body).id,
        once=True,
        person=lambda body: parse_sms(body).sender,
    ),
    "delivery-reports": Form(
        "delivery_report", lambda body: parse_delivery_report(body).message_id
    ),
    "opt-outs": Form(
        "opt_out",
        lambda body: parse_opt_out(body).msisdn,
        person=lambda body: parse_opt_out(body).msisdn,
    ),
    # What was typed may be a PIN, and what was read may be a name.
    "ussd-events": Form(
        "ussd_event",
        lambda body: parse_event(body).session_id,
        frozenset({"input", "lastAppResponse"}),
    ),
}
"""The last part of a callback's address, and how to take it."""


def take_form(form: Form, body: bytes, now: datetime) -> Callback:
    """Return a callback without what is not stored of it; raises BadCallback."""
    reference = form.reference(body)
    if form.kind == "opt_out":
        # The same words mean a new wish after a START; only retries are the same one.
        reference = f"{reference} {now:%Y-%m-%dT%H}"
    shown = {name: value for name, value in fields(body).items() if name not in form.hidden}
    person = form.person(body) if form.person else ""
    return Callback(PROVIDER, form.kind, reference, storable(shown), form.once, person)
