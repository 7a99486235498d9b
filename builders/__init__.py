"""Builders: LAMMPS runs in, published tables out."""
