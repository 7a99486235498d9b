"""The theory with corrections of its equation of state learned from training curves."""
