"""The dialogues: screens and effects, one module a subject."""
