"""A marketplace's year: the real core, workers and adapters, with everything going wrong."""
