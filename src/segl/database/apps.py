"""The Django application that owns Segl's tables."""

from django.apps import AppConfig


class DatabaseConfig(AppConfig):
    """Tables are named `segl_*`."""

    name = "segl.database"
    label = "segl"
    default_auto_field = "django.db.models.BigAutoField"
