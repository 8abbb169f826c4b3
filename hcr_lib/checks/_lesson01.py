"""Exercises of lesson 01: the data."""

from hcr_lib.checks._exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
