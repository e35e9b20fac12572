"""Values on their way in and out: inputs, forms, renaming, plans, and what is served."""
