"""Pages for people: server-rendered, readable on any phone, no script needed."""
