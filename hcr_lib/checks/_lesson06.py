"""Exercises of lesson 06: word prediction."""

from hcr_lib.checks._exercise import Exercise

EXERCISES: dict[str, Exercise] = {}
