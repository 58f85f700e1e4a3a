"""Which reasons can stand above which screen."""

from sessions.flows.everything import build_flow
from sessions.texts import ONCE_MORE, REFUSALS, T, Text
from tests.sessions.worst import DATA

FLOW = build_flow()
# What only a vendor's own matters are refused for, and what else can be said above those.
OF_VENDORS = {
    "answered_already",
    *("id_bad", "kra_bad", "name_bad", "no_pin", "no_staff", "own_pin_locked", "owner_only"),
    *("pin_digits", "pin_easy", "same_details", "same_price", "staff_taken", "title_bad"),
    *("title_taken", "too_many_added", "too_many_listings", "too_many_staff", "units_sold"),
    "vendor_already",
}
VENDORS_WHYS = {
    *OF_VENDORS,
    *("bad_amount", "bad_choice", "bad_input", "bad_number", "bad_phone", "empty", "no_listing"),
    *("no_place", "not_vendor", "refused", "too_big", "too_long", "too_many_links", "too_small"),
    "wrong_pin",
}
VENDING = ("account", "join", "listing", "new_", "offer", "paid_to", "payout", "pin_", "staff")
WHYS: tuple[Text, ...] = tuple(
    T(line.msgid, DATA) for code, line in REFUSALS.items() if code not in OF_VENDORS
)
# Where little can be refused: nothing is typed, and few effects lead there.
ANYWHERE = ("bad_choice", "empty", "too_long", "refused")
ONLY = {
    "booking": (
        *ANYWHERE,
        "already_begun",
        "being_paid",
        "too_early",
        "rest_unpaid",
        "too_many_disputes",
        "change_open",
        "illegal_move",
        "no_booking",
        "no_change_asked",
        "not_payable",
        "prompt_open",
        "too_late",
        "too_many_changes",
        "too_expensive",
        "too_many_attempts",
        "review_late",
        "bad_stars",
    ),
    "about": (*ANYWHERE, "no_listing"),
    "earnings": (*ANYWHERE, "not_vendor", "too_many_links"),
    "dispute": (*ANYWHERE, "no_booking", "no_dispute", "too_many_notes"),
    "settle": (*ANYWHERE, "no_booking", "no_dispute"),
    "review": (*ANYWHERE, "answered_already", "no_review"),
    "vendor_says": (*ANYWHERE, "no_review"),
    "answer_words": (*ANYWHERE, "not_vendor", "note_too_long", "owner_only"),
    "relay": (*ANYWHERE, "no_relay", "note_too_long", "too_many_lines"),
    "wait": (*ANYWHERE, "no_wait", "no_units", "offer_over", "price_changed"),
    "cancel": (*ANYWHERE, "illegal_move", "no_booking", "refund_changed"),
    "change": (*ANYWHERE, "change_cost"),
    "change_what": (*ANYWHERE, "no_change"),
    "changing": (*ANYWHERE, "being_paid", "not_payable", "too_many_attempts"),
    "change_asked": ANYWHERE,
    "listing": (*ANYWHERE, "no_listing", "not_vendor", "owner_only", "same_price", "units_sold"),
    "let_down": (*ANYWHERE, "illegal_move", "no_booking", "not_vendor"),
    "guest": (*ANYWHERE, "illegal_move", "no_booking", "not_vendor", "pin_locked", "too_early"),
    "request": (*ANYWHERE, "illegal_move", "no_booking", "not_vendor", "no_units"),
}


def whys_above(screen: str) -> tuple[Text, ...]:
    """The reasons that can stand above a screen: all of them where nothing says otherwise."""
    if screen not in ONLY and screen.startswith(VENDING):
        return tuple(T(REFUSALS[code].msgid, DATA) for code in sorted(VENDORS_WHYS))
    if screen not in ONLY and screen == FLOW.home:
        return tuple(T(line.msgid, DATA) for line in REFUSALS.values())
    if screen not in ONLY:
        return WHYS
    return (*(T(REFUSALS[code].msgid, DATA) for code in ONLY[screen]), ONCE_MORE)
