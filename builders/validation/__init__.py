"""Physics checks of the published data beyond ``binlj verify``: theory, repetition and finite size."""
