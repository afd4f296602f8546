"""The worker: what must happen by itself."""
