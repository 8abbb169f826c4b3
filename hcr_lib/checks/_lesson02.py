"""Exercises of lesson 02: preprocessing."""

from hcr_lib.checks._exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
