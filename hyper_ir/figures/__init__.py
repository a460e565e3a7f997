"""How figures look, and how they become files: of no matter which numbers."""
