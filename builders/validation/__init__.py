"""Physics checks of the published data beyond ``binlj verify``: theory, repetition, finite size, and the cost."""
