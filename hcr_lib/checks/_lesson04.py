"""Exercises of lesson 04: the CRNN."""

from hcr_lib.checks._exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
