"""The Django application of the sandbox's pages; installed in the sandbox only."""

from django.apps import AppConfig


class SandboxPagesConfig(AppConfig):
    """Templates live in `templates/sandbox/`."""

    name = "segl.sandbox.pages"
    label = "sandbox_pages"
