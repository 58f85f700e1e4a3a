"""The whole core played in any order: a state machine of people, providers, workers and time."""
