"""Every table in one place, for migrations: importing this fills ``Base.metadata``."""

import core.admins.model
import core.booking.model
import core.cases.model
import core.catalog.links
import core.catalog.model
import core.catalog.photos
import core.checker
import core.disputes.model
import core.documents.links
import core.documents.model
import core.documents.remittances
import core.escrow.model
import core.inbox
import core.insight.model
import core.local_clock
import core.outbox
import core.payments.links
import core.payments.model
import core.payouts.balances
import core.payouts.halts
import core.payouts.model
import core.payouts.standing
import core.people.deeds
import core.people.links
import core.people.model
import core.pricing.model
import core.questions
import core.receipts
import core.reconcile.model
import core.relay.model
import core.reviews.model
import core.support.model
import core.talks
import core.waitlist.model  # noqa: F401
from core.db.base import Base

metadata = Base.metadata
