"""The reliability goals R1, R3, R9 and R15 with their numbers; a quick run plays a part of each.

The others stand beside what they are about: R2 in ``core/booking/test_races.py``, R6 and R10 in
``core/market``, R8 in ``core/payments/test_refunds.py``, R11 in ``core/escrow/test_shares.py``,
R12 in ``core/documents/test_numbers.py``, R13 in ``core/reconcile``, R16 in ``guards``, R17 in
``workers/test_checker.py``. In full: ``pytest -m 'slow or not slow' tests/reliability``.
"""
