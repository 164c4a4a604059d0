"""Keeps secrets out of what is kept and shown: wherever one turns up, in whatever form, ``***`` stands instead."""

from releaseapp.masking.forms import SHORTEST, forms_of
from releaseapp.masking.masker import MASK, MaskedStream, Masker

__all__ = ["MASK", "SHORTEST", "MaskedStream", "Masker", "forms_of"]
