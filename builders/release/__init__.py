"""The published folder: tables, card, metadata, checks."""
