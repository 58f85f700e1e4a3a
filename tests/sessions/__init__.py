"""Conversations, from single letters to whole dialogues."""
