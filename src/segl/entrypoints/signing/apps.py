"""The Django application that owns the signer's pages; it has templates and no tables."""

from django.apps import AppConfig


class SigningConfig(AppConfig):
    """Named apart from the tables' application, whose label is `segl`."""

    name = "segl.entrypoints.signing"
    label = "segl_signing"
