"""Issuing receipts and credit notes, and telling the tax authority of them."""

import structlog

from core.documents import etims
from core.documents.usecases import issue_due
from core.limits import DOCUMENTS_BATCH_MAX, INVOICES_BATCH_MAX
from core.ports.providers import ProviderError
from core.ports.tax import TaxDocument, TaxRegistrar
from workers.budget import Budget
from workers.counters import DOCUMENTS, INVOICES
from workers.parts import Parts

log = structlog.get_logger()

RUN_SECONDS = 15


def run_documents(parts: Parts) -> int:
    """Issue what is due; return how many documents that were."""
    budget = Budget(RUN_SECONDS)
    issued = 0
    while not budget.spent:
        batch = parts.database.run(lambda tx: issue_due(tx, parts.seller))
        for document in batch:
            DOCUMENTS.labels(document.kind.value).inc()
            log.info(
                "document.issued",
                kind=document.kind.value,
                number=document.label,
                booking_id=str(document.booking_id),
            )
        issued += len(batch)
        if len(batch) < DOCUMENTS_BATCH_MAX:
            break
    return issued


def run_invoices(parts: Parts) -> int:
    """Tell the tax authority of what is due, in order; return how many calls were made."""
    if parts.registrar is None:
        return 0
    budget = Budget(RUN_SECONDS)
    calls = 0
    while calls < INVOICES_BATCH_MAX and not budget.spent:
        document = parts.database.run(etims.begin)
        if document is None:
            break
        calls += 1
        if not _register(parts, parts.registrar, document):
            break
    return calls


def _register(parts: Parts, registrar: TaxRegistrar, document: TaxDocument) -> bool:
    """Send one invoice and note the answer; False when the next one would fare no better."""
    try:
        answer = registrar.register(document)
    except ProviderError as error:
        refusal = error
        state = parts.database.run(lambda tx: etims.failed(tx, document.number, refusal))
        INVOICES.labels(error.code).inc()
        tell = log.error if error.stop else log.warning
        tell(
            "invoice.failed",
            number=document.number,
            code=error.code,
            state=state.value if state else None,
            **error.data,
        )
        return error.code == etims.REFUSED
    parts.database.run(lambda tx: etims.registered(tx, document.number, answer))
    INVOICES.labels("registered").inc()
    log.info("invoice.registered", number=document.number, theirs=answer.receipt_number)
    return True
