"""Bodies of strangers: each is refused, or read as what it says."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from channels.daraja.callbacks import (
    parse_b2c_result,
    parse_b2c_timeout,
    parse_c2b,
    parse_status_result,
    parse_stk,
    redact,
)
from core.ports.providers import BadCallback
from tests.channels.daraja.bodies import B2C_ITEMS, C2B, STATUS_ITEMS, STK_ITEMS
from tests.channels.daraja.rig import ATTEMPT, named

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from([0, "0", "1032", "Completed", 10**400]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=8,
)
NAMES = [*STK_ITEMS, *B2C_ITEMS, *STATUS_ITEMS]


def item_lists(name: str) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(NAMES), JSON).map(lambda found: named(found, name))


STK_BODIES = st.fixed_dictionaries(
    {},
    optional={
        "ResultCode": st.just(0) | JSON,
        "ResultDesc": JSON,
        "CheckoutRequestID": st.just("ws_CO_1") | JSON,
        "CallbackMetadata": st.fixed_dictionaries({"Item": item_lists("Name") | JSON}) | JSON,
    },
).map(lambda told: {"Body": {"stkCallback": told}})
RESULTS = st.fixed_dictionaries(
    {},
    optional={
        "ResultCode": st.just(0) | JSON,
        "ResultDesc": JSON,
        "OriginatorConversationID": st.just(str(ATTEMPT)) | JSON,
        "ConversationID": JSON,
        "TransactionID": JSON,
        "ResultParameters": st.fixed_dictionaries({"ResultParameter": item_lists("Key") | JSON}),
    },
).map(lambda told: {"Result": told})
C2B_BODIES = st.dictionaries(st.sampled_from(sorted(C2B)), JSON).map(lambda told: {**C2B, **told})


@given(
    STK_BODIES
    | RESULTS
    | C2B_BODIES
    | st.dictionaries(st.text(max_size=10), JSON)
    | st.dictionaries(st.sampled_from(["Body", "Result"]), JSON)
)
def test_bodies_of_strangers_are_refused_or_read(body: dict[str, Any]) -> None:
    redact(body)
    for parse in (parse_stk, parse_b2c_result, parse_b2c_timeout, parse_status_result):
        try:
            parse(ATTEMPT, body)
        except BadCallback:
            continue
    try:
        parse_c2b(body)
    except BadCallback:
        return
