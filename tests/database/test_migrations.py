"""The migrations make exactly the tables that the code has."""

from __future__ import annotations

import pytest
from django.core.management import call_command


@pytest.mark.django_db
class TestTheMigrations:
    def test_lack_nothing(self) -> None:
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)
