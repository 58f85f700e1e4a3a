"""The words of each notice: one SMS a topic, in the reader's language."""
