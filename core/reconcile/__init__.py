"""Our receipts beside a provider's statement: a pure matcher, and what it finds as cases."""
