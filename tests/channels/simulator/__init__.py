"""The simulators over real HTTP."""
