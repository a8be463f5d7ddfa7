"""Where two people act at the same moment, things must really commit."""

from tests.institute.schools.conftest import committed, no_broker

__all__ = ["committed", "no_broker"]
