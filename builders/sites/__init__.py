"""Parsl site configurations."""
