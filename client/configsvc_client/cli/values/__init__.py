"""Values on their way in and out: inputs, forms, renaming, import plans, and served values."""
