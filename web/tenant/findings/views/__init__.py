"""Findings in the console and on the phone, by subject."""

from web.tenant.findings.views.shared import TONES, photo_of

__all__ = ["TONES", "photo_of"]
