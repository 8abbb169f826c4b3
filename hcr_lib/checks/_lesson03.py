"""Exercises of lesson 03: the CNN."""

from hcr_lib.checks._exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
