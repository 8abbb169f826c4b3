"""Exercises of lesson 05: evaluation."""

from hcr_lib.checks._exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
