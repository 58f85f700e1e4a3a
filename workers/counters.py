"""Counters of one worker process; the gauges that a dashboard needs come from the database."""

from prometheus_client import Counter

NOTICES = Counter("nafasi_worker_notices", "Notices handled, by outcome.", ["result"])
SMS_CENTS = Counter(
    "nafasi_worker_sms_cents", "What messages cost, by route and topic.", ["route", "topic"]
)
ATTEMPTS = Counter(
    "nafasi_worker_attempts", "Calls to move money or to ask, by kind.", ["kind", "result"]
)
CALLBACKS = Counter(
    "nafasi_worker_callbacks", "Callbacks applied, by outcome.", ["provider", "kind", "result"]
)
TIMERS = Counter("nafasi_worker_timers", "Timers of bookings that fired, by state.", ["state"])
DISPUTES = Counter("nafasi_worker_disputes", "Timers of disputes that fired, by step.", ["step"])
PAYOUTS = Counter("nafasi_worker_payouts", "Payouts and parts of payouts made.", ["result"])
DOCUMENTS = Counter("nafasi_worker_documents", "Receipts and credit notes issued.", ["kind"])
INVOICES = Counter(
    "nafasi_worker_tax_invoices", "Invoices sent to the tax authority, by outcome.", ["result"]
)
MESSAGES = Counter(
    "nafasi_worker_messages", "Messages from people, by what became of them.", ["result"]
)
