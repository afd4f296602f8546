"""The revocation lists that signatures carry: how long one serves, and when none is good enough."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

sys.path.insert(0, str(Path(__file__).parents[1]))  # the PKI is made beside the tests of the room below

from segl.actions.ports import ValidationMaterialUnavailable
from segl.adapters.trust.enterprise import RevocationListRefused
from segl.adapters.trust.validation_material import FetchedValidationMaterial, MaterialUnreadable
from signatures.pki import NOW, Holder, pki, revocation_list

HOUR = timedelta(hours=1)


class World:
    """A clock that tests move, and an address that gives a list of that moment."""

    def __init__(self, *, issuer: Holder | None = None, lifetime: timedelta = timedelta(days=1), age: timedelta = timedelta()) -> None:
        self.time = NOW
        self.is_down = False
        self.fetched = 0
        self._issuer = issuer or pki().person_root
        self._lifetime = lifetime
        self._age = age

    def now(self) -> datetime:
        return self.time

    def real_now(self) -> datetime:
        raise AssertionError("Segl's clock decides, not the real one.")

    def fetch(self, url: str) -> bytes:
        self.fetched += 1
        if self.is_down:
            raise RevocationListRefused("The address answered 503.")
        return revocation_list(self._issuer, at=self.time - self._age, lifetime=self._lifetime).public_bytes(Encoding.DER)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    trust = tmp_path / "trust"
    trust.mkdir()
    for number, root in enumerate(pki().roots):
        (trust / f"{number}.pem").write_bytes(root.public_bytes(Encoding.PEM))
    chain = tmp_path / "person-ca.pem"
    chain.write_bytes(b"".join(each.certificate.public_bytes(Encoding.PEM) for each in (pki().person_ca, pki().person_root)))
    return [trust, chain]


def material(files: list[Path], world: World) -> FetchedValidationMaterial:
    return FetchedValidationMaterial(certificates=files, crl_urls=["http://crl.invalid/person-root.crl"], clock=world, fetch=world.fetch)


class TestCertificates:
    def test_are_those_of_every_file_once(self, files: list[Path]) -> None:
        assert set(material(files, World()).certificates()) == {*pki().roots, pki().person_ca.certificate}
        assert len(material(files, World()).certificates()) == 4

    def test_are_refused_from_a_file_with_something_else(self, tmp_path: Path) -> None:
        (tmp_path / "a.pem").write_text("no certificate")
        for place in (tmp_path, tmp_path / "a.pem", tmp_path / "absent.pem"):
            with pytest.raises(MaterialUnreadable, match="cannot be read as PEM"):
                material([place], World())

    def test_are_refused_when_there_are_none(self, tmp_path: Path) -> None:
        with pytest.raises(MaterialUnreadable, match="no certificate to validate with"):
            material([tmp_path], World())


class TestARevocationList:
    def test_serves_for_an_hour(self, files: list[Path]) -> None:
        world = World()
        lists = material(files, world)
        first = lists.revocation_lists()
        world.time += HOUR - timedelta(seconds=1)

        assert lists.revocation_lists() == first
        assert world.fetched == 1

    def test_is_fetched_again_after_an_hour(self, files: list[Path]) -> None:
        world = World()
        lists = material(files, world)
        lists.revocation_lists()
        world.time += HOUR
        (fresh,) = lists.revocation_lists()

        assert (world.fetched, fresh.last_update_utc) == (2, world.time)

    def test_is_fetched_again_when_it_has_run_out_sooner(self, files: list[Path]) -> None:
        world = World(lifetime=timedelta(minutes=10))
        lists = material(files, world)
        lists.revocation_lists()
        world.time += timedelta(minutes=10)
        lists.revocation_lists()

        assert world.fetched == 2

    def test_serves_on_while_the_address_is_dead_and_is_asked_for_once_a_minute(self, files: list[Path]) -> None:
        world = World()
        lists = material(files, world)
        first = lists.revocation_lists()
        world.time, world.is_down = NOW + HOUR, True

        assert lists.revocation_lists() == first
        assert lists.revocation_lists() == first
        assert world.fetched == 2
        world.time += timedelta(minutes=1)
        lists.revocation_lists()
        assert world.fetched == 3

    def test_serves_no_longer_when_it_runs_out_while_the_address_is_dead(self, files: list[Path]) -> None:
        world = World()
        lists = material(files, world)
        lists.revocation_lists()
        world.time, world.is_down = NOW + timedelta(days=1), True

        with pytest.raises(ValidationMaterialUnavailable, match=r"person-root\.crl could not be had, so nothing is signed"):
            lists.revocation_lists()


class TestNoSignatureCanBeMade:
    @pytest.mark.parametrize(
        "world",
        [
            World(issuer=Holder(certificate=pki().person_root.certificate, private_key=pki().stranger.private_key)),
            World(age=timedelta(days=1), lifetime=timedelta(days=1)),
            World(age=timedelta(days=2), lifetime=timedelta(days=9)),
        ],
        ids=["forged", "run out", "older than the person CA"],
    )
    def test_with_a_list_that_proves_nothing(self, world: World, files: list[Path]) -> None:
        with pytest.raises(ValidationMaterialUnavailable, match="could not be had"):
            material(files, world).revocation_lists()

    def test_with_an_answer_that_is_no_list(self, files: list[Path]) -> None:
        world = World()
        lists = FetchedValidationMaterial(certificates=files, crl_urls=["http://crl.invalid/"], clock=world, fetch=lambda _: b"<html>")
        with pytest.raises(ValidationMaterialUnavailable, match="could not be had"):
            lists.revocation_lists()

    def test_while_the_address_was_never_reached(self, files: list[Path]) -> None:
        world = World()
        world.is_down = True
        with pytest.raises(ValidationMaterialUnavailable, match="could not be had"):
            material(files, world).revocation_lists()
