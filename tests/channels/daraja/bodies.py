"""Bodies of callbacks, as Daraja sends them."""

from datetime import UTC, datetime
from typing import Any

from core.money import kes
from core.ports.money import MoneyEvent, Outcome
from tests.channels.daraja.rig import ATTEMPT, named

STK_ITEMS = {
    "Amount": 1500,
    "MpesaReceiptNumber": "UAF1X2Y3Z4",
    "Balance": None,
    "TransactionDate": 20260115093022,
    "PhoneNumber": 254700000001,
}
C2B = {
    "TransactionType": "Pay Bill",
    "TransID": "UAF9Q8W7E6",
    "TransTime": "20260115094510",
    "TransAmount": "1500.00",
    "BusinessShortCode": "600123",
    "BillRefNumber": " k7p4q ",
    "InvoiceNumber": "",
    "OrgAccountBalance": "25000.00",
    "ThirdPartyTransID": "",
    "MSISDN": "2547 ***** 001",
    "FirstName": "AMINA",
    "MiddleName": "",
    "LastName": "",
}


def stk(code: object = 0, found: dict[str, Any] | None = None, **told: Any) -> dict[str, Any]:
    callback = {
        "MerchantRequestID": "29115-7",
        "CheckoutRequestID": "ws_CO_15012026093001",
        "ResultCode": code,
        "ResultDesc": "The service request is processed successfully.",
        **told,
    }
    if found is not None:
        callback["CallbackMetadata"] = {"Item": named(found, "Name")}
    return {"Body": {"stkCallback": callback}}


PAID = MoneyEvent(
    provider="daraja",
    outcome=Outcome.SUCCEEDED,
    attempt_id=ATTEMPT,
    reference="ws_CO_15012026093001",
    receipt="UAF1X2Y3Z4",
    amount=kes(1_500),
    payer="+254700000001",
    code="0",
    text="The service request is processed successfully.",
    at=datetime(2026, 1, 15, 6, 30, 22, tzinfo=UTC),
)

B2C_ITEMS = {
    "TransactionAmount": 1350,
    "TransactionReceipt": "UAF5T4R3E2",
    "ReceiverPartyPublicName": "254700000002 - JANE VENDOR",
    "TransactionCompletedDateTime": "15.01.2026 10:05:07",
    "B2CUtilityAccountAvailableFunds": 98650,
}

STATUS_ITEMS = {
    "DebitPartyName": "600124 - Nafasi",
    "CreditPartyName": "254700000002 - JANE VENDOR",
    "OriginatorConversationID": str(ATTEMPT),
    "DebitPartyCharges": "Fee For B2C Payment|KES|22.40",
    "TransactionReason": None,
    "TransactionStatus": "Completed",
    "FinalisedTime": "20260115100507",
    "Amount": "1350.00",
    "ConversationID": "AG_20260115_2010",
    "ReceiptNo": "UAF5T4R3E2",
}
