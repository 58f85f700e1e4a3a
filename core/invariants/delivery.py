"""Notices on their way out and callbacks on their way in."""

from core.invariants.check import Check, Invariant

NOTICE_STUCK = """
SELECT id::text AS subject, 'sent or taken again' AS expected,
    concat(state, ' until ', leased_until) AS actual
FROM notices
WHERE state IN ('leased', 'sending') AND (leased_until IS NULL OR leased_until < :stuck)
LIMIT :findings_max
"""

NOTICE_LATE = """
SELECT id::text AS subject, 'sent' AS expected, concat(state, ' since ', due_at) AS actual
FROM notices
WHERE state = 'waiting' AND due_at < :late
LIMIT :findings_max
"""

CALLBACK_LATE = """
SELECT id::text AS subject, 'applied' AS expected, concat(state, ' since ', due_at) AS actual
FROM inbox
WHERE state = 'waiting' AND due_at < :late
LIMIT :findings_max
"""

CHECKS = (
    Check(Invariant.NOTICES, "no notice is stuck", NOTICE_STUCK),
    Check(Invariant.NOTICES, "no notice is late", NOTICE_LATE),
    Check(Invariant.NOTICES, "no callback is late", CALLBACK_LATE),
)
